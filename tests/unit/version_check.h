/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * version_check -- is a version the zone that an image of the same records is?
 *
 * Each returns false and says in `failure` what is not, so that whoever asks
 * can look for a smaller case.
 */

#ifndef TESTS_VERSION_CHECK_H
#define TESTS_VERSION_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "rnd.h"
#include "zone/version.h"
#include "zone_model.h"

/** The same octets? */
bool version_check_image(const struct image *im, const struct image *expected,
			 char *failure, size_t size);

/** The same nodes, octet for octet, walked over, looked up, and below each? */
bool version_check_same(const struct version *v, const struct image *expected,
			char *failure, size_t size);

/** Does it hold the model's records, all of them in order, the names above
 * them, and nothing else? */
bool version_check_records(const struct version *v, const struct model *m,
			   char *failure, size_t size);

/** Is nothing in a layer that is the same, or not there, below it? */
bool version_check_layers(const struct version *v, char *failure, size_t size);

/** Does it find what denies random names and hashes, which the model tells by
 * looking at all records in order? */
bool version_check_denial(const struct version *v, const struct model *m,
			  struct rnd *r, char *failure, size_t size);

/** The same answers to random questions, some with DO? */
bool version_check_answers(const struct version *v, struct image *expected,
			   struct rnd *r, char *failure, size_t size);

#endif
