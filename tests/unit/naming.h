/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * naming -- names for the tests of names.
 */

#ifndef TESTS_NAMING_H
#define TESTS_NAMING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "wire/name.h"

#define LEN(array) (sizeof(array) / sizeof(*(array)))

/* A name in memory of exactly its length, so that ASan sees a step too far. */
static inline uint8_t *
exact(const uint8_t *name)
{
	size_t len = name_len(name);
	uint8_t *copy = malloc(len);

	assert_non_null(copy);
	memcpy(copy, name, len);
	return copy;
}

/* One of the last four is still there. */
static inline const uint8_t *
parse(const char *text)
{
	static uint8_t names[4][NAME_LEN_MAX];
	static unsigned next;
	uint8_t *name = names[next++ % 4];

	assert_int_equal(name_from_text(text, name), SECD_OK);
	return name;
}

#endif
