/* SPDX-License-Identifier: BSD-2-Clause */

#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/error.h"
#include "control_client.h"

static const char *const example[] = {"Example", NULL};
static const char *const three[] = {"a", "b.", "c", NULL};

static void
rows_arrive_with_their_types(void **state)
{
	struct control_fixture *f = *state;

	assert_int_equal(control_fixture_ask(f, "status", false, NULL),
			 SECD_ENOTFOUND);
	assert_string_equal(f->reply, "||version|s|1.2.3\n"
				      "||zones|n|7\n"
				      "||started-at|t|1700000000\n"
				      "||alarm-of-any-zone|b|on\n");
}

static void
names_reach_the_handler_in_lower_case(void **state)
{
	struct control_fixture *f = *state;

	control_fixture_ask(f, "zone-status", false, example);
	assert_string_equal(f->asked, "zone-status example.\n");
	assert_non_null(strstr(f->reply, "example.||serial|n|7\n"));
	control_fixture_ask(f, "refresh", false, three);
	assert_string_equal(f->asked, "refresh a.\nrefresh b.\nrefresh c.\n");
}

static void
no_name_means_all_zones(void **state)
{
	struct control_fixture *f = *state;

	control_fixture_ask(f, "refresh", false, NULL);
	assert_string_equal(f->asked, "refresh all\n");
	control_fixture_ask(f, "notify", false, NULL);
	assert_string_equal(f->asked, "notify all\n");
}

static void
a_list_of_zones_comes_piece_by_piece(void **state)
{
	struct control_fixture *f = *state;

	f->zone_count = 7;
	assert_int_equal(control_fixture_ask(f, "zone-status", false, NULL),
			 SECD_ENOTFOUND);
	assert_string_equal(f->asked, "zone-list all\n"
				      "zone-list zone2.\n"
				      "zone-list zone5.\n");
	assert_non_null(strstr(f->reply, "zone0.||state|s|waiting\n"));
	assert_non_null(strstr(f->reply, "zone6.||state|s|waiting\n"));
	assert_null(strstr(f->reply, "zone7."));
	f->zone_count = 0;
	assert_int_equal(control_fixture_ask(f, "zone-status", false, NULL),
			 SECD_ENOTFOUND);
	assert_string_equal(f->reply, "");
}

static void
an_error_arrives_once(void **state)
{
	struct control_fixture *f = *state;

	assert_int_equal(control_fixture_ask(f, "reload", false, NULL),
			 SECD_ENOTFOUND);
	assert_string_equal(f->reply, "error x.conf:7: syntax error\n");
}

static void
a_forced_retransfer_is_told_from_another(void **state)
{
	struct control_fixture *f = *state;

	control_fixture_ask(f, "retransfer", false, example);
	assert_string_equal(f->asked, "retransfer example.\n");
	control_fixture_ask(f, "retransfer", true, example);
	assert_string_equal(f->asked, "retransfer by force example.\n");
}

static void
what_makes_no_sense_is_refused_untouched(void **state)
{
	static const char *const bad[] = {"good", "a..b", NULL};
	static const struct {
		const char *command;
		bool force;
		const char *const *args;
		const char *expected;
	} cases[] = {
	    {"frobnicate", false, NULL,
	     "error unknown command \"frobnicate\"\n"},
	    {"retransfer", false, NULL, "error retransfer needs a zone\n"},
	    {"status", false, example, "error status takes no arguments\n"},
	    {"stop", true, NULL, "error stop takes no --force\n"},
	    {"refresh", false, bad, "error \"a..b\" is no domain name\n"},
	};
	struct control_fixture *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(control_fixture_ask(f, cases[i].command,
						     cases[i].force,
						     cases[i].args),
				 SECD_ENOTFOUND);
		assert_string_equal(f->reply, cases[i].expected);
		assert_string_equal(f->asked, "");
	}
}

static void
a_word_that_is_no_command_may_be_a_modules(void **state)
{
	static const char *const words[] = {"one", "two", NULL};
	struct control_fixture *f = *state;

	control_fixture_ask(f, "tell", false, words);
	assert_string_equal(f->reply, "||line|l|one\n||line|l|two\n");
	control_fixture_ask(f, "tell", true, NULL);
	assert_string_equal(f->reply, "error unknown command \"tell\"\n");
	control_fixture_ask(f, "module-status", false, NULL);
	assert_string_equal(f->asked, "module-status all\n");
	assert_string_equal(f->reply, "|module x|state|s|running\n");
}

static void
the_socket_is_for_owner_and_group(void **state)
{
	struct control_fixture *f = *state;
	struct stat st;

	assert_int_equal(stat(f->path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0660);
}

static void
a_second_server_finds_the_first(void **state)
{
	struct control_fixture *f = *state;
	struct control *other = NULL;
	char reason[256], expected[400];

	assert_int_equal(control_open(f->path, &other, reason), SECD_EBUSY);
	assert_null(other);
	snprintf(expected, sizeof(expected), "another process listens at %s",
		 f->path);
	assert_string_equal(reason, expected);
	assert_int_equal(control_fixture_ask(f, "status", false, NULL),
			 SECD_ENOTFOUND);
}

static void
a_dead_socket_is_replaced(void **state)
{
	struct control_fixture *f = *state;
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	char reason[256];
	int fd;

	control_stop(f->control);
	control_close(f->control);
	strcpy(sun.sun_path, f->path);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	close(fd);
	assert_int_equal(control_open(f->path, &f->control, reason), SECD_OK);
	assert_int_equal(control_start(f->control, &f->handler), SECD_OK);
	assert_int_equal(control_fixture_ask(f, "status", false, NULL),
			 SECD_ENOTFOUND);
}

static void
what_is_no_socket_is_left_alone(void **state)
{
	struct control_fixture *f = *state;
	struct control *other = NULL;
	char path[400], reason[256];
	int fd;

	snprintf(path, sizeof(path), "%s/file", f->dir);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	close(fd);
	assert_int_equal(control_open(path, &other, reason), SECD_EEXIST);
	assert_int_equal(unlink(path), 0);
	snprintf(path, sizeof(path), "%s/none/sock", f->dir);
	assert_int_equal(control_open(path, &other, reason), SECD_EIO);
	assert_null(other);
}

static int
connect_to(const char *path)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(sun.sun_path, path);
	assert_int_equal(connect(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	return fd;
}

static void
a_client_that_sends_rubbish_or_leaves_harms_nobody(void **state)
{
	struct control_fixture *f = *state;
	int fd;

	close(connect_to(f->path));
	fd = connect_to(f->path);
	assert_int_equal(write(fd, "\xff\xff\xff\xff", 4), 4);
	close(fd);
	fd = connect_to(f->path);
	assert_int_equal(write(fd, "\1\x10\0\x50xx", 6), 6);
	close(fd);
	assert_int_equal(control_fixture_ask(f, "status", false, NULL),
			 SECD_ENOTFOUND);
}

static void
a_client_that_does_not_read_harms_nobody(void **state)
{
	struct control_fixture *f = *state;
	char zone_status[] = "zone-status";
	struct control_request q = {.command = zone_status};
	knot_ctl_t *ctl = knot_ctl_alloc();

	f->zone_count = 20000;
	assert_int_equal(knot_ctl_connect(ctl, f->path), 0);
	assert_int_equal(control_request_send(ctl, &q), SECD_OK);
	knot_ctl_close(ctl);
	knot_ctl_free(ctl);
	assert_int_equal(control_fixture_ask(f, "status", false, NULL),
			 SECD_ENOTFOUND);
}

static atomic_uint turns, turns_max;

/* Waits for so many turns. */
static int
wait_for_turns(void *ctx, const char *const *words, size_t count,
	       uint8_t *position, struct control_reply *r)
{
	(void)ctx;
	(void)words;
	(void)count;
	(void)position;
	if (atomic_fetch_add(&turns, 1) < atomic_load(&turns_max)) {
		control_reply_pause(r, 10);
		return SECD_MORE;
	}
	control_reply_line(r, "there");
	return SECD_OK;
}

static void
let_wait(struct control_fixture *f, unsigned most)
{
	atomic_store(&turns, 0);
	atomic_store(&turns_max, most);
	f->handler.module_command = wait_for_turns;
	control_stop(f->control);
	assert_int_equal(control_start(f->control, &f->handler), SECD_OK);
}

static void
a_command_that_waits_is_asked_again_in_a_moment(void **state)
{
	struct control_fixture *f = *state;
	int64_t began = clock_boot_ms();

	let_wait(f, 20);
	assert_int_equal(control_fixture_ask(f, "x", false, NULL),
			 SECD_ENOTFOUND);
	assert_true(clock_boot_ms() - began >= 200);
	assert_int_equal(atomic_load(&turns), 21);
	assert_non_null(strstr(f->reply, "there"));
}

static void *
ask_there(void *arg)
{
	control_fixture_ask(arg, "x", false, NULL);
	return NULL;
}

static void
the_end_does_not_wait_for_it(void **state)
{
	struct control_fixture *f = *state;
	pthread_t asker;

	let_wait(f, UINT_MAX);
	assert_int_equal(pthread_create(&asker, NULL, ask_there, f), 0);
	while (atomic_load(&turns) < 3) {
		usleep(1000);
	}
	control_stop(f->control);
	pthread_join(asker, NULL);
	assert_non_null(strstr(f->reply, "the server is ending"));
	assert_int_equal(control_start(f->control, &f->handler), SECD_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, control_fixture_setup,           \
					control_fixture_teardown)
	    TEST(rows_arrive_with_their_types),
	    TEST(names_reach_the_handler_in_lower_case),
	    TEST(no_name_means_all_zones),
	    TEST(a_list_of_zones_comes_piece_by_piece),
	    TEST(an_error_arrives_once),
	    TEST(a_forced_retransfer_is_told_from_another),
	    TEST(what_makes_no_sense_is_refused_untouched),
	    TEST(a_word_that_is_no_command_may_be_a_modules),
	    TEST(a_command_that_waits_is_asked_again_in_a_moment),
	    TEST(the_end_does_not_wait_for_it),
	    TEST(the_socket_is_for_owner_and_group),
	    TEST(a_second_server_finds_the_first),
	    TEST(a_dead_socket_is_replaced),
	    TEST(what_is_no_socket_is_left_alone),
	    TEST(a_client_that_sends_rubbish_or_leaves_harms_nobody),
	    TEST(a_client_that_does_not_read_harms_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
