/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/transfer_log.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "wire/name.h"

/* "IXFR to 192.0.2.1@5353: serial 5 -> 9, 4 steps" */
static void
describe(const struct transfer_log *t, char *out, size_t cap)
{
	if (!t->is_ixfr) {
		snprintf(out, cap, "AXFR to %s: serial %" PRIu32, t->peer,
			 t->serial);
	} else if (t->why != NULL) {
		snprintf(out, cap,
			 "AXFR-style IXFR to %s: serial %" PRIu32 " -> %" PRIu32
			 ", %s",
			 t->peer, t->from, t->serial, t->why);
	} else {
		uint32_t steps = t->steps > 0 ? t->steps : t->count.steps;

		snprintf(out, cap,
			 "IXFR to %s: serial %" PRIu32 " -> %" PRIu32
			 ", %" PRIu32 " %s%s",
			 t->peer, t->from, t->serial, steps,
			 steps == 1 ? "step" : "steps",
			 t->is_condensed ? " condensed" : "");
	}
}

void
transfer_log(const struct transfer_log *t)
{
	char what[192], zone[NAME_TEXT_MAX], key[NAME_TEXT_MAX] = "none";

	if (!log_enabled(LOG_LEVEL_INFO)) {
		return;
	}
	describe(t, what, sizeof(what));
	if (t->key != NULL) {
		name_to_text(tsig_key_name(t->key), key);
	}
	log_info("zone %s: %s, %" PRIu64 " records, %" PRIu64
		 " octets, %" PRIu64 " messages in %" PRId64 ".%03" PRId64
		 " s, %s, key %s%s%s%s",
		 name_to_text(t->apex, zone), what, t->count.records,
		 t->count.octets, t->count.messages, t->took_ms / 1000,
		 t->took_ms % 1000, t->transport, key,
		 t->broke == NULL ? "" : ", cut off",
		 t->broke == NULL || t->broke[0] == '\0' ? "" : ": ",
		 t->broke == NULL ? "" : t->broke);
}
