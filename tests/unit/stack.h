/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stack -- zone versions of an image with layers over it, for tests, made in
 * the plainest way: each state of the zone is built whole, and a layer is what
 * differs between two images. So there is always a fresh image to compare
 * with.
 */

#ifndef TESTS_STACK_H
#define TESTS_STACK_H

#include "rnd.h"
#include "zone/version.h"
#include "zone_model.h"

/**
 * The layer that makes `to` of `from`.
 *
 * r        also put nodes that need not be there, and tombstones of names
 *          that never were; NULL: only what differs, and the apex
 */
struct layer *stack_layer(const struct image *from, const struct image *to,
			  struct rnd *r);

/** A version of states in presentation format: the first one is the image,
 * each other one a layer. At most VERSION_LAYERS_MAX + 1 of them. */
struct version *stack_texts(const char *apex, const char *const *states,
			    unsigned count);

/* A random zone, changed at random. */
struct stack {
	uint64_t seed;
	struct model model;
	struct rnd rnd;
	struct build_params params;
	struct image *base, *fresh; /* first and last state */
	struct layer *layers[VERSION_LAYERS_MAX];
	unsigned layer_count;
	struct version *version; /* of all */
};

/** Start without layers: about `count` records. `start` is any seed. */
void stack_init(struct stack *s, uint64_t start, const char *apex,
		enum model_signing signing, size_t count);
void stack_fini(struct stack *s);

/** Change the zone and lay a layer on. False when layers cannot tell what
 * became of it (it is no zone any more, or denies names in another way). */
bool stack_push(struct stack *s);

/** Fail, and name the seed, unless two nodes are the same, octet for octet, or
 * both are NULL. */
void stack_assert_same(const struct node *n, const struct node *expected);

/** A name that is in the zone or was, or may be: in lower case. */
void stack_random_name(struct stack *s, uint8_t name[NAME_LEN_MAX]);

/** The hash that a name is found by. */
uint64_t stack_hash(const uint8_t *name);

#endif
