/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What secondaryd offers its modules.
 */

#include <stdlib.h>

#include "base/error.h"
#include "base/log.h"
#include "server/module_basics.h"
#include "server/module_entries.h"
#include "server/modules_internal.h"

#define WALKS_MAX 8 /* of one module, at a time */

struct secd_walk {
	struct module_instance *instance;
	struct module_walk *walk;
};

static void
on_log(void *ctx, int level, const char *text)
{
	const struct module_instance *i = ctx;

	if (level >= SECD_ERROR && level <= SECD_DEBUG) {
		log_write((enum log_level)level, "module %s: %s", i->id, text);
	}
}

_Static_assert((int)SECD_ERROR == (int)LOG_LEVEL_ERROR &&
		   (int)SECD_DEBUG == (int)LOG_LEVEL_DEBUG,
	       "levels of modules are those of the log");

static int
describe(const struct module_instance *i, const struct module_zone *zone,
	 struct secd_zone *out)
{
	if (zone == NULL) {
		return SECD_ENOTFOUND;
	}
	module_zone_describe(zone, i->modules->config, out);
	return SECD_OK;
}

static int
on_zone_get(void *ctx, const uint8_t *apex, struct secd_zone *out)
{
	const struct module_instance *i = ctx;

	return describe(i, module_zones_find(&i->modules->zones, apex), out);
}

static int
on_zone_next(void *ctx, const uint8_t *apex, struct secd_zone *out)
{
	const struct module_instance *i = ctx;

	return describe(i, module_zones_next(&i->modules->zones, apex), out);
}

static struct version *
find_version(const struct modules *m, const uint8_t *apex, uint64_t seq)
{
	const struct module_zone *zone;

	if (m->version != NULL && name_equal(m->apex, apex) &&
	    (seq == 0 || version_seq(m->version) == seq)) {
		return m->version;
	}
	zone = module_zones_find(&m->zones, apex);
	return zone != NULL && zone->offered != NULL &&
		       (seq == 0 || version_seq(zone->offered) == seq)
		   ? zone->offered
		   : NULL;
}

static int
on_walk_begin(void *ctx, const uint8_t *apex, uint64_t seq,
	      struct secd_walk **out)
{
	struct module_instance *i = ctx;
	struct version *v = find_version(i->modules, apex, seq);
	struct secd_walk *w;
	int rc;

	if (v == NULL) {
		return SECD_ENOTFOUND;
	}
	if (i->walks == WALKS_MAX) {
		return SECD_EBUSY;
	}
	w = calloc(1, sizeof(*w));
	if (w == NULL) {
		return SECD_ENOMEM;
	}
	rc = module_walk_new(v, &w->walk);
	if (rc != SECD_OK) {
		free(w);
		return rc;
	}
	w->instance = i;
	i->walks++;
	*out = w;
	return SECD_OK;
}

static int
on_walk_next(struct secd_walk *w, const uint8_t **octets, size_t *len)
{
	return module_walk_next(w->walk, octets, len);
}

static void
on_walk_end(struct secd_walk *w)
{
	if (w != NULL) {
		w->instance->walks--;
		module_walk_free(w->walk);
		free(w);
	}
}

static int
on_notify(void *ctx, const uint8_t *apex)
{
	const struct modules *m = ((struct module_instance *)ctx)->modules;

	if (m->notify == NULL || module_zones_find(&m->zones, apex) == NULL) {
		return SECD_ENOTFOUND;
	}
	m->notify(m->notify_ctx, apex);
	return SECD_OK;
}

void
modules_host_init(struct module_instance *i)
{
	i->host = (struct secd_host){
	    .size = sizeof(i->host),
	    .abi_major = SECD_ABI_MAJOR,
	    .abi_minor = SECD_ABI_MINOR,
	    .name = "secondaryd " SECD_VERSION,
	    .state_dir = i->files.dir,
	    .ctx = i,
	    .log = on_log,
	    .clock = module_basics_clock,
	    .zone_get = on_zone_get,
	    .zone_next = on_zone_next,
	    .walk_begin = on_walk_begin,
	    .walk_next = on_walk_next,
	    .walk_end = on_walk_end,
	    .notify = on_notify,
	    .zone_pin = modules_host_pin,
	    .zone_unpin = modules_host_unpin,
	    .key_put = modules_key_put,
	    .key_drop = modules_key_drop,
	    .key_use = modules_key_use,
	    .probe = modules_host_probe,
	    .place = i->modules->placer == NULL ? NULL : modules_place,
	    .record_text = module_basics_record_text,
	    .secret_new = module_basics_secret_new,
	    .secret_free = module_basics_secret_free,
	};
}
