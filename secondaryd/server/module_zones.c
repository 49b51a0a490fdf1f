/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/module_zones.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

/* Where the name is, or would be. */
static size_t
place(const struct module_zones *z, const uint8_t *apex, bool *is_there)
{
	size_t low = 0, high = z->count;

	*is_there = false;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int order = name_compare(z->list[mid]->apex, apex);

		if (order == 0) {
			*is_there = true;
			return mid;
		}
		if (order < 0) {
			low = mid + 1;
		} else {
			high = mid;
		}
	}
	return low;
}

struct module_zone *
module_zones_find(const struct module_zones *z, const uint8_t *apex)
{
	bool is_there;
	size_t i = place(z, apex, &is_there);

	return is_there ? z->list[i] : NULL;
}

struct module_zone *
module_zones_next(const struct module_zones *z, const uint8_t *apex)
{
	bool is_there = false;
	size_t i = apex == NULL ? 0 : place(z, apex, &is_there);

	i += is_there;
	return i < z->count ? z->list[i] : NULL;
}

static bool
make_room(struct module_zones *z)
{
	size_t cap = z->cap == 0 ? 16 : 2 * z->cap;
	struct module_zone **list;

	if (z->count < z->cap) {
		return true;
	}
	list = realloc(z->list, cap * sizeof(struct module_zone *));
	if (list != NULL) {
		z->list = list;
		z->cap = cap;
	}
	return list != NULL;
}

struct module_zone *
module_zones_add(struct module_zones *z, const uint8_t *apex)
{
	size_t len = name_len(apex);
	struct module_zone *zone;
	bool is_there;
	size_t i = place(z, apex, &is_there);

	if (is_there) {
		return z->list[i];
	}
	zone = calloc(1, sizeof(*zone) + len);
	if (zone == NULL || !make_room(z)) {
		free(zone);
		return NULL;
	}
	memcpy(zone->apex, apex, len);
	memmove(&z->list[i + 1], &z->list[i],
		(z->count - i) * sizeof(struct module_zone *));
	z->list[i] = zone;
	z->count++;
	return zone;
}

static void
zone_free(struct module_zone *zone)
{
	version_unref(zone->offered);
	module_expiry_unref(zone->expiry);
	free(zone);
}

void
module_zones_remove(struct module_zones *z, const uint8_t *apex)
{
	bool is_there;
	size_t i = place(z, apex, &is_there);

	if (is_there) {
		zone_free(z->list[i]);
		z->count--;
		memmove(&z->list[i], &z->list[i + 1],
			(z->count - i) * sizeof(struct module_zone *));
	}
}

void
module_zones_fini(struct module_zones *z)
{
	for (size_t i = 0; i < z->count; i++) {
		zone_free(z->list[i]);
	}
	free(z->list);
	*z = (struct module_zones){0};
}

static int64_t
expires_at_ms(const struct module_zone *zone)
{
	int64_t at_ms = module_expiry_at(zone->expiry);

	return at_ms == MODULE_EXPIRY_NEVER
		   ? 0
		   : clock_wall_ms() + (at_ms - clock_boot_ms());
}

void
module_zone_describe(const struct module_zone *zone, const struct config *c,
		     struct secd_zone *out)
{
	const struct config_zone *configured = config_zone_find(c, zone->apex);

	out->flags =
	    (zone->offered != NULL ? SECD_ZONE_HELD : 0) |
	    (zone->is_pinned ? SECD_ZONE_PINNED : 0) |
	    (module_expiry_is_past(zone->expiry) ? SECD_ZONE_EXPIRED : 0);
	out->apex = zone->apex;
	out->seq = zone->durable_seq;
	out->serial = zone->durable_serial;
	out->expires_at_ms = expires_at_ms(zone);
	out->keys = NULL;
	out->key_count = 0;
	if (configured != NULL) {
		out->keys = configured->policy->key_names;
		out->key_count = configured->policy->key_name_count;
	}
}

void
module_zone_offered(struct module_zone *zone, struct version *v)
{
	version_ref(v);
	version_unref(zone->offered);
	zone->offered = v;
}
