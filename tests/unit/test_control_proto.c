/* SPDX-License-Identifier: BSD-2-Clause */

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
#include "server/control_proto.h"

/* Both ends in one thread: what is sent waits in the socket's buffer. */
struct ends {
	char path[300];
	knot_ctl_t *client, *server;
};

static int
setup(void **state)
{
	const char *tmp = getenv("TMPDIR");
	struct ends *e = calloc(1, sizeof(*e));

	assert_non_null(e);
	snprintf(e->path, sizeof(e->path), "%s/proto.%d.sock",
		 tmp == NULL ? "/tmp" : tmp, (int)getpid());
	e->client = knot_ctl_alloc();
	e->server = knot_ctl_alloc();
	assert_int_equal(knot_ctl_bind(e->server, e->path), 0);
	assert_int_equal(knot_ctl_connect(e->client, e->path), 0);
	assert_int_equal(knot_ctl_accept(e->server), 0);
	*state = e;
	return 0;
}

static int
teardown(void **state)
{
	struct ends *e = *state;

	knot_ctl_free(e->client);
	knot_ctl_unbind(e->server);
	knot_ctl_free(e->server);
	free(e);
	return 0;
}

static char one[] = "one", two[] = "a two", command[] = "go";

static void
a_request_arrives_as_it_was_sent(void **state)
{
	struct ends *e = *state;
	char *args[] = {one, two};
	struct control_request q = {command, true, args, 2}, got;

	assert_int_equal(control_request_send(e->client, &q), SECD_OK);
	assert_int_equal(control_request_receive(e->server, &got), SECD_OK);
	assert_string_equal(got.command, "go");
	assert_true(got.force);
	assert_int_equal(got.arg_count, 2);
	assert_string_equal(got.args[0], "one");
	assert_string_equal(got.args[1], "a two");
	control_request_fini(&got);
}

static void
two_requests_do_not_mix(void **state)
{
	struct ends *e = *state;
	char *args[] = {one};
	struct control_request first = {command, true, args, 1}, got;
	struct control_request second = {one, false, NULL, 0};

	assert_int_equal(control_request_send(e->client, &first), SECD_OK);
	assert_int_equal(control_request_send(e->client, &second), SECD_OK);
	assert_int_equal(control_request_receive(e->server, &got), SECD_OK);
	control_request_fini(&got);
	assert_int_equal(control_request_receive(e->server, &got), SECD_OK);
	assert_string_equal(got.command, "one");
	assert_false(got.force);
	assert_int_equal(got.arg_count, 0);
	control_request_fini(&got);
}

static void
send_unit(struct ends *e, const char *cmd, const char *flags, const char *data)
{
	knot_ctl_data_t unit = {
	    [KNOT_CTL_IDX_CMD] = cmd,
	    [KNOT_CTL_IDX_FLAGS] = flags,
	    [KNOT_CTL_IDX_DATA] = data,
	};

	assert_int_equal(knot_ctl_send(e->client, KNOT_CTL_TYPE_DATA, &unit),
			 0);
}

static int
receive(struct ends *e)
{
	struct control_request got;
	int rc;

	assert_int_equal(knot_ctl_send(e->client, KNOT_CTL_TYPE_BLOCK, NULL),
			 0);
	rc = control_request_receive(e->server, &got);
	if (rc == SECD_OK) {
		control_request_fini(&got);
	}
	return rc;
}

static void
a_request_without_a_command_is_refused(void **state)
{
	assert_int_equal(receive(*state), SECD_EMALF);
	send_unit(*state, NULL, NULL, "argument");
	assert_int_equal(receive(*state), SECD_EMALF);
}

static void
a_second_command_is_refused(void **state)
{
	send_unit(*state, "status", NULL, NULL);
	send_unit(*state, "stop", NULL, NULL);
	assert_int_equal(receive(*state), SECD_EMALF);
}

static void
an_unknown_flag_is_refused(void **state)
{
	send_unit(*state, "status", "X", NULL);
	assert_int_equal(receive(*state), SECD_EMALF);
}

static void
a_long_argument_is_refused(void **state)
{
	char *text = malloc(CONTROL_ARG_LEN_MAX + 1);
	char *args[] = {text};
	struct control_request q = {command, false, args, 1};

	memset(text, 'x', CONTROL_ARG_LEN_MAX);
	text[CONTROL_ARG_LEN_MAX] = '\0';
	assert_int_equal(
	    control_request_send(((struct ends *)*state)->client, &q),
	    SECD_EINVAL);
	send_unit(*state, "status", NULL, text);
	assert_int_equal(receive(*state), SECD_ELIMIT);
	free(text);
}

static void
a_client_that_goes_away_is_told_from_a_request(void **state)
{
	struct ends *e = *state;
	struct control_request got;

	send_unit(e, "stop", NULL, NULL);
	knot_ctl_close(e->client);
	assert_int_equal(control_request_receive(e->server, &got),
			 SECD_ECLOSED);
}

static void
a_silent_client_times_out(void **state)
{
	struct ends *e = *state;
	struct control_request got;

	knot_ctl_set_timeout(e->server, 1);
	assert_int_equal(control_request_receive(e->server, &got),
			 SECD_ETIMEOUT);
}

static void
rows_arrive_in_order_up_to_the_end(void **state)
{
	static const struct control_row rows[] = {
	    {"example.", "primary p", "serial", "7", NULL, CONTROL_NUMBER},
	    {NULL, NULL, "since", "1700000000", NULL, CONTROL_TIME},
	    {NULL, NULL, NULL, NULL, "it failed", CONTROL_TEXT},
	};
	struct ends *e = *state;
	struct control_row got;

	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(control_row_send(e->server, &rows[i]),
				 SECD_OK);
	}
	assert_int_equal(control_row_send_end(e->server), SECD_OK);
	assert_int_equal(control_row_receive(e->client, &got), SECD_OK);
	assert_string_equal(got.zone, "example.");
	assert_string_equal(got.id, "primary p");
	assert_string_equal(got.item, "serial");
	assert_string_equal(got.value, "7");
	assert_int_equal(got.type, CONTROL_NUMBER);
	assert_int_equal(control_row_receive(e->client, &got), SECD_OK);
	assert_null(got.zone);
	assert_int_equal(got.type, CONTROL_TIME);
	assert_int_equal(control_row_receive(e->client, &got), SECD_OK);
	assert_string_equal(got.error, "it failed");
	assert_int_equal(control_row_receive(e->client, &got), SECD_ENOTFOUND);
}

/* As a record with 65535 octets of RDATA may be written. */
static void
a_long_line_arrives_in_parts(void **state)
{
	static char text[100000], whole[sizeof(text)];
	struct ends *e = *state;
	const struct control_row line = {
	    .item = "line", .value = text, .type = CONTROL_LINE};
	struct control_row got;
	size_t len = 0;

	knot_ctl_set_timeout(e->server, 1000);
	for (size_t i = 0; i < sizeof(text) - 1; i++) {
		text[i] = (char)('a' + i % 23);
	}
	assert_int_equal(control_row_send(e->server, &line), SECD_OK);
	assert_int_equal(control_row_send_end(e->server), SECD_OK);
	do {
		assert_int_equal(control_row_receive(e->client, &got), SECD_OK);
		assert_true(got.type == CONTROL_PART ||
			    got.type == CONTROL_LINE);
		memcpy(whole + len, got.value, strlen(got.value));
		len += strlen(got.value);
	} while (got.type == CONTROL_PART);
	assert_string_equal(whole, text);
	assert_int_equal(control_row_receive(e->client, &got), SECD_ENOTFOUND);
}

static void
a_type_from_the_future_is_text(void **state)
{
	struct ends *e = *state;
	knot_ctl_data_t unit = {
	    [KNOT_CTL_IDX_ITEM] = "x",
	    [KNOT_CTL_IDX_TYPE] = "z",
	    [KNOT_CTL_IDX_DATA] = "y",
	};
	struct control_row got;

	assert_int_equal(knot_ctl_send(e->server, KNOT_CTL_TYPE_DATA, &unit),
			 0);
	assert_int_equal(control_row_send_end(e->server), SECD_OK);
	assert_int_equal(control_row_receive(e->client, &got), SECD_OK);
	assert_int_equal(got.type, CONTROL_TEXT);
}

static void
a_reply_that_breaks_off_is_told_from_its_end(void **state)
{
	struct ends *e = *state;
	struct control_row got;

	knot_ctl_close(e->server);
	assert_int_equal(control_row_receive(e->client, &got), SECD_ECLOSED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	    TEST(a_request_arrives_as_it_was_sent),
	    TEST(two_requests_do_not_mix),
	    TEST(a_request_without_a_command_is_refused),
	    TEST(a_second_command_is_refused),
	    TEST(an_unknown_flag_is_refused),
	    TEST(a_long_argument_is_refused),
	    TEST(a_client_that_goes_away_is_told_from_a_request),
	    TEST(a_silent_client_times_out),
	    TEST(rows_arrive_in_order_up_to_the_end),
	    TEST(a_long_line_arrives_in_parts),
	    TEST(a_type_from_the_future_is_text),
	    TEST(a_reply_that_breaks_off_is_told_from_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
