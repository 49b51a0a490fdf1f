/* SPDX-License-Identifier: BSD-2-Clause */

#include "model.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/octets.h"

#define TTL       300
#define SOA_LEN   22                  /* two root names and five numbers */
#define LARGE     (MODEL_RECORDS - 1) /* this record is as large as can be */
#define LARGE_LEN 65535
#define TXT       16
#define SOA       6

void
model_init(struct model_zone *z, unsigned index)
{
	*z = (struct model_zone){.count = 0};
	z->apex[0] = 2;
	z->apex[1] = 'z';
	z->apex[2] = (uint8_t)('a' + index);
}

static struct model_version *
find(struct model_zone *z, uint64_t seq)
{
	size_t i = 0;

	while (i < z->count && z->versions[i].seq != seq) {
		i++;
	}
	return i == z->count ? NULL : &z->versions[i];
}

void
model_offered(struct model_zone *z, uint64_t seq, bool is_taken)
{
	struct model_version *v = find(z, seq);
	uint64_t before;

	v->is_told = true;
	v->is_taken = is_taken;
	before = v->from_seq != 0 ? v->from_seq : seq - 1;
	for (size_t i = 0; i < z->count && !is_taken; i++) {
		z->versions[i].is_lost |= z->versions[i].seq > before;
	}
}

void
model_committed(struct model_zone *z, bool is_kept)
{
	for (size_t i = 0; i < z->count; i++) {
		struct model_version *v = &z->versions[i];
		struct model_version *from = find(z, v->from_seq);

		if (v->is_taken) {
			v->is_lost = !is_kept;
		}
		if (v->is_taken && is_kept && from != NULL) {
			from->is_lost = false; /* it has a place now */
		}
		v->is_taken = false;
	}
}

void
model_kept(struct model_zone *z, uint64_t seq)
{
	find(z, seq)->is_lost = false;
}

const struct model_version *
model_find(const struct model_zone *z, uint64_t seq)
{
	for (size_t i = 0; i < z->count; i++) {
		if (z->versions[i].seq == seq) {
			return &z->versions[i];
		}
	}
	return NULL;
}

const struct model_version *
model_newest(const struct model_zone *z)
{
	return z->count == 0 ? NULL : &z->versions[z->count - 1];
}

const struct model_version *
model_grow(struct model_zone *z, struct rnd *r,
	   const struct model_version *from)
{
	const struct model_version *last = model_newest(z);
	struct model_version v = {.seq = 1, .serial = UINT32_MAX - 5};

	if (from != NULL) {
		v = *from;
		v.from_seq = from->seq;
		/* Now and then as far as RFC 1982 goes. */
		v.serial +=
		    rnd_below(r, 20) == 0 ? 0x7fffffff : 1 + rnd_below(r, 3);
	}
	if (last != NULL) {
		v.seq = (z->counts_on ? z->last_seq : last->seq) + 1 +
			rnd_below(r, 3);
	}
	z->last_seq = v.seq;
	v.is_lost = true;
	v.is_told = v.is_taken = false;
	for (unsigned n = rnd_below(r, 6) + (from == NULL ? 10 : 0); n > 0;
	     n--) {
		v.values[rnd_below(r, MODEL_RECORDS)] =
		    (uint16_t)rnd_below(r, 4);
	}
	if (z->count == MODEL_VERSIONS) {
		z->count--;
		memmove(z->versions, z->versions + 1, z->count * sizeof(v));
	}
	z->versions[z->count] = v;
	return &z->versions[z->count++];
}

void
model_fall_back(struct model_zone *z, uint64_t seq)
{
	while (z->count > 0 && z->versions[z->count - 1].seq > seq) {
		z->count--;
	}
}

static void
put(struct buf *out, uint8_t op, const uint8_t *owner, size_t owner_len,
    uint16_t type, const void *rdata, size_t len)
{
	uint8_t fixed[8];

	put_u16(fixed, type);
	put_u32(fixed + 2, TTL);
	put_u16(fixed + 6, (uint16_t)len);
	if (buf_put(out, &op, 1) != SECD_OK ||
	    buf_put(out, owner, owner_len) != SECD_OK ||
	    buf_put(out, fixed, sizeof(fixed)) != SECD_OK ||
	    buf_put(out, rdata, len) != SECD_OK) {
		abort();
	}
}

static void
put_soa(struct buf *out, uint8_t op, const struct model_zone *z,
	uint32_t serial)
{
	uint8_t rdata[SOA_LEN] = {0};

	put_u32(rdata + 2, serial);
	put(out, op, z->apex, 4, SOA, rdata, sizeof(rdata));
}

static void
put_value(struct buf *out, uint8_t op, const struct model_zone *z, size_t i,
	  uint16_t value)
{
	uint8_t owner[8] = {2, 'R', (uint8_t)('a' + i)};
	static uint8_t rdata[LARGE_LEN];

	memcpy(owner + 3, z->apex, 4);
	put_u16(rdata, value);
	put(out, op, owner, 7, TXT, rdata, i == LARGE ? LARGE_LEN : 2);
}

void
model_step(const struct model_zone *z, const struct model_version *from,
	   const struct model_version *to, struct buf *out)
{
	put_soa(out, SECD_OP_SOA_FROM, z, from->serial);
	for (size_t i = 0; i < MODEL_RECORDS; i++) {
		if (from->values[i] != 0 && from->values[i] != to->values[i]) {
			put_value(out, SECD_OP_DELETE, z, i, from->values[i]);
		}
	}
	put_soa(out, SECD_OP_SOA_TO, z, to->serial);
	for (size_t i = 0; i < MODEL_RECORDS; i++) {
		if (to->values[i] != 0 && from->values[i] != to->values[i]) {
			put_value(out, SECD_OP_ADD, z, i, to->values[i]);
		}
	}
}

void
model_whole(const struct model_zone *z, const struct model_version *v,
	    struct buf *out)
{
	put_soa(out, SECD_OP_ADD, z, v->serial);
	for (size_t i = 0; i < MODEL_RECORDS; i++) {
		if (v->values[i] != 0) {
			put_value(out, SECD_OP_ADD, z, i, v->values[i]);
		}
	}
}

static const char *
apply_soa(struct model_version *v, const struct secd_entry *e, int last)
{
	uint32_t serial;

	if (e->rdata_len != SOA_LEN) {
		return "a SOA that nobody gave";
	}
	serial = get_u32(e->rdata + 2);
	if (e->op == SECD_OP_SOA_TO) {
		v->serial = serial;
		return last == SECD_OP_SOA_FROM || last == SECD_OP_DELETE
			   ? NULL
			   : "a SOA out of order";
	}
	if (e->op != SECD_OP_SOA_FROM || last == SECD_OP_SOA_FROM ||
	    last == SECD_OP_DELETE) {
		return "a SOA out of order";
	}
	return serial == v->serial ? NULL : "a step from another serial";
}

static const char *
apply_value(struct model_version *v, const struct secd_entry *e, int last)
{
	size_t i = (size_t)(e->owner[2] - 'a');
	uint16_t value;

	if (i >= MODEL_RECORDS || e->owner[1] != 'R' || e->ttl != TTL ||
	    e->rdata_len != (i == LARGE ? LARGE_LEN : 2)) {
		return "a record that nobody gave";
	}
	value = get_u16(e->rdata);
	if (e->op == SECD_OP_DELETE) {
		if (last != SECD_OP_SOA_FROM && last != SECD_OP_DELETE) {
			return "a deletion out of order";
		}
		if (v->values[i] != value) {
			return "a deletion of what is not there";
		}
		v->values[i] = 0;
		return NULL;
	}
	if (last != SECD_OP_SOA_TO && last != SECD_OP_ADD) {
		return "an addition out of order";
	}
	if (v->values[i] != 0) {
		return "an addition of what is there";
	}
	v->values[i] = value;
	return NULL;
}

const char *
model_apply(const struct model_zone *z, struct model_version *v,
	    const uint8_t *entries, size_t len)
{
	const char *wrong = NULL;
	int last = 0;

	while (len > 0 && wrong == NULL) {
		struct secd_entry e;
		size_t n = secd_entry_read(entries, len, &e);

		if (n == 0 || e.owner_len < 4 ||
		    memcmp(e.owner + e.owner_len - 4, z->apex, 4) != 0) {
			return "no entry, or one of another zone";
		}
		wrong = e.type == SOA ? apply_soa(v, &e, last)
				      : apply_value(v, &e, last);
		last = e.op;
		entries += n;
		len -= n;
	}
	if (wrong == NULL && last != SECD_OP_SOA_TO && last != SECD_OP_ADD) {
		wrong = "a step without its end";
	}
	return wrong;
}
