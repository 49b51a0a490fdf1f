/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_options -- any octets as a module's configuration file.
 *
 * Either it is refused with "file:line: message" in one line, or each option
 * has a line of the file, in order, and whole texts.
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/options.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(what)                                                            \
	do {                                                                   \
		if (!(what)) {                                                 \
			fprintf(stderr, "not so: %s\n", #what);                \
			abort();                                               \
		}                                                              \
	} while (0)

static unsigned long
count_lines(const uint8_t *data, size_t size)
{
	unsigned long lines = 1;

	for (size_t i = 0; i < size; i++) {
		lines += data[i] == '\n';
	}
	return lines;
}

static void
check_reason(const char *reason, unsigned long lines)
{
	static const char file[] = "fuzz.conf:";
	unsigned long line;
	char *end;

	CHECK(strncmp(reason, file, strlen(file)) == 0);
	line = strtoul(reason + strlen(file), &end, 10);
	CHECK(line >= 1 && line <= lines);
	CHECK(strncmp(end, ": ", 2) == 0 && end[2] != '\0');
	CHECK(strchr(end, '\n') == NULL);
}

static void
check_options(const struct secd_options *list, unsigned long lines)
{
	uint32_t line = 1;

	for (size_t i = 0; i < list->section_count; i++) {
		CHECK(list->sections[i].line >= line &&
		      list->sections[i].line <= lines);
		CHECK(list->sections[i].section[0] != '\0');
		line = list->sections[i].line + 1;
	}
	line = 1;
	for (size_t i = 0; i < list->count; i++) {
		const struct secd_option *o = &list->items[i];

		CHECK(o->line >= line && o->line <= lines);
		line = o->line;
		CHECK(o->section[0] != '\0' && o->key[0] != '\0');
		CHECK(strlen(o->id) + strlen(o->value) < 1u << 21);
		CHECK(strpbrk(o->value, "\r\n\t") == NULL);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned long lines = count_lines(data, size);
	char reason[SECD_REASON_LEN] = "";
	struct options *o = NULL;
	int rc = options_load_text("fuzz.conf", (const char *)data, size, &o,
				   reason);

	if (rc == SECD_OK) {
		check_options(options_get(o), lines);
		options_free(o);
	} else {
		CHECK(o == NULL);
		check_reason(reason, lines);
	}
	return 0;
}
