/* SPDX-License-Identifier: BSD-2-Clause */

#include <string.h>

#include "base/error.h"
#include "transfer/xfr_out_internal.h"

uint64_t
xfr_out_about(const uint8_t *octets, size_t len, size_t apex_len)
{
	struct secd_entry e, before = {.owner_len = 0};
	uint64_t about = 0;

	for (size_t at = 0; at < len;) {
		size_t n = secd_entry_read(octets + at, len - at, &e);

		if (n == 0) {
			return 0;
		}
		about += (uint64_t)XFR_OUT_RR_FIXED + e.rdata_len;
		if ((e.owner_len != before.owner_len ||
		     memcmp(e.owner, before.owner, e.owner_len) != 0) &&
		    e.owner_len > apex_len) {
			about += e.owner_len - apex_len;
		}
		before = e;
		at += n;
	}
	return about;
}

static enum xfr_out_put
fail(struct xfr_out_entries *s, int rc)
{
	s->rc = rc;
	return XFR_OUT_PUT_FAILED;
}

/* What leads elsewhere must not look like the way. */
static bool
is_there(const struct xfr_out_entries *s)
{
	return sequence_is_complete(&s->sequence) &&
	       s->sequence.serial == s->to;
}

/* The next run; an empty one is the end. */
static int
pull(struct xfr_out_entries *s, struct xfr_out_message *m)
{
	xfr_out_message_keep_name(m); /* it may be in the run before */
	s->at = s->len = 0;
	return s->source.next(s->source.ctx, &s->octets, &s->len);
}

/* As usual, or in a message of its own when it is longer. */
static bool
put_entry(struct xfr_out_message *m, const struct secd_entry *e)
{
	size_t usual = m->limit;
	bool is_put = xfr_out_message_put_entry(m, e);

	if (!is_put && m->record_count == 0) {
		m->limit = m->cap;
		is_put = xfr_out_message_put_entry(m, e);
		m->limit = usual;
	}
	return is_put;
}

enum xfr_out_put
xfr_out_entries_put(struct xfr_out_entries *s, struct xfr_out_message *m)
{
	for (;;) {
		struct secd_entry e;
		size_t len;

		if (s->at == s->len) {
			int rc = pull(s, m);

			if (rc != SECD_OK) {
				return fail(s, rc);
			}
			if (s->len == 0) {
				return is_there(s) ? XFR_OUT_PUT_ALL
						   : fail(s, SECD_EMALF);
			}
		}
		len = secd_entry_read(s->octets + s->at, s->len - s->at, &e);
		if (len == 0) {
			return fail(s, SECD_EMALF);
		}
		if (!put_entry(m, &e)) {
			return m->record_count > 0 ? XFR_OUT_PUT_FULL
						   : fail(s, SECD_ENOSPC);
		}
		if (sequence_take(&s->sequence, e.op, e.type, e.rdata,
				  e.rdata_len) != NULL) {
			return fail(s, SECD_EMALF);
		}
		s->at += len;
	}
}
