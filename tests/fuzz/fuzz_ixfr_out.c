/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_ixfr_out -- changes as history has them, sent and read again.
 *
 * The input begins with settings: which zone, what the client asks with, how
 * large messages and runs of entries may be. What follows is a script that turns
 * records of a model on and off, step by step; or entries as they are. What the
 * other side reads must be what was put, to the octet, however long the runs
 * are, and messages must be as long as they may be; condensed into one step, the
 * same zone comes out, and nothing is in that step that need not be.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/octets.h"
#include "secondaryd/module.h"
#include "server/condense.h"
#include "transfer/xfr_in.h"
#include "transfer/xfr_out.h"
#include "zone/build.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ID         0x4d2e
#define STEPS_MAX  64
#define OCTETS_MAX (1u << 18) /* of the changes, about */

#define MUST(what)                                                             \
	do {                                                                   \
		if (!(what)) {                                                 \
			fprintf(stderr, "line %d: not so: %s\n", __LINE__,     \
				#what);                                        \
			abort();                                               \
		}                                                              \
	} while (0)

struct script {
	const uint8_t *p, *end;
};

static unsigned
take(struct script *s)
{
	return s->p < s->end ? *s->p++ : 0;
}

struct settings {
	const uint8_t *apex;
	bool is_raw, edns, upper_case;
	size_t cap, reserve, run_max;
	uint32_t from;
	size_t extra; /* octets of the records of some length */
};

static struct settings
take_settings(struct script *s)
{
	static const uint32_t first[] = {1, UINT32_MAX - 3, INT32_MAX - 3, 0};
	unsigned flags = take(s), room = take(s), runs = take(s);

	return (struct settings){
	    .apex = (const uint8_t *)(flags & 1 ? "" : "\7example"),
	    .edns = flags & 2,
	    .upper_case = flags & 4,
	    .is_raw = flags & 8,
	    .reserve = flags & 16 ? 100 : 0,
	    .from = first[flags >> 6],
	    .cap = room < 128 ? UINT16_MAX : 300 + 150 * (room - 128),
	    .run_max = runs < 128 ? SECD_CHUNK_MAX : 1 + 8 * (runs - 128),
	    .extra = take(s),
	};
}

/* --------------------------------------------------------------- the model */

#define OWNER_COUNT  16
#define RECORD_COUNT 64
#define LABEL_63                                                               \
	"\x3f"                                                                 \
	"123456789.123456789.123456789.123456789.123456789.123456789.abc"

/* In front of the apex. */
static const char *const owners[OWNER_COUNT] = {
    "",
    "\1a",
    "\1A",
    "\1b\1a",
    "\1b\1A",
    "\1B\1a",
    "\1c\1b\1a",
    "\2cc\1b\1a",
    "\1a\1b",
    "\1*",
    "\1*\1a",
    LABEL_63,
    "\1a" LABEL_63,
    LABEL_63 LABEL_63 LABEL_63,
    "\1x\1x\1x\1x\1x\1x\1x\1x\1x\1x\1x\1x\1x\1x\1x\1x\1x\1x\1x\1x",
    "\7example",
};

/* Entries, one behind the other, the last of which ends at at[RECORD_COUNT]. */
struct model {
	struct buf octets;
	size_t at[RECORD_COUNT + 1];
};

static uint8_t rdata[UINT16_MAX];

static void
make_record(struct buf *b, const struct settings *t, unsigned i)
{
	static const size_t lengths[OWNER_COUNT] = {
	    0,     1,     100,   300,   1000,  4000,  8000,  16000,
	    16200, 16384, 20000, 40000, 65000, 65100, 65280, 0};
	const char *owner = owners[i % OWNER_COUNT];
	size_t len = lengths[i % OWNER_COUNT] + t->extra;
	uint8_t code = SECD_OP_ADD, fixed[8] = {0};
	uint16_t type = 65280;

	if (i < 2 * OWNER_COUNT) { /* of equal length, other octets or TTL */
		type = RR_TYPE_A;
		len = 4;
	} else if (i < 3 * OWNER_COUNT) {
		type = RR_TYPE_NS;
		len = 3 + name_len(t->apex);
	}
	memset(rdata, (int)(i / OWNER_COUNT % 2), len);
	if (type == RR_TYPE_NS) {
		memcpy(rdata, "\2ns", 3);
		memcpy(rdata + 3, t->apex, len - 3);
	}
	put_u16(fixed, type);
	put_u32(fixed + 2, 300 + i % 3);
	put_u16(fixed + 6, (uint16_t)len);
	MUST(buf_put(b, &code, 1) == SECD_OK);
	MUST(buf_put(b, owner, strlen(owner)) == SECD_OK);
	MUST(buf_put(b, t->apex, name_len(t->apex)) == SECD_OK);
	MUST(buf_put(b, fixed, sizeof(fixed)) == SECD_OK);
	MUST(buf_put(b, rdata, len) == SECD_OK);
}

static void
make_model(const struct settings *t, struct model *m)
{
	*m = (struct model){.at = {0}};
	for (unsigned i = 0; i < RECORD_COUNT; i++) {
		make_record(&m->octets, t, i);
		m->at[i + 1] = m->octets.len;
	}
}

static void
put_record(struct buf *b, const struct model *m, unsigned i, enum secd_op op)
{
	size_t before = b->len;

	MUST(buf_put(b, m->octets.data + m->at[i], m->at[i + 1] - m->at[i]) ==
	     SECD_OK);
	b->data[before] = (uint8_t)op;
}

/* Which of the records an entry is, whatever is done with it. */
static unsigned
record_of(const struct model *m, const uint8_t *entry, size_t len)
{
	unsigned i = 0;

	while (i < RECORD_COUNT && (m->at[i + 1] - m->at[i] != len ||
				    memcmp(m->octets.data + m->at[i] + 1,
					   entry + 1, len - 1) != 0)) {
		i++;
	}
	return i;
}

/* RDATA of the SOA. Returns its length. */
static size_t
soa(const uint8_t *apex, uint32_t serial, uint8_t *out)
{
	size_t len = name_len(apex);

	memset(out, 0, 2 * len + 20);
	memcpy(out, apex, len);
	memcpy(out + len, apex, len);
	put_u32(out + 2 * len, serial);
	return 2 * len + 20;
}

static void
put_soa(struct buf *b, const struct settings *t, uint32_t serial,
	enum secd_op op)
{
	uint8_t octets[64], fixed[8] = {0, RR_TYPE_SOA}, code = (uint8_t)op;
	size_t len = soa(t->apex, serial, octets);

	put_u16(fixed + 6, (uint16_t)len);
	MUST(buf_put(b, &code, 1) == SECD_OK);
	MUST(buf_put(b, t->apex, name_len(t->apex)) == SECD_OK);
	MUST(buf_put(b, fixed, sizeof(fixed)) == SECD_OK);
	MUST(buf_put(b, octets, len) == SECD_OK);
}

/* One part of a step. Returns the records that there are after it. */
static uint64_t
put_part(struct buf *b, const struct model *m, uint64_t zone, enum secd_op op,
	 struct script *s)
{
	unsigned octet = take(s);

	while (octet > 0 && octet < 128) {
		unsigned i = octet % RECORD_COUNT;
		uint64_t bit = UINT64_C(1) << i;

		if ((op == SECD_OP_ADD) == !(zone & bit) &&
		    b->len < OCTETS_MAX) {
			put_record(b, m, i, op);
			zone ^= bit;
		}
		octet = take(s);
	}
	return zone;
}

/* A step: an octet for each record that goes, if it is there, until 0 or one
 * of 128 or more; the same for what comes, if it is not. */
static uint64_t
put_step(struct buf *b, const struct settings *t, const struct model *m,
	 uint64_t zone, uint32_t serial, struct script *s)
{
	put_soa(b, t, serial, SECD_OP_SOA_FROM);
	zone = put_part(b, m, zone, SECD_OP_DELETE, s);
	put_soa(b, t, serial + 1, SECD_OP_SOA_TO);
	return put_part(b, m, zone, SECD_OP_ADD, s);
}

/* ------------------------------------------------------------ there and back */

struct runs {
	const struct buf *octets;
	size_t at, max;
	uint8_t *run; /* in memory of its own, gone at the next */
};

static int
next_run(void *ctx, const uint8_t **octets, size_t *len)
{
	struct runs *r = ctx;
	size_t n = 0, left = r->octets->len - r->at;
	struct secd_entry e;

	free(r->run);
	while (n < left && n < r->max) {
		size_t entry =
		    secd_entry_read(r->octets->data + r->at + n, left - n, &e);

		n = entry == 0 ? left : n + entry;
	}
	r->run = malloc(n + 1);
	MUST(r->run != NULL);
	if (n > 0) {
		memcpy(r->run, r->octets->data + r->at, n);
	}
	r->at += n;
	*octets = r->run;
	*len = n;
	return SECD_OK;
}

static const struct name_hash_key hash_key = {.k = {1, 2}};

/* All that is looked at of it is its SOA. */
static struct version *
make_version(const struct settings *t, uint32_t serial)
{
	const struct build_params p = {.apex = t->apex,
				       .hash_key = hash_key,
				       .dir = "/tmp",
				       .memory_max = SIZE_MAX / 4};
	uint8_t octets[64];
	struct rr rr = {.owner = t->apex, .rdata = octets, .type = RR_TYPE_SOA};
	struct build_report report;
	struct version *v;
	struct image *im;
	struct spool *s;

	rr.rdlen = (uint16_t)soa(t->apex, serial, octets);
	MUST(spool_new("/tmp", 1 << 16, &s) == SECD_OK);
	MUST(spool_add(s, &rr) == SECD_OK);
	rr.type = RR_TYPE_NS;
	rr.rdata = (const uint8_t *)"\2ns";
	rr.rdlen = 4;
	MUST(spool_add(s, &rr) == SECD_OK);
	MUST(build_from_spool(&p, s, &im, &report) == SECD_OK);
	spool_free(s);
	MUST(version_new_take(1, im, &v) == SECD_OK);
	return v;
}

/* Octets of a message without records. */
static size_t
message_head(const struct settings *t)
{
	return WIRE_HEADER_LEN + name_len(t->apex) + 4u + (t->edns ? 11 : 0);
}

static void
parse_query(const struct settings *t, uint8_t *octets, struct query *q)
{
	static const uint8_t opt[] = {0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0};
	size_t apex_len = name_len(t->apex), len = WIRE_HEADER_LEN;

	memset(octets, 0, len);
	put_u16(octets, ID);
	put_u16(octets + 4, 1);
	memcpy(octets + len, t->apex, apex_len);
	if (t->upper_case && apex_len > 2) {
		octets[len + 2] ^= 0x20;
	}
	len += apex_len;
	put_u16(octets + len, RR_TYPE_IXFR);
	put_u16(octets + len + 2, RR_CLASS_IN);
	len += 4;
	if (t->edns) {
		put_u16(octets + 10, 1);
		memcpy(octets + len, opt, sizeof(opt));
		len += sizeof(opt);
	}
	MUST(query_parse(q, octets, len, &hash_key) == QUERY_OTHER);
}

/* All messages, with two octets of length before each, into `out`. */
static int
send_all(const struct settings *t, const struct buf *entries, uint32_t to,
	 size_t run_max, struct buf *out)
{
	struct runs runs = {.octets = entries, .max = run_max};
	const struct xfr_out_source source = {.ctx = &runs, .next = next_run};
	struct version *v = make_version(t, to);
	uint8_t request[64], *msg = malloc(t->cap), len_octets[2];
	enum xfr_out_verdict verdict;
	struct xfr_out *x;
	struct query q;
	size_t len;
	int rc;

	MUST(msg != NULL);
	parse_query(t, request, &q);
	MUST(xfr_out_new(v, &q, XFR_OUT_IXFR, &x) == SECD_OK);
	xfr_out_set_changes(x, &source, t->from);
	version_unref(v);
	do {
		verdict = xfr_out_next(x, msg, t->cap, t->reserve, &len);
		if (verdict != XFR_OUT_FAILED) {
			MUST(len + t->reserve <= t->cap);
			MUST(len <= XFR_OUT_FILL + 11 || get_u16(msg + 6) == 1);
			put_u16(len_octets, (uint16_t)len);
			MUST(buf_put(out, len_octets, 2) == SECD_OK);
			MUST(buf_put(out, msg, len) == SECD_OK);
		}
	} while (verdict == XFR_OUT_MORE);
	rc = xfr_out_failure(x);
	MUST((rc == SECD_OK) == (verdict == XFR_OUT_DONE));
	xfr_out_free(x);
	free(runs.run);
	free(msg);
	return rc;
}

/* Returns  false: the other side does not take it. */
static bool
receive(const struct settings *t, const struct buf *stream,
	struct changeset *out)
{
	const struct xfr_in_params p = {.apex = t->apex,
					.id = ID,
					.question = XFR_IN_ASK_IXFR,
					.serial = t->from,
					.spool_dir = "/tmp",
					.spool_chunk = 1 << 16};
	enum xfr_in_verdict verdict = XFR_IN_MORE;
	size_t at = 0;
	struct xfr_in *x;

	MUST(xfr_in_new(&p, &x) == SECD_OK);
	while (at < stream->len && verdict == XFR_IN_MORE) {
		size_t len = get_u16(stream->data + at);

		verdict = xfr_in_message(x, stream->data + at + 2, len);
		at += 2 + len;
	}
	if (verdict == XFR_IN_DONE) {
		MUST(at == stream->len);
		MUST(xfr_in_take_changeset(x, out) == SECD_OK);
	}
	xfr_in_free(x);
	return verdict == XFR_IN_DONE;
}

static bool
is_same(const struct buf *a, const struct buf *b)
{
	return a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

/* The most that a message has to hold: owner and all of one record. */
static size_t
longest_entry(const struct buf *entries, bool with_owner)
{
	size_t longest = 0, at = 0, n;
	struct secd_entry e;

	while (at < entries->len) {
		n = secd_entry_read(entries->data + at, entries->len - at, &e);
		MUST(n > 0);
		at += n;
		n = 10u + e.rdata_len + (with_owner ? e.owner_len : 1);
		longest = n > longest ? n : longest;
	}
	return longest;
}

/* Good changes: they arrive, unless a record is too long for any message. */
static void
round_trip(const struct settings *t, const struct buf *entries, uint32_t to)
{
	size_t room = t->cap - t->reserve - message_head(t);
	struct buf stream = {0}, other = {0};
	struct changeset got = {.from = 0};
	int rc = send_all(t, entries, to, t->run_max, &stream);

	MUST(send_all(t, entries, to, SECD_CHUNK_MAX, &other) == rc);
	MUST(is_same(&stream, &other)); /* however long the runs are */
	if (rc != SECD_OK) {
		MUST(rc == SECD_ENOSPC && longest_entry(entries, true) > room);
	} else {
		MUST(longest_entry(entries, false) <= room + 11);
		MUST(receive(t, &stream, &got));
		MUST(got.from == t->from && got.to == to);
		MUST(is_same(&got.octets, entries));
		changeset_fini(&got);
	}
	buf_fini(&stream);
	buf_fini(&other);
}

/* -------------------------------------------------------------- condensed */

/* One step, from one zone to the other, and each record in it once. */
static void
check_condensed(const struct settings *t, const struct model *m,
		const struct buf *entries, uint32_t to, uint64_t before,
		uint64_t after)
{
	uint64_t deleted = 0, added = 0;
	struct changeset cs = {.from = 0};
	struct condense *c;
	const uint8_t *octets;
	struct secd_entry e;
	size_t len, at = 0;

	MUST(condense_now(entries->data, entries->len, &c) == SECD_OK);
	MUST(condense_result(c, &octets, &len) == SECD_OK);
	MUST(changeset_from_octets(octets, len, &cs) == SECD_OK);
	condense_end(c);
	MUST(cs.step_count == 1 && cs.from == t->from && cs.to == to);
	while (at < cs.octets.len) {
		const uint8_t *entry = cs.octets.data + at;
		size_t n = secd_entry_read(entry, cs.octets.len - at, &e);

		MUST(n > 0);
		if (e.type != RR_TYPE_SOA) {
			unsigned i = record_of(m, entry, n);
			uint64_t *seen =
			    e.op == SECD_OP_ADD ? &added : &deleted;

			MUST(i < RECORD_COUNT && !(*seen >> i & 1));
			*seen |= UINT64_C(1) << i;
		}
		at += n;
	}
	MUST(deleted == (before & ~after) && added == (after & ~before));
	round_trip(t, &cs.octets, to);
	changeset_fini(&cs);
}

/* --------------------------------------------------------- entries as they are */

/* Which xfr_in takes for 0 (RFC 2181 section 8). */
static bool
has_strange_ttl(const struct buf *entries)
{
	size_t at = 0, n = 1;
	struct secd_entry e;

	while (at < entries->len && n > 0) {
		n = secd_entry_read(entries->data + at, entries->len - at, &e);
		if (n > 0 && e.ttl > INT32_MAX) {
			return true;
		}
		at += n;
	}
	return false;
}

static void
try_raw(struct settings *t, const struct script *s)
{
	struct buf entries = {0}, stream = {0};
	struct changeset cs = {.from = 0}, got = {.from = 0};
	bool is_good = false;
	uint32_t to = t->from + 1;
	int rc;

	MUST(buf_put(&entries, s->p, (size_t)(s->end - s->p)) == SECD_OK);
	if (changeset_from_octets(entries.data, entries.len, &cs) == SECD_OK) {
		is_good = true;
		t->from = cs.from;
		to = cs.to;
	}
	rc = send_all(t, &entries, to, t->run_max, &stream);
	MUST(rc == SECD_OK || rc == SECD_EMALF || rc == SECD_ENOSPC);
	MUST(!is_good || rc != SECD_EMALF);
	if (rc == SECD_OK && receive(t, &stream, &got)) {
		MUST(!is_good || has_strange_ttl(&entries) ||
		     is_same(&got.octets, &entries));
		changeset_fini(&got);
	}
	changeset_fini(&cs);
	buf_fini(&stream);
	buf_fini(&entries);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct script s = {.p = data, .end = data + size};
	struct settings t = take_settings(&s);
	struct buf entries = {0};
	struct model m;
	uint64_t zone = UINT64_C(0x5555555555555555), before = zone;
	uint32_t to = t.from;

	if (t.is_raw) {
		try_raw(&t, &s);
		return 0;
	}
	make_model(&t, &m);
	do {
		zone = put_step(&entries, &t, &m, zone, to, &s);
		to++;
	} while (s.p < s.end && to - t.from < STEPS_MAX);
	round_trip(&t, &entries, to);
	check_condensed(&t, &m, &entries, to, before, zone);
	buf_fini(&m.octets);
	buf_fini(&entries);
	return 0;
}
