/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/zone_view.h"

static struct version *
ref(struct version *v)
{
	return v == NULL ? NULL : version_ref(v);
}

void
zone_view_newest_take(struct zone_entry *e, struct version *v)
{
	version_unref(e->newest);
	e->newest = v;
	zone_publish_take(&e->zone, ref(v));
}
