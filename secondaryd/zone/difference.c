/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two passes over the pairs of nodes of a name: for what is deleted, then for
 * what is added. Records of a node are in canonical order, so each pair is
 * merged.
 */

#include "zone/difference.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

enum phase { PHASE_FROM, PHASE_DELETE, PHASE_TO, PHASE_ADD, PHASE_END };

struct side {
	struct version *version;
	struct version_cursor cursor;
	const struct node *next; /* of the cursor */
	struct node_reader reader;
	struct rr rr;
	bool has_rr;
};

struct difference {
	enum phase phase;
	struct side from, to;
	uint8_t (*owners)[NAME_LEN_MAX]; /* lower-case; NULL: all names */
	size_t owner_count;
	size_t next_owner;
};

/*
 * Which names
 */

int
difference_owners(const struct changeset *cs, struct buf *owners)
{
	enum changeset_op op;
	size_t pos = 0;
	struct rr rr;
	int rc = SECD_OK;

	while (rc == SECD_OK && changeset_next(cs, &pos, &op, &rr)) {
		rc = buf_put(owners, rr.owner, name_len(rr.owner));
	}
	return rc;
}

static int
compare_owners(const void *a, const void *b)
{
	return name_compare(a, b);
}

static int
take_owners(struct difference *d, const struct buf *owners)
{
	size_t count = 0, kept = 0;

	for (size_t at = 0; at < owners->len;
	     at += name_len(owners->data + at)) {
		count++;
	}
	d->owners = calloc(count + 1, sizeof(*d->owners));
	if (d->owners == NULL) {
		return SECD_ENOMEM;
	}
	count = 0;
	for (size_t at = 0; at < owners->len;
	     at += name_len(owners->data + at)) {
		name_lower(owners->data + at, d->owners[count++]);
	}
	qsort(d->owners, count, sizeof(*d->owners), compare_owners);
	for (size_t i = 0; i < count; i++) {
		if (kept == 0 ||
		    !name_equal(d->owners[kept - 1], d->owners[i])) {
			memmove(d->owners[kept++], d->owners[i],
				sizeof(*d->owners));
		}
	}
	d->owner_count = kept;
	return SECD_OK;
}

int
difference_new(struct version *from, struct version *to,
	       const struct buf *owners, struct difference **out)
{
	struct difference *d = calloc(1, sizeof(*d));

	if (d == NULL) {
		return SECD_ENOMEM;
	}
	if (owners != NULL && take_owners(d, owners) != SECD_OK) {
		free(d);
		return SECD_ENOMEM;
	}
	d->from.version = version_ref(from);
	d->to.version = version_ref(to);
	*out = d;
	return SECD_OK;
}

void
difference_free(struct difference *d)
{
	if (d == NULL) {
		return;
	}
	version_unref(d->from.version);
	version_unref(d->to.version);
	free(d->owners);
	free(d);
}

/*
 * Pairs of nodes
 */

static void
read_node(struct side *s, const struct node *n)
{
	s->has_rr = false;
	s->reader.node = NULL;
	if (n != NULL) {
		node_reader_init(&s->reader, n);
		s->has_rr = node_reader_next(&s->reader, &s->rr);
	}
}

static const struct node *
find(const struct version *v, const uint8_t *lower)
{
	return version_find(v, lower, name_len(lower),
			    name_hash(lower, image_key(version_image(v))));
}

static const struct node *
take_next(struct side *s)
{
	const struct node *n = s->next;

	s->next = version_cursor_next(&s->cursor);
	return n;
}

/* Of the same name; either may be NULL. False: there are no more. */
static bool
next_nodes(struct difference *d, const struct node **a, const struct node **b)
{
	int order;

	if (d->owners != NULL) {
		if (d->next_owner == d->owner_count) {
			return false;
		}
		*a = find(d->from.version, d->owners[d->next_owner]);
		*b = find(d->to.version, d->owners[d->next_owner]);
		d->next_owner++;
		return true;
	}
	*a = *b = NULL;
	if (d->from.next == NULL && d->to.next == NULL) {
		return false;
	}
	order = d->from.next == NULL ? 1
		: d->to.next == NULL
		    ? -1
		    : name_compare(d->from.next->owner, d->to.next->owner);
	if (order <= 0) {
		*a = take_next(&d->from);
	}
	if (order >= 0) {
		*b = take_next(&d->to);
	}
	return true;
}

static bool
next_pair(struct difference *d)
{
	const struct node *a, *b;

	while (next_nodes(d, &a, &b)) {
		if (a == b || (a != NULL && b != NULL && a->len == b->len &&
			       memcmp(a, b, a->len) == 0)) {
			continue;
		}
		read_node(&d->from, a);
		read_node(&d->to, b);
		return true;
	}
	return false;
}

static void
begin_pass(struct difference *d)
{
	d->next_owner = 0;
	d->from.has_rr = d->to.has_rr = false;
	if (d->owners == NULL) {
		version_cursor_start(&d->from.cursor, d->from.version);
		version_cursor_start(&d->to.cursor, d->to.version);
		d->from.next = version_cursor_next(&d->from.cursor);
		d->to.next = version_cursor_next(&d->to.cursor);
	}
}

static bool
was_whole(const struct difference *d)
{
	return d->owners != NULL || (version_cursor_is_whole(&d->from.cursor) &&
				     version_cursor_is_whole(&d->to.cursor));
}

/*
 * Records
 */

static bool
is_same(const struct rr *a, const struct rr *b)
{
	size_t owner_len = name_len(a->owner);

	return a->ttl == b->ttl && a->rdlen == b->rdlen &&
	       memcmp(a->rdata, b->rdata, a->rdlen) == 0 &&
	       owner_len == name_len(b->owner) &&
	       memcmp(a->owner, b->owner, owner_len) == 0;
}

static void
pass(struct side *s)
{
	s->has_rr = node_reader_next(&s->reader, &s->rr);
}

/* The next record that only `one` has of the pair at hand; it stays there. */
static bool
find_only(struct side *one, struct side *other)
{
	for (; one->has_rr; pass(one)) {
		int order = 1;

		while (other->has_rr &&
		       (order = rr_compare(&other->rr, &one->rr)) < 0) {
			pass(other);
		}
		if (one->rr.type != RR_TYPE_SOA &&
		    !(other->has_rr && order == 0 &&
		      is_same(&one->rr, &other->rr))) {
			return true;
		}
	}
	return false;
}

/* Records that only `one` has; what is given out is passed the next time. */
static bool
next_only(struct difference *d, struct side *one, struct side *other,
	  struct rr *rr)
{
	if (one->has_rr) {
		pass(one);
	}
	while (!find_only(one, other)) {
		if (!next_pair(d)) {
			return false;
		}
	}
	*rr = one->rr;
	return true;
}

static void
read_soa(struct side *s, struct rr *rr)
{
	read_node(s, version_apex(s->version));
	while (s->has_rr && s->rr.type != RR_TYPE_SOA) {
		pass(s);
	}
	*rr = s->rr;
}

int
difference_next(struct difference *d, enum changeset_op *op, struct rr *rr)
{
	switch (d->phase) {
	case PHASE_FROM:
		*op = CHANGESET_SOA_FROM;
		read_soa(&d->from, rr);
		d->phase = PHASE_DELETE;
		begin_pass(d);
		return SECD_OK;
	case PHASE_DELETE:
		*op = CHANGESET_DELETE;
		if (next_only(d, &d->from, &d->to, rr)) {
			return SECD_OK;
		}
		d->phase = PHASE_TO;
		/* fallthrough */
	case PHASE_TO:
		if (!was_whole(d)) {
			return SECD_EIO;
		}
		*op = CHANGESET_SOA_TO;
		read_soa(&d->to, rr);
		d->phase = PHASE_ADD;
		begin_pass(d);
		return SECD_OK;
	case PHASE_ADD:
		*op = CHANGESET_ADD;
		if (next_only(d, &d->to, &d->from, rr)) {
			return SECD_OK;
		}
		d->phase = PHASE_END;
		return was_whole(d) ? SECD_ENOTFOUND : SECD_EIO;
	case PHASE_END:
		break;
	}
	return SECD_ENOTFOUND;
}
