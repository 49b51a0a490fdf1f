/* SPDX-License-Identifier: BSD-2-Clause */

#include "ixfr-journal/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/error.h"

void
text_of_record(const struct secd_host *host, const struct secd_entry *e,
	       char *out)
{
	static const char digits[] = "0123456789abcdef";
	char owner[NAME_TEXT_MAX];
	char *p = out;

	if (SECD_HAS(host, record_text) && host->record_text != NULL &&
	    host->record_text(host->ctx, e, out, TEXT_RECORD_MAX) == SECD_OK) {
		return;
	}
	p += sprintf(p, "%s %u TYPE%u \\# %u", name_to_text(e->owner, owner),
		     (unsigned)e->ttl, (unsigned)e->type,
		     (unsigned)e->rdata_len);
	if (e->rdata_len > 0) {
		*p++ = ' ';
	}
	for (unsigned i = 0; i < e->rdata_len; i++) {
		*p++ = digits[e->rdata[i] >> 4];
		*p++ = digits[e->rdata[i] & 15];
	}
	*p = '\0';
}

const char *
text_of_time(int64_t at_ms, char out[TEXT_TIME_MAX])
{
	time_t at = (time_t)(at_ms / 1000);
	struct tm tm;

	if (gmtime_r(&at, &tm) == NULL ||
	    strftime(out, TEXT_TIME_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0) {
		snprintf(out, TEXT_TIME_MAX, "%" PRId64, at_ms / 1000);
	}
	return out;
}
