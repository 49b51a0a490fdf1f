/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/verify_request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <urcu-qsbr.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/error.h"
#include "conf_dir.h"
#include "forge.h"
#include "front.h"
#include "server/evidence.h"

/* slot. is a module's, fixed. is not. */
static const char settings[] = CONF_SERVER "module:\n"
					   "  - id: rotate\n"
					   "key:\n"
					   "  - id: slot\n"
					   "    module: rotate\n"
					   "  - id: fixed\n"
					   "    secret: " CONF_SECRET "\n";

static struct conf_dir *d;
static struct frontend frontend;
static struct sockaddr_storage from;
static struct message m;
static struct tsig_transaction t;
static struct evidence_item *item; /* what was told last */

static int
start(void **state)
{
	void *dir;
	int rc = conf_dir_setup(&dir);

	(void)state;
	d = dir;
	conf_dir_accept(d, settings);
	from = front_address("127.0.0.1", 4711);
	return rc == 0 ? evidence_new(&frontend.evidence) : rc;
}

static int
stop(void **state)
{
	void *dir = d;

	(void)state;
	evidence_items_free(item);
	item = NULL;
	tsig_transaction_fini(&t);
	evidence_free(frontend.evidence);
	rcu_barrier();
	keys_fini(&frontend.keys);
	return conf_dir_teardown(&dir);
}

/* The key whose secret goes by this tag. */
static struct tsig_key *
key_new(const char *name, uint64_t tag)
{
	uint8_t wire[NAME_LEN_MAX], secret[32] = {(uint8_t)tag, 5};
	struct tsig_key *key;

	assert_int_equal(name_from_text(name, wire), SECD_OK);
	assert_int_equal(
	    tsig_key_new(wire, TSIG_HMAC_SHA256, secret, sizeof(secret), &key),
	    SECD_OK);
	tsig_key_set_tag(key, tag);
	return key;
}

static void
put(const char *name, uint64_t tag, bool is_compared)
{
	struct keyring_key k = {.is_compared = is_compared, .owner = "rotate"};
	struct keyring *ring;

	k.key = key_new(name, tag);
	assert_int_equal(keyring_with(keys_ring(&frontend.keys), &k, &ring),
			 SECD_OK);
	assert_int_equal(keys_publish_take(&frontend.keys, ring), SECD_OK);
	tsig_key_unref(k.key);
}

/* A request that is signed with this secret comes in. */
static enum tsig_verdict
ask_at(const char *name, uint64_t tag, int64_t time_signed)
{
	struct tsig_key *key = key_new(name, tag);
	struct tsig_transaction client;
	struct tsig_place place;

	forge_query(&m);
	tsig_transaction_init(&client, key);
	assert_int_equal(tsig_sign_request(&client, m.wire, &m.len,
					   sizeof(m.wire), time_signed),
			 SECD_OK);
	tsig_transaction_fini(&client);
	tsig_key_unref(key);
	assert_int_equal(tsig_find(m.wire, m.len, &place), SECD_OK);
	tsig_transaction_fini(&t);
	return verify_request(&frontend, d->c, &t, m.wire, &m.len, &place,
			      &from);
}

static enum tsig_verdict
ask(const char *name, uint64_t tag)
{
	return ask_at(name, tag, clock_wall_s());
}

/* Nothing, or one item, in `item`. */
static bool
is_told(void)
{
	uint64_t left_out;

	evidence_items_free(item);
	item = evidence_take(frontend.evidence, &left_out);
	assert_true(item == NULL || item->next == NULL);
	return item != NULL;
}

static void
expect_told(uint32_t error, uint64_t tag)
{
	assert_true(is_told());
	assert_int_equal(item->used.way, SECD_WAY_IN);
	assert_int_equal(item->used.tsig_error, error);
	assert_int_equal(item->used.tag, tag);
	assert_int_equal(item->used.peer.family, 4);
	assert_int_equal(item->used.peer.port, 0);
	assert_memory_equal(item->used.peer.octets, "\x7f\0\0\1", 4);
	assert_true(item->used.at_ms / 1000 >= clock_wall_s() - 5);
}

static void
a_key_that_was_put_verifies_and_tells_its_tag(void **state)
{
	(void)state;
	put("slot.", 3, false);
	assert_int_equal(ask("SLOT.", 3), TSIG_GOOD);
	expect_told(TSIG_ERROR_NONE, 3);
	assert_true(name_equal(item->used.name, (const uint8_t *)"\4slot"));
	assert_int_equal(ask("slot.", 3), TSIG_GOOD);
	assert_int_equal(ask("slot.", 3), TSIG_GOOD);
	expect_told(TSIG_ERROR_NONE, 3);
	assert_int_equal(item->used.count, 2);
}

static void
before_it_is_put_the_key_is_unknown(void **state)
{
	(void)state;
	assert_int_equal(ask("slot.", 3), TSIG_BADKEY);
	expect_told(TSIG_ERROR_BADKEY, 0);
}

static void
another_secret_is_badsig(void **state)
{
	(void)state;
	put("slot.", 3, false);
	assert_int_equal(ask("slot.", 4), TSIG_BADSIG);
	expect_told(TSIG_ERROR_BADSIG, 0);
	assert_int_equal(item->used.skew_ms, 0);
}

static void
a_replaced_secret_is_refused_and_the_new_one_taken(void **state)
{
	(void)state;
	put("slot.", 3, false);
	put("slot.", 4, false);
	assert_int_equal(ask("slot.", 3), TSIG_BADSIG);
	expect_told(TSIG_ERROR_BADSIG, 0);
	assert_int_equal(ask("slot.", 4), TSIG_GOOD);
	expect_told(TSIG_ERROR_NONE, 4);
}

static void
a_wrong_clock_is_told_with_its_skew(void **state)
{
	(void)state;
	put("slot.", 3, false);
	assert_int_equal(ask_at("slot.", 3, clock_wall_s() - 1000),
			 TSIG_BADTIME);
	expect_told(TSIG_ERROR_BADTIME, 3);
	assert_in_range(-item->used.skew_ms, 1000000, 1005000);
	assert_int_equal(ask_at("slot.", 3, clock_wall_s() + 100), TSIG_GOOD);
	expect_told(TSIG_ERROR_NONE, 3);
	assert_in_range(item->used.skew_ms, 95000, 100000);
}

static void
a_secret_that_is_compared_is_told_and_not_accepted(void **state)
{
	(void)state;
	put("slot.", 3, false);
	put("slot.", 8, true);
	put("slot.", 9, true);
	put("slot.", 10, true);
	assert_int_equal(ask("slot.", 9), TSIG_BADSIG);
	expect_told(TSIG_ERROR_BADSIG, 9);
	assert_int_equal(ask("slot.", 11), TSIG_BADSIG);
	expect_told(TSIG_ERROR_BADSIG, 0);
	assert_int_equal(ask("slot.", 3), TSIG_GOOD);
	expect_told(TSIG_ERROR_NONE, 3);
}

static void
it_is_compared_where_no_secret_is_in_force(void **state)
{
	(void)state;
	put("slot.", 9, true);
	assert_int_equal(ask("slot.", 9), TSIG_BADKEY);
	expect_told(TSIG_ERROR_BADKEY, 9);
}

static void
strangers_do_not_make_us_compare_for_ever(void **state)
{
	unsigned known = 0;

	(void)state;
	put("slot.", 3, false);
	put("slot.", 9, true);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(ask("slot.", 9), TSIG_BADSIG);
		assert_true(is_told());
		known += item->used.tag == 9;
	}
	/* In as many seconds as this takes. */
	assert_in_range(known, 1, 99);
}

static void
a_key_of_the_configuration_is_nobodys_business(void **state)
{
	(void)state;
	put("fixed.", 3, false);
	put("fixed.", 9, true);
	assert_int_equal(ask("fixed.", 3), TSIG_BADSIG);
	assert_false(is_told());
	assert_int_equal(ask("fixed.", 9), TSIG_BADSIG);
	assert_false(is_told());
	assert_int_equal(ask("unknown.", 1), TSIG_BADKEY);
	assert_false(is_told());
}

/* No ACL has it: who asks under it is told so. */
static void
a_key_that_the_configuration_lacks_is_unknown(void **state)
{
	(void)state;
	put("new.", 3, false);
	assert_int_equal(ask("new.", 3), TSIG_BADKEY);
	expect_told(TSIG_ERROR_BADKEY, 0);
	put("old.", 9, true);
	assert_int_equal(ask("old.", 9), TSIG_BADKEY);
	expect_told(TSIG_ERROR_BADKEY, 9);
}

static void
what_is_no_signature_is_not_told(void **state)
{
	struct tsig_place place;

	(void)state;
	put("slot.", 3, false);
	assert_int_equal(ask("slot.", 3), TSIG_GOOD);
	assert_true(is_told());
	/* What was stripped, once more: a response. */
	assert_int_equal(ask("slot.", 3), TSIG_GOOD);
	assert_true(is_told());
	assert_int_equal(tsig_find(m.wire, m.len, &place), SECD_OK);
	tsig_transaction_fini(&t);
	assert_int_equal(
	    verify_request(&frontend, d->c, &t, m.wire, &m.len, &place, &from),
	    TSIG_MISSING);
	assert_false(is_told());
}

static void
without_anybody_to_tell_it_works_too(void **state)
{
	(void)state;
	put("slot.", 3, false);
	evidence_free(frontend.evidence);
	frontend.evidence = NULL;
	assert_int_equal(ask("slot.", 3), TSIG_GOOD);
	assert_int_equal(ask("slot.", 4), TSIG_BADSIG);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)
	const struct CMUnitTest tests[] = {
	    TEST(a_key_that_was_put_verifies_and_tells_its_tag),
	    TEST(before_it_is_put_the_key_is_unknown),
	    TEST(another_secret_is_badsig),
	    TEST(a_replaced_secret_is_refused_and_the_new_one_taken),
	    TEST(a_wrong_clock_is_told_with_its_skew),
	    TEST(a_secret_that_is_compared_is_told_and_not_accepted),
	    TEST(it_is_compared_where_no_secret_is_in_force),
	    TEST(strangers_do_not_make_us_compare_for_ever),
	    TEST(a_key_of_the_configuration_is_nobodys_business),
	    TEST(a_key_that_the_configuration_lacks_is_unknown),
	    TEST(what_is_no_signature_is_not_told),
	    TEST(without_anybody_to_tell_it_works_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
