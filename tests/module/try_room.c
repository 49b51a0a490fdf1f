/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A journal that is nearly full, with one zone whose changes are large beside
 * the file: what may go goes, and what cannot be done is said once.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "base/error.h"
#include "base/octets.h"
#include "base/options.h"
#include "try_module.h"

#define RDATA_LEN 1000
#define ZONE      "big."

static const uint8_t apex[] = {3, 'b', 'i', 'g', 0};

/* The zone: so many records, other ones in each version. */
static struct {
	uint64_t seq;
	unsigned count;
	unsigned said; /* that the journal is not trimmed */
} big;

static void
put_record(struct buf *out, enum secd_op op, uint64_t seq, unsigned number)
{
	uint8_t octets[sizeof(apex) + 11 + RDATA_LEN] = {(uint8_t)op};
	uint8_t *p = octets + 1 + sizeof(apex);
	size_t rdata_len = number == 0 ? 22 : RDATA_LEN;

	memcpy(octets + 1, apex, sizeof(apex));
	p[1] = number == 0 ? 6 : 10;
	p[6] = (uint8_t)(rdata_len >> 8);
	p[7] = (uint8_t)rdata_len;
	put_u32(p + 10, (uint32_t)seq); /* of the SOA: its serial */
	put_u32(p + 14, number);
	if (buf_put(out, octets, 1 + sizeof(apex) + 8 + rdata_len) != SECD_OK) {
		fake_wrong("no memory");
	}
}

static void
put_records(struct buf *out, enum secd_op soa, enum secd_op op, uint64_t seq,
	    unsigned count)
{
	put_record(out, soa, seq, 0);
	for (unsigned i = 1; i <= count; i++) {
		put_record(out, op, seq, i);
	}
}

/* Pieces of what is lent. */
struct reading {
	struct secd_stream stream; /* first */
	struct buf octets;
	size_t at;
};

static int
next_piece(struct reading *r, const uint8_t **octets, size_t *len)
{
	size_t n;
	struct secd_entry e;

	*octets = r->octets.data + r->at;
	*len = 0;
	while ((n = secd_entry_read(r->octets.data + r->at,
				    r->octets.len - r->at, &e)) > 0 &&
	       *len + n <= SECD_CHUNK_MAX) {
		*len += n;
		r->at += n;
	}
	return SECD_OK;
}

static int
stream_next(struct secd_stream *s, const uint8_t **octets, size_t *len)
{
	return next_piece((struct reading *)s, octets, len);
}

static int
get_big(void *ctx, const uint8_t *name, struct secd_zone *out)
{
	(void)ctx;
	(void)name;
	out->flags = SECD_ZONE_HELD;
	out->apex = apex;
	out->seq = big.seq;
	out->serial = (uint32_t)big.seq;
	return SECD_OK;
}

static int
next_big(void *ctx, const uint8_t *before, struct secd_zone *out)
{
	return before != NULL ? SECD_ENOTFOUND : get_big(ctx, apex, out);
}

/* Of the newest version alone. */
static int
walk_big(void *ctx, const uint8_t *name, uint64_t seq, struct secd_walk **out)
{
	struct reading *r;

	(void)ctx;
	(void)name;
	if (seq != 0 && seq != big.seq) {
		return SECD_ENOTFOUND;
	}
	r = calloc(1, sizeof(*r));
	if (r == NULL) {
		return SECD_ENOMEM;
	}
	put_records(&r->octets, SECD_OP_ADD, SECD_OP_ADD, big.seq, big.count);
	*out = (struct secd_walk *)r;
	return SECD_OK;
}

static int
walk_big_next(struct secd_walk *w, const uint8_t **octets, size_t *len)
{
	return next_piece((struct reading *)w, octets, len);
}

static void
walk_big_end(struct secd_walk *w)
{
	if (w != NULL) {
		buf_fini(&((struct reading *)w)->octets);
		free(w);
	}
}

static void
on_log(struct fake_host *h, const char *text)
{
	(void)h;
	big.said += strstr(text, "is not trimmed") != NULL;
}

static bool
no_probe(struct fake_host *h, const struct secd_probe *p)
{
	(void)h;
	(void)p;
	return false;
}

static bool
no_placement(struct fake_host *h, const struct secd_placement *p)
{
	(void)h;
	(void)p;
	return false;
}

static const struct fake_watcher watcher = {on_log, no_probe, no_placement};

/* To the next version, of so many records. */
static int
change(struct fake_host *h, unsigned count)
{
	struct reading r = {
	    .stream = {.size = sizeof(r.stream), .next = stream_next}};
	struct secd_change c = {.size = sizeof(c),
				.source = SECD_SOURCE_IXFR,
				.from = (uint32_t)big.seq,
				.to = (uint32_t)big.seq + 1,
				.apex = apex,
				.from_seq = big.seq,
				.seq = big.seq + 1,
				.at_ms = h->now.wall_ms,
				.primary_id = "",
				.records = big.seq == 0 ? NULL : &r.stream};
	int rc;

	put_records(&r.octets, SECD_OP_SOA_FROM, SECD_OP_DELETE, big.seq,
		    big.count);
	put_records(&r.octets, SECD_OP_SOA_TO, SECD_OP_ADD, big.seq + 1, count);
	big.seq++;
	big.count = count;
	h->in_call = true;
	rc = h->module->change(h->m, &c);
	h->module->commit(h->m);
	h->in_call = false;
	buf_fini(&r.octets);
	return rc;
}

static void
pass(struct fake_host *h, int64_t ms)
{
	int64_t end = h->now.boot_ms + ms;

	h->in_call = true;
	while (h->now.boot_ms < end) {
		int64_t due = h->module->tick(h->m, &h->now);

		due = due > end ? end : due;
		due -=
		    due > h->now.boot_ms ? h->now.boot_ms : h->now.boot_ms - 1;
		h->now.boot_ms += due;
		h->now.wall_ms += due;
	}
	h->in_call = false;
}

static struct fake_host *
open_big(const struct trial *t, const char *text, struct options **options)
{
	struct fake_host *h = trial_host(t, 27);
	char reason[SECD_REASON_LEN];

	if (options_load_text("journal.conf", text, strlen(text), options,
			      reason) != SECD_OK) {
		fake_wrong("%s", reason);
	}
	h->options = options_get(*options);
	h->watcher = &watcher;
	h->api.zone_get = get_big;
	h->api.zone_next = next_big;
	h->api.walk_begin = walk_big;
	h->api.walk_next = walk_big_next;
	h->api.walk_end = walk_big_end;
	if (fake_host_open(h) != SECD_OK) {
		fake_wrong("not opened");
	}
	return h;
}

/* How many versions; `alarm` receives what is wrong, or NULL. */
static size_t
look(struct fake_host *h, struct answer *a, const char **alarm)
{
	struct answer *versions = answer_new();
	size_t count;

	answer_status(h, a);
	*alarm = answer_find(a, "", "", "alarm");
	answer_command(h, "list", ZONE, NULL, versions);
	count = versions->listed_count;
	answer_free(versions);
	return count;
}

static void
expect_sound(struct fake_host *h)
{
	struct answer *a = answer_new();

	if (answer_command(h, "verify", ZONE, NULL, a) != SECD_OK) {
		fake_wrong("verify: %s%s", a->error, a->damage);
	}
	answer_free(a);
}

static void
journal_of_large_changes_is_trimmed_without_a_word(const struct trial *t)
{
	struct options *options;
	struct fake_host *h = open_big(t,
				       "journal:\n  max-size: 16M\nzone:\n"
				       "  - id: default\n    keep-steps: 2\n",
				       &options);
	struct answer *a = answer_new();
	const char *alarm;

	for (unsigned i = 0; i < 60; i++) {
		int rc = change(h, 850 + i % 3);

		pass(h, 100);
		if (rc != SECD_OK || look(h, a, &alarm) < 1 || alarm != NULL ||
		    big.said > 0) {
			fake_wrong("change %u: %d, %s", i, rc,
				   alarm == NULL ? "nothing now" : alarm);
		}
		answer_free(a);
		a = answer_new();
	}
	expect_sound(h);
	answer_free(a);
	trial_end(h);
	options_free(options);
}

/* The host does not have the version any more that a base could be read of. */
static void
journal_that_a_change_did_not_fit_into_is_trimmed_at_once(const struct trial *t)
{
	struct options *options;
	struct fake_host *h = open_big(t,
				       "journal:\n  max-size: 16M\nzone:\n"
				       "  - id: default\n    keep-steps: 2\n",
				       &options);
	struct answer *a = answer_new();
	const char *alarm;
	unsigned lost = 0;
	size_t before, count;

	change(h, 850);
	pass(h, 1000);
	for (unsigned i = 0; i < 12; i++) {
		lost += change(h, 850) != SECD_OK;
	}
	before = look(h, a, &alarm);
	answer_free(a);
	a = answer_new();
	pass(h, 3000);
	count = look(h, a, &alarm);
	if (lost < 3 || before < 5 || count >= before || alarm != NULL) {
		fake_wrong("%u lost, %zu versions, then %zu, %s", lost, before,
			   count, alarm == NULL ? "no alarm" : alarm);
	}
	for (unsigned i = 0; i < 5; i++) {
		if (change(h, 850) != SECD_OK) {
			fake_wrong("another one does not fit");
		}
		pass(h, 1000);
	}
	look(h, a, &alarm);
	if (big.said > 0 || !a->durable) {
		fake_wrong("it is said that it is not trimmed");
	}
	expect_sound(h);
	answer_free(a);
	trial_end(h);
	options_free(options);
}

static void
journal_where_all_must_stay_says_so_once(const struct trial *t)
{
	struct options *options;
	struct fake_host *h = open_big(t,
				       "journal:\n  max-size: 16M\nzone:\n"
				       "  - id: default\n    keep-steps: 10\n",
				       &options);
	struct answer *a = answer_new();
	const char *alarm;
	unsigned i;
	size_t count;

	for (i = 0; i < 9; i++) {
		change(h, 1);
		pass(h, 100);
	}
	for (i = 0; i < 20 && change(h, 850) == SECD_OK; i++) {
		pass(h, 100);
	}
	if (i < 4 || i == 20) {
		fake_wrong("%u changes fitted", i);
	}
	pass(h, 5000);
	count = look(h, a, &alarm);
	if (count > 12 || alarm == NULL ||
	    strstr(alarm, "12582912 octets that are usable") == NULL) {
		fake_wrong("%zu versions, alarm %s", count,
			   alarm == NULL ? "none" : alarm);
	}
	for (i = 0; i < 5; i++) {
		pass(h, 60000);
	}
	if (big.said != 1) {
		fake_wrong("it was said %u times", big.said);
	}
	expect_sound(h);
	answer_free(a);
	trial_end(h);
	options_free(options);
}

const struct trial_test trial_room_tests[] = {
    TRIAL(journal_of_large_changes_is_trimmed_without_a_word),
    TRIAL(journal_that_a_change_did_not_fit_into_is_trimmed_at_once),
    TRIAL(journal_where_all_must_stay_says_so_once),
    {NULL, NULL},
};
