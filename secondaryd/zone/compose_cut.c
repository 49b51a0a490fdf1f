/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A cut whose node is to hold glue waits until its subtree has passed, since
 * that is where the glue is. RFC 9471 wants all of it in a referral.
 */

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "zone/compose.h"

/* What waits below a cut stays in memory up to this. */
#define BELOW_MEMORY ((size_t)1024 * 1024)
/* More glue than any response can take is not collected. */
#define GLUE_MAX ((size_t)UINT16_MAX)

void
compose_cut_fini(struct compose_cut *cut)
{
	owner_set_fini(&cut->set);
	free(cut->targets);
	buf_fini(&cut->glue);
	buf_fini(&cut->glue_rdata);
	stream_fini(&cut->below);
}

static int
compare_targets(const void *a, const void *b)
{
	const struct compose_target *ta = a, *tb = b;

	return name_compare(ta->name, tb->name);
}

static int
find_targets(struct compose_cut *cut, const struct owner_set *set,
	     const struct owner_rrset *ns)
{
	cut->target_count = 0;
	cut->target_next = 0;
	if (ns->count > cut->target_cap) {
		struct compose_target *bigger = reallocarray(
		    cut->targets, ns->count, sizeof(*cut->targets));

		if (bigger == NULL) {
			return SECD_ENOMEM;
		}
		cut->targets = bigger;
		cut->target_cap = ns->count;
	}
	for (size_t i = 0; i < ns->count; i++) {
		const uint8_t *name = set->rrs[ns->first + i].rdata;

		if (name_is_in(name, set->owner)) {
			cut->targets[cut->target_count++] =
			    (struct compose_target){.name = name, .ns = i};
		}
	}
	if (cut->target_count > 1) {
		qsort(cut->targets, cut->target_count, sizeof(*cut->targets),
		      compare_targets);
	}
	return SECD_OK;
}

int
compose_cut_begin(struct compose *c, struct owner_set *set, uint16_t flags,
		  const uint8_t *own_hash)
{
	const struct owner_rrset *ns = owner_set_find(set, RR_TYPE_NS);
	struct compose_cut *cut = &c->cut;
	struct owner_set spare;
	int rc;

	if (!node_write_takes_glue(set, ns)) {
		return SECD_OK;
	}
	rc = find_targets(cut, set, ns);
	if (rc != SECD_OK || cut->target_count == 0) {
		return rc;
	}
	spare = cut->set;
	cut->set = *set;
	*set = spare;
	cut->waits = true;
	cut->flags = flags;
	if ((flags & NODE_OWN_HASH) != 0) {
		memcpy(cut->own_hash, own_hash, sizeof(cut->own_hash));
	}
	buf_clear(&cut->glue);
	buf_clear(&cut->glue_rdata);
	stream_init(&cut->below, c->p->dir, BELOW_MEMORY, false);
	return compose_cut_take(c, &cut->set);
}

static int
take_rrset(struct compose_cut *cut, const struct owner_set *set, uint16_t type,
	   size_t ns)
{
	const struct owner_rrset *s = owner_set_find(set, type);

	for (size_t i = 0; s != NULL && i < s->count; i++) {
		const struct rr *rr = &set->rrs[s->first + i];
		struct node_glue g = {
		    .ns = ns,
		    .ttl = rr->ttl,
		    .type = type,
		    .rdlen = rr->rdlen,
		    .rdata_at = cut->glue_rdata.len,
		};
		int rc = SECD_OK;

		if (cut->glue_rdata.len + rr->rdlen > GLUE_MAX) {
			break;
		}
		rc = buf_put(&cut->glue_rdata, rr->rdata, rr->rdlen);
		if (rc == SECD_OK) {
			rc = buf_put(&cut->glue, &g, sizeof(g));
		}
		if (rc != SECD_OK) {
			return rc;
		}
	}
	return SECD_OK;
}

int
compose_cut_take(struct compose *c, const struct owner_set *set)
{
	struct compose_cut *cut = &c->cut;

	/* Targets and owners come in the same order. */
	while (cut->target_next < cut->target_count) {
		const struct compose_target *t =
		    &cut->targets[cut->target_next];
		int order = name_compare(t->name, set->owner), rc;

		if (order > 0) {
			break;
		}
		cut->target_next++;
		if (order < 0) {
			continue;
		}
		rc = take_rrset(cut, set, RR_TYPE_A, t->ns);
		if (rc == SECD_OK) {
			rc = take_rrset(cut, set, RR_TYPE_AAAA, t->ns);
		}
		return rc;
	}
	return SECD_OK;
}

/* As the NS records stand, and an address as it came behind another. */
static int
compare_glue(const void *a, const void *b)
{
	const struct node_glue *ga = a, *gb = b;

	if (ga->ns != gb->ns) {
		return ga->ns < gb->ns ? -1 : 1;
	}
	return (ga->rdata_at > gb->rdata_at) - (ga->rdata_at < gb->rdata_at);
}

static int
write_cut(struct compose *c)
{
	struct compose_cut *cut = &c->cut;
	struct node_spec spec = {
	    .set = &cut->set,
	    .owner = cut->set.owner,
	    .flags = cut->flags,
	    .barrier_labels = c->barrier_labels,
	    .own_hash = cut->own_hash,
	    .glue = (const void *)cut->glue.data,
	    .glue_count = cut->glue.len / sizeof(struct node_glue),
	    .glue_rdata = cut->glue_rdata.data,
	};
	const struct node *n;
	int rc;

	if (spec.glue_count > 1) {
		qsort(cut->glue.data, spec.glue_count, sizeof(struct node_glue),
		      compare_glue);
	}
	rc = node_write(&c->writer, &spec, &n);
	return rc != SECD_OK ? rc : compose_place(c, n);
}

static int
write_below(struct compose *c)
{
	struct stream *below = &c->cut.below;
	uint64_t at = 0, end = stream_len(below), placed;
	struct buf scratch = {0};
	int rc = SECD_OK;

	while (at < end && rc == SECD_OK) {
		const uint8_t *octets;
		uint32_t len;

		rc = stream_get(below, at, sizeof(len), &scratch, &octets);
		if (rc != SECD_OK) {
			break;
		}
		memcpy(&len, octets, sizeof(len));
		rc = stream_get(below, at, len, &scratch, &octets);
		if (rc == SECD_OK) {
			rc = image_write_node(&c->out, (const void *)octets,
					      &placed);
		}
		at += len;
	}
	buf_fini(&scratch);
	return rc;
}

int
compose_cut_end(struct compose *c)
{
	int rc;

	c->cut.waits = false;
	rc = write_cut(c);
	if (rc == SECD_OK) {
		rc = write_below(c);
	}
	stream_fini(&c->cut.below);
	return rc;
}
