/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * witness -- a module for tests of hosts: it writes down every call, in the
 * file `calls` unless the host only reads, and fails where it is told to.
 *
 *     witness:
 *         fail: [ open, change, commit, command, for-good,
 *                 command-for-good, since-much, since-empty, since-damaged,
 *                 since-fails, check ]
 *
 * Its command says its words; what some of them ask for is said in `do_word`.
 * It gives orders, too: `witness pin ZONE SEQ`, `witness unpin ZONE`, and says
 * what it is told of a zone: `witness zone ZONE`. For keys see witness_keys.c
 * and witness_place.c.
 */

#include "witness.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum fault {
	FAULT_OPEN = 1,
	FAULT_CHANGE = 2,
	FAULT_COMMIT = 4,
	FAULT_COMMAND = 8,
	FAULT_FOR_GOOD = 16, /* SECD_ECLOSED from change */
	FAULT_COMMAND_FOR_GOOD = 32,
	/* Of a history that it has not, otherwise: */
	FAULT_SINCE_MUCH = 64,
	FAULT_SINCE_EMPTY = 128,
	FAULT_SINCE_DAMAGED = 256,
	FAULT_SINCE_FAILS = 512,
	FAULT_CHECK = 1024, /* of its options */
};

static const char *const fault_names[] = {
    "open",          "change",           "commit",     "command",
    "for-good",      "command-for-good", "since-much", "since-empty",
    "since-damaged", "since-fails",      "check"};

#define FAULT_COUNT (sizeof(fault_names) / sizeof(fault_names[0]))

void
witness_note(struct witness *w, const char *format, ...)
{
	va_list args;

	if (w->calls == NULL) {
		return;
	}
	va_start(args, format);
	vfprintf(w->calls, format, args);
	va_end(args);
	fputc('\n', w->calls);
	fflush(w->calls);
}

const char *
witness_text(const uint8_t *name, char text[256])
{
	size_t at = 0;

	while (*name != 0) {
		memcpy(text + at, name + 1, *name);
		at += *name;
		text[at++] = '.';
		name += 1 + *name;
	}
	text[at] = '\0';
	return text;
}

static void
witness_close(void *m)
{
	struct witness *w = m;

	witness_note(w, "close");
	if (w->calls != NULL) {
		fclose(w->calls);
	}
	free(w->places);
	free(w);
}

static void
take_faults(struct witness *w, const struct secd_options *options)
{
	for (size_t i = 0; i < options->count; i++) {
		for (unsigned f = 0; f < FAULT_COUNT; f++) {
			if (strcmp(options->items[i].section, "witness") == 0 &&
			    strcmp(options->items[i].value, fault_names[f]) ==
				0) {
				w->faults |= 1u << f;
			}
		}
	}
}

static int
witness_check(const struct secd_options *options, char *reason)
{
	struct witness w = {.faults = 0};

	take_faults(&w, options);
	if ((w.faults & FAULT_CHECK) == 0) {
		return SECD_OK;
	}
	snprintf(reason, SECD_REASON_LEN, "%.256s:%u: it is told to refuse",
		 options->path, (unsigned)options->items[0].line);
	return SECD_EINVAL;
}

static int
witness_open(const struct secd_host *host, const struct secd_options *options,
	     void **m, char *reason)
{
	struct witness *w = calloc(1, sizeof(*w));
	char path[4096];
	int rc = SECD_OK;

	if (w == NULL) {
		return SECD_ENOMEM;
	}
	w->host = host;
	take_faults(w, options);
	if ((w->faults & FAULT_OPEN) != 0) {
		snprintf(reason, SECD_REASON_LEN,
			 "%.256s:%u: it is told to fail", options->path,
			 (unsigned)options->items[0].line);
		free(w);
		return SECD_EINVAL;
	}
	snprintf(path, sizeof(path), "%s/calls", host->state_dir);
	if ((host->flags & SECD_HOST_READ_ONLY) == 0) {
		w->calls = fopen(path, "ae");
	}
	if (w->calls == NULL && (host->flags & SECD_HOST_READ_ONLY) == 0) {
		snprintf(reason, SECD_REASON_LEN, "cannot open calls");
		free(w);
		return SECD_EIO;
	}
	witness_note(w, "open");
	if ((host->flags & SECD_HOST_READ_ONLY) == 0) {
		rc = witness_keys_open(w, options);
	}
	if (rc == SECD_OK) {
		rc = witness_place_open(w, options);
	}
	if (rc != SECD_OK) {
		snprintf(reason, SECD_REASON_LEN, "a key cannot be put: %d",
			 rc);
		witness_close(w);
		return rc;
	}
	host->log(host->ctx, SECD_NOTICE, "watching");
	*m = w;
	return SECD_OK;
}

/* Entries of a walk; -1: there is none. */
static long
walk(struct witness *w, const uint8_t *apex, uint64_t seq)
{
	struct secd_entry e;
	struct secd_walk *walk;
	const uint8_t *octets;
	size_t len;
	long count = 0;

	if (w->host->walk_begin(w->host->ctx, apex, seq, &walk) != SECD_OK) {
		return -1;
	}
	while (w->host->walk_next(walk, &octets, &len) == SECD_OK && len > 0) {
		for (; len > 0; count++) {
			size_t n = secd_entry_read(octets, len, &e);

			if (n == 0) {
				break;
			}
			octets += n;
			len -= n;
		}
	}
	w->host->walk_end(walk);
	return count;
}

static int
witness_change(void *m, const struct secd_change *c)
{
	struct witness *w = m;
	long counts[5] = {0};
	struct secd_entry e;
	const uint8_t *octets;
	size_t len = 0;
	char zone[256];

	while (c->records != NULL &&
	       c->records->next(c->records, &octets, &len) == SECD_OK &&
	       len > 0) {
		while (len > 0) {
			size_t n = secd_entry_read(octets, len, &e);

			if (n == 0) {
				return SECD_EMALF;
			}
			counts[e.op]++;
			octets += n;
			len -= n;
		}
	}
	witness_note(w,
		     "change %s %" PRIu64 " -> %" PRIu64 " serial %" PRIu32
		     " -> %" PRIu32 " -%ld +%ld from %s walk %ld",
		     witness_text(c->apex, zone), c->from_seq, c->seq, c->from,
		     c->to, counts[SECD_OP_DELETE], counts[SECD_OP_ADD],
		     c->primary_id, walk(w, c->apex, c->seq));
	if ((w->faults & FAULT_FOR_GOOD) != 0) {
		return SECD_ECLOSED;
	}
	return (w->faults & FAULT_CHANGE) != 0 ? SECD_EIO : SECD_OK;
}

static int
witness_commit(void *m)
{
	struct witness *w = m;

	witness_note(w, "commit");
	return (w->faults & FAULT_COMMIT) != 0 ? SECD_ENOSPC : SECD_OK;
}

static void
witness_published(void *m, const struct secd_version *v)
{
	struct witness *w = m;
	char zone[256];

	witness_note(w, "published %s %" PRIu64 " serial %" PRIu32,
		     witness_text(v->apex, zone), v->seq, v->serial);
}

static void
witness_event(void *m, const struct secd_event *e)
{
	static const char *const names[] = {
	    [SECD_EVENT_ZONE_ADDED] = "zone-added",
	    [SECD_EVENT_ZONE_REMOVED] = "zone-removed",
	    [SECD_EVENT_READY] = "ready",
	    [SECD_EVENT_RELOADED] = "reloaded",
	};
	struct witness *w = m;
	char zone[256];

	if (witness_keys_event(w, e) || witness_place_event(w, e)) {
		return;
	}
	if (e->type == SECD_EVENT_PINNED) {
		witness_note(w, "pinned %" PRIu64 ": %d %s", e->pinned->id,
			     e->pinned->rc, e->pinned->text);
		return;
	}
	if (e->type >= sizeof(names) / sizeof(names[0]) ||
	    names[e->type] == NULL) {
		witness_note(w, "event %u", (unsigned)e->type);
	} else if (e->zone != NULL) {
		witness_note(
		    w, "%s %s %" PRIu64 "%s%s", names[e->type],
		    witness_text(e->zone->apex, zone), e->zone->seq,
		    (e->zone->flags & SECD_ZONE_PINNED) != 0 ? " pinned" : "",
		    (e->zone->flags & SECD_ZONE_EXPIRED) != 0 ? " expired"
							      : "");
	} else {
		witness_note(w, "%s", names[e->type]);
	}
}

static int64_t
witness_tick(void *m, const struct secd_time *now)
{
	struct witness *w = m;

	w->ticks++;
	return now->boot_ms + 1000;
}

static int
do_word(struct witness *w, const char *word, struct secd_reply *reply)
{
	char text[32];

	if (strcmp(word, "user") == 0) {
		snprintf(text, sizeof(text), "%u", (unsigned)geteuid());
		reply->line(reply->ctx, text);
		return SECD_OK;
	}
	if (strcmp(word, "directory") == 0) {
		reply->text(reply->ctx, "example.", "of it", "directory",
			    w->host->state_dir);
	} else if (strcmp(word, "warn") == 0) {
		w->host->log(w->host->ctx, SECD_WARNING, "a warning\n");
		w->host->log(w->host->ctx, SECD_NOTICE, "a notice");
	} else if (strcmp(word, "crash") == 0) {
		raise(SIGBUS);
	} else if (strcmp(word, "wait") == 0 && SECD_HAS(reply, pause)) {
		reply->pause(reply->ctx, 100);
	} else if (strcmp(word, "refuse") == 0) {
		return SECD_EBUSY;
	}
	reply->line(reply->ctx, word);
	return SECD_OK;
}

const uint8_t *
witness_name(const char *text, uint8_t name[256])
{
	size_t label = 0, at = 1;

	for (; *text != '\0' && at < 254; text++) {
		if (*text == '.') {
			name[label] = (uint8_t)(at - label - 1);
			label = at++;
		} else {
			name[at++] = (uint8_t)*text;
		}
	}
	name[label] = 0;
	return name;
}

static int
give_order(struct witness *w, const struct secd_command *c,
	   struct secd_reply *reply)
{
	const struct secd_host *h = w->host;
	uint8_t apex[256];
	int rc = strcmp(c->argv[0], "unpin") == 0
		     ? h->zone_unpin(h->ctx, witness_name(c->argv[1], apex),
				     ++w->order)
		     : h->zone_pin(h->ctx, witness_name(c->argv[1], apex),
				   strtoull(c->argv[2], NULL, 10), ++w->order);

	reply->number(reply->ctx, NULL, NULL, "order", w->order);
	return rc;
}

static int
say_zone(struct witness *w, const struct secd_command *c,
	 struct secd_reply *reply)
{
	struct secd_zone zone = {.size = sizeof(zone)};
	uint8_t apex[256];
	int rc = w->host->zone_get(w->host->ctx, witness_name(c->argv[1], apex),
				   &zone);

	if (rc == SECD_OK) {
		reply->boolean(reply->ctx, NULL, NULL, "pinned",
			       (zone.flags & SECD_ZONE_PINNED) != 0);
		reply->number(reply->ctx, NULL, NULL, "seq", zone.seq);
		reply->number(reply->ctx, NULL, NULL, "serial", zone.serial);
	}
	return rc;
}

/* Says its words, one a turn, when they are no others. */
static int
witness_command(void *m, const struct secd_command *c, struct secd_reply *reply)
{
	struct witness *w = m;
	uint32_t at;
	int rc;

	if ((c->argc == 3 && strcmp(c->argv[0], "pin") == 0) ||
	    (c->argc == 2 && strcmp(c->argv[0], "unpin") == 0)) {
		return give_order(w, c, reply);
	}
	if (c->argc == 2 && strcmp(c->argv[0], "zone") == 0) {
		return say_zone(w, c, reply);
	}
	if (c->argc > 0 && witness_keys_command(w, c, reply)) {
		return SECD_OK;
	}
	if ((w->faults & FAULT_COMMAND) != 0) {
		return SECD_EBUSY;
	}
	if ((w->faults & FAULT_COMMAND_FOR_GOOD) != 0) {
		return SECD_ECLOSED;
	}
	if (witness_place_command(w, c, reply, &rc)) {
		return rc;
	}
	memcpy(&at, c->position, sizeof(at));
	if (at == c->argc) {
		reply->number(reply->ctx, NULL, NULL, "words", at);
		return SECD_OK;
	}
	rc = do_word(w, c->argv[at++], reply);
	memcpy(c->position, &at, sizeof(at));
	return rc == SECD_OK ? SECD_MORE : rc;
}

static void
witness_status(void *m, struct secd_reply *reply)
{
	struct witness *w = m;

	reply->boolean(reply->ctx, NULL, NULL, "ticking", w->ticks > 0);
}

/* Any thread. */
static int
witness_changes_since(void *m, struct secd_since *s)
{
	const struct witness *w = m;

	s->len = 0;
	if ((w->faults & FAULT_SINCE_MUCH) != 0) {
		s->octets = UINT64_C(1) << 40;
		return SECD_MORE;
	}
	if ((w->faults & FAULT_SINCE_EMPTY) != 0) {
		return SECD_MORE;
	}
	if ((w->faults & FAULT_SINCE_DAMAGED) != 0) {
		memset(s->buffer, 0xff, 100);
		s->len = 100;
		return SECD_OK;
	}
	return (w->faults & FAULT_SINCE_FAILS) != 0 ? SECD_EIO : SECD_ENOTSUP;
}

const struct secd_module secd_module = {
    .size = sizeof(struct secd_module),
    .abi_major = SECD_ABI_MAJOR,
    .abi_minor = SECD_ABI_MINOR,
    .name = "witness",
    .version = "1",
    .word = "witness",
    .open = witness_open,
    .close = witness_close,
    .tick = witness_tick,
    .change = witness_change,
    .commit = witness_commit,
    .published = witness_published,
    .event = witness_event,
    .command = witness_command,
    .status = witness_status,
    .changes_since = witness_changes_since,
    .check = witness_check,
};
