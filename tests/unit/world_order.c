/* SPDX-License-Identifier: BSD-2-Clause */

#include "world_order.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "server/control_reply.h"
#include "server/modules.h"

const char *
world_witnessed(void)
{
	static char text[1 << 20];
	const char *began = text;
	char path[TEMP_DIR_MAX + 64];
	FILE *f;

	snprintf(path, sizeof(path), "%s/modules/witness/calls",
		 world.store->path);
	f = fopen(path, "r");
	assert_non_null(f);
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	for (const char *p = text; (p = strstr(p, "open\n")) != NULL; p++) {
		began = p;
	}
	return began;
}

/* The values of all rows that the witness answers with. */
static const char *
ask_witness(const char *const *words, size_t count)
{
	static char values[256];
	uint64_t position[SECD_POSITION_LEN / 8] = {0};
	struct control_reply r = {.error = ""};
	size_t at = 0;
	int rc;

	rc = modules_command(world.server->modules, words, count,
			     (uint8_t *)position, &r);
	values[0] = '\0';
	for (size_t i = 0, field = 0; rc == SECD_OK && i < r.rows.len;
	     i += strlen((char *)r.rows.data + i) + 1) {
		if (field++ % 5 == 4) {
			at += (size_t)snprintf(values + at, sizeof(values) - at,
					       "%s|", (char *)r.rows.data + i);
		}
	}
	control_reply_fini(&r);
	return values;
}

unsigned
world_order(unsigned zone, uint64_t seq)
{
	char number[32];
	const char *const words[] = {"witness", seq == 0 ? "unpin" : "pin",
				     world_names[zone], number};

	snprintf(number, sizeof(number), "%llu", (unsigned long long)seq);
	return (unsigned)atoi(ask_witness(words, seq == 0 ? 3 : 4));
}

const char *
world_known(unsigned zone)
{
	const char *const words[] = {"witness", "zone", world_names[zone]};

	return ask_witness(words, 3);
}

void
world_expect_order(unsigned order, int rc, const char *text)
{
	char begins[32], expected[32];
	const char *line = NULL;

	snprintf(begins, sizeof(begins), "\npinned %u: ", order);
	for (int i = 0; i < WORLD_LIMIT && line == NULL; i++) {
		line = strstr(world_witnessed(), begins);
		if (line == NULL) {
			world_wait();
		}
	}
	assert_non_null(line);
	line += strlen(begins);
	snprintf(expected, sizeof(expected), "%d ", rc);
	if (strncmp(line, expected, strlen(expected)) != 0 ||
	    strstr(line, text) == NULL) {
		fail_msg("not %d, %s: %.300s", rc, text, line);
	}
}

void
world_pin(unsigned zone, uint64_t seq)
{
	world_expect_order(world_order(zone, seq), SECD_OK, "");
}
