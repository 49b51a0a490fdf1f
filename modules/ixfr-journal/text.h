/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * text -- records and moments for people.
 */

#ifndef IXFR_JOURNAL_TEXT_H
#define IXFR_JOURNAL_TEXT_H

#include "secondaryd/module.h"
#include "wire/name.h"

/* A record in the form of RFC 3597, or whatever the host writes. */
#define TEXT_RECORD_MAX (4 * 65535 + 2 * NAME_TEXT_MAX)

#define TEXT_TIME_MAX 64

/** A record on one line; room for TEXT_RECORD_MAX. */
void text_of_record(const struct secd_host *host, const struct secd_entry *e,
		    char *out);

/** A moment, wall clock, in UTC (RFC 3339). Returns `out`. */
const char *text_of_time(int64_t at_ms, char out[TEXT_TIME_MAX]);

#endif
