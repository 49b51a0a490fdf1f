/* SPDX-License-Identifier: BSD-2-Clause */

#include "ixfr-journal/losses.h"

#include <stdlib.h>
#include <string.h>

#include "ixfr-journal/db.h"

#define LOSSES_MAX 4096 /* zones; of more only the alarm tells */

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

void
losses_change(struct losses *l, const uint8_t *apex, bool is_taken)
{
	size_t len = name_len(apex);
	struct loss **p = find(l, apex, len);

	if (*p == NULL && l->count < LOSSES_MAX) {
		*p = calloc(1, sizeof(**p) + len);
		if (*p != NULL) {
			memcpy((*p)->apex, apex, len);
			l->count++;
		}
	}
	if (*p != NULL) {
		(*p)->is_taken = is_taken;
		(*p)->is_lost |= !is_taken;
	}
}

void
losses_commit(struct losses *l, bool is_kept)
{
	struct loss **p = &l->first;

	while (*p != NULL) {
		if ((*p)->is_taken && is_kept) {
			drop(l, p);
			continue;
		}
		(*p)->is_lost = true;
		(*p)->is_taken = false;
		p = &(*p)->next;
	}
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
	return false;
}

void
losses_fini(struct losses *l)
{
	while (l->first != NULL) {
		drop(l, &l->first);
	}
}
