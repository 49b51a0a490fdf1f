/* SPDX-License-Identifier: BSD-2-Clause */

#include "show.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LABEL_WIDTH 15
#define TEXT_MAX    4096
#define TIME_MAX    96

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

static void
print_padded(FILE *out, const char *label, size_t width, const char *text)
{
	fputs("    ", out);
	show_text(out, label);
	for (size_t i = strlen(label); i < width; i++) {
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
	char text[TIME_MAX];
	time_t t = (time_t)at;
	struct tm tm;

	add_distance(l, at, now);
	if (gmtime_r(&t, &tm) != NULL &&
	    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) > 0) {
		add(l, " (%s)", text);
	}
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
show_primary(FILE *out, struct rows *r, const char *id, int64_t now)
{
	struct line l = {.len = 0};
	const char *serial = rows_take_text(r, id, "serial", NULL);
	const char *failures = rows_take_text(r, id, "failures", NULL);
	const char *error = rows_take_text(r, id, "error", NULL);
	int64_t at;

	rows_take(r, id, "remote"); /* both are in the id */
	rows_take(r, id, "address");
	add(&l, "%s: ", strchr(id, ' ') + 1);
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
		if (!r->rows[i].is_taken &&
		    strncmp(r->rows[i].id, "primary ", 8) == 0) {
			show_primary(out, r, r->rows[i].id, now);
		}
	}
}

static void
add_label(struct line *l, const struct row *row)
{
	add(l, "%s%s%s", row->id, row->id[0] == '\0' ? "" : " ", row->item);
}

static size_t
rest_width(const struct rows *r)
{
	size_t width = LABEL_WIDTH;

	for (size_t i = 0; i < r->count; i++) {
		struct line label = {.len = 0};

		add_label(&label, &r->rows[i]);
		if (!r->rows[i].is_taken && label.len > width) {
			width = label.len;
		}
	}
	return width;
}

/* What this program does not know. */
static void
show_rest(FILE *out, struct rows *r, int64_t now)
{
	size_t width = rest_width(r);

	for (size_t i = 0; i < r->count; i++) {
		struct row *row = &r->rows[i];
		struct line label = {.len = 0}, value = {.len = 0};

		if (row->is_taken) {
			continue;
		}
		add_label(&label, row);
		if (row->type == CONTROL_TIME) {
			add_moment(&value, strtoll(row->value, NULL, 10), now);
		} else {
			add(&value, "%s", row->value);
		}
		print_padded(out, label.text, width, value.text);
	}
}

static bool
has_item(const struct rows *r, const char *item)
{
	for (size_t i = 0; i < r->count; i++) {
		if (strcmp(r->rows[i].item, item) == 0) {
			return true;
		}
	}
	return false;
}

void
show_rows(FILE *out, struct rows *r, int64_t now)
{
	if (r->zone != NULL && r->zone[0] != '\0') {
		show_text(out, r->zone);
		putc('\n', out);
	}
	if (has_item(r, "held")) { /* a zone_report */
		show_held(out, r, now);
		show_plan(out, r, now);
		show_transfer(out, r, now);
		show_primaries(out, r, now);
	}
	show_rest(out, r, now);
}
