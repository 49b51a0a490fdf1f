/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * journal -- an instance of the module: what its parts share.
 */

#ifndef IXFR_JOURNAL_JOURNAL_H
#define IXFR_JOURNAL_JOURNAL_H

#include <pthread.h>

#include "ixfr-journal/base.h"
#include "ixfr-journal/export.h"
#include "ixfr-journal/history.h"
#include "ixfr-journal/limits.h"
#include "ixfr-journal/losses.h"

/* What does not work. */
struct trouble {
	int rc; /* SECD_OK: it works */
	uint64_t count;
	char why[SECD_REASON_LEN];
};

/*
 * A round over all zones, to trim them. When the file is nearly full, no zone
 * may have more octets of steps than `level`, which goes down from what the
 * largest one has: so the largest ones give first.
 */
struct round {
	uint8_t apex[NAME_LEN_MAX]; /* the zone that was last */
	bool is_on;
	bool is_again;    /* the same zone: more of it is to be trimmed */
	int64_t next_ms;  /* boot: when the next one is due */
	uint64_t level;   /* 0: there is room */
	uint64_t largest; /* octets of a zone, in this round */
	bool is_needed;   /* a change or a base did not fit */
	bool is_stuck;    /* and nothing more may go */
};

/* An order to serve an older version, or not any more. */
struct pin {
	uint64_t id;     /* that the host did not answer yet; 0: none */
	uint64_t last;   /* that was given */
	uint64_t before; /* seq that was pinned */
	uint64_t seq;    /* that will be; 0: none */
	uint8_t apex[NAME_LEN_MAX];
	/* What the host answered to order `last`, once `id` is 0. */
	int32_t rc;
	char *text; /* lines; NULL: no memory for them */
};

/* What a command reads in several calls; dropped when it goes stale. */
struct reading {
	uint64_t id;     /* of the command; 0: none */
	int64_t used_ms; /* boot */
	struct export_reader reader;
	struct net net;
	size_t next;      /* of net */
	uint64_t records; /* that were handed out */
};

/* All zones, one after the other. */
struct all_zones {
	uint8_t apex[NAME_LEN_MAX]; /* the one that was last */
	bool is_on;
};

struct journal {
	const struct secd_host *host;
	struct limits *limits;
	struct db db;
	struct history history;
	struct bases bases;
	int64_t now_ms; /* boot, as of the last tick */

	struct round round;
	int64_t next_base_ms; /* boot: not before */
	int base_rc;          /* why what is wished for was not read; SECD_OK */

	struct trouble changes; /* they are not kept */
	struct losses losses;   /* of these zones */
	struct trouble upkeep;  /* bases are not read, nothing is trimmed */

	/* The journal fell behind the host: see catch_up. */
	struct all_zones all_zones;
	int64_t next_heal_ms; /* boot: not before */

	/* Held to open the database anew, while nobody reads. */
	pthread_rwlock_t opening;
	int64_t next_open_ms; /* boot: not before */

	struct pin pin; /* the one that the host is asked for */

	struct reading reading;
	uint64_t last_reading; /* id */

	uint8_t newest_digest[SECD_DIGEST_LEN]; /* lent by `newest` */
};

/* As the host calls them. */
int journal_change(void *m, const struct secd_change *c);
int journal_commit(void *m);

#endif
