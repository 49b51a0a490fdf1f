/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Owners with operations, in canonical order, so that the names above one are
 * settled when it is its turn; and the other names whose nodes follow from
 * their records:
 *
 * - empty non-terminals above an owner that comes or goes,
 * - the parent of a name "*" that comes or goes,
 * - the cut above an address, for its glue,
 * - all below an owner where a cut or a DNAME comes or goes.
 *
 * Names are noted rather too often: what turns out the same is left out of
 * the layer.
 */

#include <stdlib.h>

#include "base/error.h"
#include "zone/layering_internal.h"

static int
push(struct layering_names *names, const struct layering_name *name)
{
	if (names->count == names->cap) {
		size_t more = names->cap == 0 ? 32 : names->cap * 2;
		struct layering_name *bigger =
		    reallocarray(names->all, more, sizeof(*names->all));

		if (bigger == NULL) {
			return SECD_ENOMEM;
		}
		names->all = bigger;
		names->cap = more;
	}
	names->all[names->count++] = *name;
	return SECD_OK;
}

/* Add an owner, which comes behind all before it. */
static int
push_changed(struct layering *l, const struct layering_name *name)
{
	int rc = push(&l->changed, name);
	size_t i = name->hash & l->index_mask;

	if (rc != SECD_OK) {
		return rc;
	}
	while (l->index[i] != 0) {
		i = (i + 1) & l->index_mask;
	}
	l->index[i] = (uint32_t)l->changed.count;
	return SECD_OK;
}

static int
make_index(struct layering *l)
{
	size_t size = 64;

	while (size < 2 * l->ops.count) {
		size *= 2;
	}
	l->index_mask = size - 1;
	l->index = calloc(size, sizeof(*l->index));
	return l->index == NULL ? SECD_ENOMEM : SECD_OK;
}

/*
 * Names that it matters to
 */

/* Neighbours have the same names above them, mostly. */
static bool
is_last_noted(const struct layering *l, const uint8_t *owner, uint64_t hash)
{
	const struct layering_names *noted = &l->derived;
	const struct layering_name *last;

	if (noted->count == 0) {
		return false;
	}
	last = &noted->all[noted->count - 1];
	return last->hash == hash && name_equal(last->owner, owner);
}

static int
note_one(struct layering *l, const struct layering_at *at, unsigned i)
{
	const uint8_t *suffix = layering_suffix(at, i);
	struct layering_name name = {.hash = at->hashes.hash[i]};

	if (layering_changed(l, at, i) != NULL ||
	    is_last_noted(l, suffix, name.hash)) {
		return SECD_OK;
	}
	name.owner = arena_copy_octets(l->arena, suffix, name_len(suffix));
	return name.owner == NULL ? SECD_ENOMEM : push(&l->derived, &name);
}

/* Suffix `i` may come or go; then its parent is told if it is a wildcard. */
static int
note(struct layering *l, const struct layering_at *at, unsigned i)
{
	int rc = note_one(l, at, i);

	if (rc == SECD_OK && i < at->apex &&
	    name_is_wildcard(layering_suffix(at, i))) {
		rc = note_one(l, at, i + 1);
	}
	return rc;
}

/* Records came to a name that had none, or the last ones went. */
static int
note_above(struct layering *l, const struct layering_at *at, bool comes)
{
	for (unsigned i = 1; i < at->apex; i++) {
		const struct layering_name *changed =
		    layering_changed(l, at, i);
		const struct node *n = layering_old(l, at, i);
		int rc;

		if (changed != NULL) {
			if (changed->has_records) {
				break;
			}
			continue;
		}
		/* What is there stays when something comes below it. */
		if (n != NULL && (comes || (n->flags & NODE_EMPTY) == 0)) {
			break;
		}
		rc = note(l, at, i);
		if (rc != SECD_OK) {
			return rc;
		}
	}
	return SECD_OK;
}

static bool
has_address(const struct node *n)
{
	return n != NULL &&
	       (layering_has(n, RR_TYPE_A) || layering_has(n, RR_TYPE_AAAA));
}

/* The topmost cut above a name, if there is one, holds its addresses. */
static int
note_cut(struct layering *l, const struct layering_at *at)
{
	int barrier = layering_barrier(l, at);
	const struct node *n;
	unsigned i;

	if (barrier == DERIVE_OPEN) {
		return SECD_OK;
	}
	i = at->hashes.count - 1u - (unsigned)barrier;
	n = i == at->apex ? NULL : layering_records(l, at, i);
	return n != NULL && layering_has(n, RR_TYPE_NS) ? note_one(l, at, i)
							: SECD_OK;
}

/* All that the base has below a name. */
static int
note_range(struct layering *l, const struct layering_name *top)
{
	struct version_cursor c;
	const struct node *n;
	size_t count = 0;

	if (top->old == NULL ||
	    (l->range != NULL && name_is_in(top->owner, l->range))) {
		return SECD_OK;
	}
	l->range = top->owner;
	version_cursor_below(&c, l->base, top->owner);
	while ((n = version_cursor_next(&c)) != NULL) {
		struct layering_name name = {
		    .owner = n->owner,
		    .hash = name_hash(n->owner, &l->p->hash_key),
		};
		int rc;

		if (++count > l->limits->range_names) {
			return SECD_EAGAIN;
		}
		rc = push(&l->derived, &name);
		if (rc != SECD_OK) {
			return rc;
		}
	}
	return SECD_OK;
}

static bool
is_barrier(const struct node *n)
{
	return n != NULL && derive_is_barrier(n->flags);
}

static int
note_others(struct layering *l, const struct layering_at *at,
	    const struct layering_name *name)
{
	bool had = name->old != NULL && (name->old->flags & NODE_EMPTY) == 0;
	int rc = SECD_OK;

	if (had != name->has_records) {
		rc = note_above(l, at, name->has_records);
	}
	if (rc == SECD_OK && at->apex > 0 && name_is_wildcard(at->lower)) {
		rc = note_one(l, at, 1);
	}
	if (rc == SECD_OK &&
	    (has_address(name->old) || has_address(name->now))) {
		rc = note_cut(l, at);
	}
	if (rc == SECD_OK && is_barrier(name->old) != is_barrier(name->now)) {
		rc = note_range(l, name);
	}
	return rc;
}

/*
 * Owners
 */

/* Does what all nodes, or how names are denied, depend on stay the same? */
static int
check_apex(struct layering *l)
{
	enum image_denial denial = version_denial(l->base);

	derive_read_apex(&l->derive, &l->set);
	if (!derive_same_hashes(&l->derive, version_apex(l->base))) {
		return SECD_EAGAIN;
	}
	/* Whether there is an NSEC3 in the chain shows at the end. */
	return denial == IMAGE_NSEC3 ||
		       (denial == IMAGE_NSEC) == l->derive.has_nsec
		   ? SECD_OK
		   : SECD_EAGAIN;
}

static int
check_records(struct layering *l, bool is_apex)
{
	int rc = build_check_owner(l->p, &l->set, is_apex, l->report);

	return rc == SECD_OK && is_apex ? check_apex(l) : rc;
}

static int
apply_owner(struct layering *l, const uint8_t *owner)
{
	struct layering_name name = {.owner = owner, .changes = true};
	struct layering_at at;
	bool had;
	int rc;

	layering_look(l, owner, &at);
	name.hash = at.hashes.hash[0];
	name.old = layering_old(l, &at, 0);
	had = name.old != NULL && (name.old->flags & NODE_EMPTY) == 0;
	rc = change_ops_apply(&l->ops, had ? name.old : NULL, &l->set);
	if (rc != SECD_OK) {
		return rc;
	}
	l->records += l->set.count;
	l->records -= l->ops.before.count;
	name.has_records = l->set.count > 0;
	if (name.has_records) {
		rc = check_records(l, at.apex == 0);
		if (rc == SECD_OK) {
			rc = layering_lay_owner(l, &at, &name);
		}
	}
	if (rc == SECD_OK) {
		rc = push_changed(l, &name);
	}
	return rc != SECD_OK ? rc : note_others(l, &at, &name);
}

int
layering_owners(struct layering *l)
{
	const uint8_t *owner;
	int rc = make_index(l);

	l->records = version_record_count(l->base);
	while (rc == SECD_OK && (owner = change_ops_owner(&l->ops)) != NULL) {
		rc = apply_owner(l, owner);
		if (rc == SECD_OK &&
		    l->changed.count + l->derived.count > l->limits->nodes) {
			rc = SECD_EAGAIN;
		}
	}
	return rc != SECD_OK ? rc
			     : build_check_records(l->p, l->records, l->p->apex,
						   l->report);
}
