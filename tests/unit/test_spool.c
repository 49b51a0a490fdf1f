/* SPDX-License-Identifier: BSD-2-Clause */

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/octets.h"
#include "zone/spool_internal.h"
#include "zone_model.h"
#include "zonefile.h"

static struct spool *spool;
static uint8_t apex[NAME_LEN_MAX];

static int
start(void **state)
{
	(void)state;
	zonefile_name("example.", apex);
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	spool_free(spool);
	spool = NULL;
	return 0;
}

static void
add(const char *owner, uint32_t address)
{
	uint8_t name[NAME_LEN_MAX], rdata[4];
	struct rr rr = {
	    .owner = zonefile_name(owner, name),
	    .rdata = rdata,
	    .ttl = 60,
	    .type = RR_TYPE_A,
	    .rdlen = sizeof(rdata),
	};

	put_u32(rdata, address);
	assert_int_equal(spool_add(spool, &rr), SECD_OK);
}

static void
new_spool(size_t chunk)
{
	spool_free(spool);
	assert_int_equal(spool_new("/tmp", chunk, &spool), SECD_OK);
}

/* Owners come in order, each once, `count` records in all. */
static void
read_all(size_t count)
{
	struct owner_set set = {0};
	uint8_t last[NAME_LEN_MAX] = "";
	bool first = true;

	while (spool_next(spool, &set) == SECD_OK) {
		assert_true(first || name_compare(last, set.owner) < 0);
		memcpy(last, set.owner, sizeof(last));
		first = false;
		assert_in_range(set.count, 1, count);
		count -= set.count;
	}
	assert_int_equal(count, 0);
	assert_int_equal(spool_next(spool, &set), SECD_ENOTFOUND);
	owner_set_fini(&set);
}

static void
nothing_takes_nearly_no_memory(void **state)
{
	(void)state;
	new_spool(16 << 20);
	assert_int_equal(spool_record_count(spool), 0);
	add("example.", 1);
	assert_int_equal(spool_record_count(spool), 1);
	assert_true(spool->mem.cap < 1024);
	assert_int_equal(spool->fd, -1);
	new_spool(16 << 20);
	assert_int_equal(spool_sort(spool, apex), SECD_OK);
	read_all(0);
}

static void
canonical_order_is_one_run_however_long(void **state)
{
	char text[64];

	(void)state;
	new_spool(200);
	add("example.", 1);
	for (uint32_t i = 0; i < 500; i++) {
		snprintf(text, sizeof(text), "n%03u.example.", (unsigned)i / 3);
		add(text, i);
	}
	assert_true(spool->fd >= 0);
	assert_int_equal(spool_sort(spool, apex), SECD_OK);
	assert_int_equal(spool->run_count, 1);
	read_all(501);
}

static void
a_second_chain_behind_the_first_is_three_runs_at_most(void **state)
{
	char text[64];

	(void)state;
	new_spool(1000);
	for (uint32_t i = 0; i < 500; i++) {
		snprintf(text, sizeof(text), "n%03u.example.", (unsigned)i);
		add(text, i);
	}
	for (uint32_t i = 0; i < 500; i++) {
		snprintf(text, sizeof(text), "h%03u.example.", (unsigned)i);
		add(text, i);
	}
	assert_int_equal(spool_sort(spool, apex), SECD_OK);
	assert_in_range(spool->run_count, 2, 3);
	read_all(1000);
}

static void
any_order_is_sorted_in_chunks_of_any_size(void **state)
{
	static const size_t chunks[] = {1, 100, 333, 5000, 1 << 20};
	char text[64];

	(void)state;
	for (size_t c = 0; c < sizeof(chunks) / sizeof(*chunks); c++) {
		new_spool(chunks[c]);
		for (uint32_t i = 0; i < 997; i++) {
			uint32_t j = i * 379 % 997;

			snprintf(text, sizeof(text), "%s%u.example.",
				 j % 2 == 0 ? "N" : "n", (unsigned)j / 4);
			add(text, j);
		}
		assert_int_equal(spool_sort(spool, apex), SECD_OK);
		read_all(997);
	}
}

static void
records_larger_than_a_chunk_are_fine(void **state)
{
	uint8_t *rdata = calloc(1, RR_RDATA_MAX), name[NAME_LEN_MAX];
	struct owner_set set = {0};

	(void)state;
	new_spool(64);
	for (int i = 9; i >= 0; i--) {
		char text[32];
		struct rr rr = {
		    .owner = name,
		    .rdata = rdata,
		    .type = RR_TYPE_NULL,
		    .rdlen = RR_RDATA_MAX,
		};

		snprintf(text, sizeof(text), "n%d.example.", i);
		zonefile_name(text, name);
		rdata[0] = (uint8_t)i;
		assert_int_equal(spool_add(spool, &rr), SECD_OK);
	}
	assert_int_equal(spool_sort(spool, apex), SECD_OK);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(spool_next(spool, &set), SECD_OK);
		assert_int_equal(owner_set_seal(&set), SECD_OK);
		assert_int_equal(set.count, 1);
		assert_int_equal(set.rrs[0].rdlen, RR_RDATA_MAX);
		assert_int_equal(set.rrs[0].rdata[0], i);
	}
	assert_int_equal(spool_next(spool, &set), SECD_ENOTFOUND);
	owner_set_fini(&set);
	free(rdata);
}

static void
names_outside_of_the_zone_come_out_too(void **state)
{
	(void)state;
	new_spool(100);
	add("z.example.", 1);
	add("a.org.", 1);
	add("example.", 1);
	add(".", 1);
	add("a.example.", 1);
	assert_int_equal(spool_sort(spool, apex), SECD_OK);
	assert_int_equal(spool_record_count(spool), 5);
}

static void
a_folder_that_is_not_there_is_an_error(void **state)
{
	uint8_t name[NAME_LEN_MAX];
	struct rr rr = {
	    .owner = zonefile_name("example.", name),
	    .rdata = (const uint8_t *)"",
	    .type = RR_TYPE_NULL,
	};

	(void)state;
	assert_int_equal(spool_new("/nowhere", 1, &spool), SECD_OK);
	assert_int_equal(spool_add(spool, &rr), SECD_OK);
	assert_int_equal(spool_add(spool, &rr), SECD_EIO);
	assert_int_equal(spool_record_count(spool), 1);
}

static void
the_image_does_not_depend_on_order_or_chunks(void **state)
{
	static const size_t chunks[] = {1, 50, 700, 4000, 1 << 20};

	(void)state;
	for (uint64_t seed = 1; seed <= 30; seed++) {
		struct rnd r = {seed};
		struct build_params p;
		struct build_report report;
		struct image *sorted, *shuffled;
		struct model m;
		size_t len, len_shuffled;
		const uint8_t *octets;

		model_init(&m, "example.", (enum model_signing)(seed % 3));
		model_fill(&m, &r, 200);
		p = zonefile_params(m.apex);
		assert_int_equal(
		    model_build(&m, &p, NULL, 1 << 20, &sorted, &report),
		    SECD_OK);
		octets = image_octets(sorted, &len);
		for (size_t c = 0; c < 5; c++) {
			assert_int_equal(model_build(&m, &p, &r, chunks[c],
						     &shuffled, &report),
					 SECD_OK);
			assert_memory_equal(
			    image_octets(shuffled, &len_shuffled), octets, len);
			assert_int_equal(len_shuffled, len);
			image_unref(shuffled);
		}
		image_unref(sorted);
		model_fini(&m);
	}
}

static void
differing_spellings_end_as_the_same_whatever_their_order(void **state)
{
	static const char *const lines[] = {
	    "@ SOA a. b. 1 2 3 4 5\n", "@ NS a.\n", "www 3 MX 1 A.b.\n",
	    "wWw 5 MX 1 a.B.\n", "WWW 4 MX 1 a.b.\n"};
	struct image *first = NULL;

	(void)state;
	for (size_t turn = 0; turn < 5; turn++) {
		char text[500] = "";
		const uint8_t *octets, *octets_first;
		size_t len, len_first;
		struct image *im;

		for (size_t i = 0; i < 5; i++) {
			strcat(text, lines[(turn + i) % 5]);
		}
		im = zonefile_image("example.", text);
		if (first == NULL) {
			first = im;
			continue;
		}
		octets = image_octets(im, &len);
		octets_first = image_octets(first, &len_first);
		assert_int_equal(len, len_first);
		assert_memory_equal(octets, octets_first, len);
		image_unref(im);
	}
	assert_memory_equal(zonefile_find(first, "www.example.")->owner,
			    "\3www", 4);
	image_unref(first);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(nothing_takes_nearly_no_memory),
	    TEST(canonical_order_is_one_run_however_long),
	    TEST(a_second_chain_behind_the_first_is_three_runs_at_most),
	    TEST(any_order_is_sorted_in_chunks_of_any_size),
	    TEST(records_larger_than_a_chunk_are_fine),
	    TEST(names_outside_of_the_zone_come_out_too),
	    TEST(a_folder_that_is_not_there_is_an_error),
	    TEST(the_image_does_not_depend_on_order_or_chunks),
	    TEST(differing_spellings_end_as_the_same_whatever_their_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
