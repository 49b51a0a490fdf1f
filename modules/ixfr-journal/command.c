/* SPDX-License-Identifier: BSD-2-Clause */

#include "ixfr-journal/command.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "ixfr-journal/catch_up.h"
#include "ixfr-journal/command_list.h"
#include "ixfr-journal/command_pin.h"
#include "ixfr-journal/command_read.h"
#include "ixfr-journal/db_look.h"

/*
 * Which command it is
 */

static const struct {
	const char *word, *arguments, *says;
	unsigned argc_min, argc_max; /* the word included */
	int (*find)(struct ask *a, const char *zone);
	int (*run)(struct ask *a);
} commands[] = {
    {"list", "[ZONE [LAST]]", "zones, versions, or the last so many", 1, 3,
     ask_zone, command_list},
    {"show", "ZONE SERIAL", "who sent it, when and how", 3, 3, ask_zone,
     command_show},
    {"diff", "ZONE FROM..TO", "what changed between two versions", 3, 3,
     ask_zone, command_diff},
    {"export", "ZONE SERIAL", "a version as a zone file", 3, 3, ask_zone,
     command_export},
    {"verify", "[ZONE]", "is all of it what was written?", 1, 2, ask_zone,
     command_verify},
    {"pin", "ZONE SERIAL", "serve an older version, until unpin", 3, 3,
     ask_zone, command_pin},
    /* Also when the journal was lost, and the version with it. */
    {"unpin", "ZONE", "serve the newest version again", 2, 2, ask_any_zone,
     command_unpin},
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static int
help(struct secd_reply *r)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		char text[128];

		snprintf(text, sizeof(text), "%-7s %-14s %s", commands[i].word,
			 commands[i].arguments, commands[i].says);
		r->line(r->ctx, text);
	}
	r->line(r->ctx,
		"SERIAL, FROM and TO may be @VERSION, as list has it; of "
		"versions with the same serial the newest is meant");
	return SECD_OK;
}

static int
run(struct ask *a, size_t i)
{
	int rc;

	if (a->c->argc < commands[i].argc_min ||
	    a->c->argc > commands[i].argc_max) {
		char text[128];

		snprintf(text, sizeof(text), "%s %s", commands[i].word,
			 commands[i].arguments);
		return ask_fail(a, SECD_EINVAL, "usage: journal %s", text);
	}
	rc = db_begin_read(&a->j->db, &a->txn);
	if (rc != SECD_OK) {
		return ask_fail_code(a, rc);
	}
	if (a->c->argc > 1) {
		rc = commands[i].find(a, a->c->argv[1]);
	}
	if (rc == SECD_OK) {
		rc = commands[i].run(a);
	}
	if (rc >= SECD_OK && db_look_is_torn(&a->j->db, a->txn)) {
		rc = ask_fail_code(a, SECD_EBUSY);
	}
	mdb_txn_abort(a->txn);
	return rc;
}

int
command_run(void *m, const struct secd_command *c, struct secd_reply *r)
{
	struct ask a = {.j = m, .c = c, .r = r};

	if (c->argc == 0 || strcmp(c->argv[0], "help") == 0) {
		return help(r);
	}
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		if (strcmp(c->argv[0], commands[i].word) == 0) {
			return run(&a, i);
		}
	}
	return ask_fail(&a, SECD_EINVAL, "there is no command \"%s\": try help",
			c->argv[0]);
}

/* Of the file: zones, versions, octets. */
static void
put_sizes(const struct journal *j, MDB_txn *txn, const struct secd_reply *r)
{
	uint64_t zones, segments, steps, used;

	if (db_count(txn, j->db.zones, &zones) == SECD_OK &&
	    db_count(txn, j->db.segments, &segments) == SECD_OK &&
	    db_count(txn, j->db.steps, &steps) == SECD_OK) {
		r->number(r->ctx, NULL, NULL, "zones", zones);
		r->number(r->ctx, NULL, NULL, "versions", segments + steps);
	}
	if (db_used(&j->db, txn, &used) == SECD_OK) {
		r->number(r->ctx, NULL, NULL, "octets", used);
	}
	r->number(r->ctx, NULL, NULL, "max-octets", j->db.max_octets);
	r->number(r->ctx, NULL, NULL, "usable-octets",
		  j->db.max_octets - j->db.reserve);
	r->number(r->ctx, NULL, NULL, "reserved-octets", j->db.reserve);
}

static void
put_trouble(const struct journal *j, const struct secd_reply *r)
{
	const struct trouble *c = &j->changes, *u = &j->upkeep;
	char text[2 * SECD_REASON_LEN + 128];

	r->boolean(r->ctx, NULL, NULL, "durable",
		   c->rc == SECD_OK && !catch_up_is_behind(j));
	if (c->rc != SECD_OK || u->rc != SECD_OK) {
		snprintf(text, sizeof(text), "%s%s%s%s%s",
			 c->rc != SECD_OK ? "changes are not kept: " : "",
			 c->rc != SECD_OK ? c->why : "",
			 c->rc != SECD_OK && u->rc != SECD_OK ? "; " : "",
			 u->rc != SECD_OK ? "the journal is not trimmed: " : "",
			 u->rc != SECD_OK ? u->why : "");
		r->text(r->ctx, NULL, NULL, "alarm", text);
	}
	r->number(r->ctx, NULL, NULL, "change-failures", c->count);
	r->number(r->ctx, NULL, NULL, "upkeep-failures", u->count);
}

void
command_status(void *m, struct secd_reply *r)
{
	struct journal *j = m;
	MDB_txn *txn;

	if (db_begin_read(&j->db, &txn) == SECD_OK) {
		put_sizes(j, txn, r);
		mdb_txn_abort(txn);
	}
	put_trouble(j, r);
	for (const struct loss *x = j->losses.first; x != NULL; x = x->next) {
		char zone[NAME_TEXT_MAX];

		if (x->is_lost) {
			r->boolean(r->ctx, name_to_text(x->apex, zone), NULL,
				   "durable", 0);
		}
	}
}

void
command_tick(struct journal *j)
{
	command_read_tick(j);
}

void
command_close(struct journal *j)
{
	command_read_drop(j);
}
