/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * refresh -- when one zone asks which of its primaries what.
 *
 * One explicit state, one next step with one due time, and one reason, always:
 * no zone ever waits without all three. Events go in, refresh_next says what
 * to do. A step that was handed out is in flight until an event reports its
 * end or its time limit passes; events of other attempts are ignored.
 *
 * A round asks the primaries one after the other: first the one that sent the
 * NOTIFY, else the one that worked last; those that were unreachable come
 * last. A SOA query each; a newer serial is fetched at once by IXFR when a
 * version is held, by AXFR otherwise. A primary whose NOTIFY claims a newer
 * serial is asked for IXFR without that query; what it answers counts for one,
 * and the query follows when it does not answer. IXFR falls back to AXFR from the same
 * primary after an error RCODE, a broken stream, differences that do not
 * apply, a limit, an end of the connection or a timeout; a failure of TSIG,
 * of the connection, or of an AXFR goes on to the next primary. The round
 * ends well with a version fetched, or with a serial confirmed when no primary
 * is known to have a newer one; when the timer started it, all primaries are
 * surveyed before it ends. It fails when no primary was of use.
 *
 * After a failed round the next one comes after a delay that doubles, with
 * jitter: from 1 s while nothing is held; from retry-min towards SOA RETRY
 * when nobody answered; from SOA RETRY upwards when what came was bad. A
 * serial that could not be used is not fetched again from the same primary
 * before that, whatever NOTIFY says. An older serial, or one at a distance of
 * 2^31, is never adopted unless forced (RFC 1982, section 3.2).
 *
 * Moments (`_ms`) are CLOCK_BOOTTIME in milliseconds. Wall time only crosses
 * restarts, in refresh_saved. The server calls nothing late on purpose:
 * a call a day after due counts as a jump of the clock, and then a failed
 * round comes before the zone expires.
 */

#ifndef SECD_TRANSFER_REFRESH_H
#define SECD_TRANSFER_REFRESH_H

#include <stdbool.h>
#include <stdint.h>

#include "transfer/failure.h"
#include "transfer/xfr_in.h"
#include "wire/rr.h"

#define REFRESH_PRIMARY_MAX 32
#define REFRESH_REASON_MAX  224
#define REFRESH_NEVER       INT64_MAX

struct refresh_config {
	unsigned primary_count; /* 1..REFRESH_PRIMARY_MAX */
	/* Bounds of the SOA's numbers; min <= max; 0 < every max. */
	uint32_t refresh_min_s, refresh_max_s;
	uint32_t retry_min_s, retry_max_s;
	uint32_t expire_min_s, expire_max_s;
	/* When the machine itself gives a step up: more than the server's own
	 * limits, which should strike first. */
	uint32_t soa_limit_s;
	uint32_t transfer_limit_s;
	uint32_t build_limit_s;
	/* A zone that was loaded asks within this time after the start. */
	uint32_t start_spread_ms;
	uint64_t seed; /* of the jitter */
	/* For reasons, copied, cut after 47 octets; NULL: by number. */
	const char *const *primary_names;
};

/** Sensible values for everything but primary_count and seed. */
void refresh_config_default(struct refresh_config *cfg);

/* What outlives the process. */
struct refresh_saved {
	bool has_zone; /* the fields below mean something */
	bool expired;
	struct rr_soa soa;
	int64_t confirmed_at; /* wall clock, seconds: a primary's last word */
};

enum refresh_state {
	REFRESH_WAITING,  /* the step is to be started at due */
	REFRESH_ASKING,   /* the step is in flight */
	REFRESH_APPLYING, /* a transfer is complete and being built */
};

enum refresh_step {
	REFRESH_SOA,
	REFRESH_IXFR,
	REFRESH_AXFR,
};
const char *refresh_step_text(enum refresh_step step);

struct refresh_action {
	/* False: nothing to start; call again at until_ms at the latest. */
	bool start;
	int64_t until_ms; /* due time; of a started step, its time limit */
	enum refresh_step step;
	unsigned primary;
	uint32_t attempt; /* goes into every event about this step */
	/* For exchange_params. */
	uint32_t serial; /* held; 0 when nothing is */
	enum xfr_in_policy policy;
};

struct refresh_status {
	enum refresh_state state;
	enum refresh_step step;
	unsigned primary;
	int64_t due_ms;     /* never REFRESH_NEVER */
	const char *reason; /* good until the machine hears of something */
	bool has_zone;
	bool expired;
	bool alarm; /* an operator should look: reason says why */
	uint32_t serial;
	int64_t expire_ms;      /* REFRESH_NEVER without a zone */
	int64_t confirmed_ms;   /* last success */
	unsigned failed_rounds; /* in a row */
	bool is_notified;       /* a NOTIFY waits for its SOA query */
};

enum refresh_health {
	REFRESH_UNTRIED,
	REFRESH_GOOD,
	REFRESH_UNREACHABLE, /* no connection, timeout, closed */
	REFRESH_REFUSING,    /* RCODE or TSIG */
	REFRESH_STALE,       /* older serial than ours */
	REFRESH_BROKEN,      /* answers that cannot be used */
};
const char *refresh_health_text(enum refresh_health health);

struct refresh_primary {
	enum refresh_health health;
	bool has_serial;
	uint32_t serial;   /* last seen */
	int64_t seen_ms;   /* then */
	int64_t tried_ms;  /* last attempt; REFRESH_NEVER: none yet */
	unsigned failures; /* in a row */
	/* The last failure, until the next event; "" after a success. */
	const char *error;
};

struct refresh;

/**
 * Make the machine of one zone. Without a zone its first step is due at once.
 *
 * saved    NULL: nothing is held
 * wall_s   wall clock at now_ms, seconds
 * Returns  SECD_OK, SECD_EINVAL (cfg), SECD_ENOMEM
 */
int refresh_new(const struct refresh_config *cfg,
		const struct refresh_saved *saved, int64_t now_ms,
		int64_t wall_s, struct refresh **out);
void refresh_free(struct refresh *r);

/** What is to be stored. Worth storing after confirmed_ms or expired change. */
void refresh_save(const struct refresh *r, int64_t now_ms, int64_t wall_s,
		  struct refresh_saved *out);

/**
 * It is now now_ms: what is to be done? Call at due_ms, and after each event.
 *
 * With `start` set the step is in flight from now on, and a step of an
 * earlier attempt that is still running is to be dropped. So call it only
 * with room to start something: a zone that must queue for a slot simply
 * stays due. Follow-up steps to the same primary may use the same connection.
 * Look at refresh_status.expired afterwards.
 */
struct refresh_action refresh_next(struct refresh *r, int64_t now_ms);

/** The next moment at which refresh_next must be called. */
int64_t refresh_due(const struct refresh *r);

/* Events about the step in flight. */

/**
 * The exchange is done. A complete transfer makes the state REFRESH_APPLYING,
 * and true is returned: build and publish, then report with one of the next
 * two. On false drop what was received.
 */
bool refresh_answered(struct refresh *r, uint32_t attempt,
		      const struct xfr_in_result *in, int64_t now_ms);
/** The version was published. */
void refresh_applied(struct refresh *r, uint32_t attempt,
		     const struct rr_soa *soa, int64_t now_ms);
/** Building failed; failure_of_build gives the class. */
void refresh_apply_failed(struct refresh *r, uint32_t attempt,
			  enum failure failure, const char *text,
			  int64_t now_ms);
/**
 * The exchange failed, or no connection was made.
 *
 * rcode    for FAILURE_RCODE
 * text     copied; NULL: failure_text
 */
void refresh_failed(struct refresh *r, uint32_t attempt, enum failure failure,
		    uint8_t rcode, const char *text, int64_t now_ms);

/* Events from elsewhere, at any time. */

/**
 * A NOTIFY came from someone who may send it. Any number of them while a step
 * is in flight makes one more round.
 *
 * primary  index, or -1: not one of the primaries
 */
void refresh_notified(struct refresh *r, int primary, int64_t now_ms);

/**
 * The same, with the serial that it claims there is. It is a hint (RFC 1996
 * section 3.7): the serial that is held means that there is nothing to do, a
 * newer one decides what is asked first, not what is believed.
 */
void refresh_claimed(struct refresh *r, int primary, uint32_t serial,
		     int64_t now_ms);

enum refresh_command {
	REFRESH_COMMAND_REFRESH,    /* ask now, forget what was bad */
	REFRESH_COMMAND_RETRANSFER, /* AXFR, also of the same serial */
	REFRESH_COMMAND_FORCE,      /* AXFR, whatever its serial */
};
/** An operator's wish; it waits for the step in flight. */
void refresh_command(struct refresh *r, enum refresh_command command,
		     int64_t now_ms);

/**
 * Use another configuration. A step in flight is given up; a round is due at
 * once when primaries changed.
 *
 * was      for each new primary its old index, or -1; NULL: unchanged
 * Returns  SECD_OK, SECD_EINVAL, SECD_ENOMEM (all is as it was)
 */
int refresh_configure(struct refresh *r, const struct refresh_config *cfg,
		      const int *was, int64_t now_ms);

/** The clock is known to have jumped forward (suspend). */
void refresh_clock_jumped(struct refresh *r, int64_t now_ms);

/** What was held is no longer usable: transfer at once. */
void refresh_lost(struct refresh *r, const char *text, int64_t now_ms);

/** Pointers in `out` are valid until the next event. */
void refresh_status(const struct refresh *r, struct refresh_status *out);
unsigned refresh_primary_count(const struct refresh *r);
const struct refresh_primary *refresh_primary(const struct refresh *r,
					      unsigned primary);

#endif
