/* SPDX-License-Identifier: BSD-2-Clause */

#include "ixfr-journal/limits.h"

#include <inttypes.h>
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
	snprintf(reason, SECD_REASON_LEN, "%.256s:%u: %.64s: %s \"%.64s\"",
		 o->path, (unsigned)option->line, option->key, what,
		 option->value);
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

/* What is read: the default's entry first, then the others. */
struct reader {
	const struct secd_options *o;
	struct limits *l;
	char *reason;
	bool is_of_default; /* this time */
	bool has_default;
	/* The entry at hand. */
	const char *id;
	struct zone_limits *zone;        /* NULL: none */
	unsigned seen;                   /* keys */
	const struct secd_option *steps; /* the last one of them that counts */
};

/* A bit for each key, 0: there is no such key. */
static unsigned
bit_of_key(const char *key)
{
	static const char *const keys[] = {"id", "max-steps", "keep-steps",
					   "max-octets", "max-age"};

	for (unsigned i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (strcmp(key, keys[i]) == 0) {
			return 1u << i;
		}
	}
	return 0;
}

static bool
read_value(struct reader *r, const struct secd_option *option)
{
	struct zone_limits *z = r->zone;

	if (strcmp(option->key, "max-octets") == 0) {
		return read_size(option->value, &z->octets);
	}
	if (strcmp(option->key, "max-age") == 0) {
		return read_age(option->value, &z->age_ms);
	}
	r->steps = option;
	return read_count(option->value, strcmp(option->key, "max-steps") == 0
					     ? &z->steps
					     : &z->keep_steps);
}

static int
read_zone_option(struct reader *r, const struct secd_option *option)
{
	unsigned bit = bit_of_key(option->key);

	if (r->zone == NULL || strcmp(option->id, r->id) != 0) {
		return refuse(r->reason, r->o, option,
			      "must stand behind an id; value");
	}
	if (bit == 0) {
		return refuse(r->reason, r->o, option,
			      "there is no such key; value");
	}
	if ((r->seen & bit) != 0) {
		return refuse(r->reason, r->o, option, "given twice:");
	}
	r->seen |= bit;
	return read_value(r, option)
		   ? SECD_OK
		   : refuse(r->reason, r->o, option, "not a value:");
}

static int
read_journal_option(struct reader *r, const struct secd_option *option)
{
	uint64_t *octets = &r->l->file_octets;

	if (strcmp(option->key, "max-size") != 0) {
		return refuse(r->reason, r->o, option,
			      "there is no such key; value");
	}
	if (*octets != 0) {
		return refuse(r->reason, r->o, option, "given twice:");
	}
	if (!read_size(option->value, octets) || *octets < FILE_MIN ||
	    *octets > FILE_MAX) {
		return refuse(r->reason, r->o, option,
			      "not from 16M to 1024G:");
	}
	return SECD_OK;
}

/* Do the limits of the entry that ends here agree with each other? */
static int
end_zone(const struct reader *r)
{
	const struct zone_limits *z = r->zone;
	char what[80];

	if (z == NULL || r->steps == NULL || z->steps == 0 ||
	    z->steps >= z->keep_steps) {
		return SECD_OK;
	}
	if (strcmp(r->steps->key, "max-steps") == 0) {
		snprintf(what, sizeof(what),
			 "less than keep-steps, which is %" PRIu64 ":",
			 z->keep_steps);
	} else {
		snprintf(what, sizeof(what),
			 "more than max-steps, which is %" PRIu64 ":",
			 z->steps);
	}
	return refuse(r->reason, r->o, r->steps, what);
}

static int
begin_default(struct reader *r, const struct secd_option *option)
{
	if (r->has_default) {
		return refuse(r->reason, r->o, option, "given twice:");
	}
	r->has_default = true;
	r->zone = &r->l->of_others;
	return SECD_OK;
}

/* The entry that a zone's `id` begins. */
static int
begin_zone(struct reader *r, const struct secd_option *option)
{
	struct limits *l = r->l;
	struct zone_entry *e = &l->zones[l->count];

	if (name_from_text(option->value, e->apex) != SECD_OK) {
		return refuse(r->reason, r->o, option, "not a name:");
	}
	name_lower(e->apex, e->apex);
	e->apex_len = name_len(e->apex);
	for (size_t i = 0; i < l->count; i++) {
		if (l->zones[i].apex_len == e->apex_len &&
		    memcmp(l->zones[i].apex, e->apex, e->apex_len) == 0) {
			return refuse(r->reason, r->o, option, "given twice:");
		}
	}
	e->limits = l->of_others;
	r->zone = &e->limits;
	l->count++;
	return SECD_OK;
}

static int
begin_entry(struct reader *r, const struct secd_option *option)
{
	int rc = end_zone(r);

	r->zone = NULL;
	r->id = option->id;
	r->seen = bit_of_key("id");
	r->steps = NULL;
	if (rc != SECD_OK) {
		return rc;
	}
	return r->is_of_default ? begin_default(r, option)
				: begin_zone(r, option);
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

/* Of those that are read this time. */
static int
read_entries(struct reader *r)
{
	int rc = SECD_OK;

	r->zone = NULL;
	for (size_t i = 0; i < r->o->count && rc == SECD_OK; i++) {
		const struct secd_option *option = &r->o->items[i];

		if (strcmp(option->section, "zone") != 0 ||
		    (strcmp(option->id, "default") == 0) != r->is_of_default) {
			continue;
		}
		rc = strcmp(option->key, "id") == 0 &&
			     strcmp(option->value, option->id) == 0
			 ? begin_entry(r, option)
			 : read_zone_option(r, option);
	}
	return rc == SECD_OK ? end_zone(r) : rc;
}

static int
check_sections(const struct reader *r)
{
	const struct secd_options *o = r->o;
	size_t count = SECD_HAS(o, sections) ? o->section_count : 0;

	for (size_t i = 0; i < count; i++) {
		const struct secd_option *s = &o->sections[i];

		if (strcmp(s->section, "journal") != 0 &&
		    strcmp(s->section, "zone") != 0) {
			snprintf(r->reason, SECD_REASON_LEN,
				 "%.256s:%u: there is no section \"%.100s\"",
				 o->path, (unsigned)s->line, s->section);
			return SECD_EINVAL;
		}
	}
	return SECD_OK;
}

/* All but the zones' entries. */
static int
read_others(struct reader *r)
{
	int rc = check_sections(r);

	for (size_t i = 0; i < r->o->count && rc == SECD_OK; i++) {
		const struct secd_option *option = &r->o->items[i];

		if (strcmp(option->section, "journal") == 0) {
			rc = read_journal_option(r, option);
		} else if (strcmp(option->section, "zone") != 0) {
			rc = refuse(r->reason, r->o, option,
				    "there is no such section; value");
		}
	}
	if (r->l->file_octets == 0) {
		r->l->file_octets = FILE_DEFAULT;
	}
	return rc;
}

static int
read_all(struct reader *r)
{
	int rc = read_others(r);

	if (rc == SECD_OK) {
		r->is_of_default = true;
		rc = read_entries(r);
	}
	if (rc == SECD_OK) {
		r->is_of_default = false;
		rc = read_entries(r);
	}
	return rc;
}

int
limits_new(const struct secd_options *options, struct limits **out,
	   char *reason)
{
	struct limits *l =
	    calloc(1, sizeof(*l) + (options->count + 1) * sizeof(l->zones[0]));
	struct reader r = {.o = options, .reason = reason};
	int rc;

	if (l == NULL) {
		snprintf(reason, SECD_REASON_LEN, "no memory");
		return SECD_ENOMEM;
	}
	l->of_others = defaults;
	r.l = l;
	rc = read_all(&r);
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
