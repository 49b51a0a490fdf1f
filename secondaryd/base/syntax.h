/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * syntax -- what is wrong with a line of a configuration file that a parser
 * refuses: libknot's, which gives the line and nothing more, or options.c.
 *
 * This looks at that line again and says what it finds, in fixed sentences: a
 * line may hold a secret, so nothing of it is ever repeated.
 */

#ifndef SECD_BASE_SYNTAX_H
#define SECD_BASE_SYNTAX_H

#include <stddef.h>

/**
 * Find what is wrong with one line of a text.
 *
 * line     counts from 1; may be above the number of lines
 * Returns  a phrase, never NULL; it says what is expected when no particular
 *          mistake is found
 */
const char *syntax_hint(const char *text, size_t len, size_t line);

#endif
