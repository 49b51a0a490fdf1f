/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/zone_downstream.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/error.h"
#include "server/downstreams.h"
#include "wire/serial.h"

/* "192.0.2.1": where it asks from says nothing of its port. */
static char *
host_text(const struct downstream *d, char text[ADDRESS_TEXT_MAX])
{
	char *at =
	    strrchr(address_text(&d->address, text, ADDRESS_TEXT_MAX), '@');

	if (at != NULL) {
		*at = '\0';
	}
	return text;
}

static bool
is_ahead(const struct zone_entry *e, const struct downstream *d)
{
	const struct version *v = e->zone.version;

	return v != NULL && serial_is_newer(d->serial, version_serial(v));
}

static void
put_one(const struct zone_entry *e, const char *apex,
	const struct downstream *d, struct control_reply *r)
{
	char id[ADDRESS_TEXT_MAX + 16], host[ADDRESS_TEXT_MAX];
	char key[NAME_TEXT_MAX];

	snprintf(id, sizeof(id), "downstream %s", host_text(d, host));
	control_reply_number(r, apex, id, "serial", d->serial);
	control_reply_text(r, apex, id, "by", "%s",
			   downstream_how_text(d->how));
	control_reply_time(r, apex, id, "at", d->at);
	if (d->is_signed) {
		control_reply_text(r, apex, id, "key", "%s",
				   name_to_text(d->key, key));
	}
	control_reply_bool(r, apex, id, "ahead", is_ahead(e, d));
}

/* Too much for the stack. NULL: no memory. */
static struct downstream *
list(const struct zone_entry *e, size_t *count)
{
	struct downstream *all = calloc(DOWNSTREAMS_OF_ZONE, sizeof(*all));

	if (all != NULL) {
		*count = downstreams_list(e->server->frontend.downstreams,
					  e->zone.apex, all);
	}
	return all;
}

void
zone_downstream_put(const struct zone_entry *e, struct control_reply *r)
{
	char apex[NAME_TEXT_MAX];
	size_t count = 0;
	struct downstream *all = list(e, &count);

	name_to_text(e->zone.apex, apex);
	for (size_t i = 0; i < count; i++) {
		put_one(e, apex, &all[i], r);
	}
	free(all);
}

int
zone_downstream_put_ahead(const struct zone_entry *e, struct buf *lines)
{
	size_t count = 0;
	struct downstream *all = list(e, &count);
	int rc = all == NULL ? SECD_ENOMEM : SECD_OK;

	for (size_t i = 0; i < count && rc == SECD_OK; i++) {
		char text[ADDRESS_TEXT_MAX + 64], host[ADDRESS_TEXT_MAX];
		int len = snprintf(text, sizeof(text),
				   "\n%s has serial %" PRIu32 " (%s): it is "
				   "ahead and will not follow",
				   host_text(&all[i], host), all[i].serial,
				   downstream_how_text(all[i].how));

		if (is_ahead(e, &all[i])) {
			rc = buf_put(lines, text, (size_t)len);
		}
	}
	free(all);
	return rc != SECD_OK ? rc : buf_put(lines, "", 1);
}
