/* SPDX-License-Identifier: BSD-2-Clause */

#include "tsig-rotate/command.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/module_address.h"
#include "base/quantity.h"
#include "tsig-rotate/drive.h"
#include "tsig-rotate/places.h"

#define LINE_MAX 512

void
command_line(const struct command *c, const char *format, ...)
{
	char text[LINE_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	c->reply->line(c->reply->ctx, text);
}

int
command_fail(const struct command *c, int rc, const char *format, ...)
{
	char text[LINE_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	c->reply->error(c->reply->ctx, text);
	return rc;
}

const char *
command_option(const struct command *c, const char *option)
{
	for (uint32_t i = 2; i + 1 < c->c->argc; i++) {
		if (strcmp(c->c->argv[i], option) == 0) {
			return c->c->argv[i + 1];
		}
	}
	return NULL;
}

/*
 * rotate
 */

/* Which of its peers is this? -1: none. */
static int
find_peer(const struct rotate_pair *p, const char *text)
{
	struct secd_address a;

	for (unsigned i = 0;
	     i < p->config.peers && module_address_read(text, 0, &a); i++) {
		const struct secd_address *probe = &p->options->probes[i];

		if (module_address_same_host(&a, probe) &&
		    (a.port == 0 || a.port == probe->port)) {
			return (int)i;
		}
	}
	return -1;
}

static int
say_why_not(const struct command *c, int rc)
{
	const char *id = c->pair->file.id;

	switch (rc) {
	case SECD_EPERM:
		return command_fail(c, rc,
				    "the peer is the initiator of pair %s: "
				    "rotate it there",
				    id);
	case SECD_EBUSY:
		return command_fail(c, rc,
				    "pair %s is being rotated: an old key "
				    "still drains",
				    id);
	case SECD_ENOTSUP:
		return command_fail(
		    c, rc, "pair %s is stopped: see \"key adopt\"", id);
	default:
		return command_fail(c, rc, "pair %s: %s", id,
				    secd_strerror(rc));
	}
}

static int
rotate(struct command *c)
{
	struct rotate_pair *p = c->pair;
	const char *force = command_option(c, "--force");
	int peer = force != NULL ? find_peer(p, force) : -1;
	int rc;

	if (force != NULL && peer < 0) {
		return command_fail(c, SECD_EINVAL,
				    "pair %s does not probe %.64s", p->file.id,
				    force);
	}
	rc = machine_rotate(&p->machine, &c->now);
	if (rc != SECD_OK) {
		return say_why_not(c, rc);
	}
	drive_run(p, &c->now);
	if (p->machine.save_rc != SECD_OK) {
		return command_fail(c, p->machine.save_rc, "%s",
				    p->save_reason);
	}
	if (peer >= 0) {
		rotate_log(c->rotate, SECD_WARNING,
			   "pair %s: an operator does without the answer of "
			   "%.64s",
			   p->file.id, force);
		machine_force(&p->machine, &c->now, (unsigned)peer);
		drive_run(p, &c->now);
	}
	places_run(c->rotate, &c->now);
	return command_table(c);
}

/*
 * adopt
 */

static bool
read_number(const char *text, uint64_t max, uint64_t *out)
{
	static const struct quantity_unit plain = {"", 1};

	return text == NULL ||
	       (quantity_read(text, &plain, 1, out) && *out <= max);
}

static int
adopt(struct command *c)
{
	struct rotate_pair *p = c->pair;
	uint64_t generation = 0, epoch = 0;
	const uint8_t *root;

	if (!read_number(command_option(c, "--generation"), UINT32_MAX,
			 &generation) ||
	    !read_number(command_option(c, "--epoch"), INT64_MAX, &epoch)) {
		return command_fail(c, SECD_EINVAL,
				    "a generation and an epoch are numbers, "
				    "as in \"key status\" of the peer");
	}
	root = drive_read_root(p);
	if (p->config.is_derived && root == NULL) {
		return command_fail(c, SECD_EPERM, "%s", p->root_reason);
	}
	machine_adopt(&p->machine, &c->now, root, (uint32_t)generation, epoch);
	drive_run(p, &c->now);
	if (p->machine.save_rc != SECD_OK) {
		return command_fail(c, p->machine.save_rc, "%s",
				    p->save_reason);
	}
	rotate_log(c->rotate, SECD_NOTICE, "pair %s: adopted by an operator",
		   p->file.id);
	return command_table(c);
}

/*
 * Which command it is
 */

enum needs {
	NEEDS_PAIR = 1,
	NEEDS_WRITING = 2,
};

static const struct {
	const char *word, *arguments, *says;
	unsigned needs;
	const char *options; /* each takes a value, but for what has a '.' */
	int (*run)(struct command *c);
} commands[] = {
    {"status", "[PAIR]", "the keys and what they wait for", 0, "",
     command_table},
    {"rotate", "PAIR [--force ADDRESS]", "a new key, now",
     NEEDS_PAIR | NEEDS_WRITING, "--force", rotate},
    {"revoke", "PAIR [--slot a|b | --root]", "refuse what leaked, from now on",
     NEEDS_PAIR | NEEDS_WRITING, "--slot --root.", command_revoke},
    {"adopt", "PAIR [--generation N] [--epoch N]",
     "go on after a restored backup, or with a new root",
     NEEDS_PAIR | NEEDS_WRITING, "--generation --epoch", adopt},
    {"export", "PAIR --for named|nsd|knot --file FILE",
     "both keys, for a server that is configured by hand",
     NEEDS_PAIR | NEEDS_WRITING, "--for --file", command_export},
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static int
help(const struct secd_reply *r)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		char text[160];

		snprintf(text, sizeof(text), "%-7s %-38s %s", commands[i].word,
			 commands[i].arguments, commands[i].says);
		r->line(r->ctx, text);
	}
	return SECD_OK;
}

/* Is this one of the words in `options`? *takes: has it a value? */
static bool
is_option(const char *options, const char *word, bool *takes)
{
	size_t len = strlen(word);

	for (const char *p = options; *p != '\0'; p += strcspn(p, " ")) {
		p += strspn(p, " ");
		if (strncmp(p, word, len) == 0 &&
		    strchr(" .", p[len]) != NULL) {
			*takes = p[len] != '.';
			return len > 0;
		}
	}
	return false;
}

/* Behind the word a pair, behind that options. */
static bool
has_form(const struct secd_command *c, size_t i)
{
	if ((commands[i].needs & NEEDS_PAIR) != 0 && c->argc < 2) {
		return false;
	}
	for (uint32_t at = 2; at < c->argc; at++) {
		bool takes;

		if (!is_option(commands[i].options, c->argv[at], &takes) ||
		    (takes && ++at == c->argc)) {
			return false;
		}
	}
	return true;
}

static int
run(struct command *c, size_t i)
{
	bool writes = (c->rotate->host->flags & SECD_HOST_READ_ONLY) == 0;

	if (!has_form(c->c, i)) {
		return command_fail(c, SECD_EINVAL, "it is: key %s %s",
				    commands[i].word, commands[i].arguments);
	}
	if ((commands[i].needs & NEEDS_WRITING) != 0 && !writes) {
		return command_fail(c, SECD_ENOTSUP,
				    "only the running server can do that");
	}
	if (c->c->argc > 1) {
		c->pair = rotate_find(c->rotate, c->c->argv[1]);
		if (c->pair == NULL) {
			return command_fail(c, SECD_ENOTFOUND,
					    "there is no pair \"%.64s\"",
					    c->c->argv[1]);
		}
	}
	return commands[i].run(c);
}

int
command_run(void *m, const struct secd_command *c, struct secd_reply *r)
{
	struct command command = {.rotate = m, .c = c, .reply = r};

	if (c->argc == 0 || strcmp(c->argv[0], "help") == 0) {
		return help(r);
	}
	command.rotate->host->clock(command.rotate->host->ctx, &command.now);
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		if (strcmp(c->argv[0], commands[i].word) == 0) {
			return run(&command, i);
		}
	}
	return command_fail(&command, SECD_EINVAL,
			    "there is no command \"%.64s\": try help",
			    c->argv[0]);
}
