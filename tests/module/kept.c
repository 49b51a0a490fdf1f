/* SPDX-License-Identifier: BSD-2-Clause */

#include "kept.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

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

/* A version, as a command may be asked for it; room for 32. */
static char *
version_name(struct fake_host *h, const struct answer *list, size_t at,
	     char *text)
{
	if (is_last_of_serial(list, at) && rnd_below(&h->rnd, 2) == 0) {
		sprintf(text, "%u", (unsigned)list->listed[at].serial);
	} else {
		sprintf(text, "@%llu",
			(unsigned long long)list->listed[at].seq);
	}
	return text;
}

/* A run that ended before its base was read has none. */
static bool
may_be_unread(const struct fake_host *h, const struct answer *list, size_t at)
{
	return h->is_unsettled || !is_newest_run(list, at);
}

static void
check_export(struct fake_host *h, const struct model_zone *z,
	     const struct answer *list, size_t at)
{
	const struct model_version *v = model_find(z, list->listed[at].seq);
	struct answer *is = answer_new(), *ought = answer_new();
	struct buf whole = {0};
	char name[8], serial[32];
	int rc;

	version_name(h, list, at, serial);
	rc = answer_command(h, "export", answer_zone_name(z, name), serial, is);
	model_whole(z, v, &whole);
	answer_add_entries(ought, &whole, false);
	if (rc != SECD_OK &&
	    (rc != SECD_EBUSY || !may_be_unread(h, list, at))) {
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

/* Between two versions with the same SOA. */
static void
drop_soas(struct answer *a)
{
	size_t kept = 0;

	for (size_t i = 0; i < a->count; i++) {
		if (strstr(a->lines[i], " TYPE6 ") != NULL) {
			free(a->lines[i]);
		} else {
			a->lines[kept++] = a->lines[i];
		}
	}
	a->count = kept;
}

static void
check_diff(struct fake_host *h, const struct model_zone *z,
	   const struct answer *list, size_t a, size_t b)
{
	const struct model_version *from = model_find(z, list->listed[a].seq),
				   *to = model_find(z, list->listed[b].seq);
	struct answer *is = answer_new(), *ought = answer_new();
	struct buf step = {0};
	char name[8], serials[80], old[32], new[32];
	int rc;

	snprintf(serials, sizeof(serials), "%s..%s",
		 version_name(h, list, a, old), version_name(h, list, b, new));
	rc = answer_command(h, "diff", answer_zone_name(z, name), serials, is);
	model_step(z, from, to, &step);
	answer_add_entries(ought, &step, true);
	if (from->serial == to->serial) {
		drop_soas(ought);
	}
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

	if (a == b || from == NULL || to == NULL || !is_way(list, low, high)) {
		return;
	}
	check_diff(h, z, list, a, b); /* backwards too */
	if (a < b && is_newest_run(list, a) && is_last_of_serial(list, a) &&
	    is_last_of_serial(list, b)) {
		check_since(h, z, from, to);
	}
}

/* No step leads to it or on from it: it may go once there is another one. */
static bool
is_alone(const struct model_zone *z, const struct model_version *v)
{
	if (v->from_seq != 0) {
		return false;
	}
	for (size_t i = 0; i < z->count; i++) {
		if (z->versions[i].from_seq == v->seq &&
		    z->versions[i].is_told && !z->versions[i].is_lost) {
			return false;
		}
	}
	return true;
}

/* All versions of the model from the oldest one that is kept are listed. */
static void
check_list(const struct fake_host *h, const struct model_zone *z,
	   const struct answer *list)
{
	uint64_t newest = z->count == 0 ? 0 : model_newest(z)->seq;
	size_t at = 0;

	for (size_t i = 0; i < z->count; i++) {
		const struct model_version *v = &z->versions[i];
		bool is_listed;

		while (at < list->listed_count &&
		       list->listed[at].seq < v->seq && i == 0) {
			at++; /* the model forgot them */
		}
		if (at == 0 && !h->keeps_all &&
		    (list->listed_count == 0 || v->seq < list->listed[0].seq)) {
			continue; /* trimmed */
		}
		is_listed = at < list->listed_count &&
			    list->listed[at].seq == v->seq &&
			    list->listed[at].serial == v->serial;
		if (!is_listed && !v->is_lost &&
		    !(v->seq < newest && is_alone(z, v))) {
			fake_wrong("list: not version %llu",
				   (unsigned long long)v->seq);
		}
		at += is_listed;
	}
	if (at != list->listed_count) {
		fake_wrong("list: version %llu, which never counted",
			   (unsigned long long)list->listed[at].seq);
	}
}

/* The newest ones alone are the end of the list. */
static void
check_last(struct fake_host *h, const struct model_zone *z,
	   const struct answer *list)
{
	struct answer *last = answer_new();
	size_t count = 1 + rnd_below(&h->rnd, (unsigned)list->listed_count + 1);
	size_t expected =
	    count < list->listed_count ? count : list->listed_count;
	char name[8], text[16];

	snprintf(text, sizeof(text), "%zu", count);
	if (answer_command(h, "list", answer_zone_name(z, name), text, last) !=
		SECD_OK ||
	    last->listed_count != expected ||
	    memcmp(last->listed, list->listed + list->listed_count - expected,
		   expected * sizeof(struct listed)) != 0) {
		fake_wrong("list %s %s: not the last ones", name, text);
	}
	answer_free(last);
}

void
kept_check_verify(struct fake_host *h)
{
	struct answer *a = answer_new();
	int rc = answer_command(h, "verify", NULL, NULL, a);

	if (rc != SECD_OK) {
		fake_wrong("verify: %d, %s (%s)", rc, a->error, a->damage);
	}
	answer_free(a);
}

void
kept_check_zone(struct fake_host *h, const struct model_zone *z)
{
	struct answer *list = answer_new();
	char name[8];

	if (z->count > 0 && answer_command(h, "list", answer_zone_name(z, name),
					   NULL, list) != SECD_OK) {
		fake_wrong("list: %s", list->error);
	}
	check_list(h, z, list);
	if (list->listed_count > 0) {
		check_last(h, z, list);
	}
	for (size_t i = 0; i < list->listed_count; i++) {
		if (model_find(z, list->listed[i].seq) != NULL) {
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

void
kept_check_all(struct fake_host *h)
{
	kept_check_verify(h);
	for (unsigned i = 0; i < FAKE_ZONES; i++) {
		kept_check_zone(h, &h->zones[i]);
	}
}

/*
 * After a crash
 */

static bool
is_at(const struct model_zone zones[FAKE_ZONES],
      const uint64_t newest[FAKE_ZONES])
{
	for (unsigned i = 0; i < FAKE_ZONES; i++) {
		const struct model_version *v = model_newest(&zones[i]);

		if ((v == NULL ? 0 : v->seq) != newest[i]) {
			return false;
		}
	}
	return true;
}

void
kept_choose(const struct model_zone old[FAKE_ZONES],
	    const struct model_zone new[FAKE_ZONES],
	    const uint64_t newest[FAKE_ZONES],
	    struct model_zone out[FAKE_ZONES])
{
	const struct model_zone *chosen = is_at(new, newest)   ? new
					  : is_at(old, newest) ? old
							       : NULL;

	if (chosen == NULL) {
		fake_wrong("newest are %llu, %llu, %llu, %llu: neither the one "
			   "nor the other",
			   (unsigned long long)newest[0],
			   (unsigned long long)newest[1],
			   (unsigned long long)newest[2],
			   (unsigned long long)newest[3]);
	}
	memcpy(out, chosen, FAKE_ZONES * sizeof(*out));
}

uint64_t
kept_newest(struct fake_host *h, unsigned zone)
{
	struct secd_version v = {.size = sizeof(v)};
	int rc;

	h->in_call = true;
	rc = h->module->newest(h->m, h->zones[zone].apex, &v);
	h->in_call = false;
	return rc == SECD_OK ? v.seq : 0;
}

/*
 * Orders
 */

/* A version that others were made of, and that has a serial of its own. */
bool
kept_find_old(struct fake_host *h, unsigned *zone, struct listed *old)
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

void
kept_answer_order(struct fake_host *h, int rc, const char *text)
{
	struct secd_pinned pinned = {
	    .size = sizeof(pinned), .rc = rc, .text = text};
	struct secd_event e = {
	    .size = sizeof(e), .type = SECD_EVENT_PINNED, .pinned = &pinned};

	if (h->pending_count != 1) {
		fake_wrong("%zu orders", h->pending_count);
	}
	pinned.id = h->pending[0].id;
	h->pending_count = 0;
	h->in_call = true;
	h->module->event(h->m, &e);
	h->in_call = false;
}

/* Give the order, and say that it was done. */
void
kept_order(struct fake_host *h, const char *word, unsigned zone,
	   const char *serial)
{
	struct answer *a = answer_new();
	char name[8];
	int rc;

	answer_zone_name(&h->zones[zone], name);
	rc = answer_command(h, word, name, serial, a);
	if (rc != SECD_MORE) {
		fake_wrong("%s: %d, %s", word, rc, a->error);
	}
	kept_answer_order(h, SECD_OK, "so");
	rc = answer_go_on(h, word, name, serial, a);
	if (rc != SECD_OK || a->count != 1 || strcmp(a->lines[0], "so") != 0) {
		fake_wrong("%s: %d, %s", word, rc, a->error);
	}
	answer_free(a);
}
