/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What ixfr-journal keeps, compared with the model, version by version: whole,
 * in pairs, after trims, when the file is full or damaged, and after kill -9.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "answer.h"
#include "base/error.h"
#include "base/options.h"
#include "kept.h"
#include "try_module.h"

/*
 * Tests
 */

static void
reopen(struct fake_host *h)
{
	fake_host_close(h);
	if (fake_host_open(h) != SECD_OK) {
		fake_wrong("not reopened");
	}
	fake_host_start(h);
}

/* Like t, but with other options, which the caller frees. */
static struct options *
options_of(const char *text)
{
	char reason[SECD_REASON_LEN];
	struct options *o;

	if (options_load_text("journal.conf", text, strlen(text), &o, reason) !=
	    SECD_OK) {
		fake_wrong("%s", reason);
	}
	return o;
}

static void
journal_options_that_contradict_are_refused(const struct trial *t)
{
	static const struct {
		const char *text, *reason;
	} cases[] = {
	    {"journal:\n  max-size: 16M\n  max-size: 1G\n",
	     "journal.conf:3: max-size: given twice: \"1G\""},
	    {"zone:\n  - id: default\n    max-age: 1d\n    max-age: 2d\n",
	     "journal.conf:4: max-age: given twice: \"2d\""},
	    {"zone:\n  - id: default\n  - id: default\n",
	     "journal.conf:3: id: given twice: \"default\""},
	    {"zone:\n  - id: a\n  - id: A.\n",
	     "journal.conf:3: id: given twice: \"A.\""},
	    {"zone:\n  - id: a\n    id: b\n",
	     "journal.conf:3: id: given twice: \"b\""},
	    {"zone:\n  - id: a\n  - max-steps: 5\n",
	     "journal.conf:3: max-steps: must stand behind an id; value "
	     "\"5\""},
	    {"zone:\n  - id: a\n    max-steps: 9\n    max-age: 1d\n",
	     "journal.conf:3: max-steps: less than keep-steps, which is 10: "
	     "\"9\""},
	    {"zone:\n  - id: a\n    keep-steps: 9\n  - id: default\n"
	     "    max-steps: 7\n    keep-steps: 7\n",
	     "journal.conf:3: keep-steps: more than max-steps, which is 7: "
	     "\"9\""},
	    {"\nzones:\n  - id: default\n",
	     "journal.conf:2: there is no section \"zones\""},
	    {"zone:\njournals:\n",
	     "journal.conf:2: there is no section \"journals\""},
	    /* These are right. */
	    {"zone:\n  - id: a\n    max-steps: 20\n  - id: default\n"
	     "    max-steps: 0\n    keep-steps: 20\n  - id: b\n"
	     "    max-steps: 30\n",
	     ""},
	    {"zone:\n  - id: a\n    max-steps: 7\n  - id: default\n"
	     "    keep-steps: 7\njournal:\nzone:\n  - id: b\n",
	     ""},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char reason[SECD_REASON_LEN] = "";
		struct options *o = options_of(cases[i].text);
		int rc = t->module->check(options_get(o), reason);

		if ((rc == SECD_OK) != (cases[i].reason[0] == '\0') ||
		    strcmp(reason, cases[i].reason) != 0) {
			fake_wrong("%s: %d, %s", cases[i].text, rc, reason);
		}
		options_free(o);
	}
}

/* As few that a walk is under way when the next change comes. */
static void
some_ticks(struct fake_host *h)
{
	h->in_call = true;
	for (unsigned n = rnd_below(&h->rnd, 8); n > 0; n--) {
		h->module->tick(h->m, &h->now);
	}
	h->in_call = false;
}

static void
journal_each_version_is_kept_as_it_was(const struct trial *t)
{
	for (uint64_t seed = 1; seed <= t->rounds; seed++) {
		struct fake_host *h = trial_open(t, seed);

		for (int i = 0; i < 6; i++) {
			for (int n = 0; n < 10; n++) {
				fake_host_group(h, 1 + rnd_below(&h->rnd, 3));
				some_ticks(h);
			}
			if (i % 3 == 0) {
				reopen(h);
			}
			fake_host_settle(h);
			kept_check_all(h);
		}
		trial_end(h);
	}
}

static void
journal_what_is_trimmed_leaves_the_rest_whole(const struct trial *t)
{
	static const char *const limits[] = {
	    "zone:\n  - id: default\n    max-steps: 7\n    keep-steps: 2\n",
	    "zone:\n  - id: default\n    max-octets: 100K\n    keep-steps: 1\n",
	    "zone:\n  - id: default\n    max-age: 10m\n    keep-steps: 0\n",
	    "zone:\n  - id: default\n    max-steps: 1\n    keep-steps: 0\n",
	};

	for (unsigned l = 0; l < 4; l++) {
		struct trial other = *t;
		struct options *o = options_of(limits[l]);
		struct fake_host *h;

		other.options = options_get(o);
		h = trial_open(&other, 100 + l);
		for (int i = 0; i < 20; i++) {
			fake_host_group(h, 1 + rnd_below(&h->rnd, 6));
			if (i % 4 != 1) {
				fake_host_settle(h);
				kept_check_all(h);
			}
			if (i % 9 == 0) {
				reopen(h);
			}
		}
		trial_end(h);
		options_free(o);
	}
}

static unsigned
failures(struct fake_host *h, bool *durable, uint64_t *octets)
{
	struct answer *a = answer_new();
	unsigned n;

	answer_status(h, a);
	n = a->failures;
	*durable = a->durable;
	*octets = a->octets;
	if (a->durable != (a->lost == 0)) {
		fake_wrong("status: durable %d, %u zones are not", a->durable,
			   a->lost);
	}
	answer_free(a);
	return n;
}

/* Of a group in which all changes break off: whichever is the first, nothing
 * is written. */
static void
journal_a_change_that_breaks_off_leaves_nothing_behind(const struct trial *t)
{
	struct fake_host *h = trial_open(t, 10);
	unsigned broken = 0;

	fake_host_group(h, 50);
	fake_host_settle(h);
	h->stream_breaks = true;
	for (int i = 0; i < 100; i++) {
		unsigned size = 1 + rnd_below(&h->rnd, 3), before, after;
		uint64_t octets, still;
		bool durable;

		before = failures(h, &durable, &octets);
		fake_host_group(h, size);
		after = failures(h, &durable, &still);
		if (after - before != size) {
			continue; /* one was from nothing, without a stream */
		}
		broken++;
		if (octets != still) {
			fake_wrong("%u changes that broke off left %lld octets",
				   size, (long long)(still - octets));
		}
	}
	if (broken < 20) {
		fake_wrong("only %u groups broke off", broken);
	}
	kept_check_verify(h);
	trial_end(h);
}

static void
journal_a_full_file_harms_nothing_and_heals(const struct trial *t)
{
	struct trial other = *t;
	struct options *small = options_of(
	    "journal:\n  max-size: 16M\nzone:\n  - id: default\n"
	    "    max-steps: 0\n    max-octets: 0\n    keep-steps: 1000000\n");
	struct options *large = options_of("journal:\n  max-size: 64M\n");
	struct fake_host *h;
	uint64_t octets;
	bool durable = true;

	other.options = options_get(small);
	h = trial_open(&other, 11);
	for (int i = 0; i < 20000 && durable; i++) {
		fake_host_group(h, 4);
		failures(h, &durable, &octets);
	}
	if (durable || octets > 16u << 20) {
		fake_wrong("%llu octets in a file of 16M",
			   (unsigned long long)octets);
	}
	for (int i = 0; i < 20; i++) {
		fake_host_group(h, 2);
		fake_host_settle(h);
		kept_check_verify(h);
	}
	fake_host_close(h);
	h->options = options_get(large);
	if (fake_host_open(h) != SECD_OK) {
		fake_wrong("not reopened");
	}
	fake_host_start(h);
	fake_host_group(h, 16);
	fake_host_settle(h);
	if (failures(h, &durable, &octets) > 0 || !durable) {
		fake_wrong("it does not heal");
	}
	fake_host_check(h);
	kept_check_verify(h);
	trial_end(h);
	options_free(small);
	options_free(large);
}

static void
journal_a_file_that_fills_is_trimmed_in_time(const struct trial *t)
{
	struct trial other = *t;
	struct options *o = options_of(
	    "journal:\n  max-size: 16M\nzone:\n  - id: default\n"
	    "    max-steps: 0\n    max-octets: 0\n    keep-steps: 1\n");
	struct fake_host *h;
	uint64_t octets;
	bool durable;

	other.options = options_get(o);
	h = trial_open(&other, 12);
	for (int i = 0; i < 500; i++) {
		fake_host_group(h, 4);
		fake_host_settle(h);
		if (failures(h, &durable, &octets) > 0 || !durable) {
			fake_wrong("after %d groups it is full", i);
		}
	}
	kept_check_all(h);
	trial_end(h);
	options_free(o);
}

/* As secondaryctl would, without the server. */
static void
look_at_journal(const struct trial *t, unsigned round, struct fake_host *shared)
{
	static struct model_zone old[FAKE_ZONES], new[FAKE_ZONES];
	struct fake_host *h = trial_host(t, round);
	uint64_t newest[FAKE_ZONES];

	fake_host_left(shared, old, new);
	h->api.flags = SECD_HOST_READ_ONLY;
	h->is_unsettled = true;
	if (fake_host_open(h) == SECD_OK) {
		for (unsigned i = 0; i < FAKE_ZONES; i++) {
			newest[i] = kept_newest(h, i);
		}
		kept_choose(old, new, newest, h->zones);
		kept_check_all(h);
		fake_host_close(h);
		memcpy(shared->zones, h->zones, sizeof(h->zones));
	} else {
		memcpy(shared->zones, old, sizeof(old)); /* it is not there */
	}
	free(h);
}

static void
journal_kill_leaves_a_sound_journal(const struct trial *t)
{
	trial_kill_rounds(t, 13, look_at_journal);
}

/*
 * Pinning
 */

static bool
is_kept(struct fake_host *h, unsigned zone, uint64_t seq)
{
	struct answer *a = answer_new();
	bool found = false;
	char name[8];

	answer_command(h, "list", answer_zone_name(&h->zones[zone], name), NULL,
		       a);
	for (size_t i = 0; i < a->listed_count; i++) {
		found |= a->listed[i].seq == seq;
	}
	answer_free(a);
	return found;
}

static void
journal_what_is_pinned_is_not_trimmed(const struct trial *t)
{
	struct trial other = *t;
	struct options *o = options_of(
	    "zone:\n  - id: default\n    max-steps: 1\n    keep-steps: 0\n");
	struct fake_host *h;
	struct listed old;
	unsigned zone;
	char serial[16];

	other.options = options_get(o);
	h = trial_open(&other, 15);
	do {
		fake_host_group(h, 3);
	} while (!kept_find_old(h, &zone, &old));
	snprintf(serial, sizeof(serial), "%u", (unsigned)old.serial);
	kept_order(h, "pin", zone, serial);
	for (int i = 0; i < 10; i++) {
		fake_host_group(h, 6);
		fake_host_settle(h);
		if (!is_kept(h, zone, old.seq)) {
			fake_wrong("it is gone");
		}
	}
	kept_order(h, "unpin", zone, NULL);
	fake_host_group(h, 12);
	fake_host_settle(h);
	if (is_kept(h, zone, old.seq)) {
		fake_wrong("it is still there");
	}
	kept_check_all(h);
	trial_end(h);
	options_free(o);
}

/* A zone with an older version that can be pinned. */
struct pinnable {
	struct fake_host *h;
	struct listed old;
	unsigned zone;
	char name[8], serial[16];
};

static void
open_pinnable(const struct trial *t, unsigned seed, struct pinnable *p)
{
	p->h = trial_open(t, seed);
	do {
		fake_host_group(p->h, 3);
	} while (!kept_find_old(p->h, &p->zone, &p->old));
	snprintf(p->serial, sizeof(p->serial), "%u", (unsigned)p->old.serial);
	answer_zone_name(&p->h->zones[p->zone], p->name);
}

static void
expect_pin(struct pinnable *p, struct answer *a, int rc, const char *error)
{
	int got = a->waits ? answer_go_on(p->h, "pin", p->name, p->serial, a)
			   : answer_command(p->h, "pin", p->name, p->serial, a);

	if (got != rc || strstr(a->error, error) == NULL) {
		fake_wrong("pin: %d, %s", got, a->error);
	}
}

/* Is it shown as the pinned one? */
static bool
is_pinned(const struct pinnable *p)
{
	struct answer *a = answer_new();
	bool found;

	answer_command(p->h, "list", p->name, NULL, a);
	found = a->pinned == p->old.seq;
	answer_free(a);
	return found;
}

static void
journal_what_the_host_answers_is_said(const struct trial *t)
{
	struct pinnable p;
	struct answer *a = answer_new();

	open_pinnable(t, 17, &p);
	expect_pin(&p, a, SECD_MORE, "");
	expect_pin(&p, a, SECD_MORE, "");
	if (a->count != 0) {
		fake_wrong("said too early: %s", a->lines[0]);
	}
	p.h->now.boot_ms += 10000;
	expect_pin(&p, a, SECD_MORE, "");
	expect_pin(&p, a, SECD_MORE, "");
	if (a->count != 1 || strstr(a->lines[0], "being done") == NULL) {
		fake_wrong("nothing is said for %zu", a->count);
	}
	kept_answer_order(p.h, SECD_OK, "one is served\ntwo is ahead");
	expect_pin(&p, a, SECD_OK, "");
	if (a->count != 3 || strcmp(a->lines[1], "one is served") != 0 ||
	    strcmp(a->lines[2], "two is ahead") != 0 || !is_pinned(&p)) {
		fake_wrong("pin: %zu lines", a->count);
	}
	answer_free(a);
	trial_end(p.h);
}

static void
journal_an_order_that_fails_leaves_what_is_pinned(const struct trial *t)
{
	struct pinnable p;
	struct answer *a = answer_new(), *b = answer_new();

	open_pinnable(t, 18, &p);
	expect_pin(&p, a, SECD_MORE, "");
	kept_answer_order(p.h, SECD_EIO, "it cannot be stored");
	expect_pin(&p, a, SECD_EIO, "it cannot be stored");
	if (is_pinned(&p)) {
		fake_wrong("it is pinned");
	}
	a->waits = false;
	kept_order(p.h, "pin", p.zone, p.serial);
	if (answer_command(p.h, "unpin", p.name, NULL, b) != SECD_MORE) {
		fake_wrong("unpin: %s", b->error);
	}
	kept_answer_order(p.h, SECD_EIO, NULL);
	if (answer_go_on(p.h, "unpin", p.name, NULL, b) != SECD_EIO ||
	    b->error[0] == '\0' || !is_pinned(&p)) {
		fake_wrong("unpin: %s", b->error);
	}
	answer_free(a);
	answer_free(b);
	trial_end(p.h);
}

static void
journal_one_order_is_given_at_a_time(const struct trial *t)
{
	struct pinnable p;
	struct answer *a = answer_new(), *b = answer_new();

	open_pinnable(t, 19, &p);
	expect_pin(&p, a, SECD_MORE, "");
	expect_pin(&p, b, SECD_EBUSY, "another order is under way");
	/* The first operator has gone away; he comes back too late. */
	kept_answer_order(p.h, SECD_OK, "so");
	b->error[0] = '\0';
	expect_pin(&p, b, SECD_MORE, "");
	expect_pin(&p, a, SECD_EBUSY, "another order came");
	kept_answer_order(p.h, SECD_OK, "so");
	expect_pin(&p, b, SECD_OK, "");
	answer_free(a);
	answer_free(b);
	trial_end(p.h);
}

static void
journal_that_does_not_have_the_zone_lets_unpin_it(const struct trial *t)
{
	struct fake_host *h = trial_open(t, 26);
	struct answer *a = answer_new();
	char name[8];

	kept_order(h, "unpin", 0, NULL);
	answer_zone_name(&h->zones[0], name);
	if (answer_command(h, "pin", name, "1", a) != SECD_ENOTFOUND ||
	    strstr(a->error, "not in the journal") == NULL) {
		fake_wrong("pin: %s", a->error);
	}
	a->error[0] = '\0';
	if (answer_command(h, "unpin", "other.", NULL, a) != SECD_ENOTFOUND ||
	    strcmp(a->error, "the host has no zone other.") != 0) {
		fake_wrong("unpin: %s", a->error);
	}
	answer_free(a);
	trial_end(h);
}

static void
journal_a_host_that_cannot_pin_is_told_so(const struct trial *t)
{
	struct fake_host *h = trial_host(t, 16);
	struct answer *a = answer_new();
	struct listed old;
	unsigned zone;
	char name[8], serial[16];

	fake_host_take(h, FAKE_ZONE_PIN);
	if (fake_host_open(h) != SECD_OK) {
		fake_wrong("not opened");
	}
	fake_host_start(h);
	do {
		fake_host_group(h, 3);
	} while (!kept_find_old(h, &zone, &old));
	snprintf(serial, sizeof(serial), "%u", (unsigned)old.serial);
	if (answer_command(h, "pin", answer_zone_name(&h->zones[zone], name),
			   serial, a) != SECD_ENOTSUP ||
	    strstr(a->error, "cannot") == NULL) {
		fake_wrong("pin: %s", a->error);
	}
	answer_free(a);
	trial_end(h);
}

/*
 * Damage
 */

/* Whatever it says of a damaged file is true, or it says that it is damaged. A
 * child; LMDB may end it, as it trusts its own pages. */
static void
look_at_damage(const struct trial *t, const struct fake_host *whole)
{
	struct fake_host *h = malloc(sizeof(*h));
	struct answer *a = answer_new();

	if (h == NULL || freopen("/dev/null", "w", stdout) == NULL ||
	    freopen("/dev/null", "w", stderr) == NULL) {
		_Exit(0);
	}
	*h = *whole;
	h->api.ctx = h;
	h->api.flags = SECD_HOST_READ_ONLY;
	alarm(20);
	(void)t;
	if (fake_host_open(h) == SECD_OK &&
	    answer_command(h, "verify", NULL, NULL, a) == SECD_OK) {
		/* Each of these ends the child with 1 when it is wrong. */
		for (unsigned i = 0; i < FAKE_ZONES; i++) {
			kept_check_zone(h, &h->zones[i]);
		}
	}
	_Exit(0);
}

static void
journal_a_flipped_octet_is_found_or_harmless(const struct trial *t)
{
	struct fake_host *h = trial_open(t, 14);
	char path[512];
	struct stat st;
	unsigned crashes = 0;
	FILE *f;

	for (int i = 0; i < 10; i++) {
		fake_host_group(h, 6);
		fake_host_settle(h);
	}
	kept_check_all(h);
	fake_host_close(h);
	snprintf(path, sizeof(path), "%.256s/journal.mdb", t->dir);
	f = fopen(path, "r+e");
	if (f == NULL || fstat(fileno(f), &st) != 0) {
		fake_wrong("no journal");
	}
	setvbuf(f, NULL, _IONBF, 0);
	for (unsigned i = 0; i < 60 * t->rounds; i++) {
		long at = (long)rnd_below(&h->rnd, (unsigned)st.st_size);
		int octet, status = 0;
		pid_t child;

		fseek(f, at, SEEK_SET);
		octet = fgetc(f);
		fseek(f, at, SEEK_SET);
		fputc(octet ^ (1 << rnd_below(&h->rnd, 8)), f);
		child = fork();
		if (child == 0) {
			look_at_damage(t, h);
		}
		waitpid(child, &status, 0);
		if (WIFEXITED(status) && WEXITSTATUS(status) == 1) {
			fake_wrong("octet %ld: nobody noticed", at);
		}
		crashes += WIFSIGNALED(status);
		fseek(f, at, SEEK_SET);
		fputc(octet, f);
	}
	fclose(f);
	free(h);
	if (crashes > 6 * t->rounds) {
		fake_wrong("%u crashes", crashes);
	}
}

/* In the whole file. */
static void
replace_octets(const char *path, const uint8_t *from, const uint8_t *to,
	       size_t len)
{
	FILE *f = fopen(path, "r+e");
	struct stat st;
	uint8_t *octets;

	if (f == NULL || fstat(fileno(f), &st) != 0 ||
	    (octets = malloc((size_t)st.st_size)) == NULL ||
	    fread(octets, 1, (size_t)st.st_size, f) != (size_t)st.st_size) {
		fake_wrong("no journal");
	}
	for (size_t at = 0; at + len <= (size_t)st.st_size; at++) {
		if (memcmp(octets + at, from, len) == 0) {
			memcpy(octets + at, to, len);
		}
	}
	rewind(f);
	fwrite(octets, 1, (size_t)st.st_size, f);
	fclose(f);
	free(octets);
}

static void
heed(struct fake_host *h, const char *text)
{
	(void)h;
	if (strstr(text, "not trimmed") != NULL) {
		fake_wrong("%s", text);
	}
}

/* One that is no name, and one that sorts before those in front of it. */
static void
journal_a_damaged_apex_keeps_no_other_zone_waiting(const struct trial *t)
{
	static const struct fake_watcher watcher = {.logged = heed};
	const uint8_t damaged[][4] = {{63, 'z', 'd', 0}, {1, 'z', 0, 0}};

	for (size_t i = 0; i < 2; i++) {
		struct fake_host *h = trial_open(t, 16);
		char path[512];

		h->configured[3] = true;
		reopen(h);
		for (int n = 0; n < 10; n++) {
			fake_host_group(h, 6);
			fake_host_settle(h);
		}
		fake_host_close(h);
		snprintf(path, sizeof(path), "%.256s/journal.mdb", t->dir);
		replace_octets(path, h->zones[3].apex, damaged[i], 4);
		if (fake_host_open(h) != SECD_OK) {
			fake_wrong("not opened");
		}
		h->watcher = &watcher;
		h->configured[3] = false;
		fake_host_start(h);
		h->now.boot_ms += 3600000;
		fake_host_settle(h);
		h->expected[3] = FAKE_UNKNOWN;
		kept_check_zone(h, &h->zones[2]);
		fake_host_close(h);
		unlink(path);
		free(h);
	}
}

const struct trial_test trial_journal_tests[] = {
    TRIAL(journal_options_that_contradict_are_refused),
    TRIAL(journal_each_version_is_kept_as_it_was),
    TRIAL(journal_what_is_trimmed_leaves_the_rest_whole),
    TRIAL(journal_a_change_that_breaks_off_leaves_nothing_behind),
    TRIAL(journal_a_full_file_harms_nothing_and_heals),
    TRIAL(journal_a_file_that_fills_is_trimmed_in_time),
    TRIAL(journal_kill_leaves_a_sound_journal),
    TRIAL(journal_what_is_pinned_is_not_trimmed),
    TRIAL(journal_what_the_host_answers_is_said),
    TRIAL(journal_an_order_that_fails_leaves_what_is_pinned),
    TRIAL(journal_one_order_is_given_at_a_time),
    TRIAL(journal_that_does_not_have_the_zone_lets_unpin_it),
    TRIAL(journal_a_host_that_cannot_pin_is_told_so),
    TRIAL(journal_a_flipped_octet_is_found_or_harmless),
    TRIAL(journal_a_damaged_apex_keeps_no_other_zone_waiting),
    {NULL, NULL},
};
