/* SPDX-License-Identifier: BSD-2-Clause */

#include "ixfr-journal/ask.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"

int
ask_fail(const struct ask *a, int rc, const char *format, const char *what)
{
	char text[NAME_TEXT_MAX + SECD_REASON_LEN];

	snprintf(text, sizeof(text), format, what);
	a->r->error(a->r->ctx, text);
	return rc;
}

int
ask_fail_code(const struct ask *a, int rc)
{
	return ask_fail(a, rc, "%s", secd_strerror(rc));
}

int
ask_zone(struct ask *a, const char *name)
{
	int rc;

	if (name_from_text(name, a->apex) != SECD_OK) {
		return ask_fail(a, SECD_EINVAL, "\"%s\" is not a name", name);
	}
	name_lower(a->apex, a->apex);
	name_to_text(a->apex, a->zone);
	rc = db_get_zone(&a->j->db, a->txn, a->apex, &a->record);
	if (rc == SECD_ENOTFOUND) {
		return ask_fail(a, rc, "zone %s is not in the journal",
				a->zone);
	}
	return rc == SECD_OK ? rc : ask_fail_code(a, rc);
}

static bool
parse_serial(const char *text, size_t len, uint32_t *out)
{
	uint64_t value = 0;

	if (len == 0 || len > 10) {
		return false;
	}
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9') {
			return false;
		}
		value = value * 10 + (uint64_t)(text[i] - '0');
	}
	*out = (uint32_t)value;
	return value <= UINT32_MAX;
}

/* The newest version with the serial that a text names. */
int
ask_version(const struct ask *a, const char *text, size_t len, uint64_t *seq)
{
	uint32_t serial;
	int rc;

	if (!parse_serial(text, len, &serial)) {
		return ask_fail(a, SECD_EINVAL, "\"%s\" is not a serial", text);
	}
	rc = db_seq_of_serial(&a->j->db, a->txn, a->record.id, serial,
			      UINT64_MAX, seq);
	if (rc == SECD_ENOTFOUND) {
		return ask_fail(a, rc, "version %s is not kept", text);
	}
	return rc == SECD_OK ? rc : ask_fail_code(a, rc);
}
