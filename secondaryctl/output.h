/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * output -- the rows of a reply, as they come, on the way to stdout: for people
 * or for programs. One zone is shown when the next one begins; of lines, which
 * may be many, none is kept.
 */

#ifndef SECONDARYCTL_OUTPUT_H
#define SECONDARYCTL_OUTPUT_H

#include "base/buf.h"
#include "rows.h"

struct output {
	bool json;
	bool has_shown;  /* something, that the next thing is set off from */
	bool has_failed; /* an error came */
	int64_t now;
	struct rows rows;
	struct buf line; /* whose end is still to come */
};

void output_begin(struct output *o, bool json);

/** Take a row, or an error, which goes to stderr. SECD_OK, SECD_ENOMEM. */
int output_row(struct output *o, const struct control_row *row);

/** Show what waits. Returns false when an error came, or stdout failed. */
bool output_end(struct output *o);

#endif
