/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/mailbox.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/error.h"

#define POSTERS 4
#define EACH    5000

struct note {
	struct letter letter;
	unsigned poster, number;
};

static struct mailbox box;
static unsigned woken;
static unsigned next_of[POSTERS], taken;

static void
count_wake(void *arg)
{
	unsigned *count = arg;

	++*count;
}

static int
start(void **state)
{
	(void)state;
	woken = taken = 0;
	memset(next_of, 0, sizeof(next_of));
	return mailbox_init(&box, NULL, NULL);
}

static int
stop(void **state)
{
	(void)state;
	mailbox_fini(&box);
	return 0;
}

/* Each poster's letters come in the order in which it posted them. */
static void
take_note(struct letter *letter)
{
	struct note *n = (struct note *)letter;

	assert_int_equal(n->number, next_of[n->poster]);
	next_of[n->poster]++;
	taken++;
	free(n);
}

static struct note *
note_new(unsigned poster, unsigned number)
{
	struct note *n = calloc(1, sizeof(*n));

	assert_non_null(n);
	n->letter.run = take_note;
	n->poster = poster;
	n->number = number;
	return n;
}

static void
post(unsigned poster, unsigned number)
{
	assert_true(mailbox_post(&box, &note_new(poster, number)->letter));
}

static void
letters_come_in_the_order_of_posting(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 10; i++) {
		post(0, i);
	}
	letters_run(mailbox_take(&box));
	assert_int_equal(taken, 10);
	assert_null(mailbox_take(&box));
	post(0, 10);
	letters_run(mailbox_take(&box));
	assert_int_equal(taken, 11);
}

static void
the_owner_is_woken_for_the_first_letter_only(void **state)
{
	(void)state;
	mailbox_fini(&box);
	mailbox_init(&box, count_wake, &woken);
	post(0, 0);
	post(0, 1);
	assert_int_equal(woken, 1);
	letters_run(mailbox_take(&box));
	post(0, 2);
	assert_int_equal(woken, 2);
	letters_run(mailbox_take(&box));
}

static void
post_again(struct letter *letter)
{
	if (++taken < 3) {
		assert_true(mailbox_post(&box, letter));
	}
}

static void
a_letter_may_post_itself_again(void **state)
{
	struct letter letter = {.run = post_again};

	(void)state;
	assert_true(mailbox_post(&box, &letter));
	letters_run(mailbox_take(&box));
	assert_int_equal(taken, 1);
	letters_run(mailbox_take(&box));
	letters_run(mailbox_take(&box));
	assert_int_equal(taken, 3);
	assert_null(mailbox_take(&box));
}

static void
a_closed_box_gives_what_it_has_and_takes_no_more(void **state)
{
	struct note *late = note_new(0, 1);

	(void)state;
	post(0, 0);
	mailbox_close(&box);
	assert_false(mailbox_post(&box, &late->letter));
	free(late);
	letters_run(mailbox_wait(&box));
	assert_int_equal(taken, 1);
	assert_null(mailbox_wait(&box));
}

static void *
poster_main(void *arg)
{
	unsigned poster = (unsigned)(uintptr_t)arg;

	for (unsigned i = 0; i < EACH; i++) {
		post(poster, i);
	}
	return NULL;
}

static void
nothing_is_lost_between_threads(void **state)
{
	pthread_t threads[POSTERS];

	(void)state;
	for (uintptr_t i = 0; i < POSTERS; i++) {
		assert_int_equal(
		    pthread_create(&threads[i], NULL, poster_main, (void *)i),
		    0);
	}
	while (taken < POSTERS * EACH) {
		letters_run(mailbox_wait(&box));
	}
	for (unsigned i = 0; i < POSTERS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(next_of[i], EACH);
	}
	assert_null(mailbox_take(&box));
}

static void
a_letter_does_not_end_a_linger(void **state)
{
	int64_t began = clock_awake_ms();

	(void)state;
	post(0, 0);
	mailbox_linger(&box, 20);
	assert_true(clock_awake_ms() - began >= 19);
	letters_run(mailbox_take(&box));
}

static void *
close_main(void *arg)
{
	(void)arg;
	mailbox_close(&box);
	return NULL;
}

static void
closing_ends_waiting_and_lingering(void **state)
{
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, close_main, NULL), 0);
	assert_null(mailbox_wait(&box));
	mailbox_linger(&box, 1000000);
	pthread_join(thread, NULL);
}

static void
a_linger_that_makes_no_sense_ends(void **state)
{
	(void)state;
	mailbox_linger(&box, 0);
	mailbox_linger(&box, -1);
	mailbox_linger(&box, -5000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(letters_come_in_the_order_of_posting),
	    TEST(the_owner_is_woken_for_the_first_letter_only),
	    TEST(a_letter_may_post_itself_again),
	    TEST(a_closed_box_gives_what_it_has_and_takes_no_more),
	    TEST(nothing_is_lost_between_threads),
	    TEST(a_letter_does_not_end_a_linger),
	    TEST(closing_ends_waiting_and_lingering),
	    TEST(a_linger_that_makes_no_sense_ends),
	};

	return cmocka_run_group_tests_name("mailbox", tests, NULL, NULL);
}
