/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net -- what many steps from one version of a zone to another come to: the
 * records that are in the one and not in the other, each once.
 *
 * Takes runs of entries (secondaryd/module.h, RECORDS), in any order, and lets
 * what is added and deleted again, or the other way round, go. Steps are exact,
 * so a record comes and goes in turns, and what is left of one is one at most.
 * Everything is held in memory: as much as was put.
 */

#ifndef SECD_WIRE_NET_H
#define SECD_WIRE_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct net_record {
	const uint8_t *octets; /* an entry without its op, which is before it */
	size_t len;
	uint64_t hash;
	bool added; /* else deleted */
	bool is_soa;
	bool is_left; /* private */
};

struct net_chunk;

/* Zero-initialised it is empty. */
struct net {
	struct net_record *records;
	size_t count;
	uint64_t octets; /* that were put */
	/* Private. */
	size_t cap;
	struct net_chunk *chunks;
};

/**
 * Put the entries of a piece. SOAs before a step are deleted, SOAs after it
 * added, as any other record.
 *
 * octets   copied
 * backwards  the way leads from the later version to the earlier one
 * Returns  SECD_OK, SECD_EMALF (not entries; some may be put), SECD_ENOMEM
 */
int net_put(struct net *net, const uint8_t *octets, size_t len, bool backwards);

/** All is put: let go what cancels. What is left stays in the order in which it
 * was put, or, when memory is short, in any. */
void net_cancel(struct net *net);

/** Sort what is left by owners in canonical order (RFC 4034 section 6.1), then by
 * octets. That takes longer than to cancel. */
void net_sort(struct net *net);

/** Octets of memory that it takes, in net_cancel at most twice as many. */
uint64_t net_memory(const struct net *net);

/**
 * After net_cancel: what is left, as one step of entries: the SOA before, what
 * else is deleted, the SOA after, what is added.
 *
 * out      room for net_step_len octets
 * Returns  SECD_OK, SECD_EMALF (there is not one SOA of each)
 */
size_t net_step_len(const struct net *net);
int net_write_step(const struct net *net, uint8_t *out);

/** After net_sort: was this entry, as it travels, deleted? */
bool net_deletes(const struct net *net, const uint8_t *entry, size_t len);

void net_fini(struct net *net);

#endif
