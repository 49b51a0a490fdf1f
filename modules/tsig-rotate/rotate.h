/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rotate -- an instance of the module: what its parts share.
 */

#ifndef TSIG_ROTATE_ROTATE_H
#define TSIG_ROTATE_ROTATE_H

#include "tsig-rotate/machine.h"
#include "tsig-rotate/options.h"
#include "tsig-rotate/revoked.h"
#include "tsig-rotate/state.h"

#define ROTATE_REASON_MAX 1024
#define ROTATE_ID_BITS    20
#define ROTATE_ID_MASK    ((UINT64_C(1) << ROTATE_ID_BITS) - 1)

struct rotate;

/* What of a pair is secret: in memory of the host's for that. */
struct rotate_secrets {
	struct pair pair, saved;
	uint8_t scratch[MACHINE_SCRATCH_LEN];
	uint8_t root[PAIR_SECRET_LEN];
};

struct rotate_pair {
	struct rotate *rotate;
	const struct pair_options *options;
	struct machine_config config;
	struct machine machine;
	struct rotate_secrets *secrets;
	struct state_file file;
	uint64_t probe;  /* that the host was asked for; 0: none */
	int64_t due_ms;  /* boot: not to be looked at before */
	bool is_new;     /* there is no file of it yet */
	uint32_t alarms; /* that were told: a bit of each */
	char save_reason[ROTATE_REASON_MAX];
	char root_reason[ROTATE_REASON_MAX]; /* why there is none; "" */
};

/* Another server's store. */
struct rotate_place {
	const struct place_options *options;
	uint64_t id; /* of what the host was asked for; 0: nothing */
	int64_t asked_ms;
	int64_t next_ms; /* boot: not before, after a failure */
	int64_t wait_ms; /* then as long as this */
	int32_t rc;      /* of the last time */
	bool needs_restart;
	char text[ROTATE_REASON_MAX]; /* what the adapter said */
};

struct rotate {
	const struct secd_host *host;
	struct rotate_options *options; /* NULL: the host only reads */
	struct revoked *revoked;        /* NULL: no list is kept */
	size_t pair_count;
	struct rotate_pair *pairs;
	size_t place_count;
	struct rotate_place *places;
	/* Of probes and placements: since the start in ROTATE_ID_MASK, above it
	 * when that was. */
	uint64_t last_id;
	bool is_ready; /* the host told of all zones */
};

/** The peer's, by address. */
bool rotate_is_peer(const struct rotate_pair *p, const struct secd_address *a);

/** The pair of this id, or NULL. */
struct rotate_pair *rotate_find(const struct rotate *r, const char *id);

void rotate_log(const struct rotate *r, int level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
