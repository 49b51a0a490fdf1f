/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_stream -- what a primary says, against a model of the zone.
 *
 * The input is a script of messages: which records they hold, how header,
 * question, framing and signature are spoiled, and where the stream ends. A
 * second reading of RFC 1995 and RFC 5936, which looks at all records so far
 * instead of keeping a state, says after each message whether the answer goes
 * on, is complete, or is refused; the zone that is built must be the model's,
 * or stay what it was. Messages of raw octets have no model: from then on only
 * what must hold for any zone is checked.
 */

#include <libdnssec/error.h>
#include <libdnssec/tsig.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/octets.h"
#include "stream_model.h"
#include "transfer/exchange.h"
#include "wire/query.h"
#include "zone/build.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW          INT64_C(1700000000)
#define ID           0x4d2e
#define MESSAGES_MAX 130
#define MESSAGE_MAX  4096
#define LIMIT        20u /* records, when the script wants a limit */

#define MUST(what)                                                             \
	do {                                                                   \
		if (!(what)) {                                                 \
			fprintf(stderr, "line %d: not so: %s\n", __LINE__,     \
				#what);                                        \
			abort();                                               \
		}                                                              \
	} while (0)

/* ------------------------------------------------------------ the script */

struct script {
	const uint8_t *p, *end;
};

static unsigned
take(struct script *s)
{
	return s->p < s->end ? *s->p++ : 0;
}

/* ------------------------------------------------------------- signatures */

static uint8_t secret[32] = "sixteen octets and another such.";
static const char key_name[] = "\1k";
static const char algorithm[] = "\013hmac-sha256";
#define MAC_LEN 32

struct signer {
	uint8_t prior[MAC_LEN];
	bool is_first;
	uint8_t held[MESSAGE_MAX * MESSAGES_MAX]; /* since the last signature */
	size_t held_len;
};

static struct signer signer;

static void
hold(const void *data, size_t len)
{
	memcpy(signer.held + signer.held_len, data, len);
	signer.held_len += len;
}

static void
compute(uint8_t mac[MAC_LEN])
{
	dnssec_binary_t key = {.data = secret, .size = sizeof(secret)};
	dnssec_binary_t data = {.data = signer.held, .size = signer.held_len};
	dnssec_tsig_ctx_t *ctx = NULL;

	MUST(dnssec_tsig_new(&ctx, DNSSEC_TSIG_HMAC_SHA256, &key) ==
	     DNSSEC_EOK);
	MUST(dnssec_tsig_add(ctx, &data) == DNSSEC_EOK);
	MUST(dnssec_tsig_write(ctx, mac) == DNSSEC_EOK);
	dnssec_tsig_free(ctx);
}

/* The MAC that ours signed the request with, at its fixed place from the end. */
static void
begin_signing(const uint8_t *request, size_t len)
{
	memcpy(signer.prior, request + len - 6 - MAC_LEN, MAC_LEN);
	signer.is_first = true;
	signer.held_len = 0;
}

/* Prior MAC and its length come before everything else that is signed. */
static void
hold_message(const uint8_t *msg, size_t len)
{
	static const uint8_t mac_len[2] = {0, MAC_LEN};

	if (signer.held_len == 0) {
		hold(mac_len, 2);
		hold(signer.prior, MAC_LEN);
	}
	hold(msg, len);
}

static size_t
sign(uint8_t *msg, size_t len)
{
	uint8_t timers[8] = {0}, mac[MAC_LEN], *p = msg + len;

	put_u32(timers + 2, (uint32_t)NOW);
	put_u16(timers + 6, 300);
	hold_message(msg, len);
	if (signer.is_first) {
		hold(key_name, sizeof(key_name));
		hold("\0\377\0\0\0\0", 6);
		hold(algorithm, sizeof(algorithm));
	}
	hold(timers, sizeof(timers));
	if (signer.is_first) {
		hold("\0\0\0\0", 4);
	}
	compute(mac);
	memcpy(p, key_name, sizeof(key_name));
	p += sizeof(key_name);
	memcpy(p, "\0\372\0\377\0\0\0\0", 8);
	put_u16(p + 8, sizeof(algorithm) + 8 + 2 + MAC_LEN + 6);
	memcpy(p + 10, algorithm, sizeof(algorithm));
	p += 10 + sizeof(algorithm);
	memcpy(p, timers, 8);
	put_u16(p + 8, MAC_LEN);
	memcpy(p + 10, mac, MAC_LEN);
	memcpy(p + 10 + MAC_LEN, msg, 2); /* original id */
	memset(p + 12 + MAC_LEN, 0, 4);
	put_u16(msg + 10, (uint16_t)(get_u16(msg + 10) + 1));
	memcpy(signer.prior, mac, MAC_LEN);
	signer.is_first = false;
	signer.held_len = 0;
	return (size_t)(p + 16 + MAC_LEN - msg);
}

/* -------------------------------------------------------------- messages */

enum fault {
	FAULT_NONE,
	FAULT_ID,
	FAULT_QR,
	FAULT_OPCODE,
	FAULT_TC,
	FAULT_RCODE,
	FAULT_NO_QUESTION, /* none, but in the first message */
	FAULT_QUESTION,
	FAULT_QUESTIONS,
	FAULT_TRAILING,
	FAULT_CUT,
	FAULT_OPT,       /* none */
	FAULT_AUTHORITY, /* none */
	FAULT_BROKEN_REST,
	FAULTS,
};

enum signing {
	SIGNED,
	UNSIGNED,
	BAD_MAC,
	CHANGED, /* after it was signed */
	CHANGED_UNSIGNED,
	SIGNINGS,
};

struct run {
	struct script script;
	struct model model;
	struct exchange *x;
	bool has_key;
	unsigned messages;
	unsigned unsigned_run;
	bool is_over; /* the model: what came must be refused */
	bool
	    is_tainted; /* changed on its way, not signed yet: never complete */
	bool is_raw;    /* no model any more */
	uint8_t msg[MESSAGE_MAX + 256];
	size_t len;
};

static size_t
put_question(struct run *r, enum fault fault)
{
	uint8_t *p = r->msg + WIRE_HEADER_LEN;

	if (fault == FAULT_NO_QUESTION) {
		return WIRE_HEADER_LEN;
	}
	put_u16(r->msg + 4, fault == FAULT_QUESTIONS ? 2 : 1);
	memcpy(p, "\7eXample", 9);
	put_u16(p + 9, xfr_in_qtype(r->model.question));
	put_u16(p + 11, RR_CLASS_IN);
	if (fault == FAULT_QUESTION) {
		p[take(&r->script) % 3 == 0 ? 1 : 10] ^= 1;
	}
	return WIRE_HEADER_LEN + 13;
}

static void
spoil_header(uint8_t *msg, enum fault fault)
{
	switch (fault) {
	case FAULT_ID:
		msg[1] ^= 1;
		break;
	case FAULT_QR:
		msg[2] ^= 0x80;
		break;
	case FAULT_OPCODE:
		msg[2] ^= 0x08;
		break;
	case FAULT_TC:
		msg[2] ^= 0x02;
		break;
	case FAULT_RCODE:
		msg[3] ^= 0x05;
		break;
	default:
		break;
	}
}

static void
put_rest(struct run *r, enum fault fault)
{
	static const uint8_t opt[] = {0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0};

	switch (fault) {
	case FAULT_TRAILING:
		r->msg[r->len++] = 0;
		break;
	case FAULT_CUT:
		r->len -= 1 + take(&r->script) % (r->len - WIRE_HEADER_LEN);
		break;
	case FAULT_OPT:
		put_u16(r->msg + 10, 1);
		memcpy(r->msg + r->len, opt, sizeof(opt));
		r->len += sizeof(opt);
		break;
	case FAULT_AUTHORITY:
		put_u16(r->msg + 8, 1);
		r->len += put_rr(r->msg + r->len, "\5other", 2, 1, "", 1);
		break;
	case FAULT_BROKEN_REST:
		put_u16(r->msg + 8, 1);
		r->len += put_rr(r->msg + r->len, "\5other", 1, 1, "", 1);
		break;
	default:
		break;
	}
}

static bool
is_harmless(enum fault fault, bool is_first)
{
	return fault == FAULT_NONE || fault == FAULT_OPT ||
	       fault == FAULT_AUTHORITY ||
	       (fault == FAULT_NO_QUESTION && !is_first);
}

/* The next message of the script, unsigned, and what the model makes of it. */
static void
make_message(struct run *r)
{
	struct model *m = &r->model;
	unsigned fault_code = take(&r->script), count = take(&r->script) % 32;
	enum fault fault =
	    fault_code < 128 ? FAULT_NONE : (enum fault)(fault_code % FAULTS);

	memset(r->msg, 0, WIRE_HEADER_LEN);
	put_u16(r->msg, ID);
	put_u16(r->msg + 2, HEADER_QR | HEADER_AA);
	r->len = put_question(r, fault);
	put_u16(r->msg + 6, (uint16_t)count);
	for (unsigned i = 0; i < count; i++) {
		struct record record = record_of(take(&r->script));

		r->len += put_record(r->msg + r->len, &record);
		if (m->count == RECORDS_MAX) {
			r->is_raw = true; /* more than the model can hold */
		} else {
			m->records[m->count++] = record;
		}
	}
	put_rest(r, fault);
	spoil_header(r->msg, fault);
	if (count == 0 || !is_harmless(fault, r->messages == 0)) {
		r->is_over = true;
	}
}

static void
make_raw(struct run *r)
{
	size_t left = (size_t)(r->script.end - r->script.p);
	size_t len = 16u * take(&r->script);

	left -= left > 0;
	r->len = len < left ? len : left;
	memcpy(r->msg, r->script.p, r->len);
	r->script.p += r->len;
	r->is_raw = true;
	if (r->len >= WIRE_HEADER_LEN) {
		put_u16(r->msg, ID);
		put_u16(r->msg + 2, HEADER_QR);
	} else {
		r->is_over = true;
	}
}

static void
take_signed(struct run *r, enum signing how)
{
	size_t body = r->len;

	r->len = sign(r->msg, r->len);
	if (how == BAD_MAC) {
		r->msg[r->len - 7] ^= 1;
	} else if (how == CHANGED) {
		r->msg[2 + take(&r->script) % (body - 2)] ^= 1;
	}
	r->unsigned_run = 0;
	if (how != SIGNED || r->is_tainted) {
		r->is_over = true;
	}
}

static void
take_unsigned(struct run *r, enum signing how)
{
	hold_message(r->msg, r->len);
	if (how == CHANGED_UNSIGNED) {
		r->msg[r->len - 1] ^= 1;
		r->is_tainted = true;
	}
	r->unsigned_run++;
	if (r->messages == 0 || r->unsigned_run > TSIG_UNSIGNED_MAX) {
		r->is_over = true;
	}
}

static void
sign_message(struct run *r)
{
	unsigned code = take(&r->script);
	enum signing how =
	    code < 128 ? SIGNED : (enum signing)(code % SIGNINGS);

	if (!r->has_key || r->len < WIRE_HEADER_LEN) {
		return;
	}
	if (how == UNSIGNED || how == CHANGED_UNSIGNED) {
		take_unsigned(r, how);
	} else {
		take_signed(r, how);
	}
}

/* ------------------------------------------------------------ the verdict */

static struct image *base;
static uint8_t apex[NAME_LEN_MAX];
static struct build_params build;

/* An image as the model has it: anything else in it is wrong. */
static struct zone_state
state_of(const struct image *im)
{
	static struct node_reader reader;
	struct zone_state s = {.serial = image_serial(im)};
	const struct node *n = NULL;
	struct rr rr;

	while ((n = image_next(im, n)) != NULL) {
		node_reader_init(&reader, n);
		while (node_reader_next(&reader, &rr)) {
			struct rr_soa soa;
			unsigned i;

			if (rr.type == RR_TYPE_SOA) {
				rr_soa_get(&rr, &soa);
				s.variant = soa.refresh - 3600;
				continue;
			}
			i = rr.type == RR_TYPE_NS
				? (unsigned)(NS_FIRST + rr.rdata[1] - 'n')
				: (rr.owner[1] - 'a') * 4u + rr.rdata[3];
			MUST(i < 64);
			s.mask |= UINT64_C(1) << i;
		}
	}
	return s;
}

/* What every image must have, whoever made it. */
static void
check_apex(const struct image *im)
{
	const struct rrset *soa = node_find(image_apex_node(im), RR_TYPE_SOA);
	const struct rrset *ns = node_find(image_apex_node(im), RR_TYPE_NS);

	MUST(soa != NULL && soa->count == 1);
	MUST(ns != NULL && ns->count >= 1);
	MUST(image_verify(im) == SECD_OK);
}

static int
build_result(struct run *r, struct image **out)
{
	struct build_report report;
	struct changeset cs;
	const struct changeset *list = &cs;
	struct spool *spool = exchange_take_spool(r->x);
	struct version *v;
	int rc;

	if (spool != NULL) {
		rc = build_from_spool(&build, spool, out, &report);
		spool_free(spool);
		return rc;
	}
	MUST(exchange_take_changeset(r->x, &cs) == SECD_OK);
	MUST(version_new(1, base, NULL, 0, &v) == SECD_OK);
	rc = build_from_changes(&build, v, &list, 1, out, &report);
	version_unref(v);
	changeset_fini(&cs);
	return rc;
}

static void
check_complete(struct run *r)
{
	struct exchange_result result;
	struct zone_state after;
	struct image *im;
	bool is_zone;
	int rc;

	exchange_result(r->x, &result);
	MUST(result.in->failure == FAILURE_NONE && result.in->has_soa);
	MUST(r->is_raw || result.in->outcome == r->model.outcome);
	MUST(r->is_raw || result.in->soa.serial == r->model.records[0].serial);
	is_zone = result.in->outcome == XFR_IN_AXFR ||
		  result.in->outcome == XFR_IN_AXFR_STYLE ||
		  result.in->outcome == XFR_IN_IXFR;
	if (!is_zone) {
		MUST(exchange_take_spool(r->x) == NULL);
		return;
	}
	rc = build_result(r, &im);
	if (rc == SECD_OK) {
		check_apex(im);
	}
	if (!r->is_raw) {
		MUST((rc == SECD_OK) == r->model.applies);
		if (rc == SECD_OK) {
			after = state_of(im);
			MUST(after.mask == r->model.after.mask);
			MUST(after.serial == r->model.after.serial);
			MUST(after.variant == r->model.after.variant);
		}
	}
	if (rc == SECD_OK) {
		image_unref(im);
	}
}

static void
check_failed(struct run *r)
{
	struct exchange_result result;
	struct changeset cs;

	exchange_result(r->x, &result);
	MUST(result.in->failure != FAILURE_NONE);
	MUST(result.in->failure != FAILURE_LOCAL);
	MUST(result.in->outcome == XFR_IN_NOTHING);
	MUST(result.in->text[0] != '\0');
	MUST(exchange_take_spool(r->x) == NULL);
	MUST(exchange_take_changeset(r->x, &cs) == SECD_ENOTFOUND);
}

/* Give one message; true while the stream goes on. */
static bool
step(struct run *r)
{
	enum exchange_verdict verdict, expected = EXCHANGE_FAILED;
	enum judgement judgement = REFUSED;

	if (take(&r->script) == 0xff) {
		make_raw(r);
	} else {
		make_message(r);
	}
	sign_message(r);
	if (!r->is_over && !r->is_raw) {
		judgement = judge(&r->model);
		/* The last message must be signed. */
		if (judgement == COMPLETE && r->unsigned_run == 0) {
			expected = EXCHANGE_DONE;
		} else if (judgement == GOES_ON) {
			expected = EXCHANGE_MORE;
		}
	}
	r->messages++;
	verdict = exchange_message(r->x, r->msg, r->len, NOW);
	if (r->is_over) {
		MUST(verdict == EXCHANGE_FAILED);
	} else if (r->is_tainted) {
		MUST(verdict != EXCHANGE_DONE);
	} else if (!r->is_raw) {
		MUST(verdict == expected);
	}
	if (verdict == EXCHANGE_DONE) {
		check_complete(r);
	} else if (verdict == EXCHANGE_FAILED) {
		check_failed(r);
	}
	return verdict == EXCHANGE_MORE;
}

/* The primary closes. */
static void
close_stream(struct run *r)
{
	bool is_all = r->messages > 0 && r->unsigned_run == 0 &&
		      !r->is_tainted && judge(&r->model) == GOES_ON &&
		      r->model.outcome == XFR_IN_USE_AXFR;
	bool may_end = exchange_may_end(r->x);
	enum exchange_verdict verdict =
	    exchange_stop(r->x, FAILURE_CLOSED, NULL);

	MUST(verdict != EXCHANGE_MORE);
	MUST(may_end == (verdict == EXCHANGE_DONE));
	MUST(r->is_raw || (verdict == EXCHANGE_DONE) == is_all);
	if (verdict == EXCHANGE_DONE) {
		check_complete(r);
	} else {
		check_failed(r);
	}
}

static struct tsig_key *key;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct rr rr = {.ttl = 3600};
	struct build_report report;
	uint8_t wire[256];
	struct spool *s;

	(void)argc;
	(void)argv;
	MUST(name_from_text("example.", apex) == SECD_OK);
	build = (struct build_params){
	    .apex = apex,
	    .hash_key = {{1, 2}},
	    .dir = "/tmp",
	    .memory_max = SIZE_MAX / 4,
	};
	MUST(spool_new("/tmp", 1 << 20, &s) == SECD_OK);
	for (unsigned i = 0; i <= 64; i++) {
		struct record record = {.kind = i == 64 ? SOA : POOL,
					.index = i,
					.serial = base_state.serial};
		size_t len = put_record(wire, &record), owner_len;

		if (i < 64 && !(base_state.mask >> i & 1)) {
			continue;
		}
		owner_len = name_len(wire);
		rr.owner = wire;
		rr.type = get_u16(wire + owner_len);
		rr.rdata = wire + owner_len + 10;
		rr.rdlen = (uint16_t)(len - owner_len - 10);
		MUST(spool_add(s, &rr) == SECD_OK);
	}
	MUST(build_from_spool(&build, s, &base, &report) == SECD_OK);
	spool_free(s);
	MUST(state_of(base).mask == base_state.mask);
	MUST(tsig_key_new((const uint8_t *)key_name, TSIG_HMAC_SHA256, secret,
			  sizeof(secret), &key) == SECD_OK);
	return 0;
}

static struct run run;

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct exchange_params p = {
	    .in = {.apex = apex,
		   .id = ID,
		   .serial = HELD,
		   .spool_dir = "/tmp",
		   .spool_chunk = 1 << 20},
	};
	uint8_t request[EXCHANGE_REQUEST_MAX];
	unsigned setting;
	size_t len;

	memset(&run, 0, offsetof(struct run, msg));
	run.script = (struct script){data, data + size};
	setting = take(&run.script);
	run.model.question = (enum xfr_in_question)(setting % 3);
	run.model.policy = (enum xfr_in_policy)(setting / 4 % 3);
	run.model.limit = setting & 0x10 ? LIMIT : 0;
	run.has_key = (setting & 0x20) != 0;
	p.in.question = run.model.question;
	p.in.policy = run.model.policy;
	p.in.limits.records = run.model.limit;
	p.key = run.has_key ? key : NULL;
	MUST(exchange_new(&p, &run.x) == SECD_OK);
	MUST(exchange_request(run.x, request, sizeof(request), &len, NOW) ==
	     SECD_OK);
	if (run.has_key) {
		begin_signing(request, len);
	}
	while (run.messages < MESSAGES_MAX && run.script.p < run.script.end) {
		if (!step(&run)) {
			exchange_free(run.x);
			return 0;
		}
	}
	close_stream(&run);
	exchange_free(run.x);
	return 0;
}
