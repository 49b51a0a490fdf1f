/* SPDX-License-Identifier: BSD-2-Clause */

#include "stack.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "zone/layer_write.h"
#include "zone/node_write.h"
#include "zone/nsec3.h"

static uint64_t seed; /* of the stack that was made last */

static bool
is_same(const struct node *a, const struct node *b)
{
	return a->len == b->len && memcmp(a, b, a->len) == 0;
}

void
stack_assert_same(const struct node *n, const struct node *expected)
{
	char got[NAME_TEXT_MAX], wanted[NAME_TEXT_MAX];

	if (n == expected ||
	    (n != NULL && expected != NULL && is_same(n, expected))) {
		return;
	}
	fail_msg("seed %llu: the node is %s and should be %s",
		 (unsigned long long)seed,
		 n == NULL ? "nowhere" : name_to_text(n->owner, got),
		 expected == NULL ? "nowhere"
				  : name_to_text(expected->owner, wanted));
}

uint64_t
stack_hash(const uint8_t *name)
{
	return name_hash(name, &zonefile_key);
}

static void
put(struct layer_write *w, const struct node *n)
{
	assert_int_equal(layer_write_put(w, n), SECD_OK);
}

static void
put_tombstone(struct layer_write *w, const uint8_t *owner)
{
	struct node_spec spec = {.owner = owner, .flags = NODE_TOMBSTONE};
	struct node_write writer = {.spec = NULL};
	const struct node *n;

	assert_int_equal(node_write(&writer, &spec, &n), SECD_OK);
	put(w, n);
	node_write_fini(&writer);
}

/* A tombstone of a name that never was, the first one below `n`. */
static void
put_nobody(struct layer_write *w, const struct node *n)
{
	uint8_t name[NAME_LEN_MAX + 2] = {1, 0};

	memcpy(name + 2, n->owner, n->owner_len);
	if (n->owner_len + 2u <= NAME_LEN_MAX) {
		put_tombstone(w, name);
	}
}

static void
put_difference(struct layer_write *w, const struct image *from,
	       const struct image *to, struct rnd *r)
{
	const struct node *a = image_next(from, NULL);
	const struct node *b = image_next(to, NULL);

	while (a != NULL || b != NULL) {
		int order = a == NULL   ? 1
			    : b == NULL ? -1
					: name_compare(a->owner, b->owner);

		if (order < 0) {
			put_tombstone(w, a->owner);
		} else if (order > 0 || (b->flags & NODE_APEX) != 0 ||
			   !is_same(a, b) ||
			   (r != NULL && rnd_below(r, 8) == 0)) {
			put(w, b);
		}
		if (order >= 0 && r != NULL && rnd_below(r, 16) == 0) {
			put_nobody(w, b);
		}
		a = order <= 0 ? image_next(from, a) : a;
		b = order >= 0 ? image_next(to, b) : b;
	}
}

struct layer *
stack_layer(const struct image *from, const struct image *to, struct rnd *r)
{
	struct build_params p = zonefile_params(image_apex(to));
	struct layer_write w;
	struct layer *l;

	assert_int_equal(layer_write_init(&w, &p), SECD_OK);
	put_difference(&w, from, to, r);
	assert_int_equal(
	    layer_write_finish(&w, image_serial(to), image_denial(from),
			       (int64_t)image_record_count(to) -
				   (int64_t)image_record_count(from),
			       &l),
	    SECD_OK);
	layer_write_fini(&w);
	return l;
}

struct version *
stack_texts(const char *apex, const char *const *states, unsigned count)
{
	struct image *base = zonefile_image(apex, states[0]), *last = base;
	struct layer *layers[VERSION_LAYERS_MAX];
	struct version *v;

	image_ref(base);
	for (unsigned i = 1; i < count; i++) {
		struct image *next = zonefile_image(apex, states[i]);

		layers[i - 1] = stack_layer(last, next, NULL);
		image_unref(last);
		last = next;
	}
	assert_int_equal(version_new(7, base, layers, count - 1, &v), SECD_OK);
	for (unsigned i = 1; i < count; i++) {
		layer_unref(layers[i - 1]);
	}
	image_unref(last);
	image_unref(base);
	return v;
}

static void
renew_version(struct stack *s)
{
	version_unref(s->version);
	assert_int_equal(version_new(s->layer_count, s->base, s->layers,
				     s->layer_count, &s->version),
			 SECD_OK);
}

void
stack_init(struct stack *s, uint64_t start, const char *apex,
	   enum model_signing signing, size_t count)
{
	struct build_report report;

	memset(s, 0, sizeof(*s));
	seed = s->seed = start;
	s->rnd.state = start;
	model_init(&s->model, apex, signing);
	s->params = zonefile_params(s->model.apex);
	model_fill(&s->model, &s->rnd, count);
	assert_int_equal(model_build(&s->model, &s->params, NULL, SIZE_MAX / 4,
				     &s->base, &report),
			 SECD_OK);
	s->fresh = image_ref(s->base);
	renew_version(s);
}

void
stack_fini(struct stack *s)
{
	version_unref(s->version);
	for (unsigned i = 0; i < s->layer_count; i++) {
		layer_unref(s->layers[i]);
	}
	image_unref(s->base);
	image_unref(s->fresh);
	model_fini(&s->model);
}

/* Most of what is below some name goes, so that tombstones stand in rows. */
static void
purge(struct stack *s)
{
	struct model *m = &s->model;
	size_t i = rnd_below(&s->rnd, (unsigned)m->zone.count);
	uint8_t above[NAME_LEN_MAX];
	bool nsec3 = m->zone.rrs[i].type == RR_TYPE_NSEC3;

	memcpy(above, m->zone.rrs[i].owner, name_len(m->zone.rrs[i].owner));
	for (i = m->zone.count; i-- > 0;) {
		const struct rr *rr = &m->zone.rrs[i];

		if (!name_equal(rr->owner, m->apex) &&
		    (nsec3 ? rr->type == RR_TYPE_NSEC3
			   : name_is_in(rr->owner, above)) &&
		    rnd_below(&s->rnd, 16) > 0) {
			model_delete(m, i);
		}
	}
}

static bool
denies_alike(const struct image *a, const struct image *b)
{
	return image_denial(a) == image_denial(b) &&
	       (image_denial(a) != IMAGE_NSEC3 ||
		nsec3_params_equal(image_nsec3(a), image_nsec3(b)));
}

bool
stack_push(struct stack *s)
{
	struct build_report report;
	struct changeset cs = {.from = 0};
	struct image *next;
	struct rnd *r = rnd_below(&s->rnd, 2) > 0 ? &s->rnd : NULL;

	for (unsigned n = 1 + rnd_below(&s->rnd, 12); n > 0; n--) {
		if (rnd_below(&s->rnd, 16) == 0) {
			purge(s);
		}
		model_step(&s->model, &s->rnd, &cs);
	}
	changeset_fini(&cs);
	if (model_build(&s->model, &s->params, NULL, SIZE_MAX / 4, &next,
			&report) != SECD_OK) {
		return false;
	}
	if (!denies_alike(s->base, next)) {
		image_unref(next);
		return false;
	}
	s->layers[s->layer_count++] = stack_layer(s->fresh, next, r);
	image_unref(s->fresh);
	s->fresh = next;
	renew_version(s);
	return true;
}

void
stack_random_name(struct stack *s, uint8_t name[NAME_LEN_MAX])
{
	const struct image *im = s->base;
	uint8_t rdata[256];
	struct rr rr;

	if (s->layer_count > 0 && rnd_below(&s->rnd, 2) > 0) {
		im = layer_image(s->layers[rnd_below(&s->rnd, s->layer_count)]);
	}
	if (rnd_below(&s->rnd, 2) > 0) {
		const struct node *n = NULL;
		uint64_t i = rnd_next(&s->rnd) % image_node_count(im);

		do {
			n = image_next(im, n);
		} while (i-- > 0);
		memcpy(name, n->owner, n->owner_len);
	} else {
		model_random_rr(&s->model, &s->rnd, &rr, name, rdata);
	}
	name_lower(name, name);
}
