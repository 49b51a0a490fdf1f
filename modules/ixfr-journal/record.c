/* SPDX-License-Identifier: BSD-2-Clause */

#include "ixfr-journal/record.h"

#include "base/checksum.h"
#include "base/octets.h"

#define SUM_LEN 8

/*
 * Writing: each call appends.
 */

static void
add_u32(struct octets *o, uint32_t value)
{
	put_u32(o->data + o->len, value);
	o->len += 4;
}

static void
add_u64(struct octets *o, uint64_t value)
{
	put_u64(o->data + o->len, value);
	o->len += 8;
}

static void
add_octets(struct octets *o, const void *octets, size_t len)
{
	if (len > 0) {
		memcpy(o->data + o->len, octets, len);
	}
	o->len += len;
}

static void
add_digest(struct octets *o, const struct digest *d)
{
	digest_write(d, o->data + o->len);
	o->len += SECD_DIGEST_LEN;
}

static void
add_totals(struct octets *o, const struct totals *t)
{
	add_u64(o, t->steps);
	add_u64(o, t->octets);
	add_digest(o, &t->delta);
}

static uint64_t
sum_of(const uint8_t *key, size_t key_len, const uint8_t *octets, size_t len)
{
	return checksum64(checksum64(CHECKSUM_START, key, key_len), octets,
			  len);
}

static void
add_sum(struct octets *o, const uint8_t *key, size_t key_len)
{
	add_u64(o, sum_of(key, key_len, o->data, o->len));
}

/*
 * Reading: each call takes off the front. Lengths are checked once, before.
 */

struct reader {
	const uint8_t *at;
	size_t left;
};

static uint32_t
take_u32(struct reader *r)
{
	uint32_t value = get_u32(r->at);

	r->at += 4;
	r->left -= 4;
	return value;
}

static uint64_t
take_u64(struct reader *r)
{
	uint64_t value = get_u64(r->at);

	r->at += 8;
	r->left -= 8;
	return value;
}

static void
take_digest(struct reader *r, struct digest *out)
{
	digest_read(r->at, out);
	r->at += SECD_DIGEST_LEN;
	r->left -= SECD_DIGEST_LEN;
}

static void
take_totals(struct reader *r, struct totals *out)
{
	out->steps = take_u64(r);
	out->octets = take_u64(r);
	take_digest(r, &out->delta);
}

/* Begin to read a value of at least `fixed` octets and a checksum. */
static int
reader_start(struct reader *r, const uint8_t *key, size_t key_len,
	     const uint8_t *octets, size_t len, size_t fixed)
{
	if (len < fixed + SUM_LEN ||
	    get_u64(octets + len - SUM_LEN) !=
		sum_of(key, key_len, octets, len - SUM_LEN)) {
		return SECD_EMALF;
	}
	*r = (struct reader){octets, len - SUM_LEN};
	return SECD_OK;
}

/*
 * Keys
 */

void
key_of_segment(uint64_t zone, uint64_t start, struct octets *out)
{
	out->len = 0;
	add_u64(out, zone);
	add_u64(out, start);
}

void
key_of_step(uint64_t zone, uint64_t seq, struct octets *out)
{
	key_of_segment(zone, seq, out);
}

void
key_of_trash(uint64_t zone, enum piece_kind kind, uint64_t seq,
	     struct octets *out)
{
	out->len = 0;
	add_u64(out, zone);
	out->data[out->len++] = (uint8_t)kind;
	add_u64(out, seq);
}

void
key_of_piece(uint64_t zone, enum piece_kind kind, uint64_t seq, uint32_t index,
	     struct octets *out)
{
	key_of_trash(zone, kind, seq, out);
	add_u32(out, index);
}

void
key_of_serial(uint64_t zone, uint32_t serial, uint64_t seq, struct octets *out)
{
	out->len = 0;
	add_u64(out, zone);
	add_u32(out, serial);
	add_u64(out, seq);
}

/*
 * Values
 */

#define ZONE_LEN 24

void
zone_record_write(const struct zone_record *z, const uint8_t *apex,
		  size_t apex_len, struct octets *out)
{
	out->len = 0;
	add_u64(out, z->id);
	add_u64(out, z->segment);
	add_u64(out, z->pinned);
	add_sum(out, apex, apex_len);
}

int
zone_record_read(const uint8_t *apex, size_t apex_len, const uint8_t *octets,
		 size_t len, struct zone_record *out)
{
	struct reader r;
	int rc = reader_start(&r, apex, apex_len, octets, len, ZONE_LEN);

	if (rc != SECD_OK) {
		return rc;
	}
	*out =
	    (struct zone_record){.id = take_u64(&r), .segment = 0, .pinned = 0};
	out->segment = take_u64(&r);
	out->pinned = take_u64(&r);
	return r.left == 0 ? SECD_OK : SECD_EMALF;
}

#define TOTALS_LEN  (16 + SECD_DIGEST_LEN)
#define SEGMENT_LEN (24 + 2 * TOTALS_LEN + 32 + SECD_DIGEST_LEN)

void
segment_write(const struct segment *s, struct octets *out)
{
	struct octets key;

	key_of_segment(s->zone, s->start, &key);
	out->len = 0;
	add_u32(out, s->start_serial);
	add_u32(out, s->newest_serial);
	add_u64(out, s->newest);
	add_u64(out, (uint64_t)s->began_at);
	add_totals(out, &s->at_start);
	add_totals(out, &s->at_newest);
	add_u64(out, s->base.seq);
	add_u32(out, s->base.serial);
	add_u32(out, s->base.pieces);
	add_u64(out, s->base.records);
	add_u64(out, s->base.octets);
	add_digest(out, &s->base.origin);
	add_sum(out, key.data, key.len);
}

int
segment_read(const uint8_t *key, size_t key_len, const uint8_t *octets,
	     size_t len, struct segment *out)
{
	struct reader r;
	int rc = reader_start(&r, key, key_len, octets, len, SEGMENT_LEN);

	if (rc != SECD_OK || key_len != 16 || r.left != SEGMENT_LEN) {
		return SECD_EMALF;
	}
	out->zone = get_u64(key);
	out->start = get_u64(key + 8);
	out->start_serial = take_u32(&r);
	out->newest_serial = take_u32(&r);
	out->newest = take_u64(&r);
	out->began_at = (int64_t)take_u64(&r);
	take_totals(&r, &out->at_start);
	take_totals(&r, &out->at_newest);
	out->base.seq = take_u64(&r);
	out->base.serial = take_u32(&r);
	out->base.pieces = take_u32(&r);
	out->base.records = take_u64(&r);
	out->base.octets = take_u64(&r);
	take_digest(&r, &out->base.origin);
	return SECD_OK;
}

/* Without the two texts, but with their lengths. */
#define STEP_LEN (60 + 28 + SECD_DIGEST_LEN + TOTALS_LEN + 8)

void
step_write(const struct step *s, struct octets *out)
{
	struct octets key;

	key_of_step(s->zone, s->seq, &key);
	out->len = 0;
	add_u64(out, s->from_seq);
	add_u32(out, s->from);
	add_u32(out, s->to);
	add_u64(out, (uint64_t)s->at);
	add_u32(out, s->source);
	add_u32(out, s->transport);
	add_u32(out, s->pieces);
	add_u64(out, s->octets);
	add_u64(out, s->deleted);
	add_u64(out, s->added);
	add_u32(out, s->primary.family);
	add_u32(out, s->primary.port);
	add_u32(out, s->primary.scope);
	add_octets(out, s->primary.octets, sizeof(s->primary.octets));
	add_digest(out, &s->delta);
	add_totals(out, &s->after);
	add_u32(out, s->key_len);
	add_octets(out, s->key, s->key_len);
	add_u32(out, s->id_len);
	add_octets(out, s->id, s->id_len);
	add_sum(out, key.data, key.len);
}

/* A length and as many octets, the last or followed by others. */
static int
take_text(struct reader *r, void *text, uint8_t *len)
{
	uint32_t n;

	if (r->left < 4 || (n = take_u32(r)) > UINT8_MAX || n > r->left) {
		return SECD_EMALF;
	}
	memcpy(text, r->at, n);
	r->at += n;
	r->left -= n;
	*len = (uint8_t)n;
	return SECD_OK;
}

static void
take_address(struct reader *r, struct secd_address *out)
{
	*out = (struct secd_address){.family = (uint8_t)take_u32(r)};
	out->port = (uint16_t)take_u32(r);
	out->scope = take_u32(r);
	memcpy(out->octets, r->at, sizeof(out->octets));
	r->at += sizeof(out->octets);
	r->left -= sizeof(out->octets);
}

int
step_read(const uint8_t *key, size_t key_len, const uint8_t *octets, size_t len,
	  struct step *out)
{
	struct reader r;
	int rc = reader_start(&r, key, key_len, octets, len, STEP_LEN);

	if (rc != SECD_OK || key_len != 16) {
		return SECD_EMALF;
	}
	out->zone = get_u64(key);
	out->seq = get_u64(key + 8);
	out->from_seq = take_u64(&r);
	out->from = take_u32(&r);
	out->to = take_u32(&r);
	out->at = (int64_t)take_u64(&r);
	out->source = take_u32(&r);
	out->transport = take_u32(&r);
	out->pieces = take_u32(&r);
	out->octets = take_u64(&r);
	out->deleted = take_u64(&r);
	out->added = take_u64(&r);
	take_address(&r, &out->primary);
	take_digest(&r, &out->delta);
	take_totals(&r, &out->after);
	if (take_text(&r, out->key, &out->key_len) != SECD_OK ||
	    take_text(&r, out->id, &out->id_len) != SECD_OK) {
		return SECD_EMALF;
	}
	return r.left == 0 ? SECD_OK : SECD_EMALF;
}
