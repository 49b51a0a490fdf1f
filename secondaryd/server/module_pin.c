/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Orders of modules to serve an older version: from the commit thread to the
 * transfer thread, and back as an event.
 */

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "server/modules_internal.h"

static void
order_free(struct modules_pin *o)
{
	version_unref(o->base);
	buf_fini(&o->text);
	free(o);
}

/* All that is needed until its end is here: none gets lost for want of
 * memory. */
static int
give_order(struct module_instance *i, const struct module_zone *zone,
	   uint64_t seq, uint64_t id)
{
	struct modules *m = i->modules;
	struct modules_pin *o = m->pin == NULL ? NULL : calloc(1, sizeof(*o));

	if (o == NULL) {
		return SECD_EBUSY;
	}
	o->modules = m;
	o->asker = i;
	o->id = id;
	o->seq = seq;
	o->base = seq == 0 ? NULL : version_ref(zone->offered);
	memcpy(o->apex, zone->apex, name_len(zone->apex));
	m->pin(m->pin_ctx, o);
	return SECD_OK;
}

int
modules_host_pin(void *ctx, const uint8_t *apex, uint64_t seq, uint64_t id)
{
	struct module_instance *i = ctx;
	const struct module_zone *zone =
	    module_zones_find(&i->modules->zones, apex);

	if (zone == NULL || zone->offered == NULL || seq == 0 ||
	    seq > version_seq(zone->offered)) {
		return SECD_ENOTFOUND;
	}
	return give_order(i, zone, seq, id);
}

int
modules_host_unpin(void *ctx, const uint8_t *apex, uint64_t id)
{
	struct module_instance *i = ctx;
	const struct module_zone *zone =
	    module_zones_find(&i->modules->zones, apex);

	return zone == NULL ? SECD_ENOTFOUND : give_order(i, zone, 0, id);
}

static void
tell(struct letter *letter)
{
	struct modules_pin *o = (struct modules_pin *)letter;
	struct module_instance *i = o->asker;
	const struct secd_pinned pinned = {
	    .size = sizeof(pinned),
	    .rc = o->rc,
	    .id = o->id,
	    .text = o->text.len > 0 ? (const char *)o->text.data
				    : secd_strerror(o->rc),
	};
	const struct secd_event e = {
	    .size = sizeof(e),
	    .type = SECD_EVENT_PINNED,
	    .pinned = &pinned,
	};

	modules_flush(o->modules);
	if (i->self != NULL && i->files.code->event != NULL) {
		i->is_touched = true;
		i->files.code->event(i->self, &e);
	}
	order_free(o);
}

void
modules_pin_done(struct modules_pin *o, int rc, const char *text)
{
	o->rc = rc;
	o->letter.run = tell;
	buf_clear(&o->text);
	if (buf_put(&o->text, text, strlen(text) + 1) != SECD_OK) {
		buf_clear(&o->text); /* it is told by its code alone */
	}
	if (o->modules->commit == NULL) {
		tell(&o->letter);
	} else {
		commit_call(o->modules->commit, &o->letter);
	}
}
