/* SPDX-License-Identifier: BSD-2-Clause */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "transfer/refresh_internal.h"
#include "wire/serial.h"

/* How long a survey leaves an unreachable primary alone. */
#define REST_FIRST_MS  (30 * SECOND_MS)
#define REST_LAST_MS   (3600 * SECOND_MS)
#define REST_DOUBLINGS 7u

/* What came was bad: so long for another serial, doubling. */
#define OTHER_FIRST_MS  (5 * SECOND_MS)
#define OTHER_DOUBLINGS 16u

void
refresh_peer_init(struct refresh_peer *p, unsigned index, const char *name)
{
	memset(p, 0, sizeof(*p));
	p->known.tried_ms = REFRESH_NEVER;
	p->known.error = "";
	if (name != NULL) {
		snprintf(p->name, sizeof(p->name), "%s", name);
	} else {
		snprintf(p->name, sizeof(p->name), "primary %u", index + 1);
	}
}

void
refresh_peer_fini(struct refresh_peer *p)
{
	free(p->error);
}

/* `text` may be what stands there now. Without memory it says `otherwise`,
 * which is static. */
static void
set_error(struct refresh_peer *p, const char *text, const char *otherwise)
{
	char *old = p->error;

	p->error = text[0] == '\0' ? NULL : strndup(text, FAILURE_TEXT_MAX - 1);
	p->known.error = p->error != NULL ? p->error : otherwise;
	free(old);
}

void
refresh_peer_copy(struct refresh_peer *p, const struct refresh_peer *from)
{
	struct refresh_peer copy = *from;

	copy.error = NULL;
	set_error(&copy, from->known.error, "");
	memcpy(copy.name, p->name, sizeof(copy.name));
	refresh_peer_fini(p);
	*p = copy;
}

void
refresh_peer_seen(struct refresh_peer *p, uint32_t serial, int64_t now_ms)
{
	p->known.has_serial = true;
	p->known.serial = serial;
	p->known.seen_ms = now_ms;
}

void
refresh_peer_good(struct refresh_peer *p)
{
	p->known.health = REFRESH_GOOD;
	p->known.failures = 0;
	set_error(p, "", "");
	p->rest_until_ms = 0;
	p->bad_count = 0;
}

static enum refresh_health
health_after(enum failure failure, enum refresh_health before)
{
	switch (failure) {
	case FAILURE_CONNECT:
	case FAILURE_TIMEOUT:
	case FAILURE_CLOSED:
		return REFRESH_UNREACHABLE;
	case FAILURE_RCODE:
	case FAILURE_AUTH:
		return REFRESH_REFUSING;
	case FAILURE_STALE:
		return REFRESH_STALE;
	case FAILURE_MALFORMED:
	case FAILURE_MISMATCH:
	case FAILURE_LIMIT:
		return REFRESH_BROKEN;
	case FAILURE_NONE:
	case FAILURE_LOCAL:
		break;
	}
	return before;
}

void
refresh_peer_failed(struct refresh_peer *p, enum failure failure,
		    const char *text, int64_t now_ms)
{
	unsigned times;

	p->known.health = health_after(failure, p->known.health);
	p->known.tried_ms = now_ms;
	set_error(p, text != NULL ? text : failure_text(failure),
		  failure_text(failure));
	if (failure == FAILURE_LOCAL) {
		return; /* not its fault */
	}
	if (p->known.failures < UINT32_MAX) {
		p->known.failures++;
	}
	if (p->known.health == REFRESH_UNREACHABLE) {
		times = p->known.failures - 1;
		p->rest_until_ms =
		    now_ms + (times >= REST_DOUBLINGS ? REST_LAST_MS
						      : REST_FIRST_MS << times);
	}
}

/* Would the same octets come again? */
static bool
is_content(enum failure failure)
{
	return failure == FAILURE_MALFORMED || failure == FAILURE_MISMATCH ||
	       failure == FAILURE_LIMIT || failure == FAILURE_STALE;
}

/*
 * A transfer is dear, so what came to nothing is not fetched again at once,
 * however often NOTIFY says that it is there. The same serial with bad content
 * waits for RETRY and longer. Another serial, or a transfer that only broke
 * off, may be right after a moment; the moments grow, since a primary that
 * makes up a new serial each time is no better.
 */
void
refresh_peer_bar(struct refresh *r, struct refresh_peer *p,
		 enum failure failure, int64_t now_ms)
{
	int64_t other_ms, same_ms;
	unsigned times = p->bad_count;

	if (p->bad_count < UINT32_MAX) {
		p->bad_count++;
	}
	same_ms = refresh_bad_delay_ms(r, p->bad_count);
	other_ms = refresh_retry_ms(r);
	if (times < OTHER_DOUBLINGS && OTHER_FIRST_MS << times < other_ms) {
		other_ms = OTHER_FIRST_MS << times;
	}
	p->bad_serial = p->known.serial;
	p->other_until_ms = now_ms + other_ms;
	p->bad_until_ms = now_ms + (is_content(failure) ? same_ms : other_ms);
}

bool
refresh_peer_is_ahead(const struct refresh *r, const struct refresh_peer *p)
{
	return r->has_zone && p->known.has_serial &&
	       serial_is_newer(p->known.serial, r->soa.serial);
}

int64_t
refresh_peer_barred_until(const struct refresh_peer *p)
{
	if (p->bad_count == 0 || !p->known.has_serial) {
		return 0;
	}
	return p->known.serial == p->bad_serial ? p->bad_until_ms
						: p->other_until_ms;
}
