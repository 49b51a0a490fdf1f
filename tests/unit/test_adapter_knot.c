/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Knot DNS by a control socket behind which is a small model of knotd: keys,
 * and one transaction that belongs to nobody. It can be told to misbehave at
 * any command.
 */

#include <libknot/control/control.h>
#include <libknot/errcode.h>
#include <libknot/error.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "placing.h"

#define ONE   "aaaaaaaaaaaaaaaa"
#define ONE64 "YWFhYWFhYWFhYWFhYWFhYQ=="
#define TWO   "cccccccccccccccc"
#define TWO64 "Y2NjY2NjY2NjY2NjY2NjYw=="
#define TAKEN "knotd has taken 2 keys"
#define BUSY                                                                   \
	"knotd has a configuration transaction open that is not ours: end it " \
	"with knotc conf-commit or conf-abort"
#define UNKNOWN "knotd does not say whether it has taken the keys: "

/* ---- the model ---- */

struct item {
	char id[64], algorithm[32], secret[64];
	bool is_foreign; /* in a transaction: of another section */
};

struct items {
	struct item list[8];
	size_t count;
};

enum manner { WELL, REFUSES, HANGS, HANGS_UP, DIES_WITH_ITS_CLIENT };

static struct {
	knot_ctl_t *ctl;
	pthread_t thread;
	atomic_bool is_ending;
	struct items in_force, wanted;
	bool is_open;
	/* At this command, so often: */
	const char *at;
	enum manner manner;
	int times;
	pid_t client;
	char log[4096]; /* commands */
} knotd;

static struct item *
find(struct items *items, const char *id)
{
	for (size_t i = 0; i < items->count; i++) {
		if (strcmp(items->list[i].id, id) == 0) {
			return &items->list[i];
		}
	}
	return NULL;
}

/* Returns an error, or NULL. */
static const char *
set(knot_ctl_data_t *data)
{
	const char *id = (*data)[KNOT_CTL_IDX_ID];
	const char *item = (*data)[KNOT_CTL_IDX_ITEM];
	const char *value = (*data)[KNOT_CTL_IDX_DATA];
	struct item *i = find(&knotd.wanted, id);

	if (item == NULL && i != NULL) {
		return "duplicate identifier";
	}
	if (item == NULL) {
		i = &knotd.wanted.list[knotd.wanted.count++];
		*i = (struct item){.algorithm = ""};
		strcpy(i->id, id);
		return NULL;
	}
	if (i == NULL) {
		return "invalid identifier";
	}
	strcpy(strcmp(item, "secret") == 0 ? i->secret : i->algorithm, value);
	return NULL;
}

static void
show(const struct item *i)
{
	knot_ctl_data_t data = {[KNOT_CTL_IDX_SECTION] =
				    i->is_foreign ? "zone" : "key",
				[KNOT_CTL_IDX_ITEM] = "secret",
				[KNOT_CTL_IDX_ID] = i->id,
				[KNOT_CTL_IDX_DATA] = i->secret};

	knot_ctl_send(knotd.ctl, KNOT_CTL_TYPE_DATA, &data);
}

static const char *
commit(void)
{
	for (size_t i = 0; i < knotd.wanted.count; i++) {
		if (knotd.wanted.list[i].algorithm[0] == '\0') {
			return "no key algorithm defined";
		}
	}
	knotd.in_force = knotd.wanted;
	knotd.is_open = false;
	return NULL;
}

static const char *
obey(knot_ctl_data_t *data)
{
	const char *cmd = (*data)[KNOT_CTL_IDX_CMD];

	if (strcmp(cmd, "reload") == 0) {
		return knotd.is_open ? knot_strerror(KNOT_TXN_EEXISTS) : NULL;
	}
	if (strcmp(cmd, "conf-begin") == 0) {
		if (knotd.is_open) {
			return knot_strerror(KNOT_TXN_EEXISTS);
		}
		knotd.is_open = true;
		knotd.wanted = knotd.in_force;
		return NULL;
	}
	if (!knotd.is_open) {
		return "no active transaction";
	}
	if (strcmp(cmd, "conf-set") == 0) {
		return set(data);
	}
	if (strcmp(cmd, "conf-commit") == 0) {
		return commit();
	}
	if (strcmp(cmd, "conf-abort") == 0) {
		knotd.is_open = false;
		return NULL;
	}
	for (size_t i = 0; i < knotd.wanted.count; i++) { /* conf-diff */
		const struct item *old =
		    find(&knotd.in_force, knotd.wanted.list[i].id);

		if (old == NULL ||
		    strcmp(old->secret, knotd.wanted.list[i].secret) != 0) {
			show(&knotd.wanted.list[i]);
		}
	}
	return NULL;
}

/* One command was read. False: hang up. */
static bool
answer(knot_ctl_data_t *data)
{
	const char *cmd = (*data)[KNOT_CTL_IDX_CMD], *error = NULL;
	bool is_it =
	    knotd.at != NULL && strcmp(cmd, knotd.at) == 0 && knotd.times-- > 0;
	knot_ctl_data_t reply = {0};

	strcat(strcat(knotd.log, cmd), " ");
	if (is_it && knotd.manner == REFUSES) {
		error = "invalid base64 string length";
	} else {
		error = obey(data);
	}
	if (is_it && knotd.manner == HANGS) {
		knot_ctl_type_t type;
		knot_ctl_data_t more;

		/* Until the client goes. */
		while (knot_ctl_receive(knotd.ctl, &type, &more) == KNOT_EOK) {
		}
		return false;
	}
	if (is_it && knotd.manner == DIES_WITH_ITS_CLIENT) {
		kill(knotd.client, SIGKILL);
		return false;
	}
	if (is_it && knotd.manner == HANGS_UP) {
		return false;
	}
	if (error != NULL) {
		reply[KNOT_CTL_IDX_ERROR] = error;
		knot_ctl_send(knotd.ctl, KNOT_CTL_TYPE_DATA, &reply);
	}
	return knot_ctl_send(knotd.ctl, KNOT_CTL_TYPE_BLOCK, NULL) == KNOT_EOK;
}

static void
serve(void)
{
	knot_ctl_type_t type;
	knot_ctl_data_t data;

	while (knot_ctl_receive(knotd.ctl, &type, &data) == KNOT_EOK &&
	       type != KNOT_CTL_TYPE_END) {
		if (type == KNOT_CTL_TYPE_DATA && !answer(&data)) {
			return;
		}
	}
}

static void *
knotd_main(void *arg)
{
	while (!atomic_load(&knotd.is_ending)) {
		if (knot_ctl_accept(knotd.ctl) == KNOT_EOK) {
			serve();
			knot_ctl_close(knotd.ctl);
		}
	}
	return arg;
}

static void
start_knotd(void)
{
	knotd.ctl = knot_ctl_alloc();
	assert_non_null(knotd.ctl);
	knot_ctl_set_timeout(knotd.ctl, 5000);
	assert_int_equal(knot_ctl_bind(knotd.ctl, placing_path("sock")),
			 KNOT_EOK);
	atomic_store(&knotd.is_ending, false);
	assert_int_equal(pthread_create(&knotd.thread, NULL, knotd_main, NULL),
			 0);
}

static void
stop_knotd(void)
{
	knot_ctl_t *client = knot_ctl_alloc(); /* to wake it */

	assert_non_null(client);
	atomic_store(&knotd.is_ending, true);
	knot_ctl_connect(client, placing_path("sock"));
	knot_ctl_close(client);
	knot_ctl_free(client);
	pthread_join(knotd.thread, NULL);
	knot_ctl_unbind(knotd.ctl);
	knot_ctl_free(knotd.ctl);
}

/* ---- */

static int
setup(void **state)
{
	placing_setup(state);
	memset(&knotd, 0, sizeof(knotd));
	placing_set("control", placing_path("sock"));
	start_knotd();
	return 0;
}

static int
teardown(void **state)
{
	stop_knotd();
	return placing_teardown(state);
}

static void
misbehave(const char *at, enum manner manner)
{
	knotd.at = at;
	knotd.manner = manner;
	knotd.times = 1;
}

static void
place(const char *secret, int rc, const char *text)
{
	knotd.log[0] = '\0';
	placing_expect(&adapter_knot, secret, rc, text);
}

static const char *
secret_of(const char *id)
{
	struct item *i = find(&knotd.in_force, id);

	return i == NULL ? "(none)" : i->secret;
}

static void
keys_are_made_and_changed_in_one_transaction(void **state)
{
	(void)state;
	place(ONE, SECD_OK, TAKEN);
	assert_string_equal(knotd.log,
			    "conf-begin conf-set conf-set conf-set conf-set "
			    "conf-set conf-set conf-commit ");
	assert_string_equal(secret_of("p1-a."), ONE64);
	assert_string_equal(secret_of("p1-b."), PLACING_B);
	assert_string_equal(find(&knotd.in_force, "p1-a.")->algorithm,
			    "hmac-sha256");
	place(TWO, SECD_OK, TAKEN);
	assert_string_equal(secret_of("p1-a."), TWO64);
	assert_int_equal(knotd.in_force.count, 2);
	assert_false(knotd.is_open);
	assert_int_equal(placing.result.was_asked, 1);
}

static void
any_refusal_ends_the_whole_transaction(void **state)
{
	static const char *const at[] = {"conf-set", "conf-commit"};

	(void)state;
	place(ONE, SECD_OK, TAKEN);
	for (size_t i = 0; i < 2; i++) {
		misbehave(at[i], REFUSES);
		if (i == 0) {
			/* The first one may be refused: the key is there. */
			knotd.times = 2;
		}
		place(TWO, SECD_EIO,
		      "knotd refuses: invalid base64 string length");
		assert_false(knotd.is_open);
		assert_string_equal(secret_of("p1-a."), ONE64);
		place(TWO, SECD_OK, TAKEN);
		place(ONE, SECD_OK, TAKEN);
	}
	misbehave("conf-begin", REFUSES);
	place(TWO, SECD_EIO, "knotd refuses: invalid base64 string length");
	assert_string_equal(knotd.log, "conf-begin ");
}

static void
somebody_elses_transaction_is_left_alone(void **state)
{
	(void)state;
	knotd.is_open = true;
	place(ONE, SECD_EBUSY, BUSY);
	assert_string_equal(knotd.log, "conf-begin ");
	place(ONE, SECD_EBUSY, BUSY); /* and it is not taken for ours now */
	assert_string_equal(knotd.log, "conf-begin ");
	assert_true(knotd.is_open);
	knotd.is_open = false;
	place(ONE, SECD_OK, TAKEN);
}

static void
an_answer_that_is_lost_ends_the_transaction(void **state)
{
	static const enum manner manners[] = {HANGS, HANGS_UP};
	static const char *const at[] = {"conf-set", "conf-begin"};

	(void)state;
	place(ONE, SECD_OK, TAKEN);
	for (size_t i = 0; i < 4; i++) {
		misbehave(at[i / 2], manners[i % 2]);
		placing.timeout_ms = 1000;
		placing_place(&adapter_knot, TWO);
		assert_int_equal(placing.result.rc,
				 i % 2 == 0 ? SECD_ETIMEOUT : SECD_ECLOSED);
		assert_int_equal(
		    strncmp(placing.result.text, UNKNOWN, sizeof(UNKNOWN) - 1),
		    0);
		assert_string_equal(secret_of("p1-a."), ONE64);
		placing.timeout_ms = 20000;
		place(TWO, SECD_OK, TAKEN);
		assert_false(knotd.is_open);
		place(ONE, SECD_OK, TAKEN);
	}
}

static void
a_commit_whose_answer_is_lost_ends_nobody_elses_transaction(void **state)
{
	(void)state;
	place(ONE, SECD_OK, TAKEN);
	misbehave("conf-commit", HANGS_UP);
	knotd.log[0] = '\0';
	placing_place(&adapter_knot, TWO);
	assert_int_equal(placing.result.rc, SECD_ECLOSED);
	assert_string_equal(secret_of("p1-a."), TWO64);
	assert_null(strstr(knotd.log, "conf-abort"));
	/* It is over, and no longer taken for ours. */
	knotd.is_open = true;
	knotd.wanted = knotd.in_force;
	place(ONE, SECD_EBUSY, BUSY);
}

/* kill -9 at this command, which knotd has obeyed. */
static void
killed_at(const char *command)
{
	int sync[2];
	char c;

	assert_int_equal(pipe(sync), 0);
	knotd.client = fork();
	if (knotd.client == 0) {
		close(sync[1]);
		(void)!read(sync[0], &c, 1);
		placing_place(&adapter_knot, TWO);
		_exit(0);
	}
	close(sync[0]);
	misbehave(command, DIES_WITH_ITS_CLIENT);
	assert_int_equal(write(sync[1], "x", 1), 1);
	waitpid(knotd.client, NULL, 0);
	close(sync[1]);
}

static void
what_kill_9_leaves_open_is_ended_the_next_time(void **state)
{
	(void)state;
	place(ONE, SECD_OK, TAKEN);
	killed_at("conf-set");
	assert_true(knotd.is_open);
	place(TWO, SECD_OK, TAKEN);
	assert_int_equal(strncmp(knotd.log,
				 "conf-begin conf-diff conf-abort conf-begin ",
				 43),
			 0);
	killed_at("conf-begin");
	assert_true(knotd.is_open);
	place(ONE, SECD_OK, TAKEN);
	killed_at("conf-commit");
	assert_false(knotd.is_open);
	place(ONE, SECD_OK, TAKEN);
	assert_string_equal(secret_of("p1-a."), ONE64);
}

static void
others_changes_in_what_was_left_open_are_not_thrown_away(void **state)
{
	struct item *theirs;

	(void)state;
	place(ONE, SECD_OK, TAKEN);
	killed_at("conf-set");
	theirs = &knotd.wanted.list[knotd.wanted.count++];
	*theirs = (struct item){.id = "example.",
				.secret = "x",
				.algorithm = "x",
				.is_foreign = true};
	place(TWO, SECD_EBUSY, BUSY);
	assert_true(knotd.is_open);
	assert_null(strstr(knotd.log, "conf-abort"));
	/* A key that is not one of these is somebody else's, too. */
	theirs->is_foreign = false;
	place(TWO, SECD_EBUSY, BUSY);
	/* And what only has the name of one of these. */
	theirs->is_foreign = true;
	strcpy(theirs->id, "p1-a.");
	place(TWO, SECD_EBUSY, BUSY);
	assert_true(knotd.is_open);
	knotd.is_open = false;
	place(TWO, SECD_OK, TAKEN);
}

static void
after_knotd_starts_again_nothing_is_ours(void **state)
{
	(void)state;
	place(ONE, SECD_OK, TAKEN);
	killed_at("conf-set");
	stop_knotd();
	start_knotd();
	knotd.is_open = true; /* of somebody else */
	knotd.wanted = knotd.in_force;
	place(TWO, SECD_EBUSY, BUSY);
	assert_null(strstr(knotd.log, "conf-abort"));
}

static void
a_knotd_that_does_not_run_is_said(void **state)
{
	char text[600];

	(void)state;
	placing_set("control", "/nonexistent/knot.sock");
	placing_place(&adapter_knot, ONE);
	assert_int_equal(placing.result.rc, SECD_ECLOSED);
	snprintf(text, sizeof(text),
		 "knotd is not reached at /nonexistent/knot.sock (");
	assert_int_equal(strncmp(placing.result.text, text, strlen(text)), 0);
}

static void
with_a_file_it_is_told_to_reload(void **state)
{
	(void)state;
	placing_set("file", placing_path("keys.conf"));
	placing_set("group", "");
	placing_set("config", placing_path("knot.conf"));
	placing_set("check", placing_script("check", "echo $* >checked"));
	place(ONE, SECD_OK, TAKEN);
	assert_string_equal(knotd.log, "reload ");
	assert_non_null(
	    strstr(placing_contents("keys.conf"), "key:\n  - id: \"p1-a.\"\n"));
	assert_int_equal(strncmp(placing_contents("checked"), "-c /", 4), 0);
	assert_non_null(
	    strstr(placing_contents("checked"), "/knot.conf conf-check\n"));
	place(ONE, SECD_OK, "knotd has 2 keys already");
	assert_string_equal(knotd.log, "");
	misbehave("reload", REFUSES);
	place(TWO, SECD_EIO, "knotd refuses: invalid base64 string length");
	assert_non_null(strstr(placing_contents("keys.conf"), ONE64));
	knotd.is_open = true;
	place(TWO, SECD_EBUSY, BUSY);
	assert_non_null(strstr(placing_contents("keys.conf"), ONE64));
	knotd.is_open = false;
	misbehave("reload", HANGS_UP);
	placing_place(&adapter_knot, TWO);
	assert_int_equal(placing.result.rc, SECD_ECLOSED);
	assert_non_null(strstr(placing_contents("keys.conf"), TWO64));
}

static void
a_knotd_with_a_file_that_does_not_run_has_the_keys_later(void **state)
{
	(void)state;
	placing_set("control", "/nonexistent/knot.sock");
	placing_set("file", placing_path("keys.conf"));
	placing_set("group", "");
	placing_set("check", "/bin/true");
	placing_place(&adapter_knot, ONE);
	assert_int_equal(placing.result.rc, SECD_ECLOSED);
	assert_non_null(
	    strstr(placing.result.text, "; it has the keys when it starts"));
	assert_non_null(strstr(placing_contents("keys.conf"), ONE64));
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(keys_are_made_and_changed_in_one_transaction),
	    CASE(any_refusal_ends_the_whole_transaction),
	    CASE(somebody_elses_transaction_is_left_alone),
	    CASE(an_answer_that_is_lost_ends_the_transaction),
	    CASE(a_commit_whose_answer_is_lost_ends_nobody_elses_transaction),
	    CASE(what_kill_9_leaves_open_is_ended_the_next_time),
	    CASE(others_changes_in_what_was_left_open_are_not_thrown_away),
	    CASE(after_knotd_starts_again_nothing_is_ours),
	    CASE(a_knotd_that_does_not_run_is_said),
	    CASE(with_a_file_it_is_told_to_reload),
	    CASE(a_knotd_with_a_file_that_does_not_run_has_the_keys_later),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests_name("adapter_knot", tests, NULL, NULL);
}
