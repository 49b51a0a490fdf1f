/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/transfer_stream.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"

int
transfer_stream_next(struct transfer_stream *s, uint8_t *out, size_t cap,
		     size_t *len)
{
	size_t reserve = s->tsig.key == NULL ? 0 : tsig_room(s->tsig.key);
	enum xfr_out_verdict v;

	if (tsig_key_is_revoked(s->tsig.key)) {
		return SECD_EAUTH;
	}
	v = xfr_out_next(s->out, out, cap, reserve, len);
	if (v == XFR_OUT_FAILED) {
		return SECD_ENOSPC;
	}
	s->is_done = v == XFR_OUT_DONE;
	return s->tsig.key == NULL
		   ? SECD_OK
		   : tsig_sign_answer(&s->tsig, out, len, cap, clock_wall_s());
}

static void
note_receiver(const struct transfer_stream *s)
{
	downstreams_note(
	    s->frontend->downstreams, s->apex, &s->from,
	    s->is_ixfr ? DOWNSTREAM_IXFR : DOWNSTREAM_AXFR, s->serial,
	    s->tsig.key == NULL ? NULL : tsig_key_name(s->tsig.key));
}

static const char *
end_text(const struct transfer_stream *s)
{
	if (s->is_done) {
		return "";
	}
	return tsig_key_is_revoked(s->tsig.key)
		   ? ", cut off: the key was taken back"
		   : ", cut off";
}

void
transfer_stream_close(struct transfer_stream *s)
{
	struct xfr_out_count c;
	char key[NAME_TEXT_MAX] = "none";
	int64_t took;

	if (s == NULL) {
		return;
	}
	xfr_out_count(s->out, &c);
	took = clock_awake_ms() - s->started_ms;
	if (s->tsig.key != NULL) {
		name_to_text(tsig_key_name(s->tsig.key), key);
	}
	log_info("zone %s: %s to %s: serial %" PRIu32 ", %" PRIu64
		 " records, %" PRIu64 " octets, %" PRIu64
		 " messages in %" PRId64 ".%03" PRId64 " s, tcp, key %s%s",
		 s->zone, s->is_ixfr ? "AXFR-style IXFR" : "AXFR", s->peer,
		 s->serial, c.records, c.octets, c.messages, took / 1000,
		 took % 1000, key, end_text(s));
	if (s->is_done) {
		frontend_count(&s->counters->transfers_done);
		note_receiver(s);
	}
	atomic_fetch_sub(&s->frontend->transfers_out, 1);
	xfr_out_free(s->out);
	tsig_transaction_fini(&s->tsig);
	free(s);
}
