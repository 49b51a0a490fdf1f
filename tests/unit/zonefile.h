/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zonefile -- zones in presentation format as C strings, for tests: into
 * records, spools, changesets and images. What does not parse fails the test.
 */

#ifndef TESTS_ZONEFILE_H
#define TESTS_ZONEFILE_H

#include <stddef.h>
#include <stdint.h>

#include "wire/name.h"
#include "wire/rr.h"
#include "zone/build.h"

/* The hash key that images are made with here. */
extern const struct name_hash_key zonefile_key;

/* Records, all of whose octets are owned by the list. */
struct zonefile {
	struct rr *rrs;
	size_t count;
	size_t cap;
};

/**
 * Parse. Owners are relative to `origin`, the default TTL is 3600, no $ORIGIN
 * or $TTL is needed. Appends to the list, zero-initialised at first.
 */
void zonefile_parse(struct zonefile *z, const char *origin, const char *text);

/** Copy one record in. */
void zonefile_add(struct zonefile *z, const struct rr *rr);

void zonefile_free(struct zonefile *z);

/** Parameters that keep everything on the heap, without limits. */
struct build_params zonefile_params(const uint8_t *apex);

/** build_from_spool of a text; `out` may be NULL. Returns its result. */
int zonefile_build(const struct build_params *p, const char *text,
		   struct image **out, struct build_report *report);

/**
 * Append a step from a serial to the next one: the SOA of ZONEFILE_SOA with
 * both, and records in presentation format, deleted and added.
 */
void zonefile_step(struct changeset *cs, const char *origin, uint32_t serial,
		   const char *deleted, const char *added);
#define ZONEFILE_SOA "@ SOA ns.example. host %u 3600 600 86400 300\n"

/** build_from_changes over an image alone. */
int zonefile_change(const struct build_params *p, struct image *base,
		    const struct changeset *const *changesets, size_t count,
		    struct image **out, struct build_report *report);

/** An image of a zone that must be good; image_unref it. */
struct image *zonefile_image(const char *origin, const char *text);

/** Presentation format into wire format; fails the test if it is none. */
const uint8_t *zonefile_name(const char *text, uint8_t name[NAME_LEN_MAX]);

/** The node of a name in an image made with zonefile_key, or NULL. */
const struct node *zonefile_find(const struct image *im, const char *name);

#endif
