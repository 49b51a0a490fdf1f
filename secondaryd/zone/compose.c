/* SPDX-License-Identifier: BSD-2-Clause */

#include "zone/compose.h"

#include <string.h>

#include "base/error.h"
#include "zone/nsec3.h"

int
compose_init(struct compose *c, const struct build_params *p,
	     const struct image *base, struct build_report *report)
{
	memset(c, 0, sizeof(*c));
	c->p = p;
	c->base = base;
	c->report = report;
	c->apex_labels = name_label_count(p->apex);
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

/* A name that only holds a hash is none to which an apex's DNAME matters. */
static bool
is_occluded(const struct compose *c, bool nsec3_only, unsigned labels)
{
	return c->barrier &&
	       !(nsec3_only && c->barrier_labels == c->apex_labels &&
		 labels == c->apex_labels + 1);
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
	if (labels > c->apex_labels && name_is_wildcard(n->owner)) {
		uint16_t *flags = &c->path[labels - 1].flags;

		*flags |= NODE_WILDCARD_CHILD;
		rc = image_write_flags(&c->out, c->path[labels - 1].at, *flags);
	}
	return rc != SECD_OK
		   ? rc
		   : image_write_denial(&c->out, n, at, c->p->apex,
					c->has_nsec3 ? &c->nsec3 : NULL);
}

/* The hashes that answers need of an authoritative name. */
static int
hash_owner(const struct compose *c, const uint8_t *owner, uint16_t *flags,
	   uint8_t own[NODE_NSEC3_HASH_LEN], uint8_t star[NODE_NSEC3_HASH_LEN])
{
	uint8_t lower[NAME_LEN_MAX + 2] = {1, '*'};
	const struct image_nsec3 *p = &c->nsec3;
	int rc;

	if (!c->has_nsec3 ||
	    (*flags & (NODE_OCCLUDED | NODE_NSEC3_ONLY)) != 0) {
		return SECD_OK;
	}
	name_lower(owner, lower + 2);
	rc = nsec3_hash(lower + 2, p->iterations, p->salt, p->salt_len, own);
	if (rc != SECD_OK) {
		return rc;
	}
	*flags |= NODE_OWN_HASH;
	/* Below a cut or DNAME nothing is denied, nor where no name fits. */
	if ((*flags & (NODE_CUT | NODE_DNAME)) != 0 ||
	    name_len(owner) + 2 > NAME_LEN_MAX) {
		return SECD_OK;
	}
	rc = nsec3_hash(lower, p->iterations, p->salt, p->salt_len, star);
	if (rc == SECD_OK) {
		*flags |= NODE_STAR_HASH;
	}
	return rc;
}

static uint16_t
flags_of(const struct compose *c, const struct owner_set *set, bool is_apex)
{
	uint16_t flags = 0;
	bool only = true;

	for (size_t i = 0; i < set->rrset_count; i++) {
		only = only && set->rrsets[i].type == RR_TYPE_NSEC3;
	}
	if (only) {
		flags |= NODE_NSEC3_ONLY;
	}
	if (is_apex) {
		flags |= NODE_APEX;
	}
	if (is_occluded(c, only, name_label_count(set->owner))) {
		flags |= NODE_OCCLUDED;
	} else if (!is_apex && owner_set_find(set, RR_TYPE_NS) != NULL) {
		flags |= NODE_CUT;
	} else if (owner_set_find(set, RR_TYPE_DNAME) != NULL) {
		flags |= NODE_DNAME;
	}
	return flags;
}

/* Lay a node out and place it. `set` is NULL for an empty non-terminal. */
static int
write_node(struct compose *c, struct owner_set *set, const uint8_t *owner,
	   uint16_t flags)
{
	uint8_t own[NODE_NSEC3_HASH_LEN], star[NODE_NSEC3_HASH_LEN];
	struct node_spec spec = {
	    .set = set,
	    .owner = owner,
	    .own_hash = own,
	    .star_hash = star,
	};
	const struct node *n;
	int rc;

	rc = hash_owner(c, owner, &flags, own, star);
	if (rc != SECD_OK) {
		return rc;
	}
	if ((flags & NODE_OCCLUDED) != 0) {
		spec.barrier_labels = c->barrier_labels;
	} else if ((flags & (NODE_CUT | NODE_DNAME)) != 0) {
		c->barrier = true;
		c->barrier_labels = (uint8_t)name_label_count(owner);
	}
	if ((flags & NODE_CUT) != 0) {
		spec.barrier_labels = c->barrier_labels;
		rc = compose_cut_begin(c, set, flags, own);
		if (rc != SECD_OK || c->cut.waits) {
			return rc;
		}
	}
	spec.flags = flags;
	rc = node_write(&c->writer, &spec, &n);
	return rc != SECD_OK ? rc : compose_place(c, n);
}

static int
write_empty(struct compose *c, const uint8_t *owner)
{
	uint16_t flags = NODE_EMPTY;

	if (is_occluded(c, false, 0)) {
		flags |= NODE_OCCLUDED;
	}
	return write_node(c, NULL, owner, flags);
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
	if (c->barrier && shared < c->barrier_labels) {
		c->barrier = false;
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

/* Parameters that all further nodes depend on. */
static void
read_apex(struct compose *c, const struct owner_set *set)
{
	const struct owner_rrset *s = owner_set_find(set, RR_TYPE_NSEC3PARAM);
	struct image_nsec3 base;
	struct rr_soa soa;

	rr_soa_get(&set->rrs[owner_set_find(set, RR_TYPE_SOA)->first], &soa);
	c->serial = soa.serial;
	c->has_nsec = owner_set_find(set, RR_TYPE_NSEC) != NULL;
	for (size_t i = 0; s != NULL && i < s->count && !c->has_nsec3; i++) {
		const struct rr *rr = &set->rrs[s->first + i];

		/* Flags other than 0: not for answering from (RFC 5155
		 * section 4.1.2). */
		c->has_nsec3 =
		    nsec3_params_from_rdata(rr->rdata, rr->rdlen, &c->nsec3) &&
		    rr->rdata[1] == 0;
	}
	if (c->has_nsec3) {
		memcpy(c->salt, c->nsec3.salt, c->nsec3.salt_len);
		c->nsec3.salt = c->salt;
	}
	if (c->base != NULL) {
		bool had = nsec3_params_of(image_apex_node(c->base), &base);

		c->may_copy = had == c->has_nsec3 &&
			      (!had || nsec3_params_equal(&base, &c->nsec3));
	}
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
		rc = compose_cut_take(c, set);
	}
	if (rc != SECD_OK) {
		return rc;
	}
	if (is_apex) {
		read_apex(c, set);
	}
	return write_node(c, set, set->owner, flags_of(c, set, is_apex));
}

/* Would composing a node of the base again give the same octets? */
static bool
can_copy(const struct compose *c, const struct node *n, bool same_below)
{
	bool occluded =
	    is_occluded(c, (n->flags & NODE_NSEC3_ONLY) != 0, n->label_count);
	unsigned barrier = occluded ? c->barrier_labels : 0;

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
	if ((n->flags & (NODE_CUT | NODE_DNAME)) != 0) {
		c->barrier = true;
		c->barrier_labels = n->label_count;
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
	if (c->has_nsec3 && c->out.nsec3_count > 0) {
		denial = IMAGE_NSEC3;
	} else if (c->has_nsec) {
		denial = IMAGE_NSEC;
	}
	c->report->records = c->records;
	return image_write_finish(&c->out, c->serial, denial, out);
}
