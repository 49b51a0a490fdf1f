/* SPDX-License-Identifier: BSD-2-Clause */

#include "fake_reply.h"

#include <string.h>

#include "fake_host.h"

static void
row(void *ctx, const char *item)
{
	struct fake_reply *r = ctx;

	if (item == NULL || item[0] == '\0' ||
	    strspn(item, "abcdefghijklmnopqrstuvwxyz0123456789-") !=
		strlen(item)) {
		fake_wrong("reply: item \"%s\"", item);
	}
	r->rows++;
}

static void
on_text(void *ctx, const char *zone, const char *id, const char *item,
	const char *value)
{
	(void)zone;
	(void)id;
	if (value == NULL) {
		fake_wrong("reply: %s has no text", item);
	}
	row(ctx, item);
}

static void
on_number(void *ctx, const char *zone, const char *id, const char *item,
	  uint64_t value)
{
	(void)zone;
	(void)id;
	(void)value;
	row(ctx, item);
}

static void
on_time(void *ctx, const char *zone, const char *id, const char *item,
	int64_t at_ms)
{
	(void)zone;
	(void)id;
	(void)at_ms;
	row(ctx, item);
}

static void
on_boolean(void *ctx, const char *zone, const char *id, const char *item,
	   int value)
{
	(void)zone;
	(void)id;
	if (value != 0 && value != 1) {
		fake_wrong("reply: %s is %d", item, value);
	}
	row(ctx, item);
}

static void
on_line(void *ctx, const char *text)
{
	struct fake_reply *r = ctx;

	if (strchr(text, '\n') != NULL) {
		fake_wrong("reply: more than a line");
	}
	r->rows++;
}

static void
on_error(void *ctx, const char *text)
{
	struct fake_reply *r = ctx;

	if (text == NULL || text[0] == '\0') {
		fake_wrong("reply: an error without a sentence");
	}
	r->failed = true;
}

static void
on_pause(void *ctx, uint32_t ms)
{
	((struct fake_reply *)ctx)->pause_ms = ms;
}

struct secd_reply
fake_reply_to(struct fake_reply *r)
{
	return (struct secd_reply){
	    .size = sizeof(struct secd_reply),
	    .ctx = r,
	    .text = on_text,
	    .number = on_number,
	    .time = on_time,
	    .boolean = on_boolean,
	    .line = on_line,
	    .error = on_error,
	    .pause = on_pause,
	};
}
