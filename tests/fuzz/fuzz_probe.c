/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_probe -- what comes back to a probe, from the server and from others.
 *
 * The input is a script: how time passes, and what arrives meanwhile, which is
 * what a server with the key says, changed or not, or the script's own octets.
 * Whatever it is, the probe ends in its time, and it says "verified" if and
 * only if something arrived as the server had signed it, but for upper case.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/octets.h"
#include "transfer/probe.h"
#include "wire/query.h"
#include "wire/rr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW     INT64_C(1700000000)
#define TIMEOUT 20000
#define ROOM    2048

static const uint8_t key_name[] = "\003xfr\007example";
static const uint8_t zone[] = "\007example";

static void
must(bool condition)
{
	if (!condition) {
		abort();
	}
}

struct script {
	const uint8_t *p, *end;
};

static unsigned
take(struct script *s)
{
	return s->p < s->end ? *s->p++ : 0;
}

enum {
	DO_SIGN = 1,
	DO_MUTATE = 2,
	DO_INVENT = 4, /* the script's own octets behind the header */
	DO_TRUNCATE = 8,
	DO_ERROR = 16, /* without a SOA */
	DO_PASS = 32,  /* time, before it arrives */
};

/* A message that arrives, and what it is. */
struct arrival {
	uint8_t msg[ROOM];
	size_t len;
	bool is_true;      /* as it was signed */
	bool is_near_true; /* so without regard to upper case */
};

static void
put_answer(struct arrival *a, struct script *s, unsigned what)
{
	static const uint8_t soa[] = {0xc0, 12, 0, 6,  0, 1,   0, 0,
				      0,    7,  0, 24, 1, 'x', 0, 0};
	uint16_t flags = HEADER_QR | ((what & DO_TRUNCATE) ? HEADER_TC : 0);

	put_u16(a->msg + 2, flags);
	memset(a->msg + 6, 0, 6);
	if ((what & DO_INVENT) != 0) {
		put_u16(a->msg + 2, (uint16_t)(flags ^ take(s) << 8));
		for (size_t n = take(s); n > 0; n--) {
			a->msg[a->len++] = (uint8_t)take(s);
		}
		put_u16(a->msg + 6, (uint16_t)take(s));
	} else if ((what & DO_ERROR) != 0) {
		a->msg[3] |= take(s) & 0x0f;
	} else {
		put_u16(a->msg + 6, 1);
		memcpy(a->msg + a->len, soa, sizeof(soa));
		memset(a->msg + a->len + sizeof(soa), 1, 20);
		a->len += sizeof(soa) + 20;
	}
}

static uint8_t
lower_case(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

static bool
is_near(const uint8_t *a, const uint8_t *b, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (lower_case(a[i]) != lower_case(b[i])) {
			return false;
		}
	}
	return true;
}

static void
mutate(struct arrival *a, struct script *s)
{
	for (unsigned n = 1 + take(s) % 3; n > 0; n--) {
		size_t high = take(s);

		a->msg[(high << 8 | take(s)) % a->len] ^= (uint8_t)take(s);
	}
}

/* What the server makes of the message that was sent last. */
static void
answer(struct arrival *a, const struct probe *p, struct tsig_key *key,
       struct script *s, unsigned what)
{
	struct tsig_transaction t;
	struct tsig_place place;
	uint8_t as_signed[ROOM];
	bool is_signed = (what & DO_SIGN) != 0;

	memcpy(a->msg, p->msg, p->len);
	a->len = p->len;
	must(tsig_find(a->msg, a->len, &place) == SECD_OK);
	must(tsig_verify_request(&t, key, a->msg, &a->len, &place, NOW) ==
	     TSIG_GOOD);
	put_answer(a, s, what);
	if (is_signed) {
		must(tsig_sign_answer(&t, a->msg, &a->len, sizeof(a->msg),
				      NOW) == SECD_OK);
	}
	tsig_transaction_fini(&t);
	memcpy(as_signed, a->msg, a->len);
	if ((what & DO_MUTATE) != 0) {
		mutate(a, s);
	}
	a->is_true = is_signed && memcmp(a->msg, as_signed, a->len) == 0;
	a->is_near_true = is_signed && is_near(a->msg, as_signed, a->len);
}

/* Memory of exactly its length, so that reading past its end is seen. */
static enum probe_want
arrive(struct probe *p, const struct arrival *a, int64_t now)
{
	uint8_t *copy = malloc(a->len);
	enum probe_want want;

	must(copy != NULL);
	memcpy(copy, a->msg, a->len);
	want = probe_take(p, copy, a->len, now, NOW);
	free(copy);
	return want;
}

static enum probe_want
step(struct probe *p, struct tsig_key *key, struct script *s, int64_t *now)
{
	struct arrival a;
	unsigned what = take(s);
	enum probe_want want;

	if ((what & DO_PASS) != 0) {
		*now += (int64_t)take(s) * 16;
		if (*now >= p->due_ms) {
			*now = p->due_ms;
			return probe_turn(p, *now);
		}
	}
	answer(&a, p, key, s, what);
	want = arrive(p, &a, *now);
	must(want != PROBE_OVER || p->result.outcome != PROBE_VERIFIED ||
	     a.is_near_true);
	/* An invented one may be no answer to the question. */
	must(!a.is_true || (what & (DO_INVENT | DO_TRUNCATE)) != 0 ||
	     (want == PROBE_OVER && p->result.outcome == PROBE_VERIFIED));
	return want;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct script s = {data, data + size};
	static const uint8_t secret[32] = {1};
	enum probe_want want = PROBE_WAIT;
	struct tsig_key *key;
	struct probe p;
	int64_t now = 0;

	must(tsig_key_new(key_name, TSIG_HMAC_SHA256, secret, sizeof(secret),
			  &key) == SECD_OK);
	must(probe_init(&p, zone, key, take(&s) % 2 != 0, TIMEOUT, 0x12345678,
			now, NOW) == SECD_OK);
	while (want != PROBE_OVER && s.p < s.end) {
		want = step(&p, key, &s, &now);
		must(want == PROBE_OVER || p.due_ms > now);
		must(p.due_ms <= TIMEOUT);
	}
	while (want != PROBE_OVER) {
		now = p.due_ms;
		want = probe_turn(&p, now);
	}
	must(now <= TIMEOUT && p.result.took_ms <= now);
	must(p.result.outcome >= PROBE_VERIFIED &&
	     p.result.outcome <= PROBE_FAILED);
	probe_fini(&p);
	tsig_key_unref(key);
	return 0;
}
