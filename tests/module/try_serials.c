/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A journal in which serials come more than once: after a transfer that was
 * ordered of the same serial, across the end of serials, when all begins anew.
 */

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "try_module.h"

#define ZONE 0

struct whole_stream {
	struct secd_stream api;
	struct buf octets;
	bool is_given;
};

static int
give(struct secd_stream *api, const uint8_t **octets, size_t *len)
{
	struct whole_stream *s = (struct whole_stream *)api;

	*octets = s->octets.data;
	*len = s->is_given ? 0 : s->octets.len;
	s->is_given = true;
	return SECD_OK;
}

static int
change(struct fake_host *h, const struct model_version *from,
       const struct model_version *to)
{
	const struct model_zone *z = &h->zones[ZONE];
	struct whole_stream s = {.api = {sizeof(s.api), give}};
	struct secd_change c = {
	    .size = sizeof(c),
	    .source = SECD_SOURCE_AXFR,
	    .from = from == NULL ? 0 : from->serial,
	    .to = to->serial,
	    .apex = z->apex,
	    .from_seq = to->from_seq,
	    .seq = to->seq,
	    .at_ms = h->now.wall_ms,
	    .primary_id = "",
	    .records = from == NULL ? NULL : &s.api,
	};
	int rc;

	if (from != NULL) {
		model_step(z, from, to, &s.octets);
	}
	h->in_call = true;
	rc = h->module->change(h->m, &c);
	if (rc == SECD_OK) {
		rc = h->module->commit(h->m);
	}
	h->in_call = false;
	buf_fini(&s.octets);
	return rc;
}

/* One more version, whose first record has this value. */
static void
add(struct fake_host *h, bool is_from_nothing, uint32_t serial, uint16_t value)
{
	struct model_zone *z = &h->zones[ZONE];
	const struct model_version *from =
	    is_from_nothing ? NULL : model_newest(z);
	struct model_version *v = &z->versions[z->count];

	*v = (struct model_version){.seq = z->last_seq + 1,
				    .from_seq = from == NULL ? 0 : from->seq,
				    .serial = serial,
				    .values = {value, 1}};
	z->last_seq = v->seq;
	z->count++;
	if (change(h, from, v) != SECD_OK) {
		fake_wrong("serial %u is not taken", (unsigned)serial);
	}
	h->expected[ZONE] = v->seq;
	fake_host_settle(h);
}

/* A client asks with a serial. */
static void
expect(struct fake_host *h, uint32_t serial, int expected)
{
	const struct model_version *to = model_newest(&h->zones[ZONE]);
	uint8_t *position = calloc(1, SECD_POSITION_LEN);
	uint8_t *buffer = malloc(SECD_CHUNK_MAX);
	struct secd_since s = {
	    .size = sizeof(s),
	    .from = serial,
	    .apex = h->zones[ZONE].apex,
	    .to_seq = to->seq,
	    .position = position,
	    .buffer = buffer,
	    .cap = SECD_CHUNK_MAX,
	};
	int rc = h->module->changes_since(h->m, &s);

	free(position);
	free(buffer);
	if (rc != expected) {
		fake_wrong("from serial %u: %d", (unsigned)serial, rc);
	}
}

static struct fake_host *
begin(const struct trial *t)
{
	struct fake_host *h = trial_open(t, 1);

	model_init(&h->zones[ZONE], ZONE);
	h->zones[ZONE].last_seq = 1000; /* behind all that there was */
	h->configured[ZONE] = true;
	return h;
}

/* Who has it may have the one or the other. */
static void
journal_a_serial_of_two_zones_leads_nowhere(const struct trial *t)
{
	struct fake_host *h = begin(t);

	add(h, true, 5, 1);
	add(h, false, 5, 2);
	add(h, false, 6, 3);
	expect(h, 5, SECD_ENOTFOUND);
	add(h, false, 7, 1);
	expect(h, 5, SECD_ENOTFOUND);
	expect(h, 6, SECD_OK);
	trial_end(h);
}

static void
journal_a_serial_of_the_same_zone_again_leads_on(const struct trial *t)
{
	struct fake_host *h = begin(t);

	add(h, true, 5, 1);
	add(h, false, 0x80000004, 2);
	add(h, false, 3, 3);
	add(h, false, 5, 1);
	add(h, false, 6, 2);
	expect(h, 5, SECD_OK);
	trial_end(h);
}

static void
journal_a_serial_is_compared_over_new_beginnings(const struct trial *t)
{
	struct fake_host *h = begin(t);

	add(h, true, 5, 1);
	add(h, true, 5, 1);
	add(h, false, 6, 2);
	expect(h, 5, SECD_OK);
	add(h, true, 6, 3);
	add(h, false, 7, 2);
	expect(h, 6, SECD_ENOTFOUND);
	trial_end(h);
}

const struct trial_test trial_serial_tests[] = {
    TRIAL(journal_a_serial_of_two_zones_leads_nowhere),
    TRIAL(journal_a_serial_of_the_same_zone_again_leads_on),
    TRIAL(journal_a_serial_is_compared_over_new_beginnings),
    {NULL, NULL},
};
