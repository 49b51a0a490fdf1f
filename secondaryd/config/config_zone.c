/* SPDX-License-Identifier: BSD-2-Clause */

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "config/config_build.h"

/* A zone and where it was written, until they are sorted. */
struct placed {
	struct config_zone zone;
	const struct config_entry *entry;
	size_t number; /* in the files' order */
};

static int
set_apex(struct config_build *b, const struct config_entry *e,
	 struct config_zone *z)
{
	uint8_t name[NAME_LEN_MAX];

	if (name_from_text(e->id, name) != SECD_OK) {
		return config_build_fail(b, e->place,
					 "\"%.300s\" is no domain name", e->id);
	}
	name_lower(name, name);
	z->apex = arena_copy_octets(b->arena, name, name_len(name));
	return z->apex == NULL ? SECD_ENOMEM : SECD_OK;
}

static int
compare_placed(const void *a, const void *b)
{
	const struct placed *x = a, *y = b;
	int c = name_compare(x->zone.apex, y->zone.apex);

	return c != 0 ? c : (x->number > y->number) - (x->number < y->number);
}

static int
take_sorted(struct config_build *b, struct placed *placed, size_t count)
{
	struct config_zone *zones;
	int rc;

	qsort(placed, count, sizeof(*placed), compare_placed);
	for (size_t i = 1; i < count; i++) {
		if (!name_equal(placed[i - 1].zone.apex, placed[i].zone.apex)) {
			continue;
		}
		rc = config_build_fail(b, placed[i].entry->place,
				       "zone \"%.300s\" is there twice",
				       placed[i].entry->id);
		if (config_build_ends(b, rc)) {
			return rc;
		}
	}
	zones = arena_alloc(b->arena, count * sizeof(*zones));
	if (zones == NULL) {
		return SECD_ENOMEM;
	}
	for (size_t i = 0; i < count; i++) {
		zones[i] = placed[i].zone;
	}
	b->c->zones = zones;
	b->c->zone_count = count;
	return SECD_OK;
}

int
config_build_zones(struct config_build *b)
{
	const struct config_entries *list = &b->tree.sections[CONFIG_ZONE];
	const struct config_entry *e;
	struct placed *placed;
	size_t count = 0;

	placed = arena_alloc(b->tree.arena, list->count * sizeof(*placed));
	if (placed == NULL) {
		return SECD_ENOMEM;
	}
	for (e = list->first; e != NULL; e = e->next) {
		struct placed *p = &placed[count];
		int rc = set_apex(b, e, &p->zone);

		if (rc == SECD_OK) {
			p->entry = e;
			p->number = count++;
			rc = config_build_policy(b, e, &p->zone.policy);
		}
		if (config_build_ends(b, rc)) {
			return rc;
		}
	}
	return take_sorted(b, placed, count);
}
