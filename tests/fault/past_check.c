/* SPDX-License-Identifier: BSD-2-Clause */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "kept.h"
#include "past.h"

/* Where something failed, each zone has what was acknowledged, and nothing that
 * was not told. */
static void
choose_versions(const struct moment *old, const struct moment *new,
		struct moment *is)
{
	for (unsigned i = 0; i < FAKE_ZONES; i++) {
		struct model_zone *z = &is->zones[i];

		*z = new->zones[i];
		if (is->newest[i] < past_acknowledged(old, i) ||
		    (is->newest[i] != 0 &&
		     model_find(z, is->newest[i]) == NULL)) {
			fake_wrong(
			    "zone %u: %llu, after a commit of %llu", i,
			    (unsigned long long)is->newest[i],
			    (unsigned long long)past_acknowledged(old, i));
		}
		model_fall_back(z, is->newest[i]);
	}
}

static bool
is_between(uint64_t x, uint64_t a, uint64_t b)
{
	return a < b ? a <= x && x <= b : b <= x && x <= a;
}

/* Trimming, reading and pinning are done or not, too. */
static void
check_rest(const struct moment *old, const struct moment *new,
	   const struct moment *is)
{
	for (unsigned i = 0; i < FAKE_ZONES; i++) {
		if (!is_between(is->oldest[i], old->oldest[i],
				new->oldest[i])) {
			fake_wrong("zone %u: the oldest one is %llu", i,
				   (unsigned long long)is->oldest[i]);
		}
		if (is->pinned[i] != old->pinned[i] &&
		    is->pinned[i] != new->pinned[i]) {
			fake_wrong("zone %u: pinned is %llu", i,
				   (unsigned long long)is->pinned[i]);
		}
		if (!is->is_whole[i] && old->is_whole[i] && new->is_whole[i]) {
			fake_wrong("zone %u: it is not whole any more", i);
		}
	}
}

static void
go_on(struct fake_host *h)
{
	h->is_unsettled = false;
	fake_host_start(h);
	for (int i = 0; i < 3; i++) {
		fake_host_settle(h);
		fake_host_check(h);
		kept_check_all(h);
		if (fake_host_group(h, 3) != SECD_OK) {
			fake_wrong("nothing is kept any more");
		}
	}
	fake_host_check(h);
}

void
past_check(const struct past *p, const char *dir, const struct moment *old,
	   const struct moment *new, bool is_known)
{
	struct fake_host *h = malloc(sizeof(*h));
	struct moment *is = malloc(sizeof(*is));

	if (h == NULL || is == NULL) {
		fake_wrong("no memory");
	}
	fake_host_init(h, p->host.module, dir, p->host.options,
		       p->host.rnd.state);
	h->now = p->host.now;
	h->is_unsettled = true;
	h->keeps_all = p->host.keeps_all;
	if (fake_host_open(h) != SECD_OK) {
		fake_wrong("it cannot be opened");
	}
	past_look(h, is);
	if (p->has_failures) {
		choose_versions(old, new, is);
	} else {
		kept_choose(old->zones, new->zones, is->newest, is->zones);
	}
	if (is_known && !p->has_failures) {
		check_rest(old, new, is);
	}
	memcpy(h->zones, is->zones, sizeof(h->zones));
	kept_check_all(h);
	go_on(h);
	fake_host_close(h);
	free(is);
	free(h);
}
