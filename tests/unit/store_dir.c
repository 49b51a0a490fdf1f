/* SPDX-License-Identifier: BSD-2-Clause */

#include "store_dir.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/error.h"
#include "zone/build.h"
#include "zonefile.h"

int
store_dir_setup(void **state)
{
	struct store_dir *d = calloc(1, sizeof(*d));

	assert_non_null(d);
	temp_dir_make(d->path);
	*state = d;
	store_dir_reopen(d);
	return 0;
}

int
store_dir_teardown(void **state)
{
	struct store_dir *d = *state;

	store_close(d->store);
	temp_dir_remove(d->path);
	free(d);
	return 0;
}

void
store_dir_reopen(struct store_dir *d)
{
	char reason[256];

	store_close(d->store);
	d->store = NULL;
	if (store_open(d->path, &d->store, reason) != SECD_OK) {
		fail_msg("store_open: %s", reason);
	}
}

const uint8_t *
store_dir_apex(const char *zone)
{
	static uint8_t apex[NAME_LEN_MAX];

	return zonefile_name(zone, apex);
}

#define SOA_TEXT "@ SOA ns.example. host.example. %u 3600 600 86400 300\n"
#define A_TEXT   "v A 10.%u.%u.%u\n"

static void
print_serial(char *text, size_t cap, uint32_t serial)
{
	snprintf(text, cap, SOA_TEXT A_TEXT, serial, serial >> 16 & 255,
		 serial >> 8 & 255, serial & 255);
}

static char *
zone_text(uint32_t serial, unsigned names)
{
	char head[256], *text;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	assert_non_null(f);
	print_serial(head, sizeof(head), serial);
	fprintf(f, "%s@ NS ns.example.\n", head);
	for (unsigned i = 0; i < names; i++) {
		fprintf(f, "n%u TXT \"this is the text of name %u\"\n", i, i);
	}
	fclose(f);
	return text;
}

struct image *
store_dir_image(const struct store_dir *d, const char *zone, uint32_t serial,
		unsigned names)
{
	uint8_t apex[NAME_LEN_MAX];
	struct build_params p = {
	    .apex = zonefile_name(zone, apex),
	    .hash_key = *store_hash_key(d->store),
	    .dir = store_image_dir(d->store),
	    .memory_max = STORE_VALUE_MAX,
	};
	char *text = zone_text(serial, names);
	struct build_report report;
	struct image *im;

	if (zonefile_build(&p, text, &im, &report) != SECD_OK) {
		fail_msg("zone is refused: %s", report.reason);
	}
	free(text);
	return im;
}

static void
put_all(struct changeset *cs, const char *zone, uint32_t serial,
	enum changeset_op soa, enum changeset_op rest)
{
	struct zonefile z = {0};
	char text[256];

	print_serial(text, sizeof(text), serial);
	zonefile_parse(&z, zone, text);
	for (size_t i = 0; i < z.count; i++) {
		enum changeset_op op =
		    z.rrs[i].type == RR_TYPE_SOA ? soa : rest;

		assert_int_equal(changeset_put(cs, op, &z.rrs[i]), SECD_OK);
	}
	zonefile_free(&z);
}

void
store_dir_changes(const char *zone, uint32_t from, struct changeset *cs)
{
	put_all(cs, zone, from, CHANGESET_SOA_FROM, CHANGESET_DELETE);
	put_all(cs, zone, from + 1, CHANGESET_SOA_TO, CHANGESET_ADD);
}

bool
store_dir_is(const struct store_dir *d, const char *zone, uint32_t serial,
	     unsigned names, const struct image *im)
{
	struct image *wanted = store_dir_image(d, zone, serial, names);
	size_t len_a, len_b;
	const uint8_t *a = image_octets(im, &len_a);
	const uint8_t *b = image_octets(wanted, &len_b);
	bool same = len_a == len_b && memcmp(a, b, len_a) == 0;

	image_unref(wanted);
	return same;
}

/* Returns a reference. */
static struct image *
replay(const struct store_dir *d, const char *zone, const struct store_zone *z)
{
	uint8_t apex[NAME_LEN_MAX];
	struct build_params p = {
	    .apex = zonefile_name(zone, apex),
	    .hash_key = *store_hash_key(d->store),
	    .dir = store_image_dir(d->store),
	    .memory_max = STORE_VALUE_MAX,
	};
	const struct changeset **list =
	    calloc(z->change_count + 1, sizeof(const struct changeset *));
	struct build_report report;
	struct image *im;

	assert_non_null(list);
	for (size_t i = 0; i < z->change_count; i++) {
		list[i] = &z->changes[i];
	}
	if (zonefile_change(&p, z->image, list, z->change_count, &im,
			    &report) != SECD_OK) {
		fail_msg("changes are refused: %s", report.reason);
	}
	free(list);
	return im;
}

void
store_dir_expect(const struct store_dir *d, const char *zone, uint64_t seq,
		 uint32_t serial, unsigned names)
{
	struct store_zone z;
	struct image *im;

	assert_int_equal(store_load(d->store, store_dir_apex(zone), &z),
			 SECD_OK);
	assert_null(z.fault);
	assert_non_null(z.image);
	assert_int_equal(z.seq, seq);
	im = z.change_count == 0 ? image_ref(z.image) : replay(d, zone, &z);
	assert_true(store_dir_is(d, zone, serial, names, im));
	image_unref(im);
	store_zone_fini(&z);
}

void
store_dir_expect_kept(struct store_dir *d, const char *zone, uint64_t seq,
		      uint32_t serial, unsigned names)
{
	store_dir_reopen(d);
	store_dir_expect(d, zone, seq, serial, names);
}

static const char *
look_for_files(const struct store_dir *d, unsigned *count)
{
	static char last[300];
	DIR *dir = opendir(store_image_dir(d->store));
	struct dirent *entry;

	assert_non_null(dir);
	*count = 0;
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] != '.') {
			snprintf(last, sizeof(last), "images/%s",
				 entry->d_name);
			++*count;
		}
	}
	closedir(dir);
	return last;
}

unsigned
store_dir_files(const struct store_dir *d)
{
	unsigned count;

	look_for_files(d, &count);
	return count;
}

const char *
store_dir_only_file(const struct store_dir *d)
{
	unsigned count;
	const char *name = look_for_files(d, &count);

	assert_int_equal(count, 1);
	return name;
}

void
store_dir_damage(const struct store_dir *d, const char *file, long at,
		 const void *octets, size_t len)
{
	char path[600];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", d->path, file);
	f = fopen(path, "r+");
	assert_non_null(f);
	assert_int_equal(fseek(f, at, at < 0 ? SEEK_END : SEEK_SET), 0);
	assert_int_equal(fwrite(octets, 1, len, f), len);
	fclose(f);
}

size_t
store_dir_database_len(const struct store_dir *d)
{
	char path[300];
	struct stat st;

	snprintf(path, sizeof(path), "%s/store.mdb", d->path);
	assert_int_equal(stat(path, &st), 0);
	return (size_t)st.st_size;
}
