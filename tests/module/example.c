/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * example -- a whole module: it writes a line about each change of each zone
 * to a file in its directory, durable before anybody else is told.
 *
 *     example:
 *         note: TEXT    stands at the end of each line
 */

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "secondaryd/module.h"

struct example {
	const struct secd_host *host;
	char *note;
	char *lines; /* of changes that are not committed yet */
	size_t lines_len;
	int fd;
	uint64_t written, failed;
};

/* Names are shown in a simple way: a real one escapes what is odd. */
static void
name_text(const uint8_t *name, char text[256])
{
	size_t at = 0;

	for (size_t i = 1; name[i - 1] != 0 && i < 255; i++) {
		text[at++] =
		    name[i] > 32 && name[i] < 127 ? (char)name[i] : '.';
	}
	text[at] = '\0';
}

static void
example_close(void *m)
{
	struct example *e = m;

	if (e->fd >= 0) {
		close(e->fd);
	}
	free(e->note);
	free(e->lines);
	free(e);
}

static int
take_options(struct example *e, const struct secd_options *options,
	     char *reason)
{
	for (size_t i = 0; i < options->count; i++) {
		const struct secd_option *o = &options->items[i];

		if (strcmp(o->section, "example") != 0 ||
		    strcmp(o->key, "note") != 0 || e->note != NULL) {
			snprintf(reason, SECD_REASON_LEN,
				 "%.256s:%u: all there is is one \"note\"",
				 options->path, (unsigned)o->line);
			return SECD_EINVAL;
		}
		e->note = strdup(o->value);
	}
	return SECD_OK;
}

static int
example_check(const struct secd_options *options, char *reason)
{
	struct example e = {.fd = -1};
	int rc = take_options(&e, options, reason);

	free(e.note);
	return rc;
}

static int
example_open(const struct secd_host *host, const struct secd_options *options,
	     void **m, char *reason)
{
	struct example *e;
	char path[4096];
	int rc;

	if (host->abi_major != SECD_ABI_MAJOR ||
	    (host->flags & SECD_HOST_READ_ONLY) != 0) {
		snprintf(reason, SECD_REASON_LEN,
			 "example cannot work in %.64s", host->name);
		return SECD_ENOTSUP;
	}
	e = calloc(1, sizeof(*e));
	if (e == NULL) {
		snprintf(reason, SECD_REASON_LEN, "no memory");
		return SECD_ENOMEM;
	}
	e->host = host;
	e->fd = -1;
	rc = take_options(e, options, reason);
	if (rc == SECD_OK) {
		snprintf(path, sizeof(path), "%s/changes", host->state_dir);
		e->fd =
		    open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
		if (e->fd < 0) {
			snprintf(reason, SECD_REASON_LEN, "cannot write %.400s",
				 path);
			rc = SECD_EIO;
		}
	}
	if (rc != SECD_OK) {
		example_close(e);
		return rc;
	}
	*m = e;
	return SECD_OK;
}

/* How many records come and go; the change counts when all of it came. */
static int
count(struct secd_stream *s, unsigned long counts[5])
{
	struct secd_entry entry;
	const uint8_t *octets;
	size_t len, n;
	int rc;

	while ((rc = s->next(s, &octets, &len)) == SECD_OK && len > 0) {
		for (; len > 0; octets += n, len -= n) {
			n = secd_entry_read(octets, len, &entry);
			if (n == 0) {
				return SECD_EMALF;
			}
			counts[entry.op]++;
		}
	}
	return rc;
}

/* A change that is offered twice has two lines: nothing hangs on that. */
static int
example_change(void *m, const struct secd_change *c)
{
	struct example *e = m;
	unsigned long counts[5] = {0};
	char zone[256], line[1024], *lines;
	int rc, n;

	rc = c->records == NULL ? SECD_OK : count(c->records, counts);
	if (rc != SECD_OK) {
		return rc;
	}
	name_text(c->apex, zone);
	n = snprintf(line, sizeof(line),
		     "%" PRId64 " %s %" PRIu32 " -> %" PRIu32 " -%lu +%lu %s\n",
		     c->at_ms / 1000, zone, c->from, c->to,
		     counts[SECD_OP_DELETE], counts[SECD_OP_ADD],
		     e->note != NULL ? e->note : "");
	n = n < (int)sizeof(line) ? n : (int)sizeof(line) - 1;
	lines = realloc(e->lines, e->lines_len + (size_t)n);
	if (lines == NULL) {
		return SECD_ENOMEM;
	}
	memcpy(lines + e->lines_len, line, (size_t)n);
	e->lines = lines;
	e->lines_len += (size_t)n;
	return SECD_OK;
}

static int
example_commit(void *m)
{
	struct example *e = m;
	off_t before = lseek(e->fd, 0, SEEK_END);
	int rc = SECD_OK;

	if (write(e->fd, e->lines, e->lines_len) != (ssize_t)e->lines_len ||
	    fdatasync(e->fd) != 0) {
		rc = ftruncate(e->fd, before) == 0 ? SECD_ENOSPC : SECD_EIO;
		e->failed++;
	} else {
		e->written += e->lines_len > 0;
	}
	e->lines_len = 0;
	return rc;
}

static void
example_status(void *m, struct secd_reply *reply)
{
	struct example *e = m;

	reply->number(reply->ctx, NULL, NULL, "commits", e->written);
	if (e->failed > 0) {
		reply->text(reply->ctx, NULL, NULL, "alarm",
			    "changes were not written");
	}
}

const struct secd_module secd_module = {
    .size = sizeof(struct secd_module),
    .abi_major = SECD_ABI_MAJOR,
    .abi_minor = SECD_ABI_MINOR,
    .name = "example",
    .version = "1",
    .open = example_open,
    .close = example_close,
    .change = example_change,
    .commit = example_commit,
    .status = example_status,
    .check = example_check,
};
