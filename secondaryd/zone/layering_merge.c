/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From nodes to layers. What changes is merged with the small layer, and the
 * result, when it is not small any more, with the large one. A node that is
 * what lies below anyway is left out, and so is a tombstone for what is not
 * there below.
 */

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "zone/layer_write.h"
#include "zone/layering_internal.h"

struct entry {
	const struct node *node; /* or a tombstone */
	bool is_new;             /* whether it differs is not known */
};

struct entries { /* in canonical order */
	struct entry *all;
	size_t count;
};

/*
 * Merging
 */

static int
make_tombstone(struct layering *l, const uint8_t *owner,
	       const struct node **out)
{
	struct node_spec spec = {.owner = owner, .flags = NODE_TOMBSTONE};
	const struct node *n;
	int rc = node_write(&l->writer, &spec, &n);

	if (rc != SECD_OK) {
		return rc;
	}
	*out = arena_copy(l->arena, n, n->len);
	return *out == NULL ? SECD_ENOMEM : SECD_OK;
}

static int
take_names(struct layering *l, struct entries *e)
{
	const struct layering_names *a = &l->changed, *b = &l->derived;
	size_t i = 0, j = 0;
	int rc = SECD_OK;

	e->all = reallocarray(NULL, a->count + b->count, sizeof(*e->all));
	if (e->all == NULL) {
		return SECD_ENOMEM;
	}
	while ((i < a->count || j < b->count) && rc == SECD_OK) {
		bool from_a =
		    j == b->count ||
		    (i < a->count &&
		     name_compare(a->all[i].owner, b->all[j].owner) < 0);
		const struct layering_name *name =
		    from_a ? &a->all[i++] : &b->all[j++];
		struct entry *entry = &e->all[e->count++];

		*entry = (struct entry){.node = name->now, .is_new = true};
		if (entry->node == NULL) {
			rc = make_tombstone(l, name->owner, &entry->node);
		}
	}
	return rc;
}

/* The first node of a layer from `i` on that does not come before a name:
 * mostly a near one. */
static size_t
gallop(const struct layer *layer, size_t i, const uint8_t *owner)
{
	size_t count = layer_node_count(layer), step = 1, high;

	while (i + step <= count &&
	       name_compare(layer_node(layer, i + step - 1)->owner, owner) <
		   0) {
		i += step;
		step *= 2;
	}
	high = i + step <= count ? i + step - 1 : count;
	while (i < high) {
		size_t middle = i + (high - i) / 2;

		if (name_compare(layer_node(layer, middle)->owner, owner) < 0) {
			i = middle + 1;
		} else {
			high = middle;
		}
	}
	return i;
}

/*
 * Put a layer below the entries: of one name, the entry stays.
 *
 * is_new   the layer's nodes were not compared with what is going to be below
 */
static int
put_below(struct entries *e, const struct layer *layer, bool is_new)
{
	size_t count = layer_node_count(layer), at = 0, out = 0;
	struct entry *all =
	    reallocarray(NULL, e->count + count, sizeof(*e->all));

	if (all == NULL) {
		return SECD_ENOMEM;
	}
	for (size_t i = 0; i <= e->count; i++) {
		bool last = i == e->count;
		const uint8_t *owner = last ? NULL : e->all[i].node->owner;
		size_t end = last ? count : gallop(layer, at, owner);

		while (at < end) {
			all[out++] =
			    (struct entry){layer_node(layer, at++), is_new};
		}
		if (last) {
			break;
		}
		all[out++] = e->all[i];
		if (at < count &&
		    name_equal(layer_node(layer, at)->owner, owner)) {
			at++;
		}
	}
	free(e->all);
	*e = (struct entries){.all = all, .count = out};
	return SECD_OK;
}

static bool
is_same(const struct node *a, const struct node *b)
{
	return a->len == b->len && memcmp(a, b, a->len) == 0;
}

/* Leave out what makes no difference to the version below. */
static void
prune(const struct layering *l, struct entries *e, const struct version *below)
{
	size_t kept = 0;

	for (size_t i = 0; i < e->count; i++) {
		const struct node *n = e->all[i].node, *under;
		uint8_t lower[NAME_LEN_MAX];

		if (e->all[i].is_new && (n->flags & NODE_APEX) == 0) {
			name_lower(n->owner, lower);
			under = version_find(below, lower, n->owner_len,
					     name_hash(lower, &l->p->hash_key));
			if (under == NULL ? (n->flags & NODE_TOMBSTONE) != 0
					  : is_same(n, under)) {
				continue;
			}
		}
		e->all[kept++] = e->all[i];
	}
	e->count = kept;
}

/*
 * Layers
 */

static struct image *
image_of(const struct layering *l)
{
	return (struct image *)(uintptr_t)version_image(l->base);
}

/* The version with the lowest `count` layers. */
static int
version_below(const struct layering *l, unsigned count, struct version **out)
{
	struct layer *layers[VERSION_LAYERS_MAX];

	for (unsigned i = 0; i < count; i++) {
		layers[i] = version_layer(l->base, i);
	}
	return version_new(0, image_of(l), layers, count, out);
}

/* Put layers from `from` to before `to` below the entries. */
static int
put_layers_below(const struct layering *l, struct entries *e, unsigned from,
		 unsigned to)
{
	struct version *below;
	int rc = SECD_OK;

	for (unsigned i = to; i > from && rc == SECD_OK; i--) {
		/* The lowest one differs from what is below it already. */
		rc = put_below(e, version_layer(l->base, i - 1), i - 1 > from);
	}
	if (rc == SECD_OK) {
		rc = version_below(l, from, &below);
	}
	if (rc != SECD_OK) {
		return rc;
	}
	prune(l, e, below);
	version_unref(below);
	return SECD_OK;
}

static bool
is_small(const struct layering *l, unsigned i)
{
	return layer_node_count(version_layer(l->base, i)) <=
	       l->limits->small_nodes;
}

/*
 * Merge the change with as many layers as is due.
 *
 * kept     receives how many of the base's stay as they are
 */
static int
merge_layers(const struct layering *l, unsigned frozen, struct entries *e,
	     unsigned *kept)
{
	unsigned count = version_layer_count(l->base), from = count;
	int rc;

	if (count > frozen && is_small(l, count - 1)) {
		from = count - 1;
	}
	/* Compaction that failed leaves several, perhaps all that fit. */
	if (from > frozen + 1 || from == VERSION_LAYERS_MAX) {
		from = frozen;
	}
	rc = put_layers_below(l, e, from, count);
	if (rc == SECD_OK && from > frozen &&
	    e->count > l->limits->small_nodes) {
		for (size_t i = 0; i < e->count; i++) {
			e->all[i].is_new = true;
		}
		rc = put_layers_below(l, e, frozen, from);
		from = frozen;
	}
	*kept = from;
	return rc;
}

/* Are nodes and tombstones in layers that are not frozen within limits? */
static bool
are_few(const struct layering *l, unsigned frozen, unsigned kept,
	const struct entries *e)
{
	size_t nodes = e->count, tombstones = 0;

	for (size_t i = 0; i < e->count; i++) {
		tombstones += (e->all[i].node->flags & NODE_TOMBSTONE) != 0;
	}
	for (unsigned i = frozen; i < kept; i++) {
		const struct layer *layer = version_layer(l->base, i);

		nodes += layer_node_count(layer);
		tombstones += layer_tombstone_count(layer);
	}
	return nodes <= l->limits->nodes && tombstones <= l->limits->tombstones;
}

static int
put_entries(const struct layering *l, const struct entries *e,
	    struct layer_write *w)
{
	int rc = SECD_OK;

	for (size_t i = 0; i < e->count && rc == SECD_OK; i++) {
		rc = layer_write_put(w, e->all[i].node);
	}
	/* The first NSEC3 of a zone that had parameters alone. */
	if (rc == SECD_OK && w->out.nsec3_count > 0 &&
	    version_denial(l->base) != IMAGE_NSEC3) {
		rc = SECD_EAGAIN;
	}
	return rc;
}

static int
write_layer(const struct layering *l, const struct entries *e, unsigned kept,
	    struct layer **out)
{
	uint64_t below = image_record_count(image_of(l));
	struct layer_write w;
	int rc = layer_write_init(&w, l->p);

	for (unsigned i = 0; i < kept; i++) {
		below +=
		    (uint64_t)layer_record_delta(version_layer(l->base, i));
	}
	if (rc == SECD_OK) {
		rc = put_entries(l, e, &w);
	}
	if (rc == SECD_OK) {
		rc = layer_write_finish(&w, l->derive.serial,
					version_denial(l->base),
					(int64_t)(l->records - below), out);
	}
	layer_write_fini(&w);
	return rc;
}

static int
new_version(const struct layering *l, unsigned kept, struct layer *top,
	    uint64_t seq, struct version **out)
{
	static const uint8_t hash[NODE_NSEC3_HASH_LEN];
	struct layer *layers[VERSION_LAYERS_MAX];
	struct version *v;
	bool match;
	int rc;

	for (unsigned i = 0; i < kept; i++) {
		layers[i] = version_layer(l->base, i);
	}
	layers[kept] = top;
	rc = version_new(seq, image_of(l), layers, kept + 1, &v);
	if (rc != SECD_OK) {
		return rc;
	}
	/* The last NSEC3 may have gone. */
	if (version_denial(v) == IMAGE_NSEC3 &&
	    version_nsec3_for(v, hash, &match) == NULL) {
		version_unref(v);
		return SECD_EAGAIN;
	}
	*out = v;
	return SECD_OK;
}

int
layering_merge(struct layering *l, unsigned frozen, uint64_t seq,
	       struct version **out)
{
	struct entries e = {.all = NULL};
	struct layer *top = NULL;
	unsigned kept = 0;
	int rc = frozen < VERSION_LAYERS_MAX ? take_names(l, &e) : SECD_EAGAIN;

	if (rc == SECD_OK) {
		rc = merge_layers(l, frozen, &e, &kept);
	}
	if (rc == SECD_OK && !are_few(l, frozen, kept, &e)) {
		rc = SECD_EAGAIN;
	}
	if (rc == SECD_OK) {
		rc = write_layer(l, &e, kept, &top);
	}
	free(e.all);
	if (rc != SECD_OK) {
		return rc;
	}
	rc = new_version(l, kept, top, seq, out);
	layer_unref(top);
	return rc;
}
