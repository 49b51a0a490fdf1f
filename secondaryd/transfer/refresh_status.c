/* SPDX-License-Identifier: BSD-2-Clause */

#include "transfer/refresh_internal.h"

const char *
refresh_step_text(enum refresh_step step)
{
	switch (step) {
	case REFRESH_SOA:
		return "SOA";
	case REFRESH_IXFR:
		return "IXFR";
	case REFRESH_AXFR:
		return "AXFR";
	}
	return "unknown";
}

const char *
refresh_health_text(enum refresh_health health)
{
	switch (health) {
	case REFRESH_UNTRIED:
		return "not asked yet";
	case REFRESH_GOOD:
		return "good";
	case REFRESH_UNREACHABLE:
		return "unreachable";
	case REFRESH_REFUSING:
		return "refusing";
	case REFRESH_STALE:
		return "stale";
	case REFRESH_BROKEN:
		return "broken";
	}
	return "unknown";
}

void
refresh_status(const struct refresh *r, struct refresh_status *out)
{
	*out = (struct refresh_status){
	    .state = r->state,
	    .step = r->step,
	    .primary = r->primary,
	    .due_ms = refresh_due(r),
	    .reason = r->reason == NULL ? "" : r->reason,
	    .has_zone = r->has_zone,
	    .expired = r->expired,
	    .alarm = r->alarm,
	    .serial = r->has_zone ? r->soa.serial : 0,
	    .expire_ms = r->expire_ms,
	    .confirmed_ms = r->confirmed_ms,
	    .failed_rounds = r->failed_count,
	    .is_notified = r->is_notified,
	};
}

unsigned
refresh_primary_count(const struct refresh *r)
{
	return r->cfg.primary_count;
}

const struct refresh_primary *
refresh_primary(const struct refresh *r, unsigned primary)
{
	return primary < r->cfg.primary_count ? &r->peers[primary].known : NULL;
}
