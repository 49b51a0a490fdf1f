/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/zone_log.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/address.h"
#include "base/log.h"

/* The zone and the primary of the step in flight, as every line starts. */
struct subject {
	char apex[NAME_TEXT_MAX];
	char primary[ADDRESS_TEXT_MAX];
};

static void
subject_of(const struct zone_entry *e, struct subject *s)
{
	name_to_text(e->zone.apex, s->apex);
	address_text(zone_primary(e->policy, e->action.primary)->to, s->primary,
		     sizeof(s->primary));
}

/* The same as the time before: a line for each try would bury the others.
 * zone-status has it all the same. */
static bool
is_known(const struct zone_entry *e, const char *reason)
{
	const struct refresh_primary *p =
	    refresh_primary(e->refresh, e->action.primary);

	return p->failures > 0 && strcmp(p->error, reason) == 0;
}

void
zone_log_transfer(const struct zone_entry *e)
{
	const struct transfer_summary *t = e->last;
	char apex[NAME_TEXT_MAX], key[NAME_TEXT_MAX] = "none";
	char from[32] = "nothing", pinned[64] = "";

	if (t->had_serial) {
		snprintf(from, sizeof(from), "serial %" PRIu32, t->from_serial);
	}
	if (zone_is_pinned(e)) {
		snprintf(pinned, sizeof(pinned),
			 "; not served: serial %" PRIu32 " is pinned",
			 version_serial(e->pinned));
	}
	if (t->is_signed) {
		name_to_text(t->key, key);
	}
	log_info("zone %s: %s from %s: %s -> serial %" PRIu32 ", %" PRIu64
		 " records, %" PRIu64 " octets, %" PRIu64
		 " messages in %" PRId64 ".%03" PRId64 " s, tcp, key %s%s",
		 name_to_text(e->zone.apex, apex), xfr_in_outcome_text(t->kind),
		 t->primary, from, t->serial, t->records, t->octets,
		 t->messages, t->duration_ms / 1000, t->duration_ms % 1000, key,
		 pinned);
}

void
zone_log_notify(const struct zone_entry *e, const struct zone_notify *notify)
{
	char apex[NAME_TEXT_MAX], from[ADDRESS_TEXT_MAX], serial[32] = "";

	if (notify->has_serial) {
		snprintf(serial, sizeof(serial), " of serial %" PRIu32,
			 notify->serial);
	}
	log_info("zone %s: NOTIFY%s from %s", name_to_text(e->zone.apex, apex),
		 serial, address_text(&notify->from, from, sizeof(from)));
}

void
zone_log_answer(const struct zone_entry *e, const struct xfr_in_result *in)
{
	struct subject s;

	if (log_enabled(LOG_LEVEL_DEBUG)) {
		subject_of(e, &s);
		log_debug("zone %s: %s query to %s: %s, serial %" PRIu32,
			  s.apex, refresh_step_text(e->action.step), s.primary,
			  xfr_in_outcome_text(in->outcome), in->soa.serial);
	}
}

void
zone_log_failure(const struct zone_entry *e,
		 const struct exchange_result *result)
{
	struct subject s;

	if (is_known(e, result->in->text) && !log_enabled(LOG_LEVEL_DEBUG)) {
		return;
	}
	subject_of(e, &s);
	log_warning("zone %s: %s from %s failed%s: %s", s.apex,
		    refresh_step_text(e->action.step), s.primary,
		    result->in->failure == FAILURE_LOCAL ? " on our side" : "",
		    result->in->text);
}

void
zone_log_cut(const struct zone_entry *e)
{
	struct subject s;
	char key[NAME_TEXT_MAX];

	subject_of(e, &s);
	log_notice("zone %s: %s from %s is cut off: key %s was taken back",
		   s.apex, refresh_step_text(e->action.step), s.primary,
		   name_to_text(tsig_key_name(exchange_key(e->exchange)), key));
}

void
zone_log_recovery(const struct zone_entry *e)
{
	struct subject s;

	subject_of(e, &s);
	log_notice("zone %s: %s answers again", s.apex, s.primary);
}

void
zone_log_unreachable(const struct zone_entry *e, const char *reason)
{
	struct subject s;

	if (is_known(e, reason) && !log_enabled(LOG_LEVEL_DEBUG)) {
		return;
	}
	subject_of(e, &s);
	log_warning("zone %s: %s from %s failed: %s", s.apex,
		    refresh_step_text(e->action.step), s.primary, reason);
}

void
zone_log_refused(const struct zone_entry *e, const char *reason)
{
	struct subject s;

	subject_of(e, &s);
	log_warning("zone %s: %s from %s refused: %s", s.apex,
		    refresh_step_text(e->action.step), s.primary, reason);
}
