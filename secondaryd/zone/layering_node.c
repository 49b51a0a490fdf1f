/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The node of a name as it is after the change: asked of the records that
 * there are then, those of the base and those of changed owners in its place.
 */

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "zone/layering_internal.h"

void
layering_look(const struct layering *l, const uint8_t *owner,
	      struct layering_at *at)
{
	name_lower(owner, at->lower);
	name_hash_all(at->lower, &l->p->hash_key, &at->hashes);
	at->apex = at->hashes.count - 1u - name_label_count(l->p->apex);
}

static const struct node *
find_old(const struct layering *l, const uint8_t *lower, uint64_t hash)
{
	return version_find(l->base, lower, name_len(lower), hash);
}

const struct node *
layering_old(const struct layering *l, const struct layering_at *at, unsigned i)
{
	return find_old(l, layering_suffix(at, i), at->hashes.hash[i]);
}

static struct layering_name *
find_changed(const struct layering *l, const uint8_t *owner, uint64_t hash)
{
	size_t i = hash & l->index_mask;

	for (; l->index[i] != 0; i = (i + 1) & l->index_mask) {
		struct layering_name *name = &l->changed.all[l->index[i] - 1];

		if (name->hash == hash && name_equal(name->owner, owner)) {
			return name;
		}
	}
	return NULL;
}

struct layering_name *
layering_changed(const struct layering *l, const struct layering_at *at,
		 unsigned i)
{
	return find_changed(l, layering_suffix(at, i), at->hashes.hash[i]);
}

static const struct node *
find_records(const struct layering *l, const uint8_t *lower, uint64_t hash)
{
	const struct layering_name *changed = find_changed(l, lower, hash);
	const struct node *n;

	if (changed != NULL) {
		return changed->has_records ? changed->now : NULL;
	}
	n = find_old(l, lower, hash);
	return n != NULL && (n->flags & NODE_EMPTY) == 0 ? n : NULL;
}

const struct node *
layering_records(const struct layering *l, const struct layering_at *at,
		 unsigned i)
{
	return find_records(l, layering_suffix(at, i), at->hashes.hash[i]);
}

bool
layering_has(const struct node *n, uint16_t type)
{
	const struct rrset *s = node_find(n, type);

	return s != NULL && s->count > 0;
}

int
layering_barrier(const struct layering *l, const struct layering_at *at)
{
	for (unsigned i = at->apex; i > 0; i--) {
		bool is_apex = i == at->apex;
		const struct node *n = is_apex ? l->changed.all[0].now
					       : layering_records(l, at, i);

		if (n != NULL && ((!is_apex && layering_has(n, RR_TYPE_NS)) ||
				  layering_has(n, RR_TYPE_DNAME))) {
			return (int)(at->hashes.count - 1u - i);
		}
	}
	return DERIVE_OPEN;
}

/* The first changed owner behind a name. */
static size_t
first_behind(const struct layering *l, const uint8_t *lower)
{
	size_t low = 0, high = l->changed.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (name_compare(l->changed.all[middle].owner, lower) <= 0) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low;
}

/*
 * Is there a name with records strictly below?
 *
 * old      its node in the base: without one there was nothing below
 */
static bool
has_below(const struct layering *l, const uint8_t *lower,
	  const struct node *old)
{
	const struct layering_name *all = l->changed.all;
	struct version_cursor c;
	const struct node *n;

	for (size_t i = first_behind(l, lower);
	     i < l->changed.count && name_is_in(all[i].owner, lower); i++) {
		if (all[i].has_records) {
			return true;
		}
	}
	if (old == NULL) {
		return false;
	}
	version_cursor_below(&c, l->base, lower);
	while ((n = version_cursor_next(&c)) != NULL) {
		uint64_t hash = name_hash(n->owner, &l->p->hash_key);

		/* All changed ones below have lost their records. */
		if ((n->flags & NODE_EMPTY) == 0 &&
		    find_changed(l, n->owner, hash) == NULL) {
			return true;
		}
	}
	return false;
}

/* Does "*" below the name exist for answers? */
static bool
has_wildcard(const struct layering *l, const struct layering_at *at,
	     uint16_t flags, int barrier)
{
	uint8_t star[NAME_LEN_MAX + 2] = {1, '*'};
	unsigned labels = at->hashes.count - 1u;
	const struct node *n;
	uint64_t hash;

	if (name_len(at->lower) + 2 > NAME_LEN_MAX) {
		return false;
	}
	if (barrier == DERIVE_OPEN && derive_is_barrier(flags)) {
		barrier = (int)labels;
	}
	memcpy(star + 2, at->lower, name_len(at->lower));
	hash = name_hash(star, &l->p->hash_key);
	n = find_records(l, star, hash);
	if (derive_is_occluded(&l->derive, n != NULL ? n->flags : 0, labels + 1,
			       barrier)) {
		return false;
	}
	return n != NULL || has_below(l, star, find_old(l, star, hash));
}

/* The addresses of the targets of a cut's NS records, as they are now. */
static int
take_glue(struct layering *l)
{
	int rc = SECD_OK;

	for (size_t i = 0; i < l->glue.count && rc == SECD_OK; i++) {
		uint8_t lower[NAME_LEN_MAX];
		const struct node *n;

		name_lower(l->glue.targets[i].name, lower);
		n = find_records(l, lower, name_hash(lower, &l->p->hash_key));
		if (n == NULL) {
			continue;
		}
		rc = owner_set_read(&l->target, n, l->ops.reader);
		if (rc == SECD_OK) {
			rc = glue_take(&l->glue, &l->target);
		}
	}
	return rc;
}

static int
write_node(struct layering *l, const struct node_spec *spec,
	   const struct node **out)
{
	const struct node *n;
	int rc = node_write(&l->writer, spec, &n);

	if (rc != SECD_OK) {
		return rc;
	}
	n = arena_copy(l->arena, n, n->len);
	if (n == NULL) {
		return SECD_ENOMEM;
	}
	*out = n;
	return SECD_OK;
}

/*
 * Lay out what is in l->set; NULL records: an empty non-terminal.
 *
 * complete all operations are applied, so glue and "*" can be told
 */
static int
lay(struct layering *l, const struct layering_at *at,
    struct layering_name *name, const struct owner_set *set, bool complete)
{
	uint8_t own[NODE_NSEC3_HASH_LEN], star[NODE_NSEC3_HASH_LEN];
	int barrier = layering_barrier(l, at), rc = SECD_OK;
	const uint8_t *owner = set != NULL ? set->owner : at->lower;
	struct node_spec spec = {
	    .set = set,
	    .owner = owner,
	    .flags = derive_flags(&l->derive, set, owner, barrier),
	    .own_hash = own,
	    .star_hash = star,
	};

	derive_hashes(&l->derive, owner, name->old, &spec.flags, own, star);
	spec.barrier_labels = derive_barrier_labels(owner, spec.flags, barrier);
	if (complete && has_wildcard(l, at, spec.flags, barrier)) {
		spec.flags |= NODE_WILDCARD_CHILD;
	}
	name->wants_glue = false;
	if ((spec.flags & NODE_CUT) != 0) {
		rc = glue_start(&l->glue, &l->set);
		name->wants_glue = l->glue.count > 0;
	}
	if (rc == SECD_OK && complete && name->wants_glue) {
		rc = take_glue(l);
		glue_put(&l->glue, &spec);
	}
	return rc != SECD_OK ? rc : write_node(l, &spec, &name->now);
}

int
layering_lay_owner(struct layering *l, const struct layering_at *at,
		   struct layering_name *name)
{
	return lay(l, at, name, &l->set, false);
}

/* What is there of a changed owner only lacks one flag, mostly. */
static void
add_wildcard(const struct layering *l, const struct layering_at *at,
	     const struct node *n)
{
	int barrier =
	    (n->flags & NODE_OCCLUDED) != 0 ? n->barrier_labels : DERIVE_OPEN;

	if ((n->flags & NODE_NSEC3_ONLY) != 0) {
		barrier = layering_barrier(l, at);
	}
	if (has_wildcard(l, at, n->flags, barrier)) {
		/* It is in the arena, and nobody else has seen it yet. */
		((struct node *)(uintptr_t)n)->flags |= NODE_WILDCARD_CHILD;
	}
}

static int
make(struct layering *l, struct layering_name *name)
{
	const struct node *records;
	struct layering_at at;
	int rc;

	layering_look(l, name->owner, &at);
	records = layering_records(l, &at, 0);
	if (records == NULL) {
		if (!has_below(l, at.lower, name->old)) {
			return SECD_OK;
		}
		return lay(l, &at, name, NULL, true);
	}
	if (name->changes && !name->wants_glue) {
		add_wildcard(l, &at, name->now);
		return SECD_OK;
	}
	rc = owner_set_read(&l->set, records, l->ops.reader);
	return rc != SECD_OK ? rc : lay(l, &at, name, &l->set, true);
}

static int
compare_names(const void *a, const void *b)
{
	const struct layering_name *na = a, *nb = b;

	return name_compare(na->owner, nb->owner);
}

/* Each once, in order, without those that have operations. */
static void
sort_derived(struct layering *l)
{
	struct layering_name *all = l->derived.all;
	size_t kept = 0;

	if (l->derived.count == 0) {
		return;
	}
	qsort(all, l->derived.count, sizeof(*all), compare_names);
	for (size_t i = 0; i < l->derived.count; i++) {
		if ((kept > 0 &&
		     name_equal(all[kept - 1].owner, all[i].owner)) ||
		    find_changed(l, all[i].owner, all[i].hash) != NULL) {
			continue;
		}
		all[kept++] = all[i];
	}
	l->derived.count = kept;
}

int
layering_nodes(struct layering *l)
{
	int rc = SECD_OK;

	sort_derived(l);
	for (size_t i = 0; i < l->changed.count && rc == SECD_OK; i++) {
		rc = make(l, &l->changed.all[i]);
	}
	for (size_t i = 0; i < l->derived.count && rc == SECD_OK; i++) {
		struct layering_name *name = &l->derived.all[i];
		uint8_t lower[NAME_LEN_MAX];

		name_lower(name->owner, lower);
		name->old = find_old(l, lower, name->hash);
		rc = make(l, name);
	}
	return rc;
}
