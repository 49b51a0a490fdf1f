/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/zone_view.h"

static void
show(struct zone_entry *e)
{
	struct version *v = e->pinned != NULL ? e->pinned : e->newest;

	if (v != e->zone.version) {
		zone_publish_take(&e->zone, v == NULL ? NULL : version_ref(v));
	}
}

void
zone_view_newest_take(struct zone_entry *e, struct version *v)
{
	version_unref(e->newest);
	e->newest = v;
	show(e);
}

void
zone_view_pinned_take(struct zone_entry *e, struct version *v)
{
	version_unref(e->pinned);
	e->pinned = v;
	show(e);
}
