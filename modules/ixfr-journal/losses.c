/* SPDX-License-Identifier: BSD-2-Clause */

#include "ixfr-journal/losses.h"

#include <stdlib.h>
#include <string.h>

#include "ixfr-journal/db.h"

#define LOSSES_MAX 4096 /* zones; of others it is known that there are some */

/* Where the zone's pointer is, or the end. */
static struct loss **
find(struct losses *l, const uint8_t *apex, size_t len)
{
	struct loss **p = &l->first;

	while (*p != NULL && (name_len((*p)->apex) != len ||
			      memcmp((*p)->apex, apex, len) != 0)) {
		p = &(*p)->next;
	}
	return p;
}

static void
drop(struct losses *l, struct loss **p)
{
	struct loss *gone = *p;

	*p = gone->next;
	free(gone);
	l->count--;
}

/* The zone, noted if it was not; NULL: there is no room. */
static struct loss *
note(struct losses *l, const uint8_t *apex)
{
	size_t len = name_len(apex);
	struct loss **p = find(l, apex, len);

	if (*p == NULL && l->count < LOSSES_MAX) {
		*p = calloc(1, sizeof(**p) + len);
		if (*p != NULL) {
			memcpy((*p)->apex, apex, len);
			(*p)->counts_to = (*p)->counts_to_then = UINT64_MAX;
			l->count++;
		}
	}
	return *p;
}

static void
lower(uint64_t *x, uint64_t to)
{
	if (*x > to) {
		*x = to;
	}
}

void
losses_change(struct losses *l, const uint8_t *apex, uint64_t seq,
	      uint64_t before, bool is_taken)
{
	struct loss *x = note(l, apex);

	if (x == NULL) {
		l->takes_others |= is_taken;
		l->has_others |= !is_taken;
		return;
	}
	x->seq = seq;
	x->is_taken = is_taken;
	x->is_lost |= !is_taken;
	lower(&x->counts_to, before);
	if (is_taken) {
		x->counts_to_then = UINT64_MAX; /* the rest was forgotten */
	} else {
		lower(&x->counts_to_then, before);
	}
}

uint64_t
losses_counts_to(struct losses *l, const uint8_t *apex)
{
	struct loss *const *p = find(l, apex, name_len(apex));

	return *p == NULL ? UINT64_MAX : (*p)->counts_to_then;
}

void
losses_behind(struct losses *l, const uint8_t *apex, uint64_t seq)
{
	/* At a start they may be very many: then not each is looked for. */
	struct loss *x = l->count < LOSSES_MAX ? note(l, apex) : NULL;

	if (x == NULL) {
		l->has_others = true;
		return;
	}
	x->seq = seq;
	x->is_lost = true;
}

void
losses_commit(struct losses *l, bool is_kept)
{
	struct loss **p = &l->first;

	l->has_others |= l->takes_others && !is_kept;
	l->takes_others = false;
	while (*p != NULL) {
		if ((*p)->is_taken && is_kept) {
			drop(l, p);
			continue;
		}
		if (is_kept) {
			(*p)->counts_to = (*p)->counts_to_then;
		} else {
			(*p)->counts_to_then = (*p)->counts_to;
		}
		(*p)->is_lost = true;
		(*p)->is_taken = false;
		p = &(*p)->next;
	}
}

bool
losses_kept(struct losses *l, const uint8_t *apex, uint64_t seq)
{
	struct loss **p = find(l, apex, name_len(apex));

	if (*p == NULL || (*p)->is_taken || (*p)->seq > seq) {
		return false;
	}
	drop(l, p);
	return true;
}

void
losses_forget(struct losses *l, const uint8_t *apex)
{
	struct loss **p = find(l, apex, name_len(apex));

	if (*p != NULL) {
		drop(l, p);
	}
}

bool
losses_any(const struct losses *l)
{
	for (const struct loss *x = l->first; x != NULL; x = x->next) {
		if (x->is_lost) {
			return true;
		}
	}
	return l->has_others;
}

const uint8_t *
losses_next(struct losses *l)
{
	struct loss **p = &l->first, *x;

	while (*p != NULL && (!(*p)->is_lost || (*p)->is_taken)) {
		p = &(*p)->next;
	}
	x = *p;
	if (x == NULL) {
		return NULL;
	}
	/* To the end: then it is another one's turn. */
	*p = x->next;
	while (*p != NULL) {
		p = &(*p)->next;
	}
	*p = x;
	x->next = NULL;
	return x->apex;
}

void
losses_fini(struct losses *l)
{
	while (l->first != NULL) {
		drop(l, &l->first);
	}
}
