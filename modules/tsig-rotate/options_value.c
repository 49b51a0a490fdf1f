/* SPDX-License-Identifier: BSD-2-Clause */

#include <libgen.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/module_address.h"
#include "base/quantity.h"
#include "tsig-rotate/options_internal.h"

#define TIME_MAX_MS (INT64_C(86400000) * 3650)

int
options_fail(const struct reader *r, uint32_t line, const char *format, ...)
{
	va_list args;
	int len = snprintf(r->reason, SECD_REASON_LEN,
			   "%.200s:%u: ", r->from->path, (unsigned)line);

	va_start(args, format);
	vsnprintf(r->reason + len, SECD_REASON_LEN - (size_t)len, format, args);
	va_end(args);
	return SECD_EINVAL;
}

int
options_no_memory(const struct reader *r)
{
	snprintf(r->reason, SECD_REASON_LEN, "no memory");
	return SECD_ENOMEM;
}

int
options_bad(const struct reader *r, const struct secd_option *item,
	    const char *what)
{
	return options_fail(r, item->line, "%.32s: \"%.64s\" is not %s",
			    item->key, item->value, what);
}

int
options_time(const struct reader *r, const struct secd_option *item,
	     int64_t *ms)
{
	static const struct quantity_unit units[] = {
	    {"", 1000},   {"ms", 1},      {"s", 1000},
	    {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
	uint64_t value;

	if (!quantity_read(item->value, units, 6, &value) || value == 0 ||
	    value > TIME_MAX_MS) {
		return options_bad(r, item,
				   "a time, as 90, 90s, 15m, 2h or 7d");
	}
	*ms = (int64_t)value;
	return SECD_OK;
}

int
options_bool(const struct reader *r, const struct secd_option *item, bool *out)
{
	*out = strcmp(item->value, "on") == 0;
	return *out || strcmp(item->value, "off") == 0
		   ? SECD_OK
		   : options_bad(r, item, "on or off");
}

int
options_choice(const struct reader *r, const struct secd_option *item,
	       const char *yes, const char *no, bool *out)
{
	char what[64];

	*out = strcmp(item->value, yes) == 0;
	if (*out || strcmp(item->value, no) == 0) {
		return SECD_OK;
	}
	snprintf(what, sizeof(what), "%s or %s", yes, no);
	return options_bad(r, item, what);
}

int
options_address(const struct reader *r, const struct secd_option *item,
		uint16_t port, struct secd_address *out)
{
	return module_address_read(item->value, port, out)
		   ? SECD_OK
		   : options_bad(r, item, "an address, as 192.0.2.1@53");
}

int
options_path(const struct reader *r, const struct secd_option *item,
	     const char **out)
{
	char *copy = arena_printf(r->o->arena, "%s", r->from->path);

	if (item->value[0] == '\0') {
		return options_bad(r, item, "a file");
	}
	if (copy != NULL) {
		*out = item->value[0] == '/' || r->from->path[0] == '\0'
			   ? arena_printf(r->o->arena, "%s", item->value)
			   : arena_printf(r->o->arena, "%s/%s", dirname(copy),
					  item->value);
	}
	return copy == NULL || *out == NULL ? options_no_memory(r) : SECD_OK;
}

int
options_id(const struct reader *r, const struct secd_option *item,
	   const char **out)
{
	size_t len =
	    strspn(item->value, "abcdefghijklmnopqrstuvwxyz0123456789_-.");

	if (len == 0 || len >= OPTIONS_ID_MAX || item->value[len] != '\0' ||
	    item->value[0] == '.' || item->value[0] == '-') {
		return options_bad(
		    r, item, "an id: up to 63 of a-z, 0-9, '-', '_' and '.'");
	}
	*out = arena_printf(r->o->arena, "%s", item->value);
	return *out == NULL ? options_no_memory(r) : SECD_OK;
}

int
options_key(const struct reader *r, const struct secd_option *item,
	    uint8_t names[SLOT_COUNT][NAME_LEN_MAX])
{
	uint8_t name[NAME_LEN_MAX];
	size_t len;

	if (name_from_text(item->value, name) != SECD_OK || name[0] == 0) {
		return options_bad(r, item, "the name of a key");
	}
	len = name_len(name);
	if (name[0] > 61 || len > NAME_LEN_MAX - 2) {
		return options_bad(r, item,
				   "short enough for a \"-a\" in its first "
				   "label");
	}
	name_lower(name, name);
	for (unsigned s = 0; s < SLOT_COUNT; s++) {
		uint8_t *out = names[s];
		size_t label = 1u + name[0];

		memcpy(out, name, label);
		out[0] = (uint8_t)(name[0] + 2);
		out[label] = '-';
		out[label + 1] = s == SLOT_A ? 'a' : 'b';
		memcpy(out + label + 2, name + label, len - label);
	}
	return SECD_OK;
}
