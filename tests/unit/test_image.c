/* SPDX-License-Identifier: BSD-2-Clause */

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "temp_dir.h"
#include "zone/image.h"
#include "zone/image_format.h"
#include "zone/image_write.h"
#include "zone/nsec3.h"
#include "zone_model.h"
#include "zonefile.h"

static struct image *im;
static struct model model;
static struct build_params params;
static struct build_report report;
static char dir[TEMP_DIR_MAX], path[TEMP_DIR_MAX + 16];

static int
start(void **state)
{
	(void)state;
	temp_dir_make(dir);
	snprintf(path, sizeof(path), "%s/image", dir);
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	image_unref(im);
	im = NULL;
	model_fini(&model);
	unlink(path);
	return rmdir(dir); /* fails when something is left behind */
}

static void
make(uint64_t seed, const char *apex, enum model_signing signing, size_t count,
     size_t memory_max)
{
	struct rnd r = {seed};

	model_fini(&model);
	image_unref(im);
	im = NULL;
	model_init(&model, apex, signing);
	model_fill(&model, &r, count);
	params = zonefile_params(model.apex);
	params.memory_max = memory_max;
	params.dir = dir;
	assert_int_equal(
	    model_build(&model, &params, NULL, 1 << 20, &im, &report), SECD_OK);
	assert_int_equal(image_is_file(im), memory_max == 0);
}

static void
an_image_of_octets_is_the_image(void **state)
{
	const uint8_t *octets;
	struct image *again;
	size_t len;
	uint8_t *shifted;

	(void)state;
	make(1, "Example.", MODEL_NSEC3, 100, SIZE_MAX / 4);
	octets = image_octets(im, &len);
	shifted = malloc(len + 1); /* a database aligns nothing */
	memcpy(shifted + 1, octets, len);
	assert_int_equal(
	    image_from_octets(shifted + 1, len, &zonefile_key, &again),
	    SECD_OK);
	free(shifted);
	model_check(&model, again);
	assert_memory_equal(image_apex(again), "\7example", 9);
	assert_int_equal(image_node_count(again), image_node_count(im));
	assert_false(image_is_file(again));
	image_unref(again);
}

static void
a_file_that_is_kept_is_there_to_be_opened(void **state)
{
	struct image *again, *held;
	struct stat st;

	(void)state;
	make(2, "example.", MODEL_NSEC, 300, 0);
	assert_int_equal(image_keep(im, path), SECD_OK);
	held = image_ref(im);
	image_unref(im);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(image_open(path, &zonefile_key, true, &again),
			 SECD_OK);
	image_unref(held);
	model_check(&model, again);
	assert_true(image_is_file(again));
	im = again;
	assert_int_equal(unlink(path), 0);
	model_check(&model, im); /* the mapping keeps the file */
}

static void
a_file_that_is_not_kept_goes_with_its_image(void **state)
{
	(void)state;
	make(3, "example.", MODEL_UNSIGNED, 10, 0);
	/* stop() removes the folder, which must be empty. */
}

static void
a_file_and_the_heap_hold_the_same_octets(void **state)
{
	size_t len, len_heap;
	const uint8_t *octets;
	struct image *file;

	(void)state;
	make(4, "example.", MODEL_NSEC3, 300, 0);
	file = image_ref(im);
	make(4, "example.", MODEL_NSEC3, 300, SIZE_MAX / 4);
	octets = image_octets(file, &len);
	assert_memory_equal(image_octets(im, &len_heap), octets, len);
	assert_int_equal(len, len_heap);
	image_unref(file);
}

static void
what_is_no_image_is_refused(void **state)
{
	static const uint8_t text[2000] = "example. SOA a. b. 1 2 3 4 5";
	int fd;

	(void)state;
	assert_int_equal(image_open(path, &zonefile_key, false, &im),
			 SECD_ENOTFOUND);
	for (size_t len = 0; len <= sizeof(text); len += 500) {
		assert_int_equal(
		    image_from_octets(text, len, &zonefile_key, &im),
		    SECD_EMALF);
	}
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_int_equal(image_open(path, &zonefile_key, false, &im),
			 SECD_EMALF);
	assert_int_equal(write(fd, text, sizeof(text)), sizeof(text));
	close(fd);
	assert_int_equal(image_open(path, &zonefile_key, false, &im),
			 SECD_EMALF);
	assert_int_equal(image_open(dir, &zonefile_key, false, &im),
			 SECD_EMALF);
	assert_null(im);
}

static void
another_hash_key_is_refused(void **state)
{
	struct name_hash_key other = zonefile_key;
	const uint8_t *octets;
	struct image *again = NULL;
	size_t len;

	(void)state;
	other.k[1]++;
	make(5, "example.", MODEL_UNSIGNED, 10, SIZE_MAX / 4);
	octets = image_octets(im, &len);
	assert_int_equal(image_from_octets(octets, len, &other, &again),
			 SECD_EMALF);
	assert_null(again);
}

static void
a_symbolic_link_is_not_followed(void **state)
{
	(void)state;
	assert_int_equal(symlink("/dev/zero", path), 0);
	assert_int_equal(image_open(path, &zonefile_key, false, &im), SECD_EIO);
}

static void
any_flipped_bit_is_found(void **state)
{
	const uint8_t *octets;
	uint8_t *damaged;
	size_t len;

	(void)state;
	make(6, "example.", MODEL_NSEC3, 15, SIZE_MAX / 4);
	octets = image_octets(im, &len);
	damaged = malloc(len);
	memcpy(damaged, octets, len);
	for (size_t bit = 0; bit < len * 8; bit++) {
		struct image *again;

		damaged[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (image_from_octets(damaged, len, &zonefile_key, &again) ==
		    SECD_OK) {
			assert_int_equal(image_verify(again), SECD_EMALF);
			image_unref(again);
		}
		damaged[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	free(damaged);
}

static void
a_cut_off_image_is_refused(void **state)
{
	const uint8_t *octets;
	struct image *again;
	size_t len;

	(void)state;
	make(7, "example.", MODEL_NSEC, 10, SIZE_MAX / 4);
	octets = image_octets(im, &len);
	for (size_t n = 0; n < len; n++) {
		assert_int_equal(
		    image_from_octets(octets, n, &zonefile_key, &again),
		    SECD_EMALF);
	}
}

static void
damage_in_a_later_block_is_found_when_all_is_verified(void **state)
{
	char *text = malloc(200000), *p = text, octet;
	uint8_t apex[NAME_LEN_MAX];
	struct image *again = NULL;
	int fd;

	(void)state;
	p += sprintf(p, "@ SOA a. b. 1 2 3 4 5\n@ NS a.\n");
	for (int i = 0; i < 4000; i++) {
		p += sprintf(p, "name%d A 192.0.2.1\n", i);
	}
	params = zonefile_params(zonefile_name("example.", apex));
	params.dir = dir;
	params.memory_max = 0;
	assert_int_equal(zonefile_build(&params, text, &im, &report), SECD_OK);
	free(text);
	assert_true(im->nodes_end > 3 * IMAGE_BLOCK_LEN);
	assert_int_equal(image_keep(im, path), SECD_OK);
	fd = open(path, O_RDWR);
	assert_int_equal(pread(fd, &octet, 1, 100000), 1);
	octet ^= 0x10;
	assert_int_equal(pwrite(fd, &octet, 1, 100000), 1);
	close(fd);
	assert_int_equal(image_open(path, &zonefile_key, true, &again),
			 SECD_EMALF);
	assert_int_equal(image_open(path, &zonefile_key, false, &again),
			 SECD_OK);
	assert_int_equal(image_verify(again), SECD_EMALF);
	image_unref(again);
}

static void
names_are_found_in_any_case_of_the_zone(void **state)
{
	(void)state;
	im = zonefile_image("eXample.", "@ SOA a. b. 1 2 3 4 5\n@ NS a.\n"
					"WwW.A A 192.0.2.1\n");
	assert_non_null(zonefile_find(im, "www.a.example."));
	assert_non_null(zonefile_find(im, "WWW.a.Example."));
	assert_memory_equal(zonefile_find(im, "www.a.example.")->owner,
			    "\3WwW\1A\7eXample", 15);
	assert_null(zonefile_find(im, "www.a.exampl."));
}

static void
prefetching_knows_names_that_are_there(void **state)
{
	const struct node *n = NULL;
	unsigned others = 0;
	struct rnd r = {9};

	(void)state;
	make(9, "example.", MODEL_UNSIGNED, 100, SIZE_MAX / 4);
	while ((n = image_next(im, n)) != NULL) {
		uint64_t hash = name_hash(n->owner, &zonefile_key);

		image_prefetch(im, hash);
		assert_true(image_prefetch_node(im, hash));
	}
	for (int i = 0; i < 10000; i++) {
		others += image_prefetch_node(im, rnd_next(&r));
	}
	assert_true(others < 100);
}

static void
prefetching_what_denies_harms_nothing(void **state)
{
	struct rnd r = {10};

	(void)state;
	make(1, "example.", MODEL_NSEC, 100, SIZE_MAX / 4);
	for (int i = 0; i < 1000; i++) {
		uint8_t name[NAME_LEN_MAX + 64], rdata[256];
		struct image_ahead ahead;
		struct rr rr;

		model_random_rr(&model, &r, &rr, name, rdata);
		name_lower(name, name);
		image_ahead_name(im, name, &ahead);
		assert_in_range(ahead.from, 0, image_denial_count(im));
		image_ahead_nodes(im, &ahead);
	}
	make(2, "example.", MODEL_NSEC3, 100, SIZE_MAX / 4);
	for (int i = 0; i < 1000; i++) {
		struct image_ahead ahead;
		uint64_t rank;
		bool match;

		rnd_fill(&r, ahead.hash, sizeof(ahead.hash));
		image_ahead_hash(im, &ahead);
		image_ahead_entry(im, &ahead);
		image_ahead_nodes(im, &ahead);
		image_nsec3_rank(im, ahead.hash, &rank, &match);
		assert_int_equal(ahead.from, rank > 0 ? rank - 1 : 0);
	}
}

/* The node whose NSEC comes last at or before a name, the last if none. */
static const struct node *
nsec_by_walking(const uint8_t *name)
{
	const struct node *n = NULL, *best = NULL, *last = NULL;

	while ((n = image_next(im, n)) != NULL) {
		const struct rrset *s = node_find(n, RR_TYPE_NSEC);

		if (s == NULL || s->count == 0 ||
		    (n->flags & NODE_OCCLUDED) != 0) {
			continue;
		}
		last = n;
		best = name_compare(n->owner, name) <= 0 ? n : best;
	}
	return best != NULL ? best : last;
}

static void
an_nsec_is_found_for_every_name(void **state)
{
	struct rnd r = {10};

	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		make(seed, seed % 3 == 0 ? "." : "example.", MODEL_NSEC, 600,
		     SIZE_MAX / 4);
		assert_int_equal(image_denial(im), IMAGE_NSEC);
		for (int i = 0; i < 300; i++) {
			uint8_t name[NAME_LEN_MAX + 64], rdata[256];
			struct rr rr;

			model_random_rr(&model, &r, &rr, name, rdata);
			name_lower(name, name);
			assert_ptr_equal(image_nsec_for(im, name),
					 nsec_by_walking(name));
		}
	}
}

static void
fences_that_are_all_the_same_mislead_nobody(void **state)
{
	char *text = malloc(100000), *p = text;

	(void)state;
	p += sprintf(p, "@ SOA a. b. 1 2 3 4 5\n@ NS a.\n@ NSEC @ A\n");
	for (int i = 0; i < 400; i++) {
		p += sprintf(p, "samesame%04d NSEC @ A\n", i * 2);
	}
	im = zonefile_image("example.", text);
	for (int i = -1; i < 802; i++) {
		uint8_t name[NAME_LEN_MAX];

		sprintf(text, "samesame%04d.example.", i);
		zonefile_name(text, name);
		assert_ptr_equal(image_nsec_for(im, name),
				 nsec_by_walking(name));
	}
	free(text);
}

static void
without_an_nsec_before_it_the_last_one_covers_a_name(void **state)
{
	uint8_t name[NAME_LEN_MAX];

	(void)state;
	/* No apex NSEC in the list: it is damaged, yet nothing breaks. */
	im = zonefile_image("example.", "@ SOA a. b. 1 2 3 4 5\n@ NS a.\n"
					"@ NSEC b A\nb NSEC @ A\n");
	assert_string_equal(
	    (const char *)image_nsec_for(im, zonefile_name("a.example.", name))
		->owner,
	    "\7example");
	assert_memory_equal(
	    image_nsec_for(im, zonefile_name("bb.example.", name))->owner,
	    "\1b\7example", 10);
	assert_null(image_nsec_for(im, zonefile_name("a.", name)));
}

static const struct node *
nsec3_by_walking(const uint8_t *hash, bool *match)
{
	const struct node *n = NULL, *best = NULL, *last = NULL;

	*match = false;
	while ((n = image_next(im, n)) != NULL) {
		uint8_t own[NODE_NSEC3_HASH_LEN];
		static struct node_reader r;
		struct image_nsec3 p;
		struct rr rr;
		bool mine = false;

		node_reader_init(&r, n);
		while (node_reader_next(&r, &rr)) {
			mine |=
			    rr.type == RR_TYPE_NSEC3 &&
			    nsec3_params_from_rdata(rr.rdata, rr.rdlen, &p) &&
			    nsec3_params_equal(&p, image_nsec3(im));
		}
		if (!mine || nsec3_hash_of_owner(n->owner, own) != SECD_OK) {
			continue;
		}
		last = n;
		if (memcmp(own, hash, sizeof(own)) <= 0) {
			best = n;
			*match = memcmp(own, hash, sizeof(own)) == 0;
		}
	}
	return best != NULL ? best : last;
}

static void
assert_nsec3(const uint8_t *hash)
{
	bool match, expected;
	const struct node *n = nsec3_by_walking(hash, &expected);

	assert_ptr_equal(image_nsec3_for(im, hash, &match), n);
	assert_int_equal(match, expected);
}

static void
an_nsec3_is_found_for_every_hash(void **state)
{
	uint8_t hash[NODE_NSEC3_HASH_LEN];
	struct rnd r = {11};

	(void)state;
	for (uint64_t seed = 1; seed <= 5; seed++) {
		make(seed, "example.", MODEL_NSEC3, 2000, SIZE_MAX / 4);
		assert_int_equal(image_denial(im), IMAGE_NSEC3);
		for (int i = 0; i < 100; i++) {
			rnd_fill(&r, hash, sizeof(hash));
			assert_nsec3(hash);
		}
		memset(hash, 0, sizeof(hash));
		assert_nsec3(hash);
		memset(hash, 0xff, sizeof(hash));
		assert_nsec3(hash);
		for (uint64_t i = 0; i < im->denial_count; i += 7) {
			const struct node *n =
			    image_node_at(im, im->denial_at[i] * 8ull);

			nsec3_hash_of_owner(n->owner, hash);
			assert_nsec3(hash);
			hash[19]++;
			assert_nsec3(hash);
			hash[19] = (uint8_t)(hash[19] - 2);
			assert_nsec3(hash);
		}
	}
}

static void
hashes_that_begin_alike_are_told_apart(void **state)
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuv";
	char *text = malloc(100000), *p = text;
	uint8_t hash[NODE_NSEC3_HASH_LEN], name[NAME_LEN_MAX];

	(void)state;
	p += sprintf(p, "@ SOA a. b. 1 2 3 4 5\n@ NS a.\n"
			"@ NSEC3PARAM 1 0 0 -\n");
	for (int i = 0; i < 1024; i += 2) {
		p += sprintf(p,
			     "abcdefghijklmnopqrstuvabcdefgh%c%c NSEC3 1 0 0 "
			     "- abcdefghijklmnopqrstuvabcdefghij A\n",
			     digits[i / 32], digits[i % 32]);
	}
	im = zonefile_image("example.", text);
	for (int i = 0; i < 1024; i++) {
		sprintf(text, "abcdefghijklmnopqrstuvabcdefgh%c%c.example.",
			digits[i / 32], digits[i % 32]);
		nsec3_hash_of_owner(zonefile_name(text, name), hash);
		assert_nsec3(hash);
	}
	free(text);
}

/* Fill a hash table `range` slots at a time, and look everything up. */
static void
check_hash_table(uint64_t names, uint64_t slots, uint64_t range, bool crowd)
{
	struct stream table, pairs;
	struct rnd r = {names ^ range};
	struct image_pair *all = calloc(names, sizeof(*all));
	uint64_t count;

	stream_init(&table, "/tmp", SIZE_MAX / 4, false);
	stream_init(&pairs, "/tmp", 4096, false);
	for (uint64_t i = 0; i < names; i++) {
		all[i].hash = rnd_next(&r);
		if (crowd) {
			all[i].hash |= UINT64_C(0xffff) << 48;
		}
		all[i].offset = i + 1;
		assert_int_equal(stream_put(&pairs, &all[i], sizeof(all[i])),
				 SECD_OK);
	}
	assert_int_equal(
	    image_hash_append(&table, &pairs, slots, range, &count), SECD_OK);
	assert_true(count >= slots);
	assert_int_equal(stream_len(&table), count * 8);
	for (uint64_t i = 0; i < names; i++) {
		uint64_t wanted = image_tag(all[i].hash) | all[i].offset;
		uint64_t at = image_slot(all[i].hash, slots);

		for (; at < count; at++) {
			uint64_t entry;

			memcpy(&entry, table.mem.data + at * 8, 8);
			assert_int_not_equal(entry, 0);
			if (entry == wanted) {
				break;
			}
		}
		assert_true(at < count);
	}
	free(all);
	stream_fini(&table);
	stream_fini(&pairs);
}

static void
a_hash_table_is_whole_in_whatever_ranges_it_is_made(void **state)
{
	static const uint64_t ranges[] = {1, 2, 3, 7, 100, 1499, 1501, 100000};

	(void)state;
	for (size_t i = 0; i < sizeof(ranges) / sizeof(*ranges); i++) {
		check_hash_table(1000, 1501, ranges[i], false);
		check_hash_table(300, 451, ranges[i], true);
		check_hash_table(1, 2, ranges[i], true);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(an_image_of_octets_is_the_image),
	    TEST(a_file_that_is_kept_is_there_to_be_opened),
	    TEST(a_file_that_is_not_kept_goes_with_its_image),
	    TEST(a_file_and_the_heap_hold_the_same_octets),
	    TEST(what_is_no_image_is_refused),
	    TEST(another_hash_key_is_refused),
	    TEST(a_symbolic_link_is_not_followed),
	    TEST(any_flipped_bit_is_found),
	    TEST(a_cut_off_image_is_refused),
	    TEST(damage_in_a_later_block_is_found_when_all_is_verified),
	    TEST(names_are_found_in_any_case_of_the_zone),
	    TEST(prefetching_knows_names_that_are_there),
	    TEST(prefetching_what_denies_harms_nothing),
	    TEST(an_nsec_is_found_for_every_name),
	    TEST(fences_that_are_all_the_same_mislead_nobody),
	    TEST(without_an_nsec_before_it_the_last_one_covers_a_name),
	    TEST(an_nsec3_is_found_for_every_hash),
	    TEST(hashes_that_begin_alike_are_told_apart),
	    TEST(a_hash_table_is_whole_in_whatever_ranges_it_is_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
