/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/zone_load.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "server/zone_pin.h"
#include "server/zone_state.h"
#include "server/zone_view.h"
#include "zone/layering.h"

/* What a restart asks of all primaries together. */
#define PROBES_PER_SECOND 2000

/* The stored image with the stored changesets over it, or in it. */
static int
replay(struct zone_entry *e, const struct version *base,
       const struct store_zone *stored, struct version **out)
{
	struct build_params params = zone_build_params(e);
	const struct changeset **list;
	struct build_report report;
	int rc;

	list = calloc(stored->change_count, sizeof(const struct changeset *));
	if (list == NULL) {
		return SECD_ENOMEM;
	}
	for (size_t i = 0; i < stored->change_count; i++) {
		list[i] = &stored->changes[i];
	}
	rc = layering_make(&params, base, list, stored->change_count, e->seq,
			   out, &report);
	free(list);
	return rc;
}

/* The version to serve; with a `fault` it is an older one. */
static int
make_version(struct zone_entry *e, struct store_zone *stored,
	     struct version **out)
{
	struct version *base;
	int rc = version_new(e->seq, stored->image, NULL, 0, &base);

	if (rc != SECD_OK) {
		return rc;
	}
	if (stored->change_count > 0) {
		rc = replay(e, base, stored, out);
		if (rc == SECD_OK || rc == SECD_ENOMEM) {
			version_unref(base);
			return rc;
		}
		stored->fault =
		    rc == SECD_EMISMATCH || rc == SECD_EMALF
			? "the stored changesets do not apply"
			: "the stored changesets cannot be applied now";
		version_unref(base);
		return version_new(++e->seq, stored->image, NULL, 0, out);
	}
	*out = base;
	return SECD_OK;
}

static int
publish(struct zone_entry *e, struct store_zone *stored)
{
	struct version *v;
	int rc;

	e->seq = stored->seq;
	if (stored->image == NULL) {
		return SECD_OK;
	}
	/* An older version than the newest that was stored gets a number of
	 * its own: modules know that one by the number it had. */
	e->seq += stored->fault != NULL;
	rc = make_version(e, stored, &v);
	if (rc != SECD_OK) {
		return rc;
	}
	zone_view_newest_take(e, v);
	e->told = version_ref(v);
	/* What had to be built is stored as a whole image once the zone
	 * starts, so that the next start is quick. */
	if (stored->fault == NULL &&
	    (stored->change_count == 0 || version_layer_count(v) > 0)) {
		zone_chain_begin(&e->chain, stored->seq, stored->change_octets);
	} else {
		zone_chain_break(&e->chain, e->seq);
	}
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

/* Zones that are loaded hold something to serve: very many of them do not all
 * ask the primaries within the same second. */
static uint32_t
start_spread_ms(const struct config *config)
{
	return (uint32_t)(config->zone_count * 1000 / PROBES_PER_SECOND);
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
	cfg.refresh.start_spread_ms += start_spread_ms(e->server->config);
	rc = refresh_new(&cfg.refresh, saved, clock_boot_ms(), clock_wall_s(),
			 &e->refresh);
	if (rc == SECD_OK) {
		refresh_status(e->refresh, &status);
		e->was_expired = status.expired;
		module_expiry_set(e->expiry, status.expire_ms, status.expired);
		atomic_store_explicit(&e->zone.expired, status.expired,
				      memory_order_relaxed);
	}
	return rc;
}

/* What the store has of a zone beside its versions. */
static int
take_state(struct zone_entry *e, const struct buf *state,
	   struct refresh_saved *saved)
{
	struct zone_pin pin = {.seq = 0};

	/* Without it, nobody knows when it was confirmed: long ago. */
	(void)zone_state_read(state->data, state->len, saved, &pin);
	/* A changeset that was lost leaves an older version, or none. */
	saved->has_zone = e->newest != NULL;
	if (saved->has_zone) {
		saved->soa = *version_soa(e->newest);
	}
	return zone_pin_restore(e, &pin);
}

int
zone_load(struct zone_entry *e)
{
	struct refresh_saved saved = {0};
	struct store_zone stored = {0};
	int rc = SECD_OK;

	/* Until it is known to be whole, what is stored is nothing's past. */
	zone_chain_break(&e->chain, 0);
	if (!is_being_forgotten(e)) {
		rc = load_stored(e, &stored);
	}
	if (rc == SECD_OK) {
		rc = take_state(e, &stored.state, &saved);
	}
	if (rc == SECD_OK) {
		rc = make_machine(e, &saved);
	}
	store_zone_fini(&stored);
	return rc;
}
