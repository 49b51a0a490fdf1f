/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/zone_load.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "server/zone_state.h"

/* The stored image with the stored changesets applied. */
static int
replay(struct zone_entry *e, struct store_zone *stored, struct image **out)
{
	struct build_params params = zone_build_params(e);
	const struct changeset **list;
	struct build_report report;
	struct version *base;
	int rc;

	rc = version_new(stored->seq, stored->image, NULL, 0, &base);
	if (rc != SECD_OK) {
		return rc;
	}
	list = calloc(stored->change_count, sizeof(const struct changeset *));
	if (list == NULL) {
		version_unref(base);
		return SECD_ENOMEM;
	}
	for (size_t i = 0; i < stored->change_count; i++) {
		list[i] = &stored->changes[i];
	}
	/* These were within the limits of their day. */
	params.limits = (struct build_limits){0};
	rc = build_from_changes(&params, base, list, stored->change_count, out,
				&report);
	free(list);
	version_unref(base);
	return rc;
}

/* The image to serve; with a `fault` it is an older one. */
static int
image_of(struct zone_entry *e, struct store_zone *stored, struct image **out)
{
	int rc;

	if (stored->change_count == 0) {
		*out = image_ref(stored->image);
		return SECD_OK;
	}
	rc = replay(e, stored, out);
	if (rc == SECD_OK || rc == SECD_ENOMEM) {
		return rc;
	}
	stored->fault = rc == SECD_EMISMATCH || rc == SECD_EMALF
			    ? "the stored changesets do not apply"
			    : "the stored changesets cannot be applied now";
	*out = image_ref(stored->image);
	return SECD_OK;
}

static int
publish(struct zone_entry *e, struct store_zone *stored)
{
	struct image *im;
	struct version *v;
	int rc;

	e->seq = stored->seq;
	if (stored->image == NULL) {
		return SECD_OK;
	}
	rc = image_of(e, stored, &im);
	if (rc != SECD_OK) {
		return rc;
	}
	rc = version_new_take(e->seq, im, &v);
	if (rc != SECD_OK) {
		image_unref(im);
		return rc;
	}
	zone_publish_take(&e->zone, v);
	e->told = version_ref(v);
	e->durable = stored->fault == NULL;
	/* What was replayed, or is an older version now, is stored as a whole
	 * image once the zone starts, so that the next start is quick. */
	e->in_store = e->durable && stored->change_count == 0;
	return SECD_OK;
}

static int
load_stored(struct zone_entry *e, struct store_zone *stored)
{
	char apex[NAME_TEXT_MAX];
	int rc = store_load(e->server->store, e->zone.apex, stored);

	if (rc == SECD_ENOTFOUND) {
		return SECD_OK;
	}
	if (rc == SECD_EIO) {
		stored->fault = "the store cannot be read";
		rc = SECD_OK;
	} else if (rc == SECD_OK) {
		rc = publish(e, stored);
	}
	if (rc == SECD_OK && stored->fault != NULL) {
		log_warning("zone %s: %s; transferring it again",
			    name_to_text(e->zone.apex, apex), stored->fault);
	}
	return rc;
}

/* A zone that was removed a moment ago: what the store still has of it is
 * about to go. */
static bool
is_being_forgotten(const struct zone_entry *e)
{
	const struct zone_entry *r = e->server->retired;

	while (r != NULL &&
	       !(r->is_forgetting && name_equal(r->zone.apex, e->zone.apex))) {
		r = r->next_retired;
	}
	return r != NULL;
}

/* Workers answer from the zone before its timers start, so whether it is
 * expired must be known here. */
static int
make_machine(struct zone_entry *e, const struct refresh_saved *saved)
{
	struct zone_refresh_config cfg;
	struct refresh_status status;
	int rc;

	zone_refresh_config(e->policy, &cfg);
	rc = refresh_new(&cfg.refresh, saved, clock_boot_ms(), clock_wall_s(),
			 &e->refresh);
	if (rc == SECD_OK) {
		refresh_status(e->refresh, &status);
		e->was_expired = status.expired;
		atomic_store_explicit(&e->zone.expired, status.expired,
				      memory_order_relaxed);
	}
	return rc;
}

int
zone_load(struct zone_entry *e)
{
	struct refresh_saved saved = {0};
	struct store_zone stored = {0};
	bool has_saved = false;
	int rc = SECD_OK;

	if (!is_being_forgotten(e)) {
		rc = load_stored(e, &stored);
	}
	if (rc == SECD_OK && e->zone.version != NULL) {
		has_saved = true;
		if (zone_state_read(stored.state.data, stored.state.len,
				    &saved) != SECD_OK) {
			/* Nobody knows when it was confirmed: long ago. */
			saved = (struct refresh_saved){0};
		}
		/* A changeset that was lost leaves an older version. */
		saved.has_zone = true;
		saved.soa = *version_soa(e->zone.version);
	}
	if (rc == SECD_OK) {
		rc = make_machine(e, has_saved ? &saved : NULL);
	}
	store_zone_fini(&stored);
	return rc;
}
