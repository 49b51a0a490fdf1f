/* SPDX-License-Identifier: BSD-2-Clause */

#include "show.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "table.h"

#define LABEL_WIDTH 15
#define TEXT_MAX    4096

/* A line of output while it is put together. */
struct line {
	char text[TEXT_MAX];
	size_t len;
};

static void __attribute__((format(printf, 2, 3)))
add(struct line *l, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(l->text + l->len, sizeof(l->text) - l->len, format, args);
	va_end(args);
	if (n > 0) {
		l->len += (size_t)n;
	}
	if (l->len >= sizeof(l->text)) {
		l->len = sizeof(l->text) - 1; /* cut */
	}
}

void
show_text(FILE *out, const char *text)
{
	for (const char *p = text; *p != '\0'; p++) {
		unsigned char c = (unsigned char)*p;

		if (c >= 0x20 && c < 0x7f) {
			putc(c, out);
		} else {
			fprintf(out, "\\x%02x", c);
		}
	}
}

size_t
show_width(const char *text)
{
	size_t width = 0;

	for (; *text != '\0'; text++) {
		width += *text >= 0x20 && *text < 0x7f ? 1 : 4;
	}
	return width;
}

const char *
show_time(int64_t at, char text[SHOW_TIME_LEN])
{
	time_t t = (time_t)at;
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL ||
	    strftime(text, SHOW_TIME_LEN, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0) {
		snprintf(text, SHOW_TIME_LEN, "%" PRId64, at);
	}
	return text;
}

static void
print_padded(FILE *out, const char *label, size_t width, const char *text)
{
	fprintf(out, "%*s", SHOW_INDENT, "");
	show_text(out, label);
	for (size_t i = show_width(label); i < width; i++) {
		putc(' ', out);
	}
	putc(' ', out);
	show_text(out, text);
	putc('\n', out);
}

static void
print_line(FILE *out, const char *label, const char *text)
{
	print_padded(out, label, LABEL_WIDTH, text);
}

/* The two largest units: "3 h 5 min". */
static void
add_span(struct line *l, int64_t seconds)
{
	static const struct {
		int64_t scale;
		const char *name;
	} units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
	size_t i = 0;

	while (i < 3 && seconds < units[i].scale) {
		i++;
	}
	add(l, "%" PRId64 " %s", seconds / units[i].scale, units[i].name);
	if (i < 3) {
		add(l, " %" PRId64 " %s",
		    seconds % units[i].scale / units[i + 1].scale,
		    units[i + 1].name);
	}
}

/* "in 5 s" or "5 s ago". */
static void
add_distance(struct line *l, int64_t at, int64_t now)
{
	if (at > now) {
		add(l, "in ");
		add_span(l, at - now);
	} else {
		add_span(l, now - at);
		add(l, " ago");
	}
}

static void
add_moment(struct line *l, int64_t at, int64_t now)
{
	char text[SHOW_TIME_LEN];

	add_distance(l, at, now);
	add(l, " (%s)", show_time(at, text));
}

static void
show_layers(FILE *out, struct rows *r)
{
	const char *count = rows_take_text(r, "", "layers", NULL);
	struct line l = {.len = 0};

	if (count != NULL) {
		add(&l, "%s nodes in %s layers, ",
		    rows_take_text(r, "", "layer-nodes", "?"), count);
		add(&l, "%s octets",
		    rows_take_text(r, "", "layer-octets", "?"));
		if (rows_take_bool(r, "", "compacting")) {
			add(&l, ", being compacted");
		}
		print_line(out, "changes", l.text);
	}
}

/* The version that is served instead, or was to be. */
static void
show_pin(FILE *out, struct rows *r, int64_t now)
{
	const char *pinned = rows_take_text(r, "", "pinned-serial", NULL);
	const char *lost = rows_take_text(r, "", "lost-serial", NULL);
	struct line l = {.len = 0};
	int64_t at = now;

	rows_take_time(r, "", "pinned-at", &at);
	if (pinned != NULL) {
		add(&l, "%s, pinned ", pinned);
	} else if (lost != NULL) {
		add(&l, "not %s any more, which was pinned ", lost);
	} else {
		return;
	}
	add_moment(&l, at, now);
	print_line(out, "served", l.text);
}

static void
show_held(FILE *out, struct rows *r, int64_t now)
{
	struct line l = {.len = 0};
	bool is_held = rows_take_bool(r, "", "held");
	bool is_durable = rows_take_bool(r, "", "durable");
	bool is_expired = rows_take_bool(r, "", "expired");
	const char *records;
	int64_t at;

	if (!is_held) {
		print_line(out, "serial", "none: nothing was transferred yet");
		return;
	}
	add(&l, "%s", rows_take_text(r, "", "serial", "?"));
	records = rows_take_text(r, "", "records", NULL);
	if (records != NULL) {
		add(&l, ", %s records", records);
	}
	add(&l, is_durable ? ", stored" : ", not stored yet");
	if (is_expired) {
		add(&l, ", EXPIRED: not served");
	}
	print_line(out, "serial", l.text);
	show_pin(out, r, now);
	if (rows_take_time(r, "", "confirmed-at", &at)) {
		l = (struct line){.len = 0};
		add_moment(&l, at, now);
		print_line(out, "confirmed", l.text);
	}
	if (rows_take_time(r, "", "expires-at", &at)) {
		l = (struct line){.len = 0};
		add_moment(&l, at, now);
		print_line(out, at > now ? "expires" : "expired", l.text);
	}
	show_layers(out, r);
}

static void
show_plan(FILE *out, struct rows *r, int64_t now)
{
	struct line l = {.len = 0};
	const char *text, *primary;
	int64_t at;

	text = rows_take_text(r, "", "state", "?");
	add(&l, "%s", text);
	text = rows_take_text(r, "", "reason", NULL);
	if (text != NULL) {
		add(&l, ": %s", text);
	}
	text = rows_take_text(r, "", "failed-rounds", "0");
	if (strcmp(text, "0") != 0) {
		add(&l, " (failed rounds: %s)", text);
	}
	print_line(out,
		   rows_take_bool(r, "", "alarm") ? "state ALARM" : "state",
		   l.text);
	l = (struct line){.len = 0};
	add(&l, "%s", rows_take_text(r, "", "next", "?"));
	primary = rows_take_text(r, "", "next-primary", NULL);
	if (primary != NULL) {
		add(&l, " from %s", primary);
	}
	if (rows_take_time(r, "", "next-at", &at)) {
		add(&l, at > now ? " " : ", due ");
		add_moment(&l, at, now);
	}
	print_line(out, "next step", l.text);
}

static void
show_transfer(FILE *out, struct rows *r, int64_t now)
{
	struct line l = {.len = 0};
	const char *kind = rows_take_text(r, "", "transfer-kind", NULL);
	const char *from, *key;
	int64_t at;

	if (kind == NULL) {
		print_line(out, "last transfer", "none since the start");
		return;
	}
	add(&l, "%s ", kind);
	from = rows_take_text(r, "", "transfer-from-serial", NULL);
	if (from != NULL) {
		add(&l, "%s -> ", from);
	}
	add(&l, "%s", rows_take_text(r, "", "transfer-serial", "?"));
	if (rows_take_time(r, "", "transfer-at", &at)) {
		add(&l, ", ");
		add_moment(&l, at, now);
	}
	print_line(out, "last transfer", l.text);
	l = (struct line){.len = 0};
	key = rows_take_text(r, "", "transfer-key", NULL);
	add(&l, "from %s over %s, ",
	    rows_take_text(r, "", "transfer-primary", "?"),
	    rows_take_text(r, "", "transfer-transport", "?"));
	if (key == NULL) {
		add(&l, "unsigned");
	} else {
		add(&l, "key %s", key);
	}
	print_line(out, "", l.text);
	l = (struct line){.len = 0};
	add(&l, "%s records, %s octets, %s messages, %s ms",
	    rows_take_text(r, "", "transfer-records", "?"),
	    rows_take_text(r, "", "transfer-octets", "?"),
	    rows_take_text(r, "", "transfer-messages", "?"),
	    rows_take_text(r, "", "transfer-ms", "?"));
	print_line(out, "", l.text);
}

static void
show_primary(FILE *out, struct rows *r, const struct thing *t, int64_t now)
{
	const char *id = t->id;
	struct line l = {.len = 0};
	const char *serial = rows_take_text(r, id, "serial", NULL);
	const char *failures = rows_take_text(r, id, "failures", NULL);
	const char *key = rows_take_text(r, id, "key", NULL);
	const char *error = rows_take_text(r, id, "error", NULL);
	int64_t at;

	rows_take(r, id, "remote"); /* both are in the id */
	rows_take(r, id, "address");
	add(&l, "%s: ", t->name);
	if (serial == NULL) {
		add(&l, "no serial seen");
	} else {
		add(&l, "serial %s", serial);
		if (rows_take_time(r, id, "seen-at", &at)) {
			add(&l, " seen ");
			add_distance(&l, at, now);
		}
	}
	add(&l, ", %s", rows_take_text(r, id, "health", "?"));
	if (rows_take_time(r, id, "tried-at", &at)) {
		add(&l, ", asked ");
		add_distance(&l, at, now);
	}
	if (key != NULL) {
		add(&l, ", key %s", key);
	}
	print_line(out, "primary", l.text);
	if (error != NULL) {
		l = (struct line){.len = 0};
		add(&l, "  %s", error);
		if (failures != NULL) {
			add(&l, " (failures in a row: %s)", failures);
		}
		print_line(out, "", l.text);
	}
}

static void
show_primaries(FILE *out, struct rows *r, int64_t now)
{
	for (size_t i = 0; i < r->count; i++) {
		if (strcmp(r->things[i]->kind, "primary") == 0) {
			show_primary(out, r, r->things[i], now);
		}
	}
}

/* What is not taken of a thing, each row by its name. */
static void
show_thing(FILE *out, struct thing *t, int64_t now)
{
	size_t width = LABEL_WIDTH;

	for (const struct row *row = t->first; row != NULL; row = row->next) {
		if (!row->is_taken && show_width(row->item) > width) {
			width = show_width(row->item);
		}
	}
	for (struct row *row = t->first; row != NULL; row = row->next) {
		struct line value = {.len = 0};

		if (row->is_taken) {
			continue;
		}
		row->is_taken = true;
		if (row->type == CONTROL_TIME) {
			add_moment(&value, strtoll(row->value, NULL, 10), now);
		} else {
			add(&value, "%s", row->value);
		}
		print_padded(out, row->item, width, value.text);
	}
}

static bool
has_rows(const struct thing *t)
{
	const struct row *row = t->first;

	while (row != NULL && row->is_taken) {
		row = row->next;
	}
	return row != NULL;
}

static void
show_paragraph(FILE *out, struct thing *t, int64_t now)
{
	show_text(out, t->id);
	putc('\n', out);
	show_thing(out, t, now);
}

/* What has an id: first together, and then what is left of each. */
static void
show_things(FILE *out, struct rows *r, bool is_first, int64_t now)
{
	for (size_t i = 0; i < 2 * r->count; i++) {
		struct thing *t = r->things[i % r->count];

		if (!has_rows(t) || (t->is_taken && i < r->count)) {
			continue;
		}
		fputs(is_first ? "" : "\n", out);
		is_first = false;
		if (t->is_taken || strcmp(t->kind, "module") == 0 ||
		    table_show(out, r, i) != SECD_OK) {
			show_paragraph(out, t, now);
		}
	}
}

void
show_rows(FILE *out, struct rows *r, int64_t now)
{
	struct thing *whole = rows_find(r, "");
	bool is_zone = r->zone[0] != '\0';

	if (is_zone) {
		show_text(out, r->zone);
		putc('\n', out);
	}
	if (rows_take(r, "", "held") != NULL) { /* a zone_report */
		show_held(out, r, now);
		show_plan(out, r, now);
		show_transfer(out, r, now);
		show_primaries(out, r, now);
	}
	if (whole != NULL) {
		show_thing(out, whole, now);
	}
	show_things(out, r, whole == NULL, now);
}
