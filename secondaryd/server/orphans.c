/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/orphans.h"

#include "base/error.h"
#include "base/log.h"
#include "server/zone_entry.h"

#define FORGET_AT_ONCE 1000 /* in one transaction */

struct orphans {
	const struct zone_list *zones;
	struct buf apexes; /* one behind the other */
	size_t count;
};

static int
note(void *arg, const uint8_t *apex)
{
	struct orphans *o = arg;

	if (zone_list_find(o->zones, apex) != NULL) {
		return SECD_OK;
	}
	o->count++;
	return buf_put(&o->apexes, apex, name_len(apex));
}

/* Some from `*pos` on, in one transaction; moves `*pos` behind them. */
static int
forget_some(struct store *store, const struct buf *apexes, size_t *pos)
{
	size_t at = *pos;
	int rc = store_begin(store);

	if (rc != SECD_OK) {
		return rc;
	}
	for (int i = 0; i < FORGET_AT_ONCE && at < apexes->len; i++) {
		rc = store_drop(store, apexes->data + at);
		if (rc != SECD_OK) {
			store_abort(store);
			return rc;
		}
		at += name_len(apexes->data + at);
	}
	rc = store_commit(store);
	if (rc == SECD_OK) {
		*pos = at;
	}
	return rc;
}

static void
log_forgotten(const struct buf *apexes, size_t from, size_t to)
{
	char text[NAME_TEXT_MAX];

	while (from < to) {
		log_notice("zone %s: not configured any more: forgotten",
			   name_to_text(apexes->data + from, text));
		from += name_len(apexes->data + from);
	}
}

void
orphans_forget(struct store *store, const struct zone_list *zones)
{
	struct orphans o = {.zones = zones};
	int rc = store_each_apex(store, note, &o);
	size_t pos = 0;

	if (zones->count == 0 && o.count > 0) {
		log_notice("no zone is configured: what the store has of %zu "
			   "is kept",
			   o.count);
		buf_fini(&o.apexes);
		return;
	}
	while (rc == SECD_OK && pos < o.apexes.len) {
		size_t from = pos;

		rc = forget_some(store, &o.apexes, &pos);
		log_forgotten(&o.apexes, from, pos);
	}
	if (rc != SECD_OK) {
		log_warning("zones that are not configured any more are still "
			    "in the store: %s",
			    secd_strerror(rc));
	}
	buf_fini(&o.apexes);
}
