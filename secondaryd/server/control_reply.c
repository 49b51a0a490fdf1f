/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/control_reply.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"

#define VALUE_MAX 2048

static void
put(struct control_reply *r, const char *text)
{
	if (text == NULL) {
		text = "";
	}
	if (buf_put(&r->rows, text, strlen(text) + 1) != SECD_OK) {
		r->has_overflowed = true;
	}
}

static void
put_row(struct control_reply *r, const char *zone, const char *id,
	const char *item, enum control_type type, const char *value)
{
	const char text[2] = {(char)type, '\0'};
	size_t len = r->rows.len;

	if (r->has_overflowed) {
		return;
	}
	put(r, text);
	put(r, zone);
	put(r, id);
	put(r, item);
	put(r, value);
	if (r->has_overflowed) {
		r->rows.len = len; /* whole rows only */
	}
}

void
control_reply_text(struct control_reply *r, const char *zone, const char *id,
		   const char *item, const char *format, ...)
{
	char value[VALUE_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(value, sizeof(value), format, args);
	va_end(args);
	put_row(r, zone, id, item, CONTROL_TEXT, value);
}

void
control_reply_number(struct control_reply *r, const char *zone, const char *id,
		     const char *item, uint64_t value)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	put_row(r, zone, id, item, CONTROL_NUMBER, text);
}

void
control_reply_time(struct control_reply *r, const char *zone, const char *id,
		   const char *item, int64_t at)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRId64, at);
	put_row(r, zone, id, item, CONTROL_TIME, text);
}

void
control_reply_bool(struct control_reply *r, const char *zone, const char *id,
		   const char *item, bool value)
{
	put_row(r, zone, id, item, CONTROL_BOOL, value ? "on" : "off");
}

void
control_reply_line(struct control_reply *r, const char *text)
{
	put_row(r, NULL, NULL, "line", CONTROL_LINE, text);
}

void
control_reply_error(struct control_reply *r, const char *format, ...)
{
	va_list args;

	if (r->error[0] != '\0') {
		return;
	}
	va_start(args, format);
	vsnprintf(r->error, sizeof(r->error), format, args);
	va_end(args);
}

void
control_reply_pause(struct control_reply *r, uint32_t ms)
{
	r->pause_ms = ms;
}

void
control_reply_fini(struct control_reply *r)
{
	buf_fini(&r->rows);
}

static const char *
next_text(const char **p)
{
	const char *text = *p;

	*p += strlen(text) + 1;
	return text;
}

int
control_reply_drain(struct control_reply *r,
		    int (*take)(void *ctx, const struct control_row *row),
		    void *ctx)
{
	const char *p = (const char *)r->rows.data, *end = p + r->rows.len;
	int rc = SECD_OK;

	while (rc == SECD_OK && p < end) {
		struct control_row row = {0};

		row.type = (enum control_type)next_text(&p)[0];
		row.zone = next_text(&p);
		row.id = next_text(&p);
		row.item = next_text(&p);
		row.value = next_text(&p);
		rc = take(ctx, &row);
	}
	buf_clear(&r->rows);
	if (rc == SECD_OK && r->has_overflowed) {
		return SECD_ENOMEM;
	}
	return rc;
}

static int
send_row(void *ctx, const struct control_row *row)
{
	return control_row_send(ctx, row);
}

int
control_reply_flush(struct control_reply *r, knot_ctl_t *ctl)
{
	return control_reply_drain(r, send_row, ctl);
}
