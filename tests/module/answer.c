/* SPDX-License-Identifier: BSD-2-Clause */

#include "answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

static void
note(struct answer *a, const char *zone, const char *id, const char *item,
     const char *value)
{
	const char *const texts[] = {zone, id, item, value};

	for (size_t i = 0; i < 4; i++) {
		const char *text = texts[i] == NULL ? "" : texts[i];

		if (buf_put(&a->rows, text, strlen(text) + 1) != SECD_OK) {
			fake_wrong("no memory");
		}
	}
}

static void
note_number(struct answer *a, const char *zone, const char *id,
	    const char *item, int64_t value)
{
	char text[32];

	snprintf(text, sizeof(text), "%lld", (long long)value);
	note(a, zone, id, item, text);
}

const char *
answer_find(const struct answer *a, const char *zone, const char *id,
	    const char *item)
{
	const char *p = (const char *)a->rows.data, *end = p + a->rows.len;

	while (p < end) {
		const char *texts[4];

		for (size_t i = 0; i < 4; i++) {
			texts[i] = p;
			p += strlen(p) + 1;
		}
		if (strcmp(texts[0], zone) == 0 && strcmp(texts[1], id) == 0 &&
		    strcmp(texts[2], item) == 0) {
			return texts[3];
		}
	}
	return NULL;
}

static void
on_text(void *ctx, const char *zone, const char *id, const char *item,
	const char *value)
{
	struct answer *a = ctx;

	note(a, zone, id, item, value);
	if (strcmp(item, "damage") == 0) {
		snprintf(a->damage, sizeof(a->damage), "%s %s", zone, value);
	}
}

static void
on_number(void *ctx, const char *zone, const char *id, const char *item,
	  uint64_t value)
{
	struct answer *a = ctx;

	note_number(a, zone, id, item, (int64_t)value);
	if (id != NULL && strncmp(id, "version @", 9) == 0 &&
	    strcmp(item, "serial") == 0 && a->listed_count < LISTED_MAX) {
		a->listed[a->listed_count++] =
		    (struct listed){.seq = strtoull(id + 9, NULL, 10),
				    .serial = (uint32_t)value};
	}
	if (strcmp(item, "octets") == 0 && zone == NULL) {
		a->octets = value;
	}
	if (strstr(item, "-failures") != NULL) {
		a->failures += (unsigned)value;
	}
}

static void
on_time(void *ctx, const char *zone, const char *id, const char *item,
	int64_t at_ms)
{
	note_number(ctx, zone, id, item, at_ms);
}

static void
on_boolean(void *ctx, const char *zone, const char *id, const char *item,
	   int value)
{
	struct answer *a = ctx;

	note_number(a, zone, id, item, value);
	if (strcmp(item, "beginning") == 0 && a->listed_count > 0) {
		a->listed[a->listed_count - 1].begins = value != 0;
	}
	if (strcmp(item, "durable") == 0 && zone == NULL) {
		a->durable = value != 0;
	}
	if (strcmp(item, "pinned") == 0 && a->listed_count > 0) {
		a->pinned = a->listed[a->listed_count - 1].seq;
	}
	if (strcmp(item, "durable") == 0 && zone != NULL) {
		a->lost++;
		/* The model's zones are "za." and so on; others have no bit. */
		if (zone[0] == 'z' && zone[1] >= 'a' && zone[1] <= 'z') {
			a->lost_mask |= 1u << (zone[1] - 'a');
		}
	}
}

static void
on_line(void *ctx, const char *text)
{
	struct answer *a = ctx;

	if (text[0] == ';') {
		return; /* a comment of a zone file */
	}
	if (a->count == a->cap) {
		a->cap = a->cap == 0 ? 64 : 2 * a->cap;
		a->lines = realloc(a->lines, a->cap * sizeof(*a->lines));
		if (a->lines == NULL) {
			fake_wrong("no memory");
		}
	}
	a->lines[a->count++] = strdup(text);
}

static void
on_error(void *ctx, const char *text)
{
	struct answer *a = ctx;

	snprintf(a->error, sizeof(a->error), "%s", text);
}

static void
on_pause(void *ctx, uint32_t ms)
{
	struct answer *a = ctx;

	a->waits = ms > 0;
}

static struct secd_reply
reply_to(struct answer *a)
{
	return (struct secd_reply){
	    .size = sizeof(struct secd_reply),
	    .ctx = a,
	    .text = on_text,
	    .number = on_number,
	    .time = on_time,
	    .boolean = on_boolean,
	    .line = on_line,
	    .error = on_error,
	    .pause = on_pause,
	};
}

struct answer *
answer_new(void)
{
	struct answer *a = calloc(1, sizeof(*a));

	if (a == NULL) {
		fake_wrong("no memory");
	}
	return a;
}

void
answer_free(struct answer *a)
{
	for (size_t i = 0; i < a->count; i++) {
		free(a->lines[i]);
	}
	free(a->lines);
	buf_fini(&a->rows);
	free(a);
}

/* word, and two arguments that may be NULL */
int
answer_turn(struct fake_host *h, const char *word, const char *zone,
	    const char *what, struct answer *out)
{
	const char *argv[] = {word, zone, what};
	struct secd_reply reply = reply_to(out);
	struct secd_command c = {.size = sizeof(c),
				 .argc = 1u + (zone != NULL) + (what != NULL),
				 .argv = argv,
				 .position = (uint8_t *)out->position};
	int rc;

	out->waits = false;
	h->in_call = true;
	rc = h->module->command(h->m, &c, &reply);
	h->in_call = false;
	return rc;
}

int
answer_command(struct fake_host *h, const char *word, const char *zone,
	       const char *what, struct answer *out)
{
	memset(out->position, 0, sizeof(out->position));
	return answer_go_on(h, word, zone, what, out);
}

int
answer_go_on(struct fake_host *h, const char *word, const char *zone,
	     const char *what, struct answer *out)
{
	int rc;

	do {
		rc = answer_turn(h, word, zone, what, out);
	} while (rc == SECD_MORE && !out->waits);
	return rc;
}

void
answer_status(struct fake_host *h, struct answer *out)
{
	struct secd_reply reply = reply_to(out);

	h->in_call = true;
	h->module->status(h->m, &reply);
	h->in_call = false;
}

const char *
answer_zone_name(const struct model_zone *z, char *name)
{
	snprintf(name, 8, "%c%c.", z->apex[1], z->apex[2]);
	return name;
}

/*
 * What the model says, as lines
 */

static void
add_record(struct answer *a, const char *sign, const struct secd_entry *e)
{
	static const char digits[] = "0123456789abcdef";
	char *text = malloc(2 * (size_t)e->rdata_len + 256), *p = text;

	if (text == NULL) {
		fake_wrong("no memory");
	}
	p += sprintf(p, "%s", sign);
	for (const uint8_t *n = e->owner; *n != 0; n += 1 + *n) {
		p += sprintf(p, "%.*s.", *n, (const char *)n + 1);
	}
	p += sprintf(p, " %u TYPE%u \\# %u ", (unsigned)e->ttl, e->type,
		     e->rdata_len);
	for (size_t i = 0; i < e->rdata_len; i++) {
		*p++ = digits[e->rdata[i] >> 4];
		*p++ = digits[e->rdata[i] & 15];
	}
	*p = '\0';
	on_line(a, text);
	free(text);
}

void
answer_add_entries(struct answer *a, const struct buf *entries, bool has_signs)
{
	struct secd_entry e;

	for (size_t at = 0, n; at < entries->len; at += n) {
		n = secd_entry_read(entries->data + at, entries->len - at, &e);
		if (n == 0) {
			fake_wrong("the model's entries");
		}
		add_record(a,
			   !has_signs               ? ""
			   : e.op <= SECD_OP_DELETE ? "- "
						    : "+ ",
			   &e);
	}
}

int
answer_compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

bool
answer_same_lines(const struct answer *a, const struct answer *b)
{
	if (a->count != b->count) {
		return false;
	}
	for (size_t i = 0; i < a->count; i++) {
		if (strcmp(a->lines[i], b->lines[i]) != 0) {
			return false;
		}
	}
	return true;
}
