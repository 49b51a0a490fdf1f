/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/placer.h"

#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "ordering.h"
#include "placing.h"
#include "store_dir.h"

static struct store_dir *store;
static struct helper *helper;
static struct placer *placer;
static struct commit *commit;
static int64_t waits_ms; /* what the last turn said */

/* What was told, a line each. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t told = PTHREAD_COND_INITIALIZER;
static char events[65536];
static unsigned event_count;

static void
on_done(void *owner, uint64_t id, const struct adapter_result *r)
{
	const char *text = strrchr(r->text, '/');
	size_t len;

	pthread_mutex_lock(&lock);
	len = strlen(events);
	snprintf(events + len, sizeof(events) - len, "%s %" PRIu64 " %d %s\n",
		 (const char *)owner, id, (int)r->rc,
		 text == NULL ? r->text : text + 1);
	event_count++;
	pthread_cond_signal(&told);
	pthread_mutex_unlock(&lock);
}

static const char *
wait_for_events(unsigned count)
{
	static char copy[sizeof(events)];

	pthread_mutex_lock(&lock);
	while (event_count < count) {
		pthread_cond_wait(&told, &lock);
	}
	strcpy(copy, events);
	pthread_mutex_unlock(&lock);
	return copy;
}

static unsigned
event_count_now(void)
{
	unsigned count;

	pthread_mutex_lock(&lock);
	count = event_count;
	pthread_mutex_unlock(&lock);
	return count;
}

static int64_t
turn(void *ctx)
{
	(void)ctx;
	waits_ms = placer_turn(placer);
	return waits_ms;
}

static int
start(void **state)
{
	const struct commit_hooks hooks = {.turn = turn};

	placing_setup(state);
	events[0] = '\0';
	event_count = 0;
	if (store_dir_setup((void **)&store) != 0 ||
	    helper_start(&helper) != SECD_OK ||
	    placer_new(helper, on_done, &placer) != SECD_OK ||
	    commit_start(store->store, 0, &hooks, &commit) != SECD_OK) {
		return -1;
	}
	placer_attach(placer, commit);
	return 0;
}

static void
end(void *arg)
{
	(void)arg;
	placer_end(placer);
}

static int
stop(void **state)
{
	commit_run(commit, end, NULL);
	commit_stop(commit);
	placer_free(placer);
	helper_stop(helper);
	store_dir_teardown((void **)&store);
	return placing_teardown(state);
}

/* One that is added, on the commit thread. */
struct order {
	const char *owner;
	uint64_t id;
	const struct request *request;
	bool is_urgent;
	int rc;
};

static void
add_there(void *arg)
{
	struct order *o = arg;
	union {
		const char *in;
		void *out;
	} owner = {.in = o->owner};

	o->rc = placer_add(placer, owner.out, o->id, o->request, o->is_urgent);
}

static int
add_request(const char *owner, uint64_t id, const struct request *r,
	    bool is_urgent)
{
	struct order o = {
	    .owner = owner, .id = id, .request = r, .is_urgent = is_urgent};

	commit_run(commit, add_there, &o);
	return o.rc;
}

static const char one[] = "one", two[] = "two";

static int
add(uint64_t id, const char *name, const char *body)
{
	return add_request(one, id, ordering_request(name, body), false);
}

static void
make_fifo(const char *name)
{
	assert_int_equal(mkfifo(placing_path(name), 0600), 0);
}

static void
each_placement_is_told_of_once(void **state)
{
	(void)state;
	assert_int_equal(add(7, "a", "echo fine"), SECD_OK);
	assert_string_equal(wait_for_events(1), "one 7 0 a: fine\n");
	assert_int_equal(add(7, "a", "echo no; exit 1"), SECD_OK);
	assert_string_equal(wait_for_events(2),
			    "one 7 0 a: fine\none 7 -6 a: exit code 1: no\n");
}

/* The first one runs until the FIFO is closed. */
static void
what_waits_is_replaced_by_what_comes_later(void **state)
{
	int fd;

	(void)state;
	make_fifo("fifo");
	assert_int_equal(add(1, "a", "echo x >>runs; cat fifo"), SECD_OK);
	fd = open(placing_path("fifo"), O_WRONLY);
	for (uint64_t id = 2; id <= 4; id++) {
		assert_int_equal(add(id, "a", "echo y >>runs"), SECD_OK);
	}
	close(fd);
	assert_string_equal(wait_for_events(4), "one 1 0 a has taken 2 keys\n"
						"one 2 0 a has taken 2 keys\n"
						"one 3 0 a has taken 2 keys\n"
						"one 4 0 a has taken 2 keys\n");
	assert_string_equal(placing_contents("runs"), "x\ny\n");
}

static void
one_that_hangs_holds_up_no_other_server(void **state)
{
	int fd;
	char c;

	(void)state;
	make_fifo("fifo");
	assert_int_equal(add(1, "a", "echo >fifo"), SECD_OK);
	assert_int_equal(add(2, "b", ""), SECD_OK);
	assert_string_equal(wait_for_events(1), "one 2 0 b has taken 2 keys\n");
	fd = open(placing_path("fifo"), O_RDONLY);
	assert_int_equal(read(fd, &c, 1), 1);
	close(fd);
	wait_for_events(2);
}

/* Both of them tell, and the one owner's does not replace the other's. */
static void
owners_do_not_replace_one_anothers(void **state)
{
	int fd;

	(void)state;
	make_fifo("fifo");
	assert_int_equal(add(1, "a", "cat fifo >/dev/null; echo x >>runs"),
			 SECD_OK);
	fd = open(placing_path("fifo"), O_WRONLY);
	assert_int_equal(add(2, "a", "echo x >>runs"), SECD_OK);
	assert_int_equal(
	    add_request(two, 3, ordering_request("a", "echo x >>runs"), false),
	    SECD_OK);
	close(fd);
	wait_for_events(3);
	assert_string_equal(placing_contents("runs"), "x\nx\nx\n");
}

/* For BIND, since that has an interval; rndc is a script. */
static const struct request *
bind_with(const char *rndc, const char *interval, char secret)
{
	static struct secd_option said[6];
	static uint8_t octets[16];
	static struct keytext_key key;
	static struct request r;

	memset(octets, secret, sizeof(octets));
	key = (struct keytext_key){"p1-a.", "hmac-sha256", octets, 16};
	said[0] = (struct secd_option){.key = "file",
				       .value = placing_path("keys.conf")};
	said[1] = (struct secd_option){.key = "group", .value = ""};
	said[2] = (struct secd_option){.key = "check", .value = "/bin/true"};
	said[3] = (struct secd_option){.key = "rndc",
				       .value = placing_script("rndc", rndc)};
	said[4] = (struct secd_option){.key = "interval", .value = interval};
	r = *ordering_request("unused", "");
	r.adapter = &adapter_bind;
	r.settings = (struct settings){.adapter = "bind",
				       .known = adapter_bind.settings,
				       .said = said,
				       .count = 5};
	r.keys = &key;
	r.key_count = 1;
	return &r;
}

static const struct request *
bind_request(const char *interval, char secret)
{
	return bind_with("echo x >>told", interval, secret);
}

static void
look(void *arg)
{
	*(int64_t *)arg = waits_ms;
}

/* The turn that follows upon what was done before. */
static int64_t
wait_of_next_turn(void)
{
	int64_t ms;

	commit_run(commit, look, &ms);
	commit_run(commit, look, &ms);
	return ms;
}

static void
what_is_asked_too_soon_waits_for_the_interval(void **state)
{
	int64_t ms;

	(void)state;
	add_request(one, 1, bind_request("1h", 'a'), false);
	wait_for_events(1);
	add_request(one, 2, bind_request("1h", 'b'), false);
	ms = wait_of_next_turn();
	assert_true(ms > 3500000 && ms <= 3600000);
	assert_int_equal(event_count_now(), 1);
	/* Unless it is urgent: and what waited is done with it. */
	add_request(one, 3, bind_request("1h", 'c'), true);
	assert_string_equal(wait_for_events(3),
			    "one 1 0 named has taken 1 key\n"
			    "one 2 0 named has taken 1 key\n"
			    "one 3 0 named has taken 1 key\n");
	assert_string_equal(placing_contents("told"), "x\nx\n");
	assert_int_equal(wait_of_next_turn(), -1);
}

static void
what_the_server_was_not_asked_for_starts_no_interval(void **state)
{
	(void)state;
	add_request(one, 1, bind_request("0", 'a'), false);
	wait_for_events(1);
	add_request(one, 2, bind_request("1h", 'a'), false);
	assert_non_null(
	    strstr(wait_for_events(2), "one 2 0 named has 1 key already\n"));
	add_request(one, 3, bind_request("1h", 'b'), false);
	assert_non_null(
	    strstr(wait_for_events(3), "one 3 0 named has taken 1 key\n"));
	assert_string_equal(placing_contents("told"), "x\nx\n");
}

static void
what_is_urgent_stays_so_when_it_is_replaced(void **state)
{
	int fd;

	(void)state;
	make_fifo("fifo");
	add_request(one, 1, bind_request("1h", 'a'), false);
	wait_for_events(1);
	add_request(one, 2, bind_with("cat fifo", "1h", 'b'), true);
	fd = open(placing_path("fifo"), O_WRONLY);
	add_request(one, 3, bind_request("1h", 'c'), true);
	add_request(one, 4, bind_request("1h", 'd'), false);
	close(fd);
	assert_non_null(strstr(wait_for_events(4),
			       "one 3 0 named has taken 1 key\n"
			       "one 4 0 named has taken 1 key\n"));
}

static void
short_intervals_pass(void **state)
{
	(void)state;
	add_request(one, 1, bind_request("1", 'a'), false);
	wait_for_events(1);
	add_request(one, 2, bind_request("1", 'b'), false);
	assert_string_equal(wait_for_events(2),
			    "one 1 0 named has taken 1 key\n"
			    "one 2 0 named has taken 1 key\n");
}

static void
at_the_end_what_runs_is_given_up_and_what_waits_is_not_begun(void **state)
{
	int fd;
	char c;

	(void)state;
	make_fifo("fifo");
	assert_int_equal(add(1, "a", "exec 4>fifo; sleep 60"), SECD_OK);
	fd = open(placing_path("fifo"), O_RDONLY);
	assert_int_equal(add(2, "a", "exec 4>fifo; sleep 60"), SECD_OK);
	commit_run(commit, end, NULL);
	assert_int_equal(add(3, "a", ""), SECD_EBUSY);
	assert_string_equal(wait_for_events(1),
			    "one 1 -14 the placement's process ended too "
			    "soon\n");
	assert_int_equal(read(fd, &c, 1), 0);
	close(fd);
	assert_int_equal(wait_of_next_turn(), -1);
}

static void
too_many_are_refused(void **state)
{
	unsigned count = 0;
	int fd, rc;

	(void)state;
	make_fifo("fifo");
	assert_int_equal(add(1, "a", "cat fifo"), SECD_OK);
	fd = open(placing_path("fifo"), O_WRONLY);
	do {
		rc = add_request(one, 2, ordering_request("a", ""), false);
	} while (rc == SECD_OK && ++count < 5000);
	assert_int_equal(rc, SECD_EBUSY);
	assert_true(count > 500);
	/* Until they were told of. */
	close(fd);
	wait_for_events(count + 1);
	assert_int_equal(add(3, "a", ""), SECD_OK);
	wait_for_events(count + 2);
}

/* One more than may run: it is not begun before another one ends. */
static void
so_many_run_at_a_time_and_no_more(void **state)
{
	static const char name[] = "abcdefgh";
	int fd;

	(void)state;
	make_fifo("fifo");
	for (uint64_t id = 1; id <= 8; id++) {
		const char script[] = {name[id - 1], '\0'};

		assert_int_equal(add(id, script, "cat fifo"), SECD_OK);
	}
	fd = open(placing_path("fifo"), O_WRONLY);
	assert_int_equal(add(9, "i", "echo x >>ran"), SECD_OK);
	/* Nothing tells that it will not be: a moment in which it would. */
	for (int looks = 0; looks < 100 && event_count_now() == 0; looks++) {
		assert_int_equal(wait_of_next_turn(), -1);
		usleep(2000);
	}
	assert_false(placing_has("ran"));
	close(fd);
	/* Those that had not opened it yet wait for it to be closed again. */
	while (event_count_now() < 9) {
		fd = open(placing_path("fifo"), O_WRONLY | O_NONBLOCK);
		if (fd >= 0) {
			close(fd);
		}
	}
}

/* On the commit thread, as all that is done with a placer. */
static void
replace_by_a_new_one(void *arg)
{
	int *rc = arg;

	placer_end(placer);
	placer_free(placer);
	*rc = placer_new(helper, on_done, &placer);
}

static void
attach(void *arg)
{
	(void)arg;
	placer_attach(placer, commit);
}

/* A module may ask while it is opened, before there is a thread. */
static void
what_is_asked_before_there_is_a_thread_waits_for_it(void **state)
{
	int rc;

	(void)state;
	commit_run(commit, replace_by_a_new_one, &rc);
	assert_int_equal(rc, SECD_OK);
	assert_int_equal(add(1, "a", "echo fine"), SECD_OK);
	assert_int_equal(wait_of_next_turn(), -1);
	assert_int_equal(event_count_now(), 0);
	commit_run(commit, attach, NULL);
	assert_string_equal(wait_for_events(1), "one 1 0 a: fine\n");
}

static void
a_helper_that_is_gone_is_said(void **state)
{
	const char *said;
	unsigned count = 1;

	(void)state;
	assert_int_equal(add(1, "a",
			     "kill -9 $(sed 's/.*) . //;s/ .*//' "
			     "/proc/$PPID/stat); echo fine"),
			 SECD_OK);
	wait_for_events(1);
	do { /* until it has died */
		assert_int_equal(add(++count, "a", ""), SECD_OK);
		said = wait_for_events(count);
	} while (strstr(said, " -14 the helper process is gone\n") == NULL &&
		 count < 100);
	assert_true(count < 100);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, start, stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(each_placement_is_told_of_once),
	    CASE(what_waits_is_replaced_by_what_comes_later),
	    CASE(one_that_hangs_holds_up_no_other_server),
	    CASE(owners_do_not_replace_one_anothers),
	    CASE(what_is_asked_too_soon_waits_for_the_interval),
	    CASE(what_the_server_was_not_asked_for_starts_no_interval),
	    CASE(what_is_urgent_stays_so_when_it_is_replaced),
	    CASE(short_intervals_pass),
	    CASE(at_the_end_what_runs_is_given_up_and_what_waits_is_not_begun),
	    CASE(too_many_are_refused),
	    CASE(so_many_run_at_a_time_and_no_more),
	    CASE(what_is_asked_before_there_is_a_thread_waits_for_it),
	    CASE(a_helper_that_is_gone_is_said),
	};

	return cmocka_run_group_tests_name("placer", tests, NULL, NULL);
}
