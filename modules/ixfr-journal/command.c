/* SPDX-License-Identifier: BSD-2-Clause */

#include "ixfr-journal/command.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/module_address.h"
#include "ixfr-journal/command_pin.h"
#include "ixfr-journal/command_read.h"

/* Versions listed in one call. */
#define LIST_MAX 128

static const char *
source_text(uint32_t source)
{
	static const char *const texts[] = {
	    [SECD_SOURCE_IXFR] = "ixfr", [SECD_SOURCE_AXFR] = "axfr",
	    [SECD_SOURCE_FILE] = "file", [SECD_SOURCE_UPDATE] = "update",
	    [SECD_SOURCE_SEEN] = "seen", [SECD_SOURCE_STORAGE] = "storage",
	};

	return source < sizeof(texts) / sizeof(texts[0]) &&
		       texts[source] != NULL
		   ? texts[source]
		   : "unknown";
}

static const char *
transport_text(uint32_t transport)
{
	static const char *const texts[] = {
	    [SECD_TRANSPORT_NONE] = "none", [SECD_TRANSPORT_UDP] = "udp",
	    [SECD_TRANSPORT_TCP] = "tcp",   [SECD_TRANSPORT_TLS] = "tls",
	    [SECD_TRANSPORT_QUIC] = "quic",
	};

	return transport < sizeof(texts) / sizeof(texts[0]) ? texts[transport]
							    : "unknown";
}

/*
 * list, show
 */

static void
put_version(const struct ask *a, uint64_t seq, uint32_t serial,
	    const struct step *s, int64_t at)
{
	struct secd_reply *r = a->r;
	char id[32];

	snprintf(id, sizeof(id), "serial %u", (unsigned)serial);
	r->number(r->ctx, a->zone, id, "version", seq);
	r->time(r->ctx, a->zone, id, "at", at);
	if (seq == a->record.pinned) {
		r->boolean(r->ctx, a->zone, id, "pinned", 1);
	}
	if (s == NULL) {
		r->text(r->ctx, a->zone, id, "source", "beginning");
		return;
	}
	r->text(r->ctx, a->zone, id, "source", source_text(s->source));
	r->number(r->ctx, a->zone, id, "from-serial", s->from);
	r->number(r->ctx, a->zone, id, "deleted", s->deleted);
	r->number(r->ctx, a->zone, id, "added", s->added);
	r->number(r->ctx, a->zone, id, "octets", s->octets);
}

struct list_position {
	uint64_t seq; /* listed last */
	uint64_t segment;
};

/* The segment behind the one that begins at `start`. */
static int
segment_after(const struct ask *a, uint64_t start, struct segment *out)
{
	struct segment g;
	uint64_t at = UINT64_MAX;
	int rc, found = SECD_ENOTFOUND;

	while ((rc = db_segment_before(&a->j->db, a->txn, a->record.id, at,
				       &g)) == SECD_OK &&
	       g.start > start) {
		*out = g;
		at = g.start;
		found = SECD_OK;
	}
	return rc == SECD_OK || rc == SECD_ENOTFOUND ? found : rc;
}

static int
list(struct ask *a)
{
	struct list_position p;
	struct segment g;
	int rc = SECD_OK;

	memcpy(&p, a->c->position, sizeof(p));
	for (unsigned i = 0; i < LIST_MAX && rc == SECD_OK; i++) {
		struct step s;

		if (p.segment != 0) {
			rc = db_get_segment(&a->j->db, a->txn, a->record.id,
					    p.segment, &g);
		}
		if (p.segment != 0 && rc == SECD_OK && p.seq != g.newest) {
			rc = db_step_after(&a->j->db, a->txn, a->record.id,
					   p.seq, &s);
			if (rc == SECD_OK) {
				put_version(a, s.seq, s.to, &s, s.at);
				p.seq = s.seq;
			}
			continue;
		}
		rc = segment_after(a, p.segment, &g);
		if (rc == SECD_OK) {
			put_version(a, g.start, g.start_serial, NULL,
				    g.began_at);
			p.seq = p.segment = g.start;
		}
	}
	memcpy(a->c->position, &p, sizeof(p));
	if (rc == SECD_ENOTFOUND) {
		return SECD_OK; /* the end, or it was trimmed under our feet */
	}
	return rc == SECD_OK ? SECD_MORE : ask_fail_code(a, rc);
}

static void
put_digest(const struct ask *a, const char *id, const struct segment *g,
	   const struct totals *at)
{
	struct digest d = g->base.origin;
	uint8_t octets[SECD_DIGEST_LEN];
	char text[2 * SECD_DIGEST_LEN + 1];

	if (g->base.seq == 0) {
		return;
	}
	digest_add(&d, &at->delta);
	digest_write(&d, octets);
	for (unsigned i = 0; i < sizeof(octets); i++) {
		snprintf(text + (size_t)2 * i, 3, "%02x", octets[i]);
	}
	a->r->text(a->r->ctx, a->zone, id, "digest", text);
}

static void
put_origin(const struct ask *a, const char *id, const struct step *s)
{
	struct secd_reply *r = a->r;
	char text[NAME_TEXT_MAX];

	r->text(r->ctx, a->zone, id, "primary",
		module_address_text(&s->primary, text));
	snprintf(text, sizeof(text), "%.*s", (int)s->id_len, s->id);
	r->text(r->ctx, a->zone, id, "primary-id", text);
	r->text(r->ctx, a->zone, id, "transport", transport_text(s->transport));
	r->text(r->ctx, a->zone, id, "key",
		s->key_len > 0 ? name_to_text(s->key, text) : "");
}

static int
show(struct ask *a)
{
	struct totals at;
	struct segment g;
	struct step s;
	uint64_t seq;
	char id[32];
	int rc = ask_version(a, a->c->argv[2], strlen(a->c->argv[2]), &seq);

	if (rc != SECD_OK) {
		return rc;
	}
	rc = db_segment_of(&a->j->db, a->txn, a->record.id, seq, &g);
	if (rc == SECD_OK) {
		rc = db_totals_at(&a->j->db, a->txn, &g, seq, &at);
	}
	if (rc == SECD_OK && seq != g.start) {
		rc = db_get_step(&a->j->db, a->txn, g.zone, seq, &s);
	}
	if (rc != SECD_OK) {
		return ask_fail_code(a, rc);
	}
	snprintf(id, sizeof(id), "serial %u", (unsigned)at.serial);
	put_version(a, seq, at.serial, seq == g.start ? NULL : &s,
		    seq == g.start ? g.began_at : s.at);
	if (seq != g.start) {
		put_origin(a, id, &s);
	}
	put_digest(a, id, &g, &at);
	return SECD_OK;
}

/*
 * Which command it is
 */

static const struct {
	const char *word, *arguments, *says;
	unsigned argc_min, argc_max; /* the word included */
	int (*run)(struct ask *a);
} commands[] = {
    {"list", "ZONE", "the versions that are kept", 2, 2, list},
    {"show", "ZONE SERIAL", "who sent it, when and how", 3, 3, show},
    {"diff", "ZONE FROM..TO", "what changed between two versions", 3, 3,
     command_diff},
    {"export", "ZONE SERIAL", "a version as a zone file", 3, 3, command_export},
    {"verify", "[ZONE]", "is all of it what was written?", 1, 2,
     command_verify},
    {"pin", "ZONE SERIAL", "serve an older version, until unpin", 3, 3,
     command_pin},
    {"unpin", "ZONE", "serve the newest version again", 2, 2, command_unpin},
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
		return ask_fail(a, SECD_EINVAL, "it is: %s", text);
	}
	rc = db_begin_read(&a->j->db, &a->txn);
	if (rc != SECD_OK) {
		return ask_fail_code(a, rc);
	}
	if (a->c->argc > 1) {
		rc = ask_zone(a, a->c->argv[1]);
	}
	if (rc == SECD_OK) {
		rc = commands[i].run(a);
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

static void
put_trouble(const struct secd_reply *r, const char *id, const struct trouble *t)
{
	r->number(r->ctx, NULL, id, "failures", t->count);
	if (t->rc != SECD_OK) {
		r->text(r->ctx, NULL, id, "alarm", t->why);
	}
}

void
command_status(void *m, struct secd_reply *r)
{
	struct journal *j = m;
	uint64_t used;
	MDB_txn *txn;

	if (db_begin_read(&j->db, &txn) == SECD_OK) {
		if (db_used(&j->db, txn, &used) == SECD_OK) {
			r->number(r->ctx, NULL, NULL, "octets", used);
		}
		mdb_txn_abort(txn);
	}
	r->number(r->ctx, NULL, NULL, "max-octets", j->db.max_octets);
	r->boolean(r->ctx, NULL, NULL, "durable", j->changes.rc == SECD_OK);
	for (const struct loss *x = j->losses.first; x != NULL; x = x->next) {
		char zone[NAME_TEXT_MAX];

		if (x->is_lost) {
			r->boolean(r->ctx, name_to_text(x->apex, zone), NULL,
				   "durable", 0);
		}
	}
	put_trouble(r, "changes", &j->changes);
	put_trouble(r, "upkeep", &j->upkeep);
}

void
command_tick(struct journal *j)
{
	command_read_tick(j);
}
