/* SPDX-License-Identifier: BSD-2-Clause */

#include "ixfr-journal/limits.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/quantity.h"
#include "wire/name.h"

#define FILE_DEFAULT ((uint64_t)16 << 30)
#define FILE_MIN     ((uint64_t)16 << 20)
#define FILE_MAX     ((uint64_t)1 << 40) /* address space of the process */

static const struct zone_limits defaults = {
    .steps = 10000,
    .octets = (uint64_t)1 << 30,
    .age_ms = (int64_t)365 * 86400 * 1000,
    .keep_steps = 10,
};

struct zone_entry {
	uint8_t apex[NAME_LEN_MAX];
	size_t apex_len;
	struct zone_limits limits;
};

struct limits {
	uint64_t file_octets;
	struct zone_limits of_others;
	size_t count;
	struct zone_entry zones[]; /* in the order of their octets */
};

static int
refuse(char *reason, const struct secd_options *o,
       const struct secd_option *option, const char *what)
{
	snprintf(reason, SECD_REASON_LEN, "%s:%u: %s: %s \"%s\"", o->path,
		 (unsigned)option->line, option->key, what, option->value);
	return SECD_EINVAL;
}

static bool
read_count(const char *text, uint64_t *out)
{
	static const struct quantity_unit unit = {"", 1};

	return quantity_read(text, &unit, 1, out) && *out <= UINT64_MAX >> 1;
}

static bool
read_size(const char *text, uint64_t *out)
{
	static const struct quantity_unit units[] = {{"", 1},
						     {"K", (uint64_t)1 << 10},
						     {"M", (uint64_t)1 << 20},
						     {"G", (uint64_t)1 << 30},
						     {"T", (uint64_t)1 << 40}};

	return quantity_read(text, units, 5, out) && *out <= UINT64_MAX >> 1;
}

static bool
read_age(const char *text, int64_t *ms)
{
	static const struct quantity_unit units[] = {
	    {"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};
	uint64_t seconds;

	if (!quantity_read(text, units, 5, &seconds) ||
	    seconds > (uint64_t)INT64_MAX / 1000) {
		return false;
	}
	*ms = (int64_t)seconds * 1000;
	return true;
}

static int
read_zone_option(const struct secd_options *o, const struct secd_option *option,
		 struct zone_limits *out, char *reason)
{
	const char *value = option->value;
	bool fits;

	if (strcmp(option->key, "max-steps") == 0) {
		fits = read_count(value, &out->steps);
	} else if (strcmp(option->key, "keep-steps") == 0) {
		fits = read_count(value, &out->keep_steps);
	} else if (strcmp(option->key, "max-octets") == 0) {
		fits = read_size(value, &out->octets);
	} else if (strcmp(option->key, "max-age") == 0) {
		fits = read_age(value, &out->age_ms);
	} else {
		return refuse(reason, o, option, "there is no such key; value");
	}
	return fits ? SECD_OK : refuse(reason, o, option, "not a value:");
}

static int
read_journal_option(const struct secd_options *o,
		    const struct secd_option *option, struct limits *l,
		    char *reason)
{
	if (strcmp(option->key, "max-size") != 0) {
		return refuse(reason, o, option, "there is no such key; value");
	}
	if (!read_size(option->value, &l->file_octets) ||
	    l->file_octets < FILE_MIN || l->file_octets > FILE_MAX) {
		return refuse(reason, o, option, "not from 16M to 1024G:");
	}
	return SECD_OK;
}

/* The entry that a zone's `id` begins, or the defaults. */
static int
begin_zone(const struct secd_options *o, const struct secd_option *option,
	   struct limits *l, struct zone_limits **current, char *reason)
{
	struct zone_entry *e = &l->zones[l->count];

	if (strcmp(option->value, "default") == 0) {
		*current = &l->of_others;
		return SECD_OK;
	}
	if (name_from_text(option->value, e->apex) != SECD_OK) {
		return refuse(reason, o, option, "not a name:");
	}
	name_lower(e->apex, e->apex);
	e->apex_len = name_len(e->apex);
	for (size_t i = 0; i < l->count; i++) {
		if (l->zones[i].apex_len == e->apex_len &&
		    memcmp(l->zones[i].apex, e->apex, e->apex_len) == 0) {
			return refuse(reason, o, option, "twice:");
		}
	}
	e->limits = l->of_others;
	*current = &e->limits;
	l->count++;
	return SECD_OK;
}

static int
compare_entries(const void *a, const void *b)
{
	const struct zone_entry *ea = a, *eb = b;

	if (ea->apex_len != eb->apex_len) {
		return ea->apex_len < eb->apex_len ? -1 : 1;
	}
	return memcmp(ea->apex, eb->apex, ea->apex_len);
}

static int
read_all(const struct secd_options *o, struct limits *l, char *reason)
{
	struct zone_limits *current = NULL;
	int rc = SECD_OK;

	for (size_t i = 0; i < o->count && rc == SECD_OK; i++) {
		const struct secd_option *option = &o->items[i];

		if (strcmp(option->section, "journal") == 0) {
			rc = read_journal_option(o, option, l, reason);
		} else if (strcmp(option->section, "zone") != 0) {
			rc = refuse(reason, o, option,
				    "there is no such section; value");
		} else if (strcmp(option->key, "id") == 0) {
			rc = begin_zone(o, option, l, &current, reason);
		} else if (current == NULL) {
			rc = refuse(reason, o, option,
				    "must stand behind an id; value");
		} else {
			rc = read_zone_option(o, option, current, reason);
		}
	}
	return rc;
}

int
limits_new(const struct secd_options *options, struct limits **out,
	   char *reason)
{
	struct limits *l =
	    calloc(1, sizeof(*l) + (options->count + 1) * sizeof(l->zones[0]));
	int rc;

	if (l == NULL) {
		snprintf(reason, SECD_REASON_LEN, "no memory");
		return SECD_ENOMEM;
	}
	l->file_octets = FILE_DEFAULT;
	l->of_others = defaults;
	rc = read_all(options, l, reason);
	if (rc != SECD_OK) {
		free(l);
		return rc;
	}
	qsort(l->zones, l->count, sizeof(l->zones[0]), compare_entries);
	*out = l;
	return SECD_OK;
}

void
limits_free(struct limits *l)
{
	free(l);
}

uint64_t
limits_file_octets(const struct limits *l)
{
	return l->file_octets;
}

const struct zone_limits *
limits_of_zone(const struct limits *l, const uint8_t *apex)
{
	struct zone_entry key = {.apex_len = name_len(apex)};
	const struct zone_entry *found;

	memcpy(key.apex, apex, key.apex_len);
	found = bsearch(&key, l->zones, l->count, sizeof(l->zones[0]),
			compare_entries);
	return found != NULL ? &found->limits : &l->of_others;
}
