/* SPDX-License-Identifier: BSD-2-Clause */

#include "tsig-rotate/pair.h"

#include <string.h>

/* Of one slot, and of one kind: retired, revoked. */
#define KEPT 2

int
pair_find(const struct pair *p, enum slot_state state)
{
	for (int s = 0; s < SLOT_COUNT; s++) {
		if (p->slots[s].state == state) {
			return s;
		}
	}
	return -1;
}

bool
pair_has_secret(const struct slot *s)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < PAIR_SECRET_LEN; i++) {
		sum |= s->secret[i];
	}
	return sum != 0;
}

static void
drop(struct pair *p, size_t at)
{
	size_t behind = p->retired_count - at - 1u;

	memmove(&p->retired[at], &p->retired[at + 1],
		behind * sizeof(p->retired[0]));
	p->retired_count--;
	explicit_bzero(&p->retired[p->retired_count], sizeof(p->retired[0]));
}

void
pair_retire(struct pair *p, unsigned slot, bool is_revoked)
{
	const struct slot *s = &p->slots[slot];
	size_t count = 0, oldest = 0;
	struct retired *r;

	for (size_t i = p->retired_count; i-- > 0;) {
		if (p->retired[i].slot == slot &&
		    p->retired[i].is_revoked == is_revoked) {
			oldest = i;
			count++;
		}
	}
	if (count == KEPT) {
		drop(p, oldest);
	}
	r = &p->retired[p->retired_count++];
	r->slot = (uint8_t)slot;
	r->is_revoked = is_revoked;
	r->generation = s->generation;
	r->epoch = s->epoch;
	memcpy(r->secret, s->secret, PAIR_SECRET_LEN);
}

const struct retired *
pair_last_retired(const struct pair *p, unsigned slot)
{
	for (size_t i = p->retired_count; i-- > 0;) {
		if (p->retired[i].slot == slot) {
			return &p->retired[i];
		}
	}
	return NULL;
}

const char *
pair_state_text(unsigned state)
{
	static const char *const texts[SLOT_STATE_COUNT] = {
	    [SLOT_EMPTY] = "EMPTY",     [SLOT_GENERATED] = "GENERATED",
	    [SLOT_STAGED] = "STAGED",   [SLOT_CONFIRMED] = "CONFIRMED",
	    [SLOT_ACTIVE] = "ACTIVE",   [SLOT_DRAINING] = "DRAINING",
	    [SLOT_REVOKED] = "REVOKED",
	};

	return state < SLOT_STATE_COUNT ? texts[state] : "?";
}
