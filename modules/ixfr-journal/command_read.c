/* SPDX-License-Identifier: BSD-2-Clause */

#include "ixfr-journal/command_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "ixfr-journal/verify.h"

/* An export that nobody goes on with is dropped after this. */
#define EXPORT_IDLE_MS 60000

/*
 * diff, export
 */

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
	return SECD_OK;
}

static int
put_difference(const struct ask *a, const struct net *net)
{
	struct lines l = {a, malloc(TEXT_RECORD_MAX + 2)};

	if (l.text == NULL) {
		return ask_fail_code(a, SECD_ENOMEM);
	}
	for (size_t i = 0; i < net->count; i++) {
		const struct net_record *r = &net->records[i];
		struct secd_entry e;

		if (secd_entry_read(r->octets - 1, r->len + 1, &e) != 0) {
			l.text[0] = r->added ? '+' : '-';
			l.text[1] = ' ';
			put_line(&l, r->octets - 1, r->len + 1, &e);
		}
	}
	free(l.text);
	return SECD_OK;
}

int
command_diff(struct ask *a)
{
	const char *from = a->c->argv[2], *dots = strstr(from, "..");
	struct net net = {.count = 0};
	uint64_t seq_from, seq_to;
	struct segment g;
	int rc;

	if (dots == NULL) {
		return ask_fail(a, SECD_EINVAL,
				"\"%s\" is not two serials: FROM..TO", from);
	}
	rc = ask_version(a, from, (size_t)(dots - from), &seq_from);
	if (rc == SECD_OK) {
		rc = ask_version(a, dots + 2, strlen(dots + 2), &seq_to);
	}
	if (rc != SECD_OK) {
		return rc;
	}
	rc = db_segment_of(&a->j->db, a->txn, a->record.id, seq_from, &g);
	if (rc == SECD_OK && (seq_to < g.start || seq_to > g.newest)) {
		return ask_fail(
		    a, SECD_ENOTFOUND,
		    "no way leads from %s: history began anew between", from);
	}
	if (rc == SECD_OK) {
		rc = way_collect(&a->j->db, a->txn, &g, seq_from, seq_to, &net);
	}
	rc = rc == SECD_OK ? put_difference(a, &net) : ask_fail_code(a, rc);
	net_fini(&net);
	return rc;
}

struct export_position {
	uint64_t id; /* 0: begin */
};

static int
begin_export(struct ask *a, struct export_position *p)
{
	uint64_t seq;
	int rc = ask_version(a, a->c->argv[2], strlen(a->c->argv[2]), &seq);

	if (rc != SECD_OK) {
		return rc;
	}
	export_fini(&a->j->export.reader);
	a->j->export.id = 0;
	rc = export_begin(&a->j->db, a->txn, a->record.id, seq,
			  &a->j->export.reader);
	if (rc == SECD_EBUSY) {
		return ask_fail(a, rc,
				"%s is not whole yet: its first version is "
				"still being read",
				a->zone);
	}
	if (rc != SECD_OK) {
		return ask_fail_code(a, rc);
	}
	p->id = a->j->export.id = ++a->j->last_export;
	return SECD_OK;
}

int
command_export(struct ask *a)
{
	struct lines l = {a, NULL};
	struct export_position p;
	int rc = SECD_OK;

	memcpy(&p, a->c->position, sizeof(p));
	if (p.id != 0 && p.id != a->j->export.id) {
		return ask_fail(a, SECD_EBUSY,
				"%s: another export came in between", a->zone);
	}
	l.text = malloc(TEXT_RECORD_MAX + 2);
	if (l.text == NULL) {
		return ask_fail_code(a, SECD_ENOMEM);
	}
	l.text[0] = '\0';
	if (p.id == 0) {
		rc = begin_export(a, &p);
		memcpy(a->c->position, &p, sizeof(p));
	}
	if (rc == SECD_OK) {
		a->j->export.used_ms = a->j->now_ms;
		rc = export_go_on(&a->j->export.reader, a->txn, put_line, &l);
		if (rc != SECD_OK && rc != SECD_MORE) {
			rc = ask_fail_code(a, rc);
		}
	}
	if (rc != SECD_MORE) {
		export_fini(&a->j->export.reader);
		a->j->export.id = 0;
	}
	free(l.text);
	return rc;
}

void
command_read_tick(struct journal *j)
{
	if (j->export.id != 0 &&
	    j->now_ms - j->export.used_ms > EXPORT_IDLE_MS) {
		export_fini(&j->export.reader);
		j->export.id = 0;
	}
}

/*
 * verify
 */

struct verifying {
	struct verify_position at;
	uint32_t damaged;           /* zones */
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
		r->number(r->ctx, a->zone, NULL, "steps", v->at.steps);
	} else {
		r->text(r->ctx, a->zone, NULL, "damage",
			reason[0] != '\0' ? reason : secd_strerror(rc));
		v->damaged++;
	}
	v->at = (struct verify_position){.zone = 0};
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
