/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A journal that has less than its host: because changes were lost, or because
 * the host is older than the journal.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/octets.h"
#include "kept.h"
#include "try_module.h"

/* Those are named at least; one that is kept may have been offered again. */
static void
expect_status(struct fake_host *h, bool durable, unsigned lost_mask)
{
	struct answer *a = answer_new();

	answer_status(h, a);
	if (a->durable != durable || (a->lost_mask == 0) != durable ||
	    (lost_mask & ~a->lost_mask) != 0) {
		fake_wrong("status: durable %d, not kept %#x, ought to be %#x",
			   a->durable, a->lost_mask, lost_mask);
	}
	answer_free(a);
}

/* Zones whose newest version is lost. */
static unsigned
lost_zones(const struct fake_host *h)
{
	unsigned mask = 0;

	for (unsigned i = 0; i < FAKE_ZONES; i++) {
		const struct model_version *v = model_newest(&h->zones[i]);

		mask |= (v != NULL && v->is_lost) ? 1u << i : 0;
	}
	return mask;
}

/* The newest version of each zone is kept, and whole. */
static void
expect_newest(struct fake_host *h)
{
	for (unsigned i = 0; i < FAKE_ZONES; i++) {
		const struct model_version *v = model_newest(&h->zones[i]);
		struct answer *a = answer_new();
		char name[8], serial[16];

		if (v == NULL) {
			continue;
		}
		snprintf(serial, sizeof(serial), "%u", (unsigned)v->serial);
		answer_zone_name(&h->zones[i], name);
		if (kept_newest(h, i) != v->seq ||
		    answer_command(h, "export", name, serial, a) != SECD_OK) {
			fake_wrong("%s %s is not kept", name, serial);
		}
		model_kept(&h->zones[i], v->seq);
		answer_free(a);
	}
}

static void
reopen(struct fake_host *h)
{
	fake_host_close(h);
	if (fake_host_open(h) != SECD_OK) {
		fake_wrong("not reopened");
	}
	fake_host_start(h);
}

/* Change until something is lost by a stream that breaks off. */
static void
lose_some(struct fake_host *h)
{
	h->stream_breaks = true;
	do {
		fake_host_group(h, 3);
	} while (lost_zones(h) == 0);
	h->stream_breaks = false;
}

static void
journal_what_is_lost_is_named_and_begins_anew(const struct trial *t)
{
	struct fake_host *h = trial_open(t, 20);

	h->is_steady = true;
	for (int i = 0; i < 5; i++) {
		fake_host_group(h, 8);
		fake_host_settle(h);
		expect_status(h, true, 0);
		lose_some(h);
		expect_status(h, false, lost_zones(h));
		if (i % 2 == 1) {
			reopen(h); /* it finds out again */
			expect_status(h, false, lost_zones(h));
		}
		fake_host_settle(h);
		expect_status(h, true, 0);
		expect_newest(h);
		kept_check_all(h);
	}
	trial_end(h);
}

static void
journal_what_the_host_had_before_is_kept(const struct trial *t)
{
	struct fake_host *h = trial_host(t, 21);

	for (unsigned i = 0; i < FAKE_ZONES; i++) {
		model_grow(&h->zones[i], &h->rnd, NULL);
	}
	if (fake_host_open(h) != SECD_OK) {
		fake_wrong("not opened");
	}
	fake_host_start(h);
	expect_status(h, false, lost_zones(h));
	fake_host_settle(h);
	expect_status(h, true, 0);
	expect_newest(h);
	kept_check_all(h);
	trial_end(h);
}

static void
journal_what_was_published_unheard_is_kept(const struct trial *t)
{
	struct fake_host *h = trial_open(t, 22);
	const struct model_version *v;
	struct secd_version published = {.size = sizeof(published)};

	fake_host_group(h, 8);
	fake_host_settle(h);
	expect_status(h, true, 0);
	v = model_grow(&h->zones[0], &h->rnd, model_newest(&h->zones[0]));
	published.apex = h->zones[0].apex;
	published.seq = v->seq;
	published.serial = v->serial;
	h->in_call = true;
	h->module->published(h->m, &published);
	h->in_call = false;
	expect_status(h, false, 1);
	fake_host_settle(h);
	expect_status(h, true, 0);
	expect_newest(h);
	trial_end(h);
}

/*
 * So many zones that they are not all noted by name
 */

#define MANY 5000

static void
name_of(unsigned i, uint8_t apex[8])
{
	char text[8];

	snprintf(text, sizeof(text), "%05u", i);
	apex[0] = 5;
	memcpy(apex + 1, text, 5);
	apex[6] = 0;
}

static unsigned
number_of(const uint8_t *apex)
{
	char text[8] = "";

	memcpy(text, apex + 1, 5);
	return (unsigned)strtoul(text, NULL, 10);
}

static int
get_one_of_many(void *ctx, const uint8_t *apex, struct secd_zone *out)
{
	(void)ctx;
	out->flags = SECD_ZONE_HELD;
	out->apex = apex;
	out->seq = 1 + number_of(apex);
	out->serial = 7;
	return SECD_OK;
}

static int
next_of_many(void *ctx, const uint8_t *apex, struct secd_zone *out)
{
	static uint8_t next[8];
	unsigned i = apex == NULL ? 0 : 1 + number_of(apex);

	name_of(i, next);
	return i == MANY ? SECD_ENOTFOUND : get_one_of_many(ctx, next, out);
}

static int
walk_none(void *ctx, const uint8_t *apex, uint64_t seq, struct secd_walk **out)
{
	(void)ctx;
	(void)apex;
	(void)seq;
	(void)out;
	return SECD_ENOTFOUND;
}

static void
expect_many(struct fake_host *h)
{
	uint8_t apex[8];

	for (unsigned i = 0; i < MANY; i++) {
		struct secd_version is = {.size = sizeof(is)};

		name_of(i, apex);
		if (h->module->newest(h->m, apex, &is) != SECD_OK ||
		    is.seq != 1 + i || is.serial != 7) {
			fake_wrong("zone %u is not kept", i);
		}
	}
}

static void
journal_of_very_many_zones_none_is_forgotten(const struct trial *t)
{
	struct fake_host *h = trial_host(t, 23);
	struct secd_zone zone = {.size = sizeof(zone)};
	struct secd_event e = {
	    .size = sizeof(e), .type = SECD_EVENT_ZONE_ADDED, .zone = &zone};
	struct answer *a = answer_new();
	unsigned ticks = 0;
	uint8_t apex[8];

	h->api.zone_get = get_one_of_many;
	h->api.zone_next = next_of_many;
	h->api.walk_begin = walk_none;
	if (fake_host_open(h) != SECD_OK) {
		fake_wrong("not opened");
	}
	h->in_call = true;
	for (unsigned i = 0; i < MANY; i++) {
		name_of(i, apex);
		get_one_of_many(NULL, apex, &zone);
		h->module->event(h->m, &e);
	}
	while (!a->durable && ++ticks < 20000) {
		h->module->tick(h->m, &h->now);
		h->now.boot_ms++;
		answer_status(h, a);
	}
	h->in_call = false;
	if (!a->durable) {
		fake_wrong("it never catches up");
	}
	expect_many(h);
	answer_free(a);
	trial_end(h);
}

const struct trial_test trial_behind_tests[] = {
    TRIAL(journal_what_is_lost_is_named_and_begins_anew),
    TRIAL(journal_what_the_host_had_before_is_kept),
    TRIAL(journal_what_was_published_unheard_is_kept),
    TRIAL(journal_of_very_many_zones_none_is_forgotten),
    {NULL, NULL},
};
