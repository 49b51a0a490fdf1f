/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * store_dir -- a store in a directory of its own, for tests, and versions of
 * zones to put in: the version of a serial always has the same contents, so
 * that what comes back can be checked.
 */

#ifndef TESTS_STORE_DIR_H
#define TESTS_STORE_DIR_H

#include <stdbool.h>

#include "store/store.h"
#include "temp_dir.h"

/* Names of a zone whose image is larger than STORE_VALUE_MAX. */
#define STORE_DIR_MANY 1500

struct store_dir {
	char path[TEMP_DIR_MAX];
	struct store *store;
};

/** cmocka's setup and teardown: *state is a struct store_dir, open. */
int store_dir_setup(void **state);
int store_dir_teardown(void **state);

/** Close and open again; fails the test when that fails. */
void store_dir_reopen(struct store_dir *d);

/** The apex of the zone of a text; static, so one at a time. */
const uint8_t *store_dir_apex(const char *zone);

/** The version of a serial, with `names` names; image_unref it. */
struct image *store_dir_image(const struct store_dir *d, const char *zone,
			      uint32_t serial, unsigned names);

/** What leads from the version of one serial to the next. */
void store_dir_changes(const char *zone, uint32_t from, struct changeset *cs);

/** True when an image is the version of this serial, octet for octet. */
bool store_dir_is(const struct store_dir *d, const char *zone, uint32_t serial,
		  unsigned names, const struct image *im);

/** What is loaded, its changesets applied, is the version of this serial. */
void store_dir_expect(const struct store_dir *d, const char *zone, uint64_t seq,
		      uint32_t serial, unsigned names);
/** The same after opening it again: a restart would find it. */
void store_dir_expect_kept(struct store_dir *d, const char *zone, uint64_t seq,
			   uint32_t serial, unsigned names);

/** How many files there are in the folder of images. */
unsigned store_dir_files(const struct store_dir *d);

/** Write octets over those of a file in the store's directory. */
void store_dir_damage(const struct store_dir *d, const char *file, long at,
		      const void *octets, size_t len);

/** Octets of the database's file. */
size_t store_dir_database_len(const struct store_dir *d);

/** The only file in the folder of images, as "images/NAME". */
const char *store_dir_only_file(const struct store_dir *d);

#endif
