/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_tsig -- requests and streams of answers against a model of RFC 8945.
 *
 * The input is a script: it says which messages come, which of them are
 * signed, with which fields, and what is changed after signing. The target
 * holds the key, so a script reaches what lies behind a good MAC. A second
 * reading of the RFC, the model below, collects all octets of a signature in
 * one piece and decides as well: a message is taken if and only if the model
 * takes it.
 */

#include <libdnssec/error.h>
#include <libdnssec/tsig.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "wire/tsig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW          INT64_C(1700000000)
#define MESSAGE_MAX  4096
#define MESSAGES_MAX 130
#define WINDOW       300 /* seconds */

static void
must(bool condition)
{
	if (!condition) {
		abort();
	}
}

/* ------------------------------------------------------------ the script */

struct script {
	const uint8_t *p, *end;
};

static unsigned
take(struct script *s)
{
	return s->p < s->end ? *s->p++ : 0;
}

static unsigned
take16(struct script *s)
{
	unsigned high = take(s);

	return high << 8 | take(s);
}

/* ---------------------------------------------------------------- octets */

struct octets {
	size_t len;
	uint8_t at[(MESSAGES_MAX + 1) * (size_t)MESSAGE_MAX];
};

static void
put(struct octets *o, const void *data, size_t len)
{
	must(len <= sizeof(o->at) - o->len);
	if (len > 0) {
		memcpy(o->at + o->len, data, len);
		o->len += len;
	}
}

static void
put_number(struct octets *o, uint64_t value, unsigned octets)
{
	uint8_t bytes[8];

	for (unsigned i = 0; i < octets; i++) {
		bytes[i] = (uint8_t)(value >> 8 * (octets - 1 - i));
	}
	put(o, bytes, octets);
}

static void
put_lower(struct octets *o, const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		uint8_t c = data[i];

		put_number(o, c >= 'A' && c <= 'Z' ? c + 32u : c, 1);
	}
}

static uint64_t
number(const uint8_t *p, unsigned octets)
{
	uint64_t value = 0;

	while (octets-- > 0) {
		value = value << 8 | *p++;
	}
	return value;
}

/* --------------------------------------------------------------- the key */

static const char key_name[] = "\003xfr\007example";
static uint8_t secret[] = "not a secret at all";

static const struct {
	const char *name;
	size_t mac_len;
} algorithms[] = {
    [TSIG_HMAC_MD5] = {"\010hmac-md5\007sig-alg\003reg\003int", 16},
    [TSIG_HMAC_SHA1] = {"\011hmac-sha1", 20},
    [TSIG_HMAC_SHA224] = {"\013hmac-sha224", 28},
    [TSIG_HMAC_SHA256] = {"\013hmac-sha256", 32},
    [TSIG_HMAC_SHA384] = {"\013hmac-sha384", 48},
    [TSIG_HMAC_SHA512] = {"\013hmac-sha512", 64},
};

static void
hmac(enum tsig_algorithm algorithm, struct octets *o, uint8_t mac[64])
{
	dnssec_binary_t key = {.size = sizeof(secret), .data = secret};
	dnssec_binary_t all = {.size = o->len, .data = o->at};
	dnssec_tsig_ctx_t *ctx = NULL;
	const uint8_t *name = (const uint8_t *)algorithms[algorithm].name;

	must(dnssec_tsig_new(&ctx, dnssec_tsig_algorithm_from_dname(name),
			     &key) == DNSSEC_EOK);
	must(dnssec_tsig_add(ctx, &all) == DNSSEC_EOK);
	must(dnssec_tsig_write(ctx, mac) == DNSSEC_EOK);
	dnssec_tsig_free(ctx);
}

/* A message as it was when it was signed. */
static void
put_message(struct octets *o, const uint8_t *m, size_t len, unsigned id,
	    unsigned arcount)
{
	put_number(o, id, 2);
	put(o, m + 2, 8);
	put_number(o, arcount, 2);
	put(o, m + 12, len - 12);
}

/* -------------------------------------------------------------- the model */

/* A TSIG in pieces. */
struct record {
	bool good; /* class, TTL and RDATA are as they must be */
	size_t start, len;
	uint8_t owner[NAME_LEN_MAX], algorithm[NAME_LEN_MAX];
	size_t owner_len, algorithm_len;
	uint64_t time;
	unsigned fudge;
	const uint8_t *mac, *other;
	size_t mac_len, other_len;
	unsigned original_id, error;
};

enum found { FOUND_NONE, FOUND_TSIG, FOUND_RUBBISH };

/* The labels of a name up to its end or its first pointer. */
static bool
walk_name(const uint8_t *m, size_t len, size_t *pos)
{
	while (*pos < len && m[*pos] > 0 && m[*pos] < 64) {
		*pos += m[*pos] + 1u;
	}
	if (*pos >= len || (m[*pos] >= 64 && m[*pos] < 192)) {
		return false;
	}
	*pos += m[*pos] == 0 ? 1 : 2;
	return *pos <= len;
}

static void
read_record(const uint8_t *m, size_t fixed, struct record *r)
{
	const uint8_t *rdata = m + fixed + 10;
	size_t rdlen = number(m + fixed + 8, 2), pos = 0, need;

	r->good = false;
	if (number(m + fixed + 2, 6) != UINT64_C(255) << 32 ||
	    name_from_wire(rdata, rdlen, &pos, r->algorithm,
			   &r->algorithm_len) != SECD_OK ||
	    pos != r->algorithm_len || rdlen - pos < 16) {
		return;
	}
	r->time = number(rdata + pos, 6);
	r->fudge = (unsigned)number(rdata + pos + 6, 2);
	r->mac_len = number(rdata + pos + 8, 2);
	r->mac = rdata + pos + 10;
	need = pos + 16 + r->mac_len;
	if (need > rdlen) {
		return;
	}
	r->original_id = (unsigned)number(rdata + need - 6, 2);
	r->error = (unsigned)number(rdata + need - 4, 2);
	r->other_len = number(rdata + need - 2, 2);
	r->other = rdata + need;
	r->good = need + r->other_len == rdlen;
}

static enum found
read_message(const uint8_t *m, size_t len, struct record *r)
{
	size_t pos = 12, start, tsigs = 0;
	unsigned type = 0, section = 1;

	if (len < 12) {
		return FOUND_RUBBISH;
	}
	for (size_t i = number(m + 4, 2); i > 0; i--) {
		if (!walk_name(m, len, &pos) || len - pos < 4) {
			return FOUND_RUBBISH;
		}
		pos += 4;
	}
	for (; section < 4; section++) {
		for (size_t i = number(m + 4 + 2 * section, 2); i > 0; i--) {
			start = pos;
			if (!walk_name(m, len, &pos) || len - pos < 10) {
				return FOUND_RUBBISH;
			}
			type = (unsigned)number(m + pos, 2);
			if (number(m + pos + 8, 2) > len - pos - 10) {
				return FOUND_RUBBISH;
			}
			if (type == 250 && (section != 3 || i != 1)) {
				return FOUND_RUBBISH;
			}
			if (type == 250) {
				tsigs++;
				r->start = start;
				read_record(m, pos, r);
			}
			pos += 10 + number(m + pos + 8, 2);
		}
	}
	if (pos != len) {
		return FOUND_RUBBISH;
	}
	if (tsigs == 0) {
		return FOUND_NONE;
	}
	pos = r->start;
	return name_from_wire(m, len, &pos, r->owner, &r->owner_len) == SECD_OK
		   ? FOUND_TSIG
		   : FOUND_RUBBISH;
}

static struct model {
	enum tsig_algorithm algorithm;
	bool started, dead;
	uint8_t prior[64];
	size_t prior_len;
	unsigned id, original_id, run;
	uint64_t time;
	struct octets pending;
} model;

static struct octets scratch;

static bool
same_name(const uint8_t *got, size_t got_len, const char *want)
{
	if (got_len != strlen(want) + 1) {
		return false;
	}
	scratch.len = 0;
	put_lower(&scratch, got, got_len);
	return memcmp(scratch.at, want, got_len) == 0;
}

/* All that counts but the MAC itself. */
static bool
model_likes(const struct record *r, int64_t now)
{
	const int64_t fudge = r->fudge < WINDOW ? r->fudge : WINDOW;
	const int64_t time = (int64_t)r->time;
	const char *algorithm = algorithms[model.algorithm].name;

	return r->good && same_name(r->owner, r->owner_len, key_name) &&
	       same_name(r->algorithm, r->algorithm_len, algorithm) &&
	       r->mac_len == algorithms[model.algorithm].mac_len &&
	       r->error == 0 && fudge > 0 && time > 0 && time - fudge <= now &&
	       now <= time + fudge;
}

static bool
model_verifies(const uint8_t *m, const struct record *r)
{
	uint8_t mac[64];

	scratch.len = 0;
	if (model.prior_len > 0) {
		put_number(&scratch, model.prior_len, 2);
		put(&scratch, model.prior, model.prior_len);
	}
	put(&scratch, model.pending.at, model.pending.len);
	put_message(&scratch, m, r->start, r->original_id,
		    (unsigned)number(m + 10, 2) - 1);
	if (!model.started) {
		const char *algorithm = algorithms[model.algorithm].name;

		put(&scratch, key_name, sizeof(key_name));
		put_number(&scratch, UINT64_C(255) << 32, 6);
		put(&scratch, algorithm, strlen(algorithm) + 1);
	}
	put_number(&scratch, r->time, 6);
	put_number(&scratch, r->fudge, 2);
	if (!model.started) {
		put_number(&scratch, r->error, 2);
		put_number(&scratch, r->other_len, 2);
		put(&scratch, r->other, r->other_len);
	}
	hmac(model.algorithm, &scratch, mac);
	return memcmp(mac, r->mac, r->mac_len) == 0;
}

static bool
model_takes_request(const uint8_t *m, size_t len, int64_t now, struct record *r)
{
	return read_message(m, len, r) == FOUND_TSIG && m[2] < 0x80 &&
	       model_likes(r, now) && model_verifies(m, r);
}

static bool
model_judges(const uint8_t *m, size_t len, int64_t now)
{
	struct record r;
	enum found found = read_message(m, len, &r);

	if (found == FOUND_RUBBISH || m[2] < 0x80 || number(m, 2) != model.id) {
		return false;
	}
	if (found == FOUND_NONE) {
		if (!model.started || model.run == 99) {
			return false;
		}
		put_message(&model.pending, m, len, model.original_id,
			    (unsigned)number(m + 10, 2));
		model.run++;
		return true;
	}
	if (!model_likes(&r, now) || r.time < model.time ||
	    (model.started && r.original_id != model.original_id) ||
	    !model_verifies(m, &r)) {
		return false;
	}
	memcpy(model.prior, r.mac, r.mac_len);
	model.prior_len = r.mac_len;
	model.original_id = r.original_id;
	model.time = r.time;
	model.pending.len = 0;
	model.run = 0;
	model.started = true;
	return true;
}

static bool
model_takes_answer(const uint8_t *m, size_t len, int64_t now)
{
	bool taken = !model.dead && model_judges(m, len, now);

	model.dead = !taken && model.started;
	return taken;
}

/* ------------------------------------------------------------- the signer */

/* An honest peer, until the script says otherwise. */
static struct signer {
	enum tsig_algorithm algorithm;
	uint8_t prior[64];
	size_t prior_len;
	bool later;
	struct octets pending;
} signer;

static struct octets message;

struct fields {
	const char *owner, *algorithm;
	uint64_t time;
	unsigned fudge, error, original_id, class;
	size_t mac_len, other_len;
	uint8_t other[255];
};

static void
spoil_field(struct script *s, struct fields *f)
{
	static const char *const owners[] = {"\003XFR\007example", "",
					     "\003xfr\007exampla"};
	unsigned which = take(s) % 9;

	switch (which) {
	case 0:
		f->owner = owners[take(s) % 3];
		break;
	case 1:
		f->algorithm = algorithms[1 + take(s) % 6].name;
		break;
	case 2:
		f->time += (uint64_t)(int64_t)(int16_t)take16(s);
		break;
	case 3:
		f->time = take(s);
		break;
	case 4:
		f->fudge = take16(s);
		break;
	case 5:
		f->error = take(s);
		break;
	case 6:
		f->original_id = take16(s);
		break;
	case 7:
		f->mac_len = take(s);
		break;
	default:
		f->other_len = take(s);
		memset(f->other, (int)take(s), f->other_len);
		break;
	}
}

static void
sign(struct script *s, bool spoil)
{
	uint8_t mac[255] = {0};
	unsigned id = (unsigned)number(message.at, 2);
	struct fields f = {
	    .owner = key_name,
	    .algorithm = algorithms[signer.algorithm].name,
	    .time = (uint64_t)NOW,
	    .fudge = WINDOW,
	    .original_id = id,
	    .class = 255,
	    .mac_len = algorithms[signer.algorithm].mac_len,
	};

	for (unsigned n = spoil ? 1 + take(s) % 3 : 0; n > 0; n--) {
		spoil_field(s, &f);
	}
	scratch.len = 0;
	if (signer.prior_len > 0) {
		put_number(&scratch, signer.prior_len, 2);
		put(&scratch, signer.prior, signer.prior_len);
	}
	put(&scratch, signer.pending.at, signer.pending.len);
	put_message(&scratch, message.at, message.len, f.original_id,
		    (unsigned)number(message.at + 10, 2));
	if (!signer.later) {
		put_lower(&scratch, (const uint8_t *)f.owner,
			  strlen(f.owner) + 1);
		put_number(&scratch, UINT64_C(255) << 32, 6);
		put(&scratch, f.algorithm, strlen(f.algorithm) + 1);
	}
	put_number(&scratch, f.time, 6);
	put_number(&scratch, f.fudge, 2);
	if (!signer.later) {
		put_number(&scratch, f.error, 2);
		put_number(&scratch, f.other_len, 2);
		put(&scratch, f.other, f.other_len);
	}
	hmac(signer.algorithm, &scratch, mac);

	put(&message, f.owner, strlen(f.owner) + 1);
	put_number(&message, 250, 2);
	put_number(&message, (uint64_t)f.class << 32, 6);
	put_number(&message, strlen(f.algorithm) + 17 + f.mac_len + f.other_len,
		   2);
	put(&message, f.algorithm, strlen(f.algorithm) + 1);
	put_number(&message, f.time, 6);
	put_number(&message, f.fudge, 2);
	put_number(&message, f.mac_len, 2);
	put(&message, mac, f.mac_len);
	put_number(&message, f.original_id, 2);
	put_number(&message, f.error, 2);
	put_number(&message, f.other_len, 2);
	put(&message, f.other, f.other_len);
	message.at[11]++;

	signer.prior_len = f.mac_len < 64 ? f.mac_len : 64;
	memcpy(signer.prior, mac, signer.prior_len);
	signer.pending.len = 0;
	signer.later = true;
}

/* ------------------------------------------------------------ the messages */

static const uint8_t query[] = {0x12, 0x34, 0, 0, 0,   1,   0,   0,   0,
				0,    0,    0, 7, 'e', 'x', 'a', 'm', 'p',
				'l',  'e',  0, 0, 6,   0,   1};
static const uint8_t answer[] = {
    0x12, 0x34, 0x84, 0,   0,   1,   0,  1, 0, 0,   0, 0,    7,  'e',
    'x',  'a',  'm',  'p', 'l', 'e', 0,  0, 6, 0,   1, 0xc0, 12, 0,
    1,    0,    1,    0,   0,   0,   60, 0, 4, 192, 0, 2,    1,
};

enum {
	DO_SIGN = 1,
	DO_SPOIL = 2,   /* a field before signing */
	DO_MUTATE = 4,  /* octets after signing */
	DO_INVENT = 8,  /* the message is the script's */
	DO_CUT = 16,    /* octets off the end */
	DO_TWICE = 32,  /* signed once more */
	DO_RCODE = 64,  /* the low bits of the flags */
	DO_FORGET = 128 /* the receiver does not get it */
};

static void
mutate(struct script *s)
{
	for (unsigned n = 1 + take(s) % 4; n > 0 && message.len > 0; n--) {
		size_t at = take16(s) % message.len;

		message.at[at] ^= (uint8_t)take(s);
	}
}

static void
make_message(struct script *s, unsigned what, const uint8_t *base,
	     size_t base_len)
{
	message.len = 0;
	put(&message, base, base_len);
	if ((what & DO_INVENT) != 0) {
		size_t len = take(s);

		/* The header stays or is the script's too. */
		message.len = take(s) % 2 == 0 ? 12 : 0;
		while (len-- > 0) {
			put_number(&message, take(s), 1);
		}
	}
	if ((what & DO_RCODE) != 0 && message.len > 3) {
		message.at[3] = (uint8_t)take(s);
	}
	if ((what & DO_SIGN) != 0 && message.len >= 12) {
		sign(s, (what & DO_SPOIL) != 0);
		if ((what & DO_TWICE) != 0) {
			sign(s, false);
		}
	} else if (message.len >= 12) {
		put(&signer.pending, message.at, message.len);
	}
	if ((what & DO_MUTATE) != 0) {
		mutate(s);
	}
	if ((what & DO_CUT) != 0) {
		size_t off = take(s);

		message.len -= off < message.len ? off : message.len;
	}
}

/* Memory of exactly its length, so that reading past its end is seen. */
static uint8_t *
exact_copy(void)
{
	uint8_t *copy = malloc(message.len > 0 ? message.len : 1);

	must(copy != NULL);
	memcpy(copy, message.at, message.len);
	return copy;
}

/* -------------------------------------------------------------- the checks */

static void
check_answer(struct tsig_transaction *t, int64_t now)
{
	uint8_t *copy = exact_copy();
	size_t len = message.len;
	struct record r;
	bool is_signed = read_message(message.at, len, &r) == FOUND_TSIG;
	bool expected = model_takes_answer(message.at, len, now);
	enum tsig_verdict verdict = tsig_verify_answer(t, copy, &len, now);

	must((verdict == TSIG_GOOD) == expected);
	if (verdict == TSIG_GOOD && is_signed) {
		/* Stripped, and nothing else changed. */
		must(len == r.start);
		message.at[11]--;
		if (message.at[11] == 0xff) {
			message.at[10]--;
		}
		must(memcmp(copy, message.at, len) == 0);
	} else {
		must(len == message.len);
		must(memcmp(copy, message.at, len) == 0);
	}
	must((tsig_verify_end(t) == TSIG_GOOD) ==
	     (model.started && !model.dead && model.run == 0));
	free(copy);
}

static void
check_stream(struct script *s, struct tsig_key *key)
{
	struct tsig_transaction t;
	uint8_t request[512];
	size_t len = sizeof(query);
	int64_t now = NOW;

	memcpy(request, query, len);
	tsig_transaction_init(&t, key);
	must(tsig_sign_request(&t, request, &len, sizeof(request), now) ==
	     SECD_OK);
	model.id = 0x1234;
	memcpy(model.prior, t.mac, t.mac_len);
	model.prior_len = t.mac_len;
	memcpy(signer.prior, t.mac, t.mac_len);
	signer.prior_len = t.mac_len;
	for (unsigned n = 0; n < MESSAGES_MAX && s->p < s->end; n++) {
		unsigned what = take(s);

		make_message(s, what, answer, sizeof(answer));
		if ((what & DO_FORGET) != 0) {
			now += (int8_t)take(s);
			continue;
		}
		check_answer(&t, now);
	}
	tsig_transaction_fini(&t);
}

/* Nobody without the key gets a MAC out of us. */
static void
check_error(struct tsig_transaction *t, enum tsig_verdict verdict,
	    const struct tsig_place *place)
{
	uint8_t reply[2048];
	size_t len = sizeof(query);
	struct record r;
	int rc;

	memcpy(reply, query, len);
	reply[2] = 0x80;
	reply[3] = 9;
	rc = tsig_sign_error(t, verdict, message.at, message.len, place, reply,
			     &len, sizeof(reply), NOW);
	if (verdict == TSIG_FORMERR || verdict == TSIG_MISSING ||
	    verdict == TSIG_GOOD) {
		must(rc != SECD_OK && len == sizeof(query));
		return;
	}
	must(rc == SECD_OK);
	must(read_message(reply, len, &r) == FOUND_TSIG && r.good);
	must((r.mac_len == 0) ==
	     (verdict == TSIG_BADKEY || verdict == TSIG_BADSIG));
	must(r.error == (verdict == TSIG_BADKEY    ? 17u
			 : verdict == TSIG_BADSIG  ? 16u
			 : verdict == TSIG_BADTIME ? 18u
						   : 22u));
}

static void
check_request(struct script *s, struct tsig_key *key)
{
	struct tsig_transaction t;
	struct tsig_place place;
	struct record r;
	enum tsig_verdict verdict;
	uint8_t *copy;
	size_t len;
	bool expected;

	make_message(s, take(s), query, sizeof(query));
	copy = exact_copy();
	len = message.len;
	expected = model_takes_request(message.at, len, NOW, &r);
	if (tsig_find(copy, len, &place) != SECD_OK) {
		must(!expected);
		free(copy);
		return;
	}
	verdict = tsig_verify_request(&t, key, copy, &len, &place, NOW);
	must((verdict == TSIG_GOOD) == expected);
	if (verdict == TSIG_GOOD) {
		must(len == r.start);
	} else {
		must(len == message.len);
		must(memcmp(copy, message.at, len) == 0);
		check_error(&t, verdict, &place);
	}
	tsig_transaction_fini(&t);
	free(copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct script s = {data, data + size};
	unsigned kind = take(&s);
	enum tsig_algorithm algorithm = (enum tsig_algorithm)(1 + kind / 2 % 6);
	struct tsig_key *key = NULL;

	must(tsig_key_new((const uint8_t *)key_name, algorithm, secret,
			  sizeof(secret), &key) == SECD_OK);
	model.algorithm = signer.algorithm = algorithm;
	model.started = model.dead = signer.later = false;
	model.prior_len = signer.prior_len = 0;
	model.pending.len = signer.pending.len = 0;
	model.time = 0;
	model.run = 0;
	if (kind % 2 == 0) {
		check_stream(&s, key);
	} else {
		check_request(&s, key);
	}
	tsig_key_unref(key);
	return 0;
}
