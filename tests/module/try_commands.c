/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the commands of ixfr-journal say while it changes under their feet, and
 * what they count.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "answer.h"
#include "base/error.h"
#include "base/options.h"
#include "try_module.h"

/* The zone that they are about. */
static const char *
zone_name(const struct fake_host *h)
{
	static char name[8];

	return answer_zone_name(&h->zones[0], name);
}

static struct fake_host *
open_with(const struct trial *t, uint64_t seed, const char *text,
	  struct options **options)
{
	struct trial other = *t;
	char reason[SECD_REASON_LEN];

	if (options_load_text("journal.conf", text, strlen(text), options,
			      reason) != SECD_OK) {
		fake_wrong("%s", reason);
	}
	other.options = options_get(*options);
	return trial_open(&other, seed);
}

static void
grow(struct fake_host *h, unsigned groups)
{
	while (groups-- > 0) {
		fake_host_group(h, 4);
	}
	fake_host_settle(h);
}

static struct answer *
list(struct fake_host *h)
{
	struct answer *a = answer_new();

	if (answer_command(h, "list", zone_name(h), NULL, a) != SECD_OK) {
		fake_wrong("list: %s", a->error);
	}
	return a;
}

/* What came after the trim is what is kept behind what came before. */
static void
check_going_on(const struct answer *listed, size_t before,
	       const struct answer *now)
{
	uint64_t last = listed->listed[before - 1].seq;
	size_t at = 0;

	if (now->listed[0].seq <= last) {
		fake_wrong("it was not trimmed as far as it was read");
	}
	while (at < now->listed_count && before + at < listed->listed_count &&
	       now->listed[at].seq == listed->listed[before + at].seq) {
		at++;
	}
	if (at != now->listed_count || before + at != listed->listed_count) {
		fake_wrong("%zu of %zu versions were listed",
			   listed->listed_count - before, now->listed_count);
	}
}

static void
commands_list_goes_on_when_it_was_trimmed(const struct trial *t)
{
	struct answer *listed = answer_new(), *now = NULL;
	struct options *options;
	struct fake_host *h =
	    open_with(t, 21,
		      "zone:\n  - id: default\n    max-steps: 150\n"
		      "    keep-steps: 0\n",
		      &options);
	size_t before;
	int rc;

	do {
		answer_free(now == NULL ? answer_new() : now);
		grow(h, 10);
		now = list(h);
	} while (now->listed_count < 140);
	answer_free(now);
	rc = answer_turn(h, "list", zone_name(h), NULL, listed);
	before = listed->listed_count;
	if (rc != SECD_MORE || before == 0) {
		fake_wrong("it was listed at once: %d", rc);
	}
	grow(h, 400);
	while (rc == SECD_MORE) {
		rc = answer_turn(h, "list", zone_name(h), NULL, listed);
	}
	now = list(h);
	check_going_on(listed, before, now);
	answer_free(now);
	answer_free(listed);
	trial_end(h);
	options_free(options);
}

/*
 * A reader beside the writer
 */

/* What the reader is asked for, and what it says. */
struct errand {
	uint64_t seq;
	size_t records;
};

enum verdict {
	SAW_ALL = 1,
	SAW_THE_TRIM,
};

static void
tell(int fd, const void *what, size_t len)
{
	if (write(fd, what, len) != (ssize_t)len) {
		fake_wrong("the other process is gone");
	}
}

static bool
hear(int fd, void *what, size_t len)
{
	return read(fd, what, len) == (ssize_t)len;
}

/* One export of a reader; between its first turn and the others the writer has
 * its way. */
static enum verdict
export_beside(struct fake_host *h, const struct errand *e, int in, int out)
{
	struct answer *a = answer_new();
	char version[32], go;
	bool is_told;
	int rc;

	snprintf(version, sizeof(version), "@%llu", (unsigned long long)e->seq);
	rc = answer_turn(h, "export", zone_name(h), version, a);
	tell(out, "", 1);
	if (!hear(in, &go, 1)) {
		_Exit(1);
	}
	while (rc == SECD_MORE) {
		rc = answer_turn(h, "export", zone_name(h), version, a);
	}
	is_told = rc == SECD_ENOTFOUND && strstr(a->error, "trimmed") != NULL;
	if (!is_told && (rc != SECD_OK || a->count != e->records)) {
		fake_wrong("export %s: %d, %s, %zu records", version, rc,
			   a->error, a->count);
	}
	answer_free(a);
	return is_told ? SAW_THE_TRIM : SAW_ALL;
}

/* The child, with a module of its own, until nothing more is asked. */
static void
read_beside(const struct trial *t, int in, int out)
{
	struct fake_host *h = trial_host(t, 1);
	struct errand e;

	h->api.flags = SECD_HOST_READ_ONLY;
	while (hear(in, &e, sizeof(e))) {
		enum verdict verdict;

		if (fake_host_open(h) != SECD_OK) {
			fake_wrong("the reader cannot open it");
		}
		verdict = export_beside(h, &e, in, out);
		fake_host_close(h);
		tell(out, &verdict, sizeof(verdict));
	}
	_Exit(0);
}

/* Start it while no database is open. */
static void
start_reader(const struct trial *t,
	     void (*run)(const struct trial *t, int in, int out), int *to,
	     int *from)
{
	int there[2], back[2];

	if (pipe(there) != 0 || pipe(back) != 0) {
		fake_wrong("no pipe");
	}
	fflush(stdout);
	if (fork() == 0) {
		close(there[1]);
		close(back[0]);
		run(t, there[0], back[1]);
	}
	close(there[0]);
	close(back[1]);
	*to = there[1];
	*from = back[0];
}

static enum verdict
ask_reader(struct fake_host *h, int to, int from)
{
	const struct model_version *v = model_newest(&h->zones[0]);
	struct errand e = {.seq = v->seq, .records = 1};
	enum verdict verdict;
	char ready;

	for (size_t i = 0; i < MODEL_RECORDS; i++) {
		e.records += v->values[i] != 0;
	}
	tell(to, &e, sizeof(e));
	if (!hear(from, &ready, 1)) {
		fake_wrong("the reader is gone");
	}
	grow(h, rnd_below(&h->rnd, 2) * 10);
	tell(to, "", 1);
	if (!hear(from, &verdict, sizeof(verdict))) {
		fake_wrong("the reader is gone");
	}
	return verdict;
}

static void
commands_a_reader_beside_the_writer_is_told_of_a_trim(const struct trial *t)
{
	unsigned seen[SAW_THE_TRIM + 1] = {0}, n;
	struct options *options;
	struct fake_host *h;
	int to, from;

	start_reader(t, read_beside, &to, &from);
	h = open_with(
	    t, 22,
	    "zone:\n  - id: default\n    max-steps: 1\n    keep-steps: 0\n",
	    &options);
	grow(h, 20);
	for (n = 0; n < 100 && (seen[SAW_ALL] < 3 || seen[SAW_THE_TRIM] < 3);
	     n++) {
		seen[ask_reader(h, to, from)]++;
	}
	if (seen[SAW_ALL] < 3 || seen[SAW_THE_TRIM] < 3) {
		fake_wrong("in %u exports, %u trims were noticed", n,
			   seen[SAW_THE_TRIM]);
	}
	close(to);
	close(from);
	trial_end(h);
	options_free(options);
}

/* A reader whom the writer does not see: while the first record is written
 * down, others are committed. */
static struct {
	int in, out;
	bool is_on;
} pause_in;

static int
pause_once(void *ctx, const struct secd_entry *e, char *out, size_t cap)
{
	char go;

	(void)ctx;
	(void)e;
	(void)out;
	(void)cap;
	if (pause_in.is_on) {
		pause_in.is_on = false;
		tell(pause_in.out, "", 1);
		if (!hear(pause_in.in, &go, 1)) {
			_Exit(1);
		}
	}
	return SECD_ENOTSUP;
}

struct unseen {
	uint64_t from, to; /* seq */
	bool is_torn;      /* it has to be told */
};

static void
read_unseen(const struct trial *t, int in, int out)
{
	struct fake_host *h = trial_host(t, 1);
	struct unseen u;

	h->api.flags = SECD_HOST_READ_ONLY;
	h->api.record_text = pause_once;
	pause_in.in = in;
	pause_in.out = out;
	while (hear(in, &u, sizeof(u))) {
		struct answer *a = answer_new();
		char way[64];
		int rc;

		if (fake_host_open(h) != SECD_OK) {
			fake_wrong("the reader cannot open it");
		}
		pause_in.is_on = true;
		snprintf(way, sizeof(way), "@%llu..@%llu",
			 (unsigned long long)u.from, (unsigned long long)u.to);
		rc = answer_command(h, "diff", zone_name(h), way, a);
		fake_host_close(h);
		if ((rc != SECD_OK) != u.is_torn ||
		    (strstr(a->error, "wrote meanwhile") != NULL) !=
			u.is_torn) {
			fake_wrong("diff: %d, %s", rc, a->error);
		}
		answer_free(a);
		tell(out, "", 1);
	}
	_Exit(0);
}

static void
ask_unseen(struct fake_host *h, int to, int from, unsigned commits)
{
	struct unseen u = {.is_torn = commits > 1};
	const struct model_zone *z = &h->zones[0];
	char done;

	for (size_t i = 0; i < z->count; i++) {
		if (model_find(z, z->versions[i].from_seq) != NULL) {
			u.from = z->versions[i].from_seq;
			u.to = z->versions[i].seq;
		}
	}
	tell(to, &u, sizeof(u));
	if (!hear(from, &done, 1)) {
		fake_wrong("the reader is gone");
	}
	while (commits-- > 0) {
		fake_host_group(h, 1);
	}
	tell(to, "", 1);
	if (!hear(from, &done, 1)) {
		fake_wrong("the reader is gone");
	}
}

static void
commands_a_reader_that_the_writer_does_not_see_is_told(const struct trial *t)
{
	struct fake_host *h;
	char path[512];
	int to, from;

	start_reader(t, read_unseen, &to, &from);
	h = trial_open(t, 24);
	do {
		fake_host_group(h, 4);
	} while (h->zones[0].count < 4);
	snprintf(path, sizeof(path), "%s/journal.mdb-lock", t->dir);
	if (unlink(path) != 0) {
		fake_wrong("no lock file");
	}
	for (unsigned commits = 0; commits < 6; commits++) {
		ask_unseen(h, to, from, commits % 4);
		if (access(path, F_OK) == 0) {
			fake_wrong("the reader made a lock file");
		}
	}
	close(to);
	close(from);
	trial_end(h);
}

static uint64_t
number(const struct answer *a, const char *zone, const char *id,
       const char *item)
{
	const char *value = answer_find(a, zone, id, item);

	if (value == NULL) {
		fake_wrong("no %s of %s", item, id);
	}
	return strtoull(value, NULL, 10);
}

/* Of one zone; returns how many versions there are. */
static size_t
check_counts(struct fake_host *h, const struct model_zone *z,
	     const struct answer *zones, const struct answer *verified)
{
	struct answer *versions = answer_new();
	const struct listed *last;
	char name[8], id[16];
	size_t count;

	answer_command(h, "list", answer_zone_name(z, name), NULL, versions);
	count = versions->listed_count;
	last = &versions->listed[count - 1];
	snprintf(id, sizeof(id), "zone %s", name);
	if (number(zones, "", id, "versions") != count ||
	    number(zones, "", id, "newest-serial") != last->serial ||
	    number(verified, name, "", "versions") != count) {
		fake_wrong("%s has %zu versions, to serial %u", name, count,
			   (unsigned)last->serial);
	}
	answer_free(versions);
	return count;
}

static void
commands_count_what_is_kept(const struct trial *t)
{
	struct fake_host *h = trial_open(t, 23);
	struct answer *zones = answer_new(), *verified = answer_new(),
		      *status = answer_new();
	size_t versions = 0;

	grow(h, 30);
	answer_command(h, "list", NULL, NULL, zones);
	answer_command(h, "verify", NULL, NULL, verified);
	answer_status(h, status);
	for (size_t i = 0; i < FAKE_ZONES; i++) {
		versions += check_counts(h, &h->zones[i], zones, verified);
	}
	if (number(status, "", "", "versions") != versions ||
	    number(status, "", "", "zones") != FAKE_ZONES ||
	    number(verified, "", "", "zones") != FAKE_ZONES ||
	    number(verified, "", "", "damaged") != 0) {
		fake_wrong("%zu versions of %u zones are kept", versions,
			   FAKE_ZONES);
	}
	answer_free(zones);
	answer_free(verified);
	answer_free(status);
	trial_end(h);
}

/* Whichever way it goes: of each record set what is deleted comes first. */
static void
check_signs(const struct answer *a)
{
	char set[2][64], type[32];
	bool added = false;

	set[0][0] = '\0';
	for (size_t i = 0; i < a->count; i++) {
		const char *line = a->lines[i];

		if (sscanf(line + 2, "%31s %*s %*s %31s", set[1], type) != 2) {
			fake_wrong("diff: %s", line);
		}
		strcat(strcat(set[1], " "), type);
		if (strcmp(set[0], set[1]) == 0 && added && line[0] == '-') {
			fake_wrong("diff: %s comes too late", line);
		}
		added = line[0] == '+';
		strcpy(set[0], set[1]);
	}
}

static void
commands_diff_deletes_before_it_adds(const struct trial *t)
{
	struct fake_host *h = trial_open(t, 28);
	struct answer *versions;
	size_t last;

	do {
		grow(h, 3);
		versions = list(h);
		last = versions->listed_count - 1;
	} while (last < 4 || versions->listed[last - 1].begins ||
		 versions->listed[last].begins);
	for (unsigned i = 0; i < 2; i++) {
		unsigned long long from = versions->listed[last - i].seq,
				   to = versions->listed[last - 1 + i].seq;
		struct answer *a = answer_new();
		char way[64];

		snprintf(way, sizeof(way), "@%llu..@%llu", from, to);
		if (answer_command(h, "diff", zone_name(h), way, a) !=
			SECD_OK ||
		    a->count < 2) {
			fake_wrong("diff %s: %s", way, a->error);
		}
		check_signs(a);
		answer_free(a);
	}
	answer_free(versions);
	trial_end(h);
}

static void
commands_say_how_they_are_used(const struct trial *t)
{
	struct fake_host *h = trial_open(t, 29);
	struct answer *a = answer_new();

	if (answer_command(h, "diff", zone_name(h), NULL, a) != SECD_EINVAL ||
	    strcmp(a->error, "usage: journal diff ZONE FROM..TO") != 0) {
		fake_wrong("diff: %s", a->error);
	}
	answer_free(a);
	trial_end(h);
}

const struct trial_test trial_command_tests[] = {
    TRIAL(commands_list_goes_on_when_it_was_trimmed),
    TRIAL(commands_a_reader_beside_the_writer_is_told_of_a_trim),
    TRIAL(commands_a_reader_that_the_writer_does_not_see_is_told),
    TRIAL(commands_count_what_is_kept),
    TRIAL(commands_diff_deletes_before_it_adds),
    TRIAL(commands_say_how_they_are_used),
    {NULL, NULL},
};
