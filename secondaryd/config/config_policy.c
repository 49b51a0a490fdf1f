/* SPDX-License-Identifier: BSD-2-Clause */

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "config/config_build.h"
#include "transfer/refresh.h"

/* The template of a zone that names none. */
#define DEFAULT_ID "default"

struct template
{
	const struct config_policy *policy;
	bool is_wrong; /* and that was told */
};

struct config_blob {
	struct config_blob *next;
	uint64_t hash;
	size_t len;
	const void *data;
};

/* FNV-1a: the operator's own file needs no keyed hash. */
static uint64_t
hash_of(const uint8_t *data, size_t len)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < len; i++) {
		h = (h ^ data[i]) * UINT64_C(0x100000001b3);
	}
	return h;
}

static int
grow_blobs(struct config_build *b)
{
	size_t cap = b->blob_cap == 0 ? 256 : 4 * b->blob_cap;
	struct config_blob **table;

	table = arena_alloc(b->tree.arena, cap * sizeof(struct config_blob *));
	if (table == NULL) {
		return SECD_ENOMEM;
	}
	for (size_t i = 0; i < b->blob_cap; i++) {
		while (b->blobs[i] != NULL) {
			struct config_blob *blob = b->blobs[i];

			b->blobs[i] = blob->next;
			blob->next = table[blob->hash & (cap - 1)];
			table[blob->hash & (cap - 1)] = blob;
		}
	}
	b->blobs = table;
	b->blob_cap = cap;
	return SECD_OK;
}

const void *
config_build_share(struct config_build *b, const void *data, size_t len)
{
	uint64_t hash = hash_of(data, len);
	struct config_blob *blob, **bucket;

	if (b->blob_count >= b->blob_cap && grow_blobs(b) != SECD_OK) {
		return NULL;
	}
	bucket = &b->blobs[hash & (b->blob_cap - 1)];
	for (blob = *bucket; blob != NULL; blob = blob->next) {
		if (blob->hash == hash && blob->len == len &&
		    memcmp(blob->data, data, len) == 0) {
			return blob->data;
		}
	}
	blob = arena_alloc(b->tree.arena, sizeof(*blob));
	if (blob == NULL) {
		return NULL;
	}
	blob->data = arena_copy(b->arena, data, len);
	if (blob->data == NULL) {
		return NULL;
	}
	blob->hash = hash;
	blob->len = len;
	blob->next = *bucket;
	*bucket = blob;
	b->blob_count++;
	return blob->data;
}

static int
set_primary(struct config_build *b, const struct config_item *it, void *object)
{
	struct config_policy *p = object;
	const void *list;
	int rc;

	rc = config_index_list(b, &b->remotes, it, "remote", &list,
			       &p->primary_count);
	if (rc != SECD_OK) {
		return rc;
	}
	p->primaries = list;
	return SECD_OK;
}

static int
set_notify(struct config_build *b, const struct config_item *it, void *object)
{
	struct config_policy *p = object;
	const void *list;
	int rc;

	rc = config_index_list(b, &b->remotes, it, "remote", &list,
			       &p->notify_count);
	if (rc != SECD_OK) {
		return rc;
	}
	p->notify = list;
	return SECD_OK;
}

static int
set_acl(struct config_build *b, const struct config_item *it, void *object)
{
	struct config_policy *p = object;
	const void *list;
	int rc;

	rc = config_index_list(b, &b->acls, it, "acl", &list, &p->acl_count);
	if (rc != SECD_OK) {
		return rc;
	}
	p->acls = list;
	return SECD_OK;
}

/* Was looked at before the others: they change what it gives. */
static int
set_template(struct config_build *b, const struct config_item *it, void *object)
{
	(void)b;
	(void)it;
	(void)object;
	return SECD_OK;
}

static int
set_condense(struct config_build *b, const struct config_item *it, void *object)
{
	static const char *const words[] = {
	    [CONFIG_CONDENSE_AUTO] = "auto",
	    [CONFIG_CONDENSE_ON] = "on",
	    [CONFIG_CONDENSE_OFF] = "off",
	};
	struct config_policy *p = object;

	for (uint8_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(it->value, words[i]) == 0) {
			p->condense = i;
			return SECD_OK;
		}
	}
	return config_build_bad(b, it, "auto, on or off");
}

#define FIELD(name) offsetof(struct config_policy, name)
#define SECONDS(key, field, least)                                             \
	{                                                                      \
		key, .kind = CONFIG_U32, .unit = CONFIG_TIME,                  \
		     .offset = FIELD(field), .min = least, .max = UINT32_MAX   \
	}
#define LIMIT(key, type, how, field, least, most)                              \
	{                                                                      \
		key, .kind = type, .unit = how, .offset = FIELD(field),        \
		     .min = least, .max = most                                 \
	}
#define POLICY                                                                 \
	{"primary", .multi = true, .kind = CONFIG_SPECIAL,                     \
	 .set = set_primary},                                                  \
	    {"notify", .multi = true, .kind = CONFIG_SPECIAL,                  \
	     .set = set_notify},                                               \
	    {"acl", .multi = true, .kind = CONFIG_SPECIAL, .set = set_acl},    \
	    SECONDS("refresh-min-interval", timers.refresh_min, 1),            \
	    SECONDS("refresh-max-interval", timers.refresh_max, 1),            \
	    SECONDS("retry-min-interval", timers.retry_min, 1),                \
	    SECONDS("retry-max-interval", timers.retry_max, 1),                \
	    SECONDS("expire-min-interval", timers.expire_min, 1),              \
	    SECONDS("expire-max-interval", timers.expire_max, 1),              \
	    LIMIT("zone-max-size", CONFIG_U64, CONFIG_SIZE, limits.octets, 0,  \
		  UINT64_MAX),                                                 \
	    LIMIT("zone-max-records", CONFIG_U64, CONFIG_PLAIN,                \
		  limits.records, 0, UINT64_MAX),                              \
	    LIMIT("rrset-max-records", CONFIG_U32, CONFIG_PLAIN,               \
		  limits.rrset_records, 0, UINT32_MAX),                        \
	    LIMIT("owner-max-types", CONFIG_U32, CONFIG_PLAIN,                 \
		  limits.owner_types, 0, UINT32_MAX),                          \
	    LIMIT("nsec3-max-iterations", CONFIG_U16, CONFIG_PLAIN,            \
		  limits.nsec3_iterations, 1, UINT16_MAX),                     \
	    LIMIT("transfer-max-time", CONFIG_U32, CONFIG_TIME,                \
		  limits.transfer_s, 1, 365 * 86400),                          \
	    LIMIT("transfer-min-rate", CONFIG_U32, CONFIG_SIZE,                \
		  limits.transfer_min_rate, 0, UINT32_MAX),                    \
	    {"provide-ixfr", .kind = CONFIG_BOOL,                              \
	     .offset = FIELD(provide_ixfr)},                                   \
	{                                                                      \
		"ixfr-condense", .kind = CONFIG_SPECIAL, .set = set_condense   \
	}

const struct config_keyword config_template_keywords[] = {
    POLICY,
    {.name = NULL},
};

const struct config_keyword config_zone_keywords[] = {
    POLICY,
    {"template", .kind = CONFIG_SPECIAL, .set = set_template},
    {.name = NULL},
};

/* What holds where nobody says anything. */
static void
set_defaults(struct config_policy *p)
{
	memset(p, 0, sizeof(*p)); /* padding too: policies are compared */
	p->timers.refresh_min = 2;
	p->timers.refresh_max = 4 * 7 * 86400;
	p->timers.retry_min = 1;
	p->timers.retry_max = 2 * 7 * 86400;
	p->timers.expire_min = 3;
	p->timers.expire_max = UINT32_MAX;
	p->limits.octets = UINT64_C(1) << 30;
	p->limits.records = 50000000;
	p->limits.rrset_records = 10000;
	p->limits.owner_types = 100;
	p->limits.nsec3_iterations = 100; /* RFC 9276 section 3.2 */
	p->limits.transfer_s = 7200;
	p->limits.transfer_min_rate = 1024;
	p->provide_ixfr = true;
	p->condense = CONFIG_CONDENSE_AUTO;
}

static int
check_bounds(struct config_build *b, const struct config_entry *e,
	     const char *what, uint32_t min, uint32_t max)
{
	char low[32], high[32];
	struct config_place place;

	if (min <= max) {
		return SECD_OK;
	}
	snprintf(low, sizeof(low), "%s-min-interval", what);
	snprintf(high, sizeof(high), "%s-max-interval", what);
	place = config_build_place(e, low);
	if (place.line == e->place.line) {
		place = config_build_place(e, high);
	}
	return config_build_fail(b, place, "\"%s\" is above \"%s\"", low, high);
}

static int
check_policy(struct config_build *b, const struct config_entry *e,
	     const struct config_policy *p)
{
	const struct config_timers *t = &p->timers;
	int rc;

	rc = check_bounds(b, e, "refresh", t->refresh_min, t->refresh_max);
	if (rc == SECD_OK) {
		rc = check_bounds(b, e, "retry", t->retry_min, t->retry_max);
	}
	if (rc == SECD_OK) {
		rc = check_bounds(b, e, "expire", t->expire_min, t->expire_max);
	}
	if (rc == SECD_OK && p->primary_target_count > REFRESH_PRIMARY_MAX) {
		return config_build_fail(
		    b, config_build_place(e, "primary"),
		    "\"primary\" has more than %d addresses",
		    REFRESH_PRIMARY_MAX);
	}
	return rc;
}

static int
build_template(struct config_build *b, const struct config_entry *e,
	       struct template *t)
{
	struct config_policy p;
	int rc;

	set_defaults(&p);
	rc = config_build_apply(b, e, config_template_keywords, &p);
	if (rc == SECD_OK) {
		rc = config_build_targets(b, &p);
	}
	if (rc == SECD_OK) {
		rc = check_policy(b, e, &p);
	}
	if (config_build_ends(b, rc)) {
		return rc;
	}
	t->is_wrong = rc != SECD_OK;
	t->policy = config_build_share(b, &p, sizeof(p));
	return t->policy == NULL ? SECD_ENOMEM : rc;
}

int
config_build_templates(struct config_build *b)
{
	const struct config_entries *list = &b->tree.sections[CONFIG_TEMPLATE];
	const struct config_entry *e;
	struct template *templates, *standard;
	struct config_policy p;
	size_t i = 0;
	int rc;

	templates =
	    arena_alloc(b->tree.arena, list->count * sizeof(*templates));
	if (templates == NULL) {
		return SECD_ENOMEM;
	}
	for (e = list->first; e != NULL; e = e->next) {
		rc = build_template(b, e, &templates[i++]);
		if (config_build_ends(b, rc)) {
			return rc;
		}
	}
	rc = config_index_make(b, CONFIG_TEMPLATE, templates,
			       sizeof(*templates), &b->templates);
	if (config_build_ends(b, rc)) {
		return rc;
	}
	set_defaults(&p);
	standard = config_index_find(&b->templates, DEFAULT_ID);
	b->standard = standard != NULL ? standard->policy
				       : config_build_share(b, &p, sizeof(p));
	b->is_standard_wrong = standard != NULL && standard->is_wrong;
	return b->standard == NULL ? SECD_ENOMEM : SECD_OK;
}

/* What the zone starts from. */
struct start {
	const struct config_policy *policy;
	bool is_wrong; /* its template is */
	bool is_plain; /* the zone says nothing else */
};

static int
start_from(struct config_build *b, const struct config_entry *e,
	   struct start *out)
{
	*out = (struct start){b->standard, b->is_standard_wrong, true};
	for (const struct config_item *it = e->first; it != NULL;
	     it = it->next) {
		const struct template *t;

		if (it->keyword->set != set_template) {
			out->is_plain = false;
			continue;
		}
		t = config_index_find(&b->templates, it->value);
		if (t == NULL) {
			return config_build_fail(
			    b, it->place, "template \"%.128s\" is not defined",
			    it->value);
		}
		out->policy = t->policy;
		out->is_wrong = t->is_wrong;
	}
	return SECD_OK;
}

int
config_build_policy(struct config_build *b, const struct config_entry *e,
		    const struct config_policy **out)
{
	struct config_policy p;
	struct start from;
	int rc;

	rc = start_from(b, e, &from);
	if (rc != SECD_OK) {
		return rc;
	}
	if (!from.is_plain) {
		memcpy(&p, from.policy, sizeof(p)); /* with its padding */
		rc = config_build_apply(b, e, config_zone_keywords, &p);
		if (rc == SECD_OK) {
			rc = config_build_targets(b, &p);
		}
		if (rc == SECD_OK && !from.is_wrong) {
			rc = check_policy(b, e, &p);
		}
		if (rc != SECD_OK) {
			return rc;
		}
		from.policy = config_build_share(b, &p, sizeof(p));
		if (from.policy == NULL) {
			return SECD_ENOMEM;
		}
	}
	if (from.policy->primary_count == 0 && !from.is_wrong) {
		return config_build_fail(
		    b, e->place, "zone \"%.300s\" has no \"primary\"", e->id);
	}
	*out = from.policy;
	return SECD_OK;
}
