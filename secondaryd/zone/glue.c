/* SPDX-License-Identifier: BSD-2-Clause */

#include "zone/glue.h"

#include <stdlib.h>

#include "base/error.h"

/* More glue than any response can take is not collected. */
#define GLUE_MAX ((size_t)UINT16_MAX)

void
glue_fini(struct glue *g)
{
	free(g->targets);
	buf_fini(&g->records);
	buf_fini(&g->rdata);
	*g = (struct glue){.targets = NULL};
}

static int
compare_targets(const void *a, const void *b)
{
	const struct glue_target *ta = a, *tb = b;

	return name_compare(ta->name, tb->name);
}

int
glue_start(struct glue *g, const struct owner_set *set)
{
	const struct owner_rrset *ns = owner_set_find(set, RR_TYPE_NS);

	g->count = 0;
	g->next = 0;
	buf_clear(&g->records);
	buf_clear(&g->rdata);
	if (!node_write_takes_glue(set, ns)) {
		return SECD_OK;
	}
	if (ns->count > g->cap) {
		struct glue_target *bigger =
		    reallocarray(g->targets, ns->count, sizeof(*g->targets));

		if (bigger == NULL) {
			return SECD_ENOMEM;
		}
		g->targets = bigger;
		g->cap = ns->count;
	}
	for (size_t i = 0; i < ns->count; i++) {
		const uint8_t *name = set->rrs[ns->first + i].rdata;

		if (name_is_in(name, set->owner)) {
			g->targets[g->count++] =
			    (struct glue_target){.name = name, .ns = i};
		}
	}
	if (g->count > 1) {
		qsort(g->targets, g->count, sizeof(*g->targets),
		      compare_targets);
	}
	return SECD_OK;
}

static int
take_rrset(struct glue *g, const struct owner_set *set, uint16_t type,
	   size_t ns)
{
	const struct owner_rrset *s = owner_set_find(set, type);

	for (size_t i = 0; s != NULL && i < s->count; i++) {
		const struct rr *rr = &set->rrs[s->first + i];
		struct node_glue record = {
		    .ns = ns,
		    .ttl = rr->ttl,
		    .type = type,
		    .rdlen = rr->rdlen,
		    .rdata_at = g->rdata.len,
		};
		int rc = SECD_OK;

		if (g->rdata.len + rr->rdlen > GLUE_MAX) {
			break;
		}
		rc = buf_put(&g->rdata, rr->rdata, rr->rdlen);
		if (rc == SECD_OK) {
			rc = buf_put(&g->records, &record, sizeof(record));
		}
		if (rc != SECD_OK) {
			return rc;
		}
	}
	return SECD_OK;
}

int
glue_take(struct glue *g, const struct owner_set *set)
{
	/* Targets and owners come in the same order. */
	while (g->next < g->count) {
		const struct glue_target *t = &g->targets[g->next];
		int order = name_compare(t->name, set->owner), rc;

		if (order > 0) {
			break;
		}
		g->next++;
		if (order < 0) {
			continue;
		}
		rc = take_rrset(g, set, RR_TYPE_A, t->ns);
		if (rc == SECD_OK) {
			rc = take_rrset(g, set, RR_TYPE_AAAA, t->ns);
		}
		return rc;
	}
	return SECD_OK;
}

/* As the NS records stand, and an address as it came behind another. */
static int
compare_records(const void *a, const void *b)
{
	const struct node_glue *ga = a, *gb = b;

	if (ga->ns != gb->ns) {
		return ga->ns < gb->ns ? -1 : 1;
	}
	return (ga->rdata_at > gb->rdata_at) - (ga->rdata_at < gb->rdata_at);
}

void
glue_put(struct glue *g, struct node_spec *spec)
{
	spec->glue = (const void *)g->records.data;
	spec->glue_count = g->records.len / sizeof(struct node_glue);
	spec->glue_rdata = g->rdata.data;
	if (spec->glue_count > 1) {
		qsort(g->records.data, spec->glue_count,
		      sizeof(struct node_glue), compare_records);
	}
}
