/* SPDX-License-Identifier: BSD-2-Clause */

#include "tsig-rotate/options.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/quantity.h"
#include "tsig-rotate/options_internal.h"

#define HOUR_MS          INT64_C(3600000)
#define DAY_MS           (24 * HOUR_MS)
#define PLACE_MS         30000
#define PROBE_TIMEOUT_MS 3000

static const struct machine_config defaults = {
    .epoch_ms = 7 * DAY_MS,
    .drain_ms = OPTIONS_DRAIN_MIN_MS,
    .probe_ms = 5000,
    .check_ms = 900000,
    .catch_up = 520,
};

static int
unknown(const struct reader *r, const struct secd_option *item)
{
	return options_fail(r, item->line, "there is no \"%.32s\" in %.32s",
			    item->key, item->section);
}

/* What a pair may say, and all of them together. SECD_ENOTFOUND: none of it. */
static int
read_common(const struct reader *r, const struct secd_option *item,
	    struct pair_options *p)
{
	struct machine_config *c = &p->config;
	static const struct quantity_unit plain = {"", 1};
	uint64_t number;

	if (strcmp(item->key, "epoch") == 0) {
		return options_time(r, item, &c->epoch_ms);
	}
	if (strcmp(item->key, "drain") == 0) {
		return options_time(r, item, &c->drain_ms);
	}
	if (strcmp(item->key, "check-interval") == 0) {
		return options_time(r, item, &c->check_ms);
	}
	if (strcmp(item->key, "probe-interval") == 0) {
		return options_time(r, item, &c->probe_ms);
	}
	if (strcmp(item->key, "probe-timeout") == 0) {
		return options_time(r, item, &p->timeout_ms);
	}
	if (strcmp(item->key, "pre-stage") == 0) {
		return options_bool(r, item, &c->stages_soon);
	}
	if (strcmp(item->key, "max-catch-up") != 0) {
		return SECD_ENOTFOUND;
	}
	if (!quantity_read(item->value, &plain, 1, &number) || number < 1 ||
	    number > 10000) {
		return options_bad(r, item,
				   "a number of epochs from 1 to 10000");
	}
	c->catch_up = (uint32_t)number;
	return SECD_OK;
}

static int
read_rotation(struct reader *r, const struct secd_option *item)
{
	int rc = read_common(r, item, &r->of_all);

	if (rc != SECD_ENOTFOUND) {
		return rc;
	}
	if (strcmp(item->key, "unsafe-timing") == 0) {
		return options_bool(r, item, &r->is_unsafe);
	}
	if (strcmp(item->key, "revocations") == 0) {
		return options_path(r, item, &r->o->revocations);
	}
	return unknown(r, item);
}

static int
begin_place(const struct reader *r, const struct secd_option *item)
{
	struct rotate_options *o = r->o;
	struct place_options *p = &o->places[o->place_count];
	int rc = options_id(r, item, &p->id);

	for (size_t i = 0; i < o->place_count && rc == SECD_OK; i++) {
		if (strcmp(o->places[i].id, p->id) == 0) {
			rc = options_bad(r, item, "the first place of this id");
		}
	}
	if (rc == SECD_OK && o->place_count == OPTIONS_PLACES_MAX) {
		rc =
		    options_fail(r, item->line, "there are more than %d places",
				 OPTIONS_PLACES_MAX);
	}
	if (rc == SECD_OK) {
		p->line = item->line;
		p->timeout_ms = PLACE_MS;
		o->place_count++;
	}
	return rc;
}

/* Handed on as it is. */
static int
keep_setting(const struct reader *r, const struct secd_option *item,
	     struct place_options *p)
{
	struct secd_option *s = &p->settings[p->setting_count];

	s->line = item->line;
	s->section = arena_printf(r->o->arena, "%s", item->section);
	s->id = p->id;
	s->key = arena_printf(r->o->arena, "%s", item->key);
	s->value = arena_printf(r->o->arena, "%s", item->value);
	if (s->section == NULL || s->key == NULL || s->value == NULL) {
		return options_no_memory(r);
	}
	p->setting_count++;
	return SECD_OK;
}

static int
read_place(const struct reader *r, const struct secd_option *item)
{
	struct place_options *p = &r->o->places[r->o->place_count - 1];
	int64_t ms;
	int rc;

	if (p->settings == NULL) {
		p->settings = arena_alloc(
		    r->o->arena, r->from->count * sizeof(p->settings[0]));
		if (p->settings == NULL) {
			return options_no_memory(r);
		}
	}
	if (strcmp(item->key, "adapter") == 0) {
		static const char *const known[] = {"nsd", "knot", "bind",
						    "command"};

		for (size_t i = 0; i < 4; i++) {
			if (strcmp(item->value, known[i]) == 0) {
				p->adapter = known[i];
				return SECD_OK;
			}
		}
		return options_bad(r, item, "nsd, knot, bind or command");
	}
	if (strcmp(item->key, "timeout") == 0) {
		rc = options_time(r, item, &ms);
		if (rc == SECD_OK && ms > HOUR_MS) {
			rc = options_bad(r, item, "an hour at most");
		}
		p->timeout_ms = rc == SECD_OK ? (uint32_t)ms : 0;
		return rc;
	}
	return keep_setting(r, item, p);
}

static int
begin_pair(const struct reader *r, const struct secd_option *item)
{
	struct rotate_options *o = r->o;
	struct pair_options *p = &o->pairs[o->pair_count];
	int rc;

	*p = r->of_all;
	p->line = item->line;
	rc = options_id(r, item, &p->id);
	for (size_t i = 0; i < o->pair_count && rc == SECD_OK; i++) {
		if (strcmp(o->pairs[i].id, p->id) == 0) {
			rc = options_bad(r, item, "the first pair of this id");
		}
	}
	o->pair_count += rc == SECD_OK;
	return rc;
}

static int
read_pair_address(const struct reader *r, const struct secd_option *item,
		  struct pair_options *p)
{
	struct machine_config *c = &p->config;

	if (strcmp(item->key, "from") == 0) {
		return options_address(r, item, 0, &p->from);
	}
	if (strcmp(item->key, "self") == 0) {
		c->has_self = true;
		return options_address(r, item, 53, &p->self);
	}
	if (strcmp(item->key, "probe") == 0) {
		if (c->peers == OPTIONS_ADDRESSES) {
			return options_fail(r, item->line,
					    "more than %d addresses",
					    OPTIONS_ADDRESSES);
		}
		return options_address(r, item, 53, &p->probes[c->peers++]);
	}
	if (strcmp(item->key, "address") != 0) {
		return SECD_ENOTFOUND;
	}
	if (p->address_count == OPTIONS_ADDRESSES) {
		return options_fail(r, item->line, "more than %d addresses",
				    OPTIONS_ADDRESSES);
	}
	return options_address(r, item, 0, &p->addresses[p->address_count++]);
}

static int
read_pair_place(const struct reader *r, const struct secd_option *item,
		struct pair_options *p)
{
	if (p->config.places == MACHINE_PLACES_MAX) {
		return options_fail(r, item->line, "more than %d places",
				    MACHINE_PLACES_MAX);
	}
	for (size_t i = 0; i < r->o->place_count; i++) {
		if (strcmp(r->o->places[i].id, item->value) == 0) {
			p->places[p->config.places++] = (uint8_t)i;
			return SECD_OK;
		}
	}
	return options_bad(r, item, "a place that there is");
}

static int
read_pair(const struct reader *r, const struct secd_option *item,
	  unsigned *said)
{
	struct pair_options *p = &r->o->pairs[r->o->pair_count - 1];
	struct machine_config *c = &p->config;
	int rc = read_common(r, item, p);

	if (rc == SECD_ENOTFOUND) {
		rc = read_pair_address(r, item, p);
	}
	if (rc != SECD_ENOTFOUND) {
		return rc;
	}
	if (strcmp(item->key, "key") == 0) {
		return options_key(r, item, p->names);
	}
	if (strcmp(item->key, "role") == 0) {
		*said |= SAID_ROLE;
		return options_choice(r, item, "initiator", "follower",
				      &c->is_initiator);
	}
	if (strcmp(item->key, "peer") == 0) {
		*said |= SAID_PEER;
		return options_choice(r, item, "module", "other",
				      &c->has_module);
	}
	if (strcmp(item->key, "secrets") == 0) {
		*said |= SAID_SECRETS;
		return options_choice(r, item, "derived", "random",
				      &c->is_derived);
	}
	if (strcmp(item->key, "root-file") == 0) {
		return options_path(r, item, &p->root_file);
	}
	if (strcmp(item->key, "place") == 0) {
		return read_pair_place(r, item, p);
	}
	if (strcmp(item->key, "zone") == 0) {
		if (name_from_text(item->value, p->zone) != SECD_OK) {
			return options_bad(r, item, "a zone");
		}
		name_lower(p->zone, p->zone);
		*said |= SAID_ZONE;
		return SECD_OK;
	}
	return unknown(r, item);
}

/* The items of one section. */
static int
read_section(struct reader *r, const char *section)
{
	unsigned said = 0;
	int rc = SECD_OK;

	for (size_t i = 0; i < r->from->count && rc == SECD_OK; i++) {
		const struct secd_option *item = &r->from->items[i];
		bool begins = strcmp(item->key, "id") == 0;

		if (strcmp(item->section, section) != 0) {
			continue;
		}
		if (strcmp(section, "rotation") == 0) {
			rc = read_rotation(r, item);
		} else if (item->id[0] == '\0') {
			rc = options_fail(
			    r, item->line,
			    "%s is a list: it has entries that begin "
			    "with \"- id:\"",
			    section);
		} else if (strcmp(section, "place") == 0) {
			rc =
			    begins ? begin_place(r, item) : read_place(r, item);
		} else if (!begins) {
			rc = read_pair(r, item, &said);
		} else {
			if (r->o->pair_count > 0) {
				rc = options_check_pair(
				    r, &r->o->pairs[r->o->pair_count - 1],
				    said);
			}
			said = 0;
			if (rc == SECD_OK) {
				rc = begin_pair(r, item);
			}
		}
	}
	if (rc == SECD_OK && strcmp(section, "pair") == 0 &&
	    r->o->pair_count > 0) {
		rc = options_check_pair(r, &r->o->pairs[r->o->pair_count - 1],
					said);
	}
	return rc;
}

static int
read_all(struct reader *r)
{
	static const char *const sections[] = {"rotation", "place", "pair"};
	int rc = SECD_OK;

	for (size_t i = 0; i < r->from->count; i++) {
		const struct secd_option *item = &r->from->items[i];

		if (strcmp(item->section, "rotation") != 0 &&
		    strcmp(item->section, "place") != 0 &&
		    strcmp(item->section, "pair") != 0) {
			return options_fail(r, item->line,
					    "there is no section \"%.32s\"",
					    item->section);
		}
	}
	/* Whatever order the file has them in. */
	for (size_t i = 0; i < 3 && rc == SECD_OK; i++) {
		rc = read_section(r, sections[i]);
	}
	return rc == SECD_OK ? options_check_all(r) : rc;
}

/* Entries of a list. */
static size_t
count_ids(const struct secd_options *from, const char *section)
{
	size_t count = 0;

	for (size_t i = 0; i < from->count; i++) {
		count += strcmp(from->items[i].section, section) == 0 &&
			 strcmp(from->items[i].key, "id") == 0;
	}
	return count;
}

static struct rotate_options *
make_room(const struct secd_options *from)
{
	struct arena *a = arena_new();
	struct rotate_options *o =
	    a != NULL ? arena_alloc(a, sizeof(*o)) : NULL;

	if (o == NULL) {
		arena_free(a);
		return NULL;
	}
	o->arena = a;
	o->places =
	    arena_alloc(a, count_ids(from, "place") * sizeof(o->places[0]));
	o->pairs =
	    arena_alloc(a, count_ids(from, "pair") * sizeof(o->pairs[0]));
	if (o->places == NULL || o->pairs == NULL) {
		arena_free(a);
		return NULL;
	}
	return o;
}

int
rotate_options_new(const struct secd_options *options,
		   struct rotate_options **out, char *reason)
{
	struct reader r = {
	    .from = options,
	    .reason = reason,
	    .of_all = {.config = defaults, .timeout_ms = PROBE_TIMEOUT_MS},
	};
	int rc;

	r.o = make_room(options);
	if (r.o == NULL) {
		return options_no_memory(&r);
	}
	rc = read_all(&r);
	if (rc != SECD_OK) {
		rotate_options_free(r.o);
		return rc;
	}
	*out = r.o;
	return SECD_OK;
}

void
rotate_options_free(struct rotate_options *o)
{
	if (o != NULL) {
		arena_free(o->arena);
	}
}
