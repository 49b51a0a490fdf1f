/* SPDX-License-Identifier: BSD-2-Clause */

#include "ixfr-journal/text.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"

void
text_of_record(const struct secd_host *host, const struct secd_entry *e,
	       char *out)
{
	char owner[NAME_TEXT_MAX];
	char *p = out;

	if (SECD_HAS(host, record_text) && host->record_text != NULL &&
	    host->record_text(host->ctx, e, out, TEXT_RECORD_MAX) == SECD_OK) {
		return;
	}
	p += sprintf(p, "%s %u TYPE%u \\# %u", name_to_text(e->owner, owner),
		     (unsigned)e->ttl, (unsigned)e->type,
		     (unsigned)e->rdata_len);
	*p = '\0';
	for (unsigned i = 0; i < e->rdata_len; i++) {
		p += sprintf(p, "%s%02x", i == 0 ? " " : "", e->rdata[i]);
	}
}
