/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * filter -- every test program runs only the tests whose names match the
 * pattern SECD_TEST_CASE, if it is set. Linked into all of them.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

__attribute__((constructor)) static void
set_filter(void)
{
	const char *pattern = getenv("SECD_TEST_CASE");

	if (pattern != NULL) {
		cmocka_set_test_filter(pattern);
	}
}
