/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of refresh share: refresh.c starts steps and hears how they
 * ended, refresh_event.c hears everything else, refresh_round.c walks over the
 * primaries, refresh_time.c computes delays and decides about expiry,
 * refresh_primary.c keeps what is known of a primary.
 */

#ifndef SECD_TRANSFER_REFRESH_INTERNAL_H
#define SECD_TRANSFER_REFRESH_INTERNAL_H

#include "transfer/refresh.h"

#define SECOND_MS INT64_C(1000)

#define REFRESH_NAME_MAX 48

struct refresh_peer {
	struct refresh_primary known;
	char *error; /* what known.error is, when allocated */
	char name[REFRESH_NAME_MAX];
	bool is_asked; /* in this round */
	/* A survey passes over an unreachable one until then. */
	int64_t rest_until_ms;
	/* Transfers that came to nothing, in a row: the serial that it was is
	 * not fetched again before one moment, another one not before the
	 * other. */
	unsigned bad_count;
	uint32_t bad_serial;
	int64_t bad_until_ms;
	int64_t other_until_ms;
};

/* What a round is for. */
enum refresh_mode {
	MODE_REFRESH,
	MODE_RETRANSFER,
	MODE_FORCE,
};

struct refresh {
	struct refresh_config cfg; /* without the names */
	enum refresh_state state;
	enum refresh_step step;
	unsigned primary;
	uint32_t attempt;
	/* Waiting: when the step starts; else when it is given up. */
	int64_t at_ms;
	char *reason; /* allocated; NULL: none yet */
	bool alarm;

	bool has_zone, expired;
	struct rr_soa soa;
	int64_t confirmed_ms, expire_ms;
	/* The clock jumped: no expiry before a round that began after it
	 * failed. */
	bool is_guarded, is_guard_round;
	int64_t last_ms; /* of the call before */

	bool in_round;
	enum refresh_mode mode;
	bool is_survey;        /* ask every primary */
	bool by_notify;        /* a NOTIFY started it */
	bool is_on_claim;      /* IXFR is asked for on a NOTIFY's word */
	bool was_ixfr_asked;   /* and came to nothing */
	bool is_confirmed;     /* a primary has our serial */
	bool is_local;         /* we failed, not they */
	unsigned current;      /* the primary that worked last */
	unsigned failed_count; /* rounds in a row */

	bool is_notified;
	int notifier;   /* or -1 */
	bool has_claim; /* all that the NOTIFYs want is this serial */
	uint32_t claim;
	unsigned fruitless_count; /* NOTIFYs in a row that told nothing new */
	int64_t notify_from_ms;   /* the next one may start a round then */
	bool has_command;
	enum refresh_command command;

	uint64_t random;
	struct refresh_peer *peers; /* cfg.primary_count of them */
};

/** Set the reason. */
void refresh_say(struct refresh *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

bool refresh_config_is_good(const struct refresh_config *cfg);
/** Peers of which nothing is known yet; NULL: no memory. */
struct refresh_peer *refresh_peers_new(const struct refresh_config *cfg);
void refresh_peers_free(struct refresh *r);

/* refresh_time.c */

/** RETRY and REFRESH of the zone within the bounds, in milliseconds. */
int64_t refresh_retry_ms(const struct refresh *r);
int64_t refresh_interval_ms(const struct refresh *r);
/** The same with up to 10 % taken off, not below the configured minimum. */
int64_t refresh_next_interval_ms(struct refresh *r);
/** A moment within the configured spread of starts. */
int64_t refresh_spread_ms(struct refresh *r);
/** How long to wait after the nth failure in a row: doubling, with jitter. */
int64_t refresh_delay_ms(struct refresh *r, unsigned n);
/** The same for bad content: from RETRY upwards. */
int64_t refresh_bad_delay_ms(struct refresh *r, unsigned n);
/** A primary has what we have: the zone is good for another EXPIRE. */
void refresh_confirm(struct refresh *r, int64_t now_ms);
/** Recompute the deadline after a change of bounds. */
void refresh_set_expiry(struct refresh *r);
/** Note the time; notice jumps. Returns the time, which never goes back. */
int64_t refresh_touch(struct refresh *r, int64_t now_ms);
void refresh_guard(struct refresh *r, int64_t now_ms);
/** Expire the zone when its time has come. */
void refresh_check_expiry(struct refresh *r, int64_t now_ms);

/* refresh_primary.c */

void refresh_peer_init(struct refresh_peer *p, unsigned index,
		       const char *name);
void refresh_peer_fini(struct refresh_peer *p);
/** Know what is known of another one; the name stays. */
void refresh_peer_copy(struct refresh_peer *p, const struct refresh_peer *from);
void refresh_peer_seen(struct refresh_peer *p, uint32_t serial, int64_t now_ms);
void refresh_peer_good(struct refresh_peer *p);
void refresh_peer_failed(struct refresh_peer *p, enum failure failure,
			 const char *text, int64_t now_ms);
/** A transfer from it came to nothing. */
void refresh_peer_bar(struct refresh *r, struct refresh_peer *p,
		      enum failure failure, int64_t now_ms);
/** Does it have, as far as we know, a newer version than ours? */
bool refresh_peer_is_ahead(const struct refresh *r,
			   const struct refresh_peer *p);
/** When the serial that it has may be fetched; 0: at any time. */
int64_t refresh_peer_barred_until(const struct refresh_peer *p);

/* refresh_round.c */

/** Plan the next round for at_ms: which primary is first, with which step. */
void refresh_plan(struct refresh *r, int64_t at_ms);
/** An operator thinks that all is well now: forget what was bad. */
void refresh_forgive(struct refresh *r);
/** The planned round starts now. */
void refresh_round_begin(struct refresh *r);
/** The primary in turn is done with: the next one, or the end of the round. */
void refresh_round_go_on(struct refresh *r, int64_t now_ms);
/** Is what a NOTIFY that waits has claimed worth a question? */
bool refresh_claim_is_new(const struct refresh *r);
/** A version was published: the round ends. */
void refresh_round_fetched(struct refresh *r, int64_t now_ms);
/** Nothing more can be done now, whatever the primaries say. */
void refresh_round_fail(struct refresh *r, int64_t now_ms);

#endif
