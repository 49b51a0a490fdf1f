/* SPDX-License-Identifier: BSD-2-Clause */

#include "zone/compose.h"

#include <string.h>

#include "base/error.h"
#include "zone/nsec3.h"

int
compose_init(struct compose *c, const struct build_params *p,
	     const struct version *base, struct build_report *report)
{
	memset(c, 0, sizeof(*c));
	c->p = p;
	c->base = base;
	c->report = report;
	c->barrier = DERIVE_OPEN;
	stream_init(&c->cut.below, p->dir, 0, false);
	return image_write_init(&c->out, p);
}

void
compose_fini(struct compose *c)
{
	image_write_fini(&c->out);
	node_write_fini(&c->writer);
	compose_cut_fini(&c->cut);
}

/* Labels that two names share at their ends. */
static unsigned
shared_labels(const uint8_t *a, const uint8_t *b)
{
	unsigned count_a = name_label_count(a), count_b = name_label_count(b);

	if (count_a > count_b) {
		a = name_strip(a, count_a - count_b);
		count_a = count_b;
	} else {
		b = name_strip(b, count_b - count_a);
	}
	for (; count_a > 0 && !name_equal(a, b); count_a--) {
		a = name_strip(a, 1);
		b = name_strip(b, 1);
	}
	return count_a;
}

int
compose_place(struct compose *c, const struct node *n)
{
	unsigned labels = n->label_count;
	uint64_t at;
	int rc;

	if (c->cut.waits) {
		return stream_put(&c->cut.below, n, n->len);
	}
	rc = image_write_node(&c->out, n, &at);
	if (rc != SECD_OK || (n->flags & NODE_OCCLUDED) != 0) {
		return rc;
	}
	c->path[labels].at = at;
	c->path[labels].flags = n->flags;
	if (labels > c->derive.apex_labels && name_is_wildcard(n->owner)) {
		uint16_t *flags = &c->path[labels - 1].flags;

		*flags |= NODE_WILDCARD_CHILD;
		rc = image_write_flags(&c->out, c->path[labels - 1].at, *flags);
	}
	return rc != SECD_OK
		   ? rc
		   : image_write_denial(&c->out, n, at, c->p->apex,
					c->derive.has_nsec3 ? &c->derive.nsec3
							    : NULL);
}

/* Lay a node out and place it. `set` is NULL for an empty non-terminal. */
static int
write_node(struct compose *c, struct owner_set *set, const uint8_t *owner)
{
	uint8_t own[NODE_NSEC3_HASH_LEN], star[NODE_NSEC3_HASH_LEN];
	struct node_spec spec = {
	    .set = set,
	    .owner = owner,
	    .flags = derive_flags(&c->derive, set, owner, c->barrier),
	    .own_hash = own,
	    .star_hash = star,
	};
	const struct node *n;
	int rc;

	derive_hashes(&c->derive, owner, NULL, &spec.flags, own, star);
	spec.barrier_labels =
	    derive_barrier_labels(owner, spec.flags, c->barrier);
	if (derive_is_barrier(spec.flags)) {
		c->barrier = (int)name_label_count(owner);
	}
	if ((spec.flags & NODE_CUT) != 0) {
		rc = compose_cut_begin(c, set, spec.flags, own);
		if (rc != SECD_OK || c->cut.waits) {
			return rc;
		}
	}
	rc = node_write(&c->writer, &spec, &n);
	return rc != SECD_OK ? rc : compose_place(c, n);
}

/* It has no spelling of its own, whatever names are below it. */
static int
write_empty(struct compose *c, const uint8_t *owner)
{
	uint8_t lower[NAME_LEN_MAX];

	name_lower(owner, lower);
	return write_node(c, NULL, lower);
}

/* Go to the next owner: end what it is not in, fill up what is between. */
static int
enter(struct compose *c, const uint8_t *owner)
{
	unsigned labels = name_label_count(owner), shared;
	int rc;

	if (!c->started) {
		c->started = true;
		memcpy(c->last, owner, name_len(owner));
		return SECD_OK;
	}
	shared = shared_labels(c->last, owner);
	if ((int)shared < c->barrier) {
		c->barrier = DERIVE_OPEN;
		rc = c->cut.waits ? compose_cut_end(c) : SECD_OK;
		if (rc != SECD_OK) {
			return rc;
		}
	}
	while (++shared < labels) {
		rc = write_empty(c, name_strip(owner, labels - shared));
		if (rc != SECD_OK) {
			return rc;
		}
	}
	memcpy(c->last, owner, name_len(owner));
	return SECD_OK;
}

/* A flood ends at once; a change is judged by what all of it makes. */
static int
count_records(struct compose *c, uint64_t more, const uint8_t *owner)
{
	c->records += more;
	return c->base != NULL
		   ? SECD_OK
		   : build_check_records(c->p, c->records, owner, c->report);
}

int
compose_owner(struct compose *c, struct owner_set *set)
{
	bool is_apex = name_equal(set->owner, c->p->apex);
	int rc;

	if (!c->started && !is_apex && name_is_in(set->owner, c->p->apex)) {
		return build_refuse(c->report, SECD_EMALF, c->p->apex,
				    "no SOA");
	}
	rc = build_check_owner(c->p, set, is_apex, c->report);
	if (rc == SECD_OK) {
		rc = count_records(c, set->count, set->owner);
	}
	if (rc == SECD_OK) {
		rc = enter(c, set->owner);
	}
	if (rc == SECD_OK && c->cut.waits) {
		rc = glue_take(&c->cut.glue, set);
	}
	if (rc != SECD_OK) {
		return rc;
	}
	if (is_apex) {
		derive_read_apex(&c->derive, set);
		c->may_copy =
		    c->base != NULL &&
		    derive_same_hashes(&c->derive, version_apex(c->base));
	}
	return write_node(c, set, set->owner);
}

/* Would composing a node of the base again give the same octets? */
static bool
can_copy(const struct compose *c, const struct node *n, bool same_below)
{
	uint16_t flags = n->flags & NODE_NSEC3_ONLY;
	bool occluded =
	    derive_is_occluded(&c->derive, flags, n->label_count, c->barrier);
	int barrier = occluded ? c->barrier : 0;

	if (c->cut.waits || !c->may_copy ||
	    occluded != ((n->flags & NODE_OCCLUDED) != 0)) {
		return false;
	}
	if ((n->flags & NODE_CUT) != 0) {
		return same_below;
	}
	return n->barrier_labels == barrier;
}

int
compose_copy(struct compose *c, const struct node *n, bool same_below,
	     bool *copied)
{
	const struct rrset *s = node_rrsets(n);
	uint64_t records = 0;
	int rc;

	*copied = false;
	rc = enter(c, n->owner);
	if (rc != SECD_OK || !can_copy(c, n, same_below)) {
		return rc;
	}
	*copied = true;
	for (unsigned i = 0; i < n->rrset_count; i++) {
		records += (uint64_t)s->count + s->sig_count;
		s = rrset_next(s);
	}
	rc = count_records(c, records, n->owner);
	if (rc != SECD_OK) {
		return rc;
	}
	if (derive_is_barrier(n->flags)) {
		c->barrier = n->label_count;
	}
	rc = compose_place(c, n);
	if (rc == SECD_OK && (n->flags & NODE_WILDCARD_CHILD) != 0) {
		/* Its "*" child sets it again, if that is still there. */
		uint16_t *flags = &c->path[n->label_count].flags;

		*flags &= (uint16_t)~NODE_WILDCARD_CHILD;
		rc = image_write_flags(&c->out, c->path[n->label_count].at,
				       *flags);
	}
	return rc;
}

int
compose_finish(struct compose *c, struct image **out)
{
	enum image_denial denial = IMAGE_UNSIGNED;
	int rc;

	if (!c->started) {
		return build_refuse(c->report, SECD_EMALF, c->p->apex,
				    "no SOA");
	}
	rc = build_check_records(c->p, c->records, c->p->apex, c->report);
	if (rc == SECD_OK && c->cut.waits) {
		rc = compose_cut_end(c);
	}
	if (rc != SECD_OK) {
		return rc;
	}
	if (c->derive.has_nsec3 && c->out.nsec3_count > 0) {
		denial = IMAGE_NSEC3;
	} else if (c->derive.has_nsec) {
		denial = IMAGE_NSEC;
	}
	c->report->records = c->records;
	return image_write_finish(&c->out, c->derive.serial, denial, out);
}
