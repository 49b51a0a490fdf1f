/* SPDX-License-Identifier: BSD-2-Clause */

#include "ixfr-journal/command_read.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "ixfr-journal/verify.h"

/* What nobody goes on with is dropped after this. */
#define IDLE_MS 60000
/* Handed out of a difference in one call: some milliseconds. */
#define TURN_RECORDS 1000
#define TURN_OCTETS  ((size_t)256 * 1024)

/*
 * What is read in several calls: there is one at a time.
 */

void
command_read_drop(struct journal *j)
{
	export_fini(&j->reading.reader);
	net_fini(&j->reading.net);
	j->reading = (struct reading){.id = 0};
}

void
command_read_tick(struct journal *j)
{
	if (j->reading.id != 0 && j->now_ms - j->reading.used_ms > IDLE_MS) {
		command_read_drop(j);
	}
}

/* One turn: begin with it, or go on where it was. */
static int
read_on(struct ask *a, int (*begin)(struct ask *a), int (*go_on)(struct ask *a))
{
	struct journal *j = a->j;
	uint64_t id; /* 0: begin */
	int rc = SECD_OK;

	memcpy(&id, a->c->position, sizeof(id));
	if (id != 0 && id != j->reading.id) {
		return ask_fail(a, SECD_EBUSY,
				"%s: broken off: another command came in "
				"between, or it waited too long",
				a->zone);
	}
	if (id == 0) {
		command_read_drop(j);
		id = j->reading.id = ++j->last_reading;
		memcpy(a->c->position, &id, sizeof(id));
		rc = begin(a);
	}
	if (rc == SECD_OK) {
		j->reading.used_ms = j->now_ms;
		rc = go_on(a);
	}
	if (rc != SECD_MORE) {
		command_read_drop(j);
	}
	return rc;
}

struct lines {
	const struct ask *a;
	char *text; /* TEXT_RECORD_MAX octets, and a sign */
};

static int
put_line(void *arg, const uint8_t *entry, size_t len,
	 const struct secd_entry *e)
{
	const struct lines *l = arg;

	(void)entry;
	(void)len;
	text_of_record(l->a->j->host, e, l->text + 2);
	l->a->r->line(l->a->r->ctx, l->text[0] == '\0' ? l->text + 2 : l->text);
	l->a->j->reading.records++;
	return SECD_OK;
}

/*
 * diff
 */

static int
collect(const struct ask *a, uint64_t from, uint64_t to)
{
	struct segment g;
	int rc = db_segment_of(&a->j->db, a->txn, a->record.id, from, &g);

	if (rc != SECD_OK) {
		return ask_fail_code(a, rc);
	}
	if (to < g.start || to > g.newest) {
		return ask_fail(a, SECD_ENOTFOUND,
				"no way leads along %s: history began anew "
				"between",
				a->c->argv[2]);
	}
	rc = way_collect(&a->j->db, a->txn, &g, from, to, &a->j->reading.net);
	return rc == SECD_OK ? rc : ask_fail_code(a, rc);
}

static int
type_of(const struct net_record *r)
{
	const uint8_t *type = r->octets + name_len(r->octets);

	return type[0] << 8 | type[1];
}

/* Of one owner: by types, and what is deleted before what is added. */
static int
compare_for_reading(const void *a, const void *b)
{
	const struct net_record *ra = a, *rb = b;
	size_t len = ra->len < rb->len ? ra->len : rb->len;
	int order = type_of(ra) - type_of(rb);

	if (order == 0) {
		order = ra->added - rb->added;
	}
	if (order == 0) {
		order = memcmp(ra->octets, rb->octets, len);
	}
	return order != 0 ? order : (ra->len > rb->len) - (ra->len < rb->len);
}

/* They are in the order of owners already. */
static void
sort_for_reading(const struct net *net)
{
	size_t end;

	for (size_t at = 0; at < net->count; at = end) {
		struct net_record *first = &net->records[at];

		end = at + 1;
		while (end < net->count &&
		       name_compare(first->octets, net->records[end].octets) ==
			   0) {
			end++;
		}
		qsort(first, end - at, sizeof(*first), compare_for_reading);
	}
}

static int
begin_diff(struct ask *a)
{
	const char *from = a->c->argv[2], *dots = strstr(from, "..");
	uint64_t seq_from, seq_to;
	int rc;

	if (dots == NULL) {
		return ask_fail(a, SECD_EINVAL,
				"\"%s\" is not two serials: FROM..TO", from);
	}
	rc = ask_version(a, from, (size_t)(dots - from), &seq_from);
	if (rc == SECD_OK) {
		rc = ask_version(a, dots + 2, strlen(dots + 2), &seq_to);
	}
	if (rc == SECD_OK) {
		rc = collect(a, seq_from, seq_to);
	}
	if (rc == SECD_OK) {
		sort_for_reading(&a->j->reading.net);
	}
	return rc;
}

static int
go_on_diff(struct ask *a)
{
	struct lines l = {a, malloc(TEXT_RECORD_MAX + 2)};
	struct reading *n = &a->j->reading;
	size_t octets = 0;

	if (l.text == NULL) {
		return ask_fail_code(a, SECD_ENOMEM);
	}
	for (unsigned i = 0;
	     i < TURN_RECORDS && octets < TURN_OCTETS && n->next < n->net.count;
	     i++) {
		const struct net_record *r = &n->net.records[n->next++];
		struct secd_entry e;

		if (secd_entry_read(r->octets - 1, r->len + 1, &e) != 0) {
			l.text[0] = r->added ? '+' : '-';
			l.text[1] = ' ';
			put_line(&l, r->octets - 1, r->len + 1, &e);
		}
		octets += r->len;
	}
	free(l.text);
	return n->next < n->net.count ? SECD_MORE : SECD_OK;
}

int
command_diff(struct ask *a)
{
	return read_on(a, begin_diff, go_on_diff);
}

/*
 * export
 */

/* Comments of a zone file. */
static void
put_head(const struct ask *a, const struct ask_found *f)
{
	char text[NAME_TEXT_MAX + 128], at[TEXT_TIME_MAX];

	snprintf(text, sizeof(text),
		 "; %s serial %u, version @%" PRIu64 " of %s", a->zone,
		 (unsigned)f->serial, f->seq, text_of_time(f->at, at));
	a->r->line(a->r->ctx, text);
}

static void
put_end(const struct ask *a)
{
	char text[64];

	snprintf(text, sizeof(text), "; %" PRIu64 " records",
		 a->j->reading.records);
	a->r->line(a->r->ctx, text);
}

/* A segment has a base but for a while in its beginning. */
static int
fail_without_base(const struct ask *a, const struct ask_found *f)
{
	return ask_fail(a, SECD_EBUSY,
			f->segment.start == a->record.segment
			    ? "%s is not whole yet: the server has still to "
			      "read it"
			    : "of %s there are only changes at that time: no "
			      "whole version was read then",
			a->zone);
}

static int
begin_export(struct ask *a)
{
	struct export_reader *x = &a->j->reading.reader;
	const char *serial = a->c->argv[2];
	struct ask_found f;
	uint64_t seq;
	int rc = ask_version(a, serial, strlen(serial), &seq);

	if (rc == SECD_OK) {
		rc = ask_find(a, seq, &f);
	}
	if (rc != SECD_OK) {
		return rc;
	}
	rc = export_begin(&a->j->db, a->txn, a->record.id, seq, x);
	if (rc == SECD_EBUSY) {
		return fail_without_base(a, &f);
	}
	if (rc != SECD_OK) {
		return ask_fail_code(a, rc);
	}
	put_head(a, &f);
	return SECD_OK;
}

static int
go_on_export(struct ask *a)
{
	struct lines l = {a, malloc(TEXT_RECORD_MAX + 2)};
	int rc = SECD_ENOMEM;

	if (l.text != NULL) {
		l.text[0] = '\0';
		rc = export_go_on(&a->j->reading.reader, a->txn, put_line, &l);
		free(l.text);
	}
	if (rc == SECD_OK) {
		put_end(a);
	}
	if (rc == SECD_ENOTFOUND) {
		return ask_fail(a, rc,
				"%s was trimmed while it was read: this is not "
				"all of it",
				a->zone);
	}
	return rc == SECD_OK || rc == SECD_MORE ? rc : ask_fail_code(a, rc);
}

int
command_export(struct ask *a)
{
	return read_on(a, begin_export, go_on_export);
}

/*
 * verify
 */

struct verifying {
	struct verify_position at;
	uint64_t zones, damaged;    /* that were read */
	uint8_t apex[NAME_LEN_MAX]; /* of all zones: the one that is read */
	uint8_t is_on;              /* there is one */
};

_Static_assert(sizeof(struct verifying) <= SECD_POSITION_LEN,
	       "a position has to fit");

/* One zone. SECD_OK: it is read, and what is to be said is said. */
static int
verify_zone(struct ask *a, struct verifying *v)
{
	char reason[SECD_REASON_LEN] = "";
	int rc = verify_go_on(&a->j->db, a->txn, a->apex, &v->at, reason);
	struct secd_reply *r = a->r;

	if (rc == SECD_MORE) {
		return rc;
	}
	name_to_text(a->apex, a->zone);
	r->boolean(r->ctx, a->zone, NULL, "sound", rc == SECD_OK);
	if (rc == SECD_OK) {
		r->number(r->ctx, a->zone, NULL, "versions", v->at.versions);
		r->number(r->ctx, a->zone, NULL, "records", v->at.records);
		r->number(r->ctx, a->zone, NULL, "octets", v->at.octets);
	} else {
		r->text(r->ctx, a->zone, NULL, "damage",
			reason[0] != '\0' ? reason : secd_strerror(rc));
		v->damaged++;
	}
	v->at = (struct verify_position){.zone = 0};
	v->zones++;
	return SECD_OK;
}

/* The next of all zones. SECD_ENOTFOUND: there is none. */
static int
next_zone(struct ask *a, struct verifying *v)
{
	int rc = db_zone_after(&a->j->db, v->is_on ? v->apex : NULL, v->apex);

	v->is_on = rc == SECD_OK;
	return rc;
}

static int
verify_all(struct ask *a, struct verifying *v)
{
	int rc = SECD_OK;

	if (!v->is_on) {
		rc = next_zone(a, v);
	}
	if (rc == SECD_OK) {
		memcpy(a->apex, v->apex, sizeof(a->apex));
		rc = verify_zone(a, v);
	}
	if (rc == SECD_OK) {
		rc = next_zone(a, v);
	}
	if (rc == SECD_ENOTFOUND) {
		a->r->number(a->r->ctx, NULL, NULL, "zones", v->zones);
		a->r->number(a->r->ctx, NULL, NULL, "damaged", v->damaged);
	}
	return rc == SECD_OK ? SECD_MORE : rc == SECD_ENOTFOUND ? SECD_OK : rc;
}

int
command_verify(struct ask *a)
{
	struct verifying v;
	int rc;

	memcpy(&v, a->c->position, sizeof(v));
	rc = a->c->argc > 1 ? verify_zone(a, &v) : verify_all(a, &v);
	memcpy(a->c->position, &v, sizeof(v));
	if (rc < SECD_OK) {
		return ask_fail_code(a, rc);
	}
	return rc == SECD_OK && v.damaged > 0
		   ? ask_fail(a, SECD_EMALF, "%s",
			      "the journal is damaged: see above")
		   : rc;
}
