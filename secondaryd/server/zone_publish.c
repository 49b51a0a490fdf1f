/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/zone_publish.h"

#include "base/clock.h"
#include "base/log.h"
#include "server/modules.h"
#include "server/zone_commit.h"
#include "server/zone_compact.h"
#include "server/zone_view.h"

static void
tell_modules(struct zone_entry *e, struct version *v,
	     const struct changeset *changes)
{
	const struct config_target *t =
	    zone_primary(e->policy, e->action.primary);
	const struct transfer_summary *came = e->arriving;
	bool is_incremental = changes->step_count > 0;
	const struct modules_origin origin = {
	    .source = is_incremental ? SECD_SOURCE_IXFR : SECD_SOURCE_AXFR,
	    .primary = t->to,
	    .primary_id = t->remote->id,
	    .key = came != NULL && came->is_signed ? came->key : NULL,
	};

	modules_changed(e->server->modules, e->zone.apex, e->newest, v,
			is_incremental ? changes : NULL, &origin);
}

void
zone_publish(struct zone_entry *e, uint32_t attempt, struct version *v,
	     struct changeset *changes)
{
	e->seq = version_seq(v);
	tell_modules(e, v, changes);
	if (version_layer_count(v) == 0) {
		zone_compact_cancel(e); /* all of it is new */
	}
	zone_view_newest_take(e, v);
	/* Before the commit: what is stored with a version is the state in
	 * which that version is the one held. */
	refresh_applied(e->refresh, attempt, version_soa(v), clock_boot_ms());
	zone_commit(e, changes);
}

static void
sync_expired(struct zone_entry *e, const struct refresh_status *status)
{
	char apex[NAME_TEXT_MAX];

	if (status->expired == e->was_expired) {
		return;
	}
	e->was_expired = status->expired;
	atomic_store_explicit(&e->zone.expired, status->expired,
			      memory_order_relaxed);
	name_to_text(e->zone.apex, apex);
	if (status->expired) {
		log_error("zone %s: not served any more: %s", apex,
			  status->reason);
	} else {
		log_notice("zone %s: served again, no longer expired", apex);
	}
	e->state_saved_at = 0;
	zone_save_state(e);
}

void
zone_sync_status(struct zone_entry *e)
{
	struct refresh_status status;
	char apex[NAME_TEXT_MAX];

	refresh_status(e->refresh, &status);
	module_expiry_set(e->expiry, status.expire_ms, status.expired);
	sync_expired(e, &status);
	if (status.alarm != e->was_alarmed) {
		e->was_alarmed = status.alarm;
		name_to_text(e->zone.apex, apex);
		if (status.alarm) {
			log_error("zone %s: ALARM: %s", apex, status.reason);
		} else {
			log_notice("zone %s: the alarm is over", apex);
		}
	}
}
