/* SPDX-License-Identifier: BSD-2-Clause */

#include "past.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/error.h"
#include "kept.h"
#include "shim.h"

#define MORE_ACTS 4

struct past *
past_new(void)
{
	struct past *p = mmap(NULL, sizeof(*p), PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED) {
		fake_wrong("no memory");
	}
	return p;
}

void
past_free(struct past *p)
{
	munmap(p, sizeof(*p));
}

void
past_begin(struct past *p, const struct secd_module *module, const char *dir,
	   const struct secd_options *options, uint64_t seed)
{
	fake_host_init(&p->host, module, dir, options, seed);
	for (unsigned i = 0; i < FAKE_ZONES; i++) {
		p->host.zones[i].counts_on = true;
	}
	p->has_failures = false;
	p->gives_orders = true;
	p->begun = p->done = 0;
	memset(&p->moments[0], 0, sizeof(p->moments[0]));
	memcpy(p->moments[0].zones, p->host.zones, sizeof(p->host.zones));
}

/*
 * What is seen
 */

static void
look_at_zone(struct fake_host *h, unsigned i, struct moment *out)
{
	struct answer *list = answer_new(), *whole = answer_new();
	char name[8], serial[16] = "";

	out->newest[i] = kept_newest(h, i);
	answer_zone_name(&h->zones[i], name);
	answer_command(h, "list", name, NULL, list);
	if (list->listed_count > 0) {
		out->oldest[i] = list->listed[0].seq;
	}
	for (size_t n = 0; n < list->listed_count; n++) {
		snprintf(serial, sizeof(serial), "%u",
			 (unsigned)list->listed[n].serial);
	}
	out->pinned[i] = list->pinned;
	out->is_whole[i] =
	    out->newest[i] != 0 &&
	    answer_command(h, "export", name, serial, whole) == SECD_OK;
	answer_free(list);
	answer_free(whole);
}

void
past_look(struct fake_host *h, struct moment *out)
{
	memset(out, 0, sizeof(*out));
	memcpy(out->zones, h->zones, sizeof(h->zones));
	for (unsigned i = 0; i < FAKE_ZONES; i++) {
		look_at_zone(h, i, out);
	}
}

uint64_t
past_acknowledged(const struct moment *m, unsigned zone)
{
	const struct model_zone *z = &m->zones[zone];
	uint64_t seq = 0;

	for (size_t i = 0; i < z->count; i++) {
		if (!z->versions[i].is_lost) {
			seq = z->versions[i].seq;
		}
	}
	return seq;
}

uint64_t
past_newest(const struct moment *m, unsigned zone)
{
	const struct model_version *v = model_newest(&m->zones[zone]);

	return v == NULL ? 0 : v->seq;
}

/*
 * Acts
 */

static void
some_ticks(struct fake_host *h)
{
	h->in_call = true;
	for (unsigned n = 1 + rnd_below(&h->rnd, 8); n > 0; n--) {
		h->module->tick(h->m, &h->now);
	}
	h->in_call = false;
}

static bool
is_pinned(struct fake_host *h, unsigned zone, uint64_t seq)
{
	struct answer *list = answer_new();
	char name[8];
	bool found;

	answer_command(h, "list", answer_zone_name(&h->zones[zone], name), NULL,
		       list);
	found = list->pinned == seq;
	answer_free(list);
	return found;
}

static void
pin_or_unpin(struct fake_host *h)
{
	struct listed old;
	char serial[16];
	unsigned zone;

	if (!kept_find_old(h, &zone, &old)) {
		return;
	}
	snprintf(serial, sizeof(serial), "%u", (unsigned)old.serial);
	if (is_pinned(h, zone, old.seq)) {
		kept_order(h, "unpin", zone, NULL);
	} else {
		kept_order(h, "pin", zone, serial);
	}
}

static bool
reopen(struct fake_host *h)
{
	if (h->m != NULL) {
		fake_host_close(h);
	}
	if (fake_host_open(h) != SECD_OK) {
		return false;
	}
	fake_host_start(h);
	return true;
}

static void
act(struct past *p)
{
	struct fake_host *h = &p->host;
	unsigned kind = rnd_below(&h->rnd, 12);

	if (h->m == NULL) {
		reopen(h);
	} else if (kind < 6 || (kind == 11 && !p->gives_orders)) {
		fake_host_group(h, 1 + rnd_below(&h->rnd, 4));
	} else if (kind < 9) {
		some_ticks(h);
	} else if (kind < 10) {
		fake_host_settle(h);
	} else if (kind < 11) {
		reopen(h);
	} else {
		pin_or_unpin(h);
	}
}

/* A zone that was changed and is not kept is named. */
static void
check_status(struct fake_host *h)
{
	struct answer *a = answer_new();

	answer_status(h, a);
	if (a->durable && a->lost != 0) {
		fake_wrong("status: durable, and %u zones are not", a->lost);
	}
	for (unsigned i = 0; i < FAKE_ZONES; i++) {
		const struct model_version *v = model_newest(&h->zones[i]);

		if (v != NULL && v->is_lost && (a->lost_mask >> i & 1) == 0 &&
		    kept_newest(h, i) != v->seq) {
			fake_wrong("status: zone %u is not kept, and it does "
				   "not say so",
				   i);
		}
	}
	answer_free(a);
}

static void
do_acts(struct past *p, unsigned acts)
{
	for (; acts > 0 && p->begun < PAST_ACTS; acts--) {
		unsigned n = ++p->begun;

		shim_mark("started %u", n);
		act(p);
		if (p->host.m == NULL) {
			p->moments[n] = p->moments[n - 1];
		} else {
			past_look(&p->host, &p->moments[n]);
			check_status(&p->host);
		}
		p->done = n;
		shim_mark("committed %u", n);
	}
}

bool
past_work(struct past *p, unsigned acts)
{
	if (!reopen(&p->host) && !p->has_failures) {
		return false;
	}
	do_acts(p, acts);
	return p->host.m != NULL;
}

void
past_work_until_failure(struct past *p)
{
	reopen(&p->host);
	while (shim_failed() == 0) {
		do_acts(p, 1);
	}
	do_acts(p, MORE_ACTS);
}

void
past_resume(struct past *p)
{
	struct fake_host *h = &p->host;
	struct moment *is = &p->moments[p->begun];
	static struct model_zone old[FAKE_ZONES], new[FAKE_ZONES];

	fake_host_left(h, old, new);
	h->phase = FAKE_RESTS;
	h->in_call = h->in_open = false;
	h->walks = 0;
	h->pending_count = 0;
	if (fake_host_open(h) != SECD_OK) {
		fake_wrong("it cannot be opened after a kill");
	}
	past_look(h, is);
	kept_choose(old, new, is->newest, h->zones);
	fake_host_start(h);
	past_look(h, is);
	p->done = p->begun;
	shim_mark("committed %u", p->done);
	do_acts(p, MORE_ACTS);
}

/*
 * Recovery
 */

static void
check_healed(struct fake_host *h)
{
	struct answer *a = answer_new();
	struct moment *is = malloc(sizeof(*is));

	answer_status(h, a);
	if (!a->durable || a->lost != 0) {
		fake_wrong("status: durable %d, %u zones are not: for good",
			   a->durable, a->lost);
	}
	if (is == NULL) {
		fake_wrong("no memory");
	}
	past_look(h, is);
	for (unsigned i = 0; i < FAKE_ZONES; i++) {
		if (is->newest[i] != past_newest(is, i)) {
			fake_wrong("zone %u: %llu is kept, not %llu", i,
				   (unsigned long long)is->newest[i],
				   (unsigned long long)past_newest(is, i));
		}
	}
	free(is);
	answer_free(a);
}

void
past_recover(struct past *p)
{
	struct fake_host *h = &p->host;

	if (h->m == NULL && !reopen(h)) {
		fake_wrong("it cannot be opened any more");
	}
	fake_host_settle(h);
	check_healed(h);
	for (int i = 0; i < 3; i++) {
		if (fake_host_group(h, 2) != SECD_OK) {
			fake_wrong("nothing is kept any more");
		}
		fake_host_settle(h);
		fake_host_check(h);
	}
	kept_check_all(h);
	past_look(h, &p->moments[p->done]);
	fake_host_close(h);
}
