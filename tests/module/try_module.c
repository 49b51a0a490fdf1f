/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * try_module -- a host that tries out any module.
 *
 *     try_module [-r ROUNDS] [-t TEST] MODULE [CONFIG]
 *
 * It loads MODULE, a shared object, and makes it go through whatever
 * secondaryd/module.h allows: every order of calls, late and early ones,
 * functions of the host that are not there or fail, streams that break off,
 * crashes, reopening. Each test has a process and an empty directory of its
 * own. CONFIG is the module's configuration file, TEST the only one to be run. Ends with "N passed, N
 * failed, N skipped".
 */

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <getopt.h>
#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/options.h"
#include "fake_host.h"
#include "scratch.h"
#include "try_module.h"

/* A test that takes longer hangs; but for more crashes than usual. */
#define TEST_S      120
#define LONG_TEST_S 3600

static const struct secd_module *
load(const char *file)
{
	void *so = dlopen(file, RTLD_NOW | RTLD_LOCAL);
	const void *symbol = so == NULL ? NULL : dlsym(so, "secd_module");

	if (symbol == NULL) {
		fake_wrong("%s", dlerror());
	}
	return symbol;
}

struct fake_host *
trial_host(const struct trial *t, uint64_t seed)
{
	struct fake_host *h = malloc(sizeof(*h));

	if (h == NULL) {
		fake_wrong("no memory");
	}
	fake_host_init(h, t->module, t->dir, t->options, seed);
	return h;
}

struct fake_host *
trial_open(const struct trial *t, uint64_t seed)
{
	struct fake_host *h = trial_host(t, seed);
	int rc = fake_host_open(h);

	if (rc != SECD_OK) {
		fake_wrong("open: %d", rc);
	}
	fake_host_start(h);
	return h;
}

static void
steps(struct fake_host *h, unsigned count)
{
	while (count-- > 0) {
		fake_host_step(h);
	}
}

void
trial_end(struct fake_host *h)
{
	fake_host_close(h);
	free(h);
}

/*
 * Tests
 */

static bool
is_word(const char *text)
{
	return text[0] != '\0' &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") ==
		   strlen(text);
}

static void
it_says_what_it_is(const struct trial *t)
{
	const struct secd_module *m = t->module;

	if (m->size < offsetof(struct secd_module, changes_since) ||
	    m->abi_major != SECD_ABI_MAJOR || m->name == NULL ||
	    m->version == NULL || m->open == NULL || m->close == NULL) {
		fake_wrong("size, version, name, open or close");
	}
	if (!is_word(m->name) || (m->word != NULL && !is_word(m->word))) {
		fake_wrong("name \"%s\", word \"%s\"", m->name, m->word);
	}
	if (m->command != NULL && m->word == NULL) {
		fake_wrong("commands, but no word for them");
	}
}

static size_t
count_entries(const char *dir)
{
	DIR *d = opendir(dir);
	size_t count = 0;

	while (d != NULL && readdir(d) != NULL) {
		count++;
	}
	if (d != NULL) {
		closedir(d);
	}
	return count;
}

static void
it_opens_and_closes_and_leaves_nothing(const struct trial *t)
{
	size_t fds, threads;

	trial_end(trial_open(t, 1)); /* a library may keep something for good */
	fds = count_entries("/proc/self/fd");
	threads = count_entries("/proc/self/task");
	for (int i = 0; i < 20; i++) {
		struct fake_host *h = trial_open(t, 1);

		if (count_entries("/proc/self/task") != threads) {
			fake_wrong("it has a thread");
		}
		trial_end(h);
	}
	if (count_entries("/proc/self/fd") != fds) {
		fake_wrong("descriptors are left open");
	}
}

static void
another_major_version_is_refused(const struct trial *t)
{
	struct fake_host *h = trial_host(t, 1);

	h->api.abi_major++;
	if (fake_host_open(h) == SECD_OK) {
		fake_wrong("opened");
	}
	free(h);
}

static void
a_later_minor_version_is_fine(const struct trial *t)
{
	struct {
		struct fake_host host;
		char more[64];
	} *h = calloc(1, sizeof(*h));

	if (h == NULL) {
		fake_wrong("no memory");
	}
	fake_host_init(&h->host, t->module, t->dir, t->options, 1);
	h->host.api.abi_minor++;
	if (fake_host_open(&h->host) != SECD_OK) {
		fake_wrong("refused");
	}
	fake_host_start(&h->host);
	steps(&h->host, 20);
	fake_host_close(&h->host);
	free(h);
}

static void
an_unknown_option_is_refused(const struct trial *t)
{
	static const char text[] = "no-such-section:\n  no-such-key: 1\n";
	char reason[SECD_REASON_LEN];
	struct fake_host *h = trial_host(t, 1);
	struct options *o;

	if (options_load_text("odd.conf", text, strlen(text), &o, reason) !=
	    SECD_OK) {
		fake_wrong("%s", reason);
	}
	if (SECD_HAS(t->module, check) && t->module->check != NULL &&
	    fake_host_check_options(h, options_get(o)) == SECD_OK) {
		fake_wrong("checked");
	}
	h->options = options_get(o);
	if (fake_host_open(h) == SECD_OK) {
		fake_wrong("opened");
	}
	options_free(o);
	free(h);
}

/* Before anything is there, also many times, also while it is open. */
static void
a_check_of_options_touches_nothing(const struct trial *t)
{
	struct fake_host *h = trial_host(t, 1);
	size_t files = count_entries(t->dir);
	size_t fds = count_entries("/proc/self/fd");

	for (int i = 0; i < 3; i++) {
		if (fake_host_check_options(h, t->options) != SECD_OK) {
			fake_wrong("it does not take what it opens with");
		}
	}
	if (count_entries(t->dir) != files ||
	    count_entries("/proc/self/fd") != fds) {
		fake_wrong("something is left");
	}
	if (fake_host_open(h) != SECD_OK ||
	    fake_host_check_options(h, t->options) != SECD_OK) {
		fake_wrong("not beside an open one");
	}
	fake_host_start(h);
	trial_end(h);
}

static void
every_order_of_calls_is_fine(const struct trial *t)
{
	for (uint64_t seed = 1; seed <= t->rounds; seed++) {
		struct fake_host *h = trial_open(t, seed);

		for (int i = 0; i < 20; i++) {
			steps(h, 20);
			fake_host_settle(h);
			fake_host_check(h);
		}
		trial_end(h);
	}
}

static void
what_was_committed_is_there_when_reopened(const struct trial *t)
{
	struct fake_host *h = trial_open(t, 2);

	for (unsigned i = 0; i < 4 * t->rounds; i++) {
		steps(h, 5);
		fake_host_group(h, 3);
		/* What a walk was begun for may have to be begun again. */
		if (i % 2 == 0) {
			fake_host_settle(h);
		}
		fake_host_close(h);
		if (fake_host_open(h) != SECD_OK) {
			fake_wrong("not reopened");
		}
		fake_host_start(h);
		fake_host_settle(h);
		fake_host_check(h);
	}
	trial_end(h);
}

static void
a_stream_that_breaks_off_is_no_change(const struct trial *t)
{
	struct fake_host *h = trial_open(t, 3);

	for (unsigned i = 0; i < 20 * t->rounds; i++) {
		h->stream_breaks = i % 3 == 0;
		fake_host_group(h, 2);
		fake_host_settle(h);
		h->stream_breaks = false;
		fake_host_check(h);
	}
	trial_end(h);
}

static void
each_function_of_the_host_may_fail(const struct trial *t)
{
	for (unsigned f = 0; f < FAKE_FUNCTION_COUNT; f++) {
		for (unsigned every = 1; every <= 3; every++) {
			struct fake_host *h = trial_host(t, f * 8 + every);

			h->failing = (enum fake_function)f;
			h->fail_every = every;
			if (fake_host_open(h) != SECD_OK) {
				free(h);
				continue;
			}
			fake_host_start(h);
			steps(h, 100);
			/* And all is well again. */
			h->failing = FAKE_FUNCTION_COUNT;
			fake_host_settle(h);
			fake_host_group(h, 4);
			fake_host_settle(h);
			fake_host_check(h);
			trial_end(h);
		}
	}
}

static void
each_function_of_the_host_may_be_missing(const struct trial *t)
{
	for (unsigned f = 0; f < FAKE_FUNCTION_COUNT; f++) {
		struct fake_host *h = trial_host(t, f);

		fake_host_take(h, (enum fake_function)f);
		if (fake_host_open(h) == SECD_OK) {
			fake_host_start(h);
			steps(h, 100);
			fake_host_settle(h);
			fake_host_check(h);
			fake_host_close(h);
		}
		free(h);
	}
}

static void
two_instances_know_nothing_of_each_other(const struct trial *t)
{
	struct trial other = *t;
	struct fake_host *a, *b;

	snprintf(other.dir, sizeof(other.dir), "%.240s/other", t->dir);
	if (mkdir(other.dir, 0700) != 0) {
		fake_wrong("cannot make %s", other.dir);
	}
	a = trial_open(t, 4);
	b = trial_open(&other, 5);
	for (unsigned i = 0; i < 10 * t->rounds; i++) {
		steps(a, 3);
		steps(b, 3);
		fake_host_settle(a);
		fake_host_settle(b);
		fake_host_check(a);
		fake_host_check(b);
	}
	trial_end(a);
	steps(b, 10);
	trial_end(b);
}

/* The C library keeps some signals to itself: they stay as they are here. */
static void
take_dispositions(struct sigaction old[NSIG], sigset_t *mask)
{
	memset(old, 0, NSIG * sizeof(*old));
	sigemptyset(mask);
	for (int s = 1; s < NSIG; s++) {
		sigaction(s, NULL, &old[s]);
	}
	pthread_sigmask(SIG_SETMASK, NULL, mask);
}

static void
the_process_stays_as_it_is(const struct trial *t)
{
	struct sigaction before[NSIG], after[NSIG];
	sigset_t mask_before, mask_after;
	char cwd[256], cwd_after[256];
	mode_t mask = umask(027);
	struct fake_host *h;

	take_dispositions(before, &mask_before);
	if (getcwd(cwd, sizeof(cwd)) == NULL) {
		cwd[0] = '\0';
	}
	h = trial_open(t, 6);
	steps(h, 200);
	trial_end(h);
	take_dispositions(after, &mask_after);
	for (int s = 1; s < NSIG; s++) {
		if (before[s].sa_handler != after[s].sa_handler ||
		    sigismember(&mask_before, s) !=
			sigismember(&mask_after, s)) {
			fake_wrong("signal %d", s);
		}
	}
	if (umask(mask) != 027) {
		fake_wrong("the mask of modes");
	}
	if (cwd[0] != '\0' && (getcwd(cwd_after, sizeof(cwd_after)) == NULL ||
			       strcmp(cwd, cwd_after) != 0)) {
		fake_wrong("the directory");
	}
	if (strcmp(setlocale(LC_ALL, NULL), "C") != 0) {
		fake_wrong("the locale");
	}
}

/*
 * Only reading
 */

/* A database's lock file has its readers in it. */
static bool
is_of_readers(const char *name)
{
	size_t len = strlen(name);

	return len > 5 && strcmp(name + len - 5, "-lock") == 0;
}

static uint64_t
look_at(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	uint64_t sum = 0;

	while (d != NULL && (e = readdir(d)) != NULL) {
		struct stat st;

		if (e->d_name[0] == '.' || is_of_readers(e->d_name) ||
		    fstatat(dirfd(d), e->d_name, &st, 0) != 0) {
			continue;
		}
		sum += (uint64_t)st.st_size * 31 + (uint64_t)st.st_ino +
		       (uint64_t)st.st_mtim.tv_nsec * 7 +
		       (uint64_t)st.st_mtim.tv_sec;
	}
	if (d != NULL) {
		closedir(d);
	}
	return sum;
}

static void
a_host_that_only_reads_changes_nothing(const struct trial *t)
{
	static const char *const words[] = {"list", "help", "verify"};
	struct fake_host *h = trial_open(t, 9);
	uint64_t before;

	for (int i = 0; i < 20; i++) {
		fake_host_group(h, 3);
		fake_host_settle(h);
	}
	fake_host_close(h);
	before = look_at(t->dir);
	h->api.flags = SECD_HOST_READ_ONLY;
	for (unsigned f = 0; f < FAKE_FUNCTION_COUNT; f++) {
		fake_host_take(h, (enum fake_function)f);
	}
	if (fake_host_open(h) == SECD_OK) {
		for (int i = 0; i < 3; i++) {
			fake_host_command(h, 1, &words[i]);
		}
		fake_host_check(h);
		fake_host_close(h);
	}
	free(h);
	if (look_at(t->dir) != before) {
		fake_wrong("the directory is another one");
	}
}

static void
a_directory_that_is_not_there_is_no_crash(const struct trial *t)
{
	struct trial other = *t;
	struct fake_host *h;

	snprintf(other.dir, sizeof(other.dir), "%.240s/missing", t->dir);
	h = trial_host(&other, 10);
	if (fake_host_open(h) == SECD_OK) {
		fake_host_start(h);
		steps(h, 50);
		fake_host_close(h);
	}
	free(h);
}

static const struct trial_test tests[] = {
    TRIAL(it_says_what_it_is),
    TRIAL(it_opens_and_closes_and_leaves_nothing),
    TRIAL(another_major_version_is_refused),
    TRIAL(a_later_minor_version_is_fine),
    TRIAL(an_unknown_option_is_refused),
    TRIAL(a_check_of_options_touches_nothing),
    TRIAL(every_order_of_calls_is_fine),
    TRIAL(what_was_committed_is_there_when_reopened),
    TRIAL(a_stream_that_breaks_off_is_no_change),
    TRIAL(each_function_of_the_host_may_fail),
    TRIAL(each_function_of_the_host_may_be_missing),
    TRIAL(two_instances_know_nothing_of_each_other),
    TRIAL(the_process_stays_as_it_is),
    TRIAL(a_crash_loses_nothing_that_was_committed),
    TRIAL(changes_since_comes_from_any_thread),
    TRIAL(a_host_that_only_reads_changes_nothing),
    TRIAL(a_directory_that_is_not_there_is_no_crash),
    {NULL, NULL},
};

/*
 * The frame
 */

static void
run_here(struct trial *t, const struct trial_test *test)
{
	char reason[SECD_REASON_LEN];
	struct options *o;

	alarm(getenv("SECD_CRASH_RUNS") == NULL ? TEST_S : LONG_TEST_S);
	if (options_load(t->config, &o, reason) != SECD_OK) {
		fake_wrong("%s", reason);
	}
	t->options = options_get(o);
	t->module = load(t->file);
	test->run(t);
	options_free(o);
	exit(EXIT_SUCCESS);
}

static bool
run(struct trial *t, const struct trial_test *test)
{
	int status = -1;
	pid_t child;

	if (!scratch_make("try-module", t->dir)) {
		return false;
	}
	fflush(stdout);
	child = fork();
	if (child == 0) {
		run_here(t, test);
	}
	if (child > 0) {
		waitpid(child, &status, 0);
	}
	scratch_remove(t->dir);
	if (WIFSIGNALED(status)) {
		printf("       %s\n", strsignal(WTERMSIG(status)));
	}
	printf("%s %s\n", status == 0 ? "ok    " : "FAILED", test->name);
	return status == 0;
}

static void
run_all(struct trial *t, const struct trial_test *test, const char *only,
	unsigned counts[2])
{
	for (; test->name != NULL; test++) {
		if (only[0] == '\0' || strcmp(only, test->name) == 0) {
			counts[run(t, test)]++;
		}
	}
}

static bool
is_file_of(const char *path, const char *name)
{
	const char *slash = strrchr(path, '/');

	return strcmp(slash == NULL ? path : slash + 1, name) == 0;
}

int
main(int argc, char **argv)
{
	struct trial t = {.rounds = 3};
	unsigned counts[2] = {0};
	const char *only = "";
	int option;

	while ((option = getopt(argc, argv, "r:t:")) == 'r' || option == 't') {
		if (option == 'r') {
			t.rounds = (unsigned)strtoul(optarg, NULL, 10);
		} else {
			only = optarg;
		}
	}
	if (option != -1 || t.rounds == 0 || argc - optind < 1 ||
	    argc - optind > 2) {
		fputs("usage: try_module [-r ROUNDS] [-t TEST] MODULE "
		      "[CONFIG]\n",
		      stderr);
		return 2;
	}
	t.file = argv[optind];
	t.config = argv[optind + 1];
	run_all(&t, tests, only, counts);
	if (is_file_of(t.file, "ixfr-journal.so")) {
		run_all(&t, trial_journal_tests, only, counts);
		run_all(&t, trial_command_tests, only, counts);
		run_all(&t, trial_behind_tests, only, counts);
		run_all(&t, trial_serial_tests, only, counts);
		run_all(&t, trial_room_tests, only, counts);
	}
	if (is_file_of(t.file, "tsig-rotate.so")) {
		run_all(&t, trial_rotate_tests, only, counts);
		run_all(&t, trial_rotate_operator_tests, only, counts);
		run_all(&t, trial_rotate_canary_tests, only, counts);
	}
	printf("%u passed, %u failed, 0 skipped\n", counts[true],
	       counts[false]);
	return counts[false] > 0;
}
