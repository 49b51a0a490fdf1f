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
#include "try_module.h"

/*
 * Comparisons: each ends the process when something is not as it was.
 */

/* Kept under this serial is the newest version that has it. */
static bool
is_last_of_serial(const struct answer *list, size_t at)
{
	for (size_t i = at + 1; i < list->listed_count; i++) {
		if (list->listed[i].serial == list->listed[at].serial) {
			return false;
		}
	}
	return true;
}

static bool
is_newest_run(const struct answer *list, size_t at)
{
	for (size_t i = at + 1; i < list->listed_count; i++) {
		if (list->listed[i].begins) {
			return false;
		}
	}
	return true;
}

static void
check_export(struct fake_host *h, const struct model_zone *z,
	     const struct answer *list, size_t at)
{
	const struct model_version *v = model_find(z, list->listed[at].seq);
	struct answer *is = answer_new(), *ought = answer_new();
	struct buf whole = {0};
	char name[8], serial[16];
	int rc;

	snprintf(serial, sizeof(serial), "%u", (unsigned)v->serial);
	rc = answer_command(h, "export", answer_zone_name(z, name), serial, is);
	model_whole(z, v, &whole);
	answer_add_entries(ought, &whole, false);
	/* A run that ended before its base was read has none. */
	if (rc != SECD_OK && (rc != SECD_EBUSY || is_newest_run(list, at))) {
		fake_wrong("export %s %s: %d, %s", name, serial, rc, is->error);
	}
	if (rc == SECD_OK && !answer_same_lines(is, ought)) {
		fake_wrong("export %s %s: another zone", name, serial);
	}
	buf_fini(&whole);
	answer_free(is);
	answer_free(ought);
}

/* Is there a beginning behind one and up to the other? */
static bool
is_way(const struct answer *list, size_t from, size_t to)
{
	for (size_t i = from + 1; i <= to; i++) {
		if (list->listed[i].begins) {
			return false;
		}
	}
	return true;
}

static void
check_diff(struct fake_host *h, const struct model_zone *z,
	   const struct model_version *from, const struct model_version *to)
{
	struct answer *is = answer_new(), *ought = answer_new();
	struct buf step = {0};
	char name[8], serials[32];
	int rc;

	snprintf(serials, sizeof(serials), "%u..%u", (unsigned)from->serial,
		 (unsigned)to->serial);
	rc = answer_command(h, "diff", answer_zone_name(z, name), serials, is);
	model_step(z, from, to, &step);
	answer_add_entries(ought, &step, true);
	if (rc != SECD_OK) {
		fake_wrong("diff %s %s: %d, %s", name, serials, rc, is->error);
	}
	qsort(is->lines, is->count, sizeof(char *), answer_compare_lines);
	qsort(ought->lines, ought->count, sizeof(char *), answer_compare_lines);
	if (!answer_same_lines(is, ought)) {
		fake_wrong("diff %s %s: another difference", name, serials);
	}
	buf_fini(&step);
	answer_free(is);
	answer_free(ought);
}

static void
check_since(struct fake_host *h, const struct model_zone *z,
	    const struct model_version *from, const struct model_version *to)
{
	struct model_version v = *from;
	struct buf steps = {0};
	const char *wrong = NULL;
	int rc = fake_host_since(h, z, from, to->seq, &steps);

	if (rc == SECD_OK) {
		wrong = model_apply(z, &v, steps.data, steps.len);
	}
	if (rc != SECD_OK || wrong != NULL || v.serial != to->serial ||
	    memcmp(v.values, to->values, sizeof(v.values)) != 0) {
		fake_wrong("changes_since: %d, %s", rc,
			   wrong != NULL ? wrong : "another zone");
	}
	buf_fini(&steps);
}

static void
check_pair(struct fake_host *h, const struct model_zone *z,
	   const struct answer *list, size_t a, size_t b)
{
	size_t low = a < b ? a : b, high = a < b ? b : a;
	const struct model_version *from = model_find(z, list->listed[a].seq),
				   *to = model_find(z, list->listed[b].seq);

	if (a == b || from == NULL || to == NULL || !is_way(list, low, high) ||
	    !is_last_of_serial(list, a) || !is_last_of_serial(list, b)) {
		return;
	}
	check_diff(h, z, from, to); /* backwards too */
	if (a < b && is_newest_run(list, a)) {
		check_since(h, z, from, to);
	}
}

/* All versions of the model from the oldest one that is kept are listed. */
static void
check_list(const struct model_zone *z, const struct answer *list)
{
	size_t at = 0;

	for (size_t i = 0; i < z->count; i++) {
		const struct model_version *v = &z->versions[i];

		while (at < list->listed_count &&
		       list->listed[at].seq < v->seq && i == 0) {
			at++; /* the model forgot them */
		}
		if (at == 0 &&
		    (list->listed_count == 0 || v->seq < list->listed[0].seq)) {
			continue; /* trimmed */
		}
		if (at == list->listed_count ||
		    list->listed[at].seq != v->seq ||
		    list->listed[at].serial != v->serial) {
			fake_wrong("list: not version %llu",
				   (unsigned long long)v->seq);
		}
		at++;
	}
	if (at != list->listed_count) {
		fake_wrong("list: version %llu, which never counted",
			   (unsigned long long)list->listed[at].seq);
	}
}

static void
check_verify(struct fake_host *h)
{
	struct answer *a = answer_new();
	int rc = answer_command(h, "verify", NULL, NULL, a);

	if (rc != SECD_OK) {
		fake_wrong("verify: %d, %s (%s)", rc, a->error, a->damage);
	}
	answer_free(a);
}

static void
check_zone(struct fake_host *h, const struct model_zone *z)
{
	struct answer *list = answer_new();
	char name[8];

	if (z->count > 0 && answer_command(h, "list", answer_zone_name(z, name),
					   NULL, list) != SECD_OK) {
		fake_wrong("list: %s", list->error);
	}
	check_list(z, list);
	for (size_t i = 0; i < list->listed_count; i++) {
		if (model_find(z, list->listed[i].seq) != NULL &&
		    is_last_of_serial(list, i)) {
			check_export(h, z, list, i);
		}
	}
	for (int n = 0; n < 20 && list->listed_count > 0; n++) {
		unsigned count = (unsigned)list->listed_count;

		check_pair(h, z, list, rnd_below(&h->rnd, count),
			   rnd_below(&h->rnd, count));
	}
	answer_free(list);
}

static void
check_all(struct fake_host *h)
{
	check_verify(h);
	for (unsigned i = 0; i < FAKE_ZONES; i++) {
		check_zone(h, &h->zones[i]);
	}
}

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
			check_all(h);
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
				check_all(h);
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
		check_verify(h);
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
	check_verify(h);
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
	check_all(h);
	trial_end(h);
	options_free(o);
}

static void
look_at_journal(const struct trial *t, unsigned round, struct fake_host *shared)
{
	struct fake_host *h = trial_host(t, round);

	(void)shared;
	h->api.flags = SECD_HOST_READ_ONLY;
	if (fake_host_open(h) == SECD_OK) {
		check_verify(h);
		fake_host_close(h);
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

/* A version that others were made of, and that has a serial of its own. */
static bool
find_old(struct fake_host *h, unsigned *zone, struct listed *old)
{
	for (*zone = 0; *zone < FAKE_ZONES; ++*zone) {
		struct answer *a = answer_new();
		char name[8];
		bool found;

		answer_command(h, "list",
			       answer_zone_name(&h->zones[*zone], name), NULL,
			       a);
		found = a->listed_count > 1 && is_newest_run(a, 0) &&
			is_last_of_serial(a, 0);
		*old = a->listed[0];
		answer_free(a);
		if (found) {
			return true;
		}
	}
	return false;
}

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

/* Give the order, and say that it was done. */
static void
order(struct fake_host *h, const char *word, unsigned zone, const char *serial)
{
	struct secd_pinned pinned = {.size = sizeof(pinned), .text = "so"};
	struct secd_event e = {
	    .size = sizeof(e), .type = SECD_EVENT_PINNED, .pinned = &pinned};
	struct answer *a = answer_new();
	char name[8];
	int rc = answer_command(
	    h, word, answer_zone_name(&h->zones[zone], name), serial, a);

	if (rc != SECD_OK || h->pending_count != 1) {
		fake_wrong("%s: %d, %s", word, rc, a->error);
	}
	pinned.id = h->pending[0].id;
	h->pending_count = 0;
	h->in_call = true;
	h->module->event(h->m, &e);
	h->in_call = false;
	answer_free(a);
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
	} while (!find_old(h, &zone, &old));
	snprintf(serial, sizeof(serial), "%u", (unsigned)old.serial);
	order(h, "pin", zone, serial);
	for (int i = 0; i < 10; i++) {
		fake_host_group(h, 6);
		fake_host_settle(h);
		if (!is_kept(h, zone, old.seq)) {
			fake_wrong("it is gone");
		}
	}
	order(h, "unpin", zone, NULL);
	fake_host_group(h, 12);
	fake_host_settle(h);
	if (is_kept(h, zone, old.seq)) {
		fake_wrong("it is still there");
	}
	check_all(h);
	trial_end(h);
	options_free(o);
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
	} while (!find_old(h, &zone, &old));
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
			check_zone(h, &h->zones[i]);
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
	check_all(h);
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

const struct trial_test trial_journal_tests[] = {
    TRIAL(journal_each_version_is_kept_as_it_was),
    TRIAL(journal_what_is_trimmed_leaves_the_rest_whole),
    TRIAL(journal_a_full_file_harms_nothing_and_heals),
    TRIAL(journal_a_file_that_fills_is_trimmed_in_time),
    TRIAL(journal_kill_leaves_a_sound_journal),
    TRIAL(journal_what_is_pinned_is_not_trimmed),
    TRIAL(journal_a_host_that_cannot_pin_is_told_so),
    TRIAL(journal_a_flipped_octet_is_found_or_harmless),
    {NULL, NULL},
};
