/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rotate_net -- a few fake hosts with tsig-rotate that ask each other, and
 * servers without it whose keys they put there. Everything that anybody said is
 * kept, and every secret that ever was.
 */

#ifndef TESTS_MODULE_ROTATE_NET_H
#define TESTS_MODULE_ROTATE_NET_H

#include "base/buf.h"
#include "try_module.h"

#define NET_NODES   3
#define NET_SERVERS 2
#define NET_PROBES  64

/* 192.0.2.1, .2, .3; servers are .11, .12. */
struct net_node {
	struct fake_host *host;
	struct options *options;
	struct trial trial; /* its directory */
	bool is_up;
	bool is_cut;
	int64_t skew_ms;
	bool is_deaf; /* its host tells nothing of what others sign with */
	int64_t due_ms;
};

struct net_server {
	char place[16]; /* its file, in the settings of the place */
	struct fake_keys keys;
	bool is_cut;
	unsigned refusals; /* so many orders to put keys there fail */
	unsigned orders;
	bool needs_restart;
};

struct net_probe {
	bool is_on;
	unsigned from; /* node */
	uint64_t id;
	int64_t at_ms;
	struct secd_address to;
	uint8_t name[NAME_LEN_MAX];
	uint8_t secret[FAKE_SECRET_MAX];
	size_t len;
};

struct net_order {
	bool is_on;
	unsigned from;
	uint64_t id;
	int64_t at_ms;
	unsigned server;
	size_t count;
	struct fake_key keys[8];
};

struct net {
	const struct trial *trial;
	struct net_node nodes[NET_NODES];
	struct net_server servers[NET_SERVERS];
	struct net_probe probes[NET_PROBES];
	struct net_order orders[NET_SERVERS];
	int64_t now_ms; /* boot time of all of them */
	unsigned probed;
	struct buf said;    /* log lines and replies, each with a NUL */
	struct buf secrets; /* FAKE_SECRET_MAX octets each: 32, and zeros */
};

struct net *net_new(const struct trial *t);
void net_free(struct net *n);

/** Open node i with this configuration. Returns what open said. */
int net_open(struct net *n, unsigned i, const char *config);
/** Open it again, with the configuration that it had. */
int net_reopen(struct net *n, unsigned i);
void net_close(struct net *n, unsigned i);

/** Let this much time pass. */
void net_pass(struct net *n, int64_t ms);

/** The key that a node signs with where `configured` is configured. */
const struct fake_key *net_signer(const struct net *n, unsigned i,
				  const char *configured);
/** Does a request that is signed so verify? Nodes hear of it. TSIG error. */
uint32_t net_request(struct net *n, const struct secd_address *from,
		     unsigned node, const struct fake_key *key);
struct secd_address net_address(const char *text);

/** Run a command to its end. What it said is in `said`, behind `from`. */
int net_command(struct net *n, unsigned i, const char *words, size_t *from);
/** Was this said, since? */
bool net_was_said(const struct net *n, size_t from, const char *text);
/** What was said, for a message. */
void net_print(const struct net *n, size_t from);
/** All that status has to say goes into `said`. */
void net_status(struct net *n, unsigned i);

/** Remember a secret. */
void net_know(struct net *n, const uint8_t *secret, size_t len);

#endif
