/* SPDX-License-Identifier: BSD-2-Clause */

#include "past.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/octets.h"
#include "secondaryd/module.h"
#include "zonefile.h"

/* What stands in the asker's position. */
struct position {
	uint64_t has_begun;
	uint64_t at; /* octet of the steps */
	uint64_t empty;
};

void
past_init(struct past *p)
{
	memset(p, 0, sizeof(*p));
	p->piece_max = SECD_CHUNK_MAX;
	p->says_size = true;
}

void
past_fini(struct past *p)
{
	changeset_fini(&p->steps);
}

/* The step that begins at a serial; the octets if there is none. */
static size_t
find(const struct past *p, uint32_t serial)
{
	enum changeset_op op;
	size_t at = 0, next = 0;
	struct rr rr;

	while (changeset_next(&p->steps, &next, &op, &rr)) {
		if (op == CHANGESET_SOA_FROM &&
		    get_u32(rr.rdata + rr.rdlen - 20) == serial) {
			return at;
		}
		at = next;
	}
	return at;
}

static int
begin(const struct past *p, struct secd_since *s, struct position *pos)
{
	pos->at = find(p, s->from);
	if (pos->at == p->steps.octets.len) {
		return SECD_ENOTFOUND;
	}
	pos->has_begun = 1;
	if (p->says_size) {
		s->octets = p->steps.octets.len - pos->at;
		s->steps = p->steps.to - s->from;
	}
	return SECD_OK;
}

static void
fill(const struct past *p, struct secd_since *s, struct position *pos)
{
	const uint8_t *from = p->steps.octets.data + pos->at;
	size_t left = p->steps.octets.len - pos->at;
	struct secd_entry e;

	s->len = 0;
	while (s->len < left && s->len < p->piece_max) {
		size_t n = secd_entry_read(from + s->len, left - s->len, &e);

		n = n == 0 ? left - s->len : n; /* damaged by the test */
		if (s->len + n > s->cap) {
			break;
		}
		memcpy(s->buffer + s->len, from + s->len, n);
		s->len += n;
	}
	pos->at += s->len;
}

static int
changes_since(void *ctx, struct secd_since *s)
{
	struct past *p = ctx;
	struct position pos;
	unsigned call = atomic_fetch_add(&p->calls, 1) + 1;
	int rc = SECD_OK;

	assert_true(s->cap >= SECD_CHUNK_MAX);
	if (p->during != NULL) {
		p->during();
	}
	memcpy(&pos, s->position, sizeof(pos));
	s->len = 0;
	if (call <= p->busy) {
		return SECD_EBUSY;
	}
	if (call == p->fail_at) {
		return p->fail_rc;
	}
	if (!pos.has_begun) {
		rc = begin(p, s, &pos);
	}
	if (rc == SECD_OK && pos.empty < p->empty) {
		pos.empty++;
	} else if (rc == SECD_OK) {
		pos.empty = 0;
		fill(p, s, &pos);
	}
	memcpy(s->position, &pos, sizeof(pos));
	return rc == SECD_OK && pos.at < p->steps.octets.len ? SECD_MORE : rc;
}

struct frontend_history
past_history(struct past *p)
{
	return (struct frontend_history){.ctx = p,
					 .changes_since = changes_since};
}

void
past_add(struct past *p, uint32_t from, uint32_t to, unsigned records)
{
	for (uint32_t serial = from; serial != to; serial++) {
		char added[8192] = "", deleted[8192] = "";
		size_t a = 0, d = 0;

		for (unsigned i = 0; i < records; i++) {
			assert_true(a < sizeof(added) - 64);
			a += (size_t)snprintf(added + a, sizeof(added) - a,
					      "n%u.x%u A 192.0.2.1\n",
					      (unsigned)serial + 1, i);
			d += (size_t)snprintf(deleted + d, sizeof(deleted) - d,
					      "n%u.x%u A 192.0.2.1\n",
					      (unsigned)serial, i);
		}
		zonefile_step(&p->steps, "example.", serial, deleted, added);
	}
}
