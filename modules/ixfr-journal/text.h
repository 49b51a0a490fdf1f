/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * text -- names and records for people, times and addresses too.
 */

#ifndef IXFR_JOURNAL_TEXT_H
#define IXFR_JOURNAL_TEXT_H

#include <stdbool.h>

#include "secondaryd/module.h"

/* A name, each octet escaped, its dots and a NUL. */
#define TEXT_NAME_MAX 1024
/* A record in the form of RFC 3597, or whatever the host writes. */
#define TEXT_RECORD_MAX (4 * 65535 + 2 * TEXT_NAME_MAX)

/** Room for TEXT_NAME_MAX. Returns `out`. */
char *text_of_name(const uint8_t *name, char *out);

/**
 * A name as people write it, made lower-case; with or without the last dot.
 *
 * out      room for 255 octets
 * Returns  false: it is none
 */
bool text_to_name(const char *text, uint8_t *out, size_t *len);

/** A record on one line; room for TEXT_RECORD_MAX. */
void text_of_record(const struct secd_host *host, const struct secd_entry *e,
		    char *out);

/** "ADDRESS@PORT"; room for 64. */
char *text_of_address(const struct secd_address *a, char *out);

#endif
