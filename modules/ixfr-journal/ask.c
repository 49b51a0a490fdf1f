/* SPDX-License-Identifier: BSD-2-Clause */

#include "ixfr-journal/ask.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "ixfr-journal/db_look.h"

int
ask_fail(const struct ask *a, int rc, const char *format, const char *what)
{
	char text[NAME_TEXT_MAX + SECD_REASON_LEN];

	if (a->txn != NULL && db_look_is_torn(&a->j->db, a->txn)) {
		a->r->error(a->r->ctx,
			    "the server wrote meanwhile, which does not see "
			    "this reader: try again, or as a user that may "
			    "write to the lock file");
		return SECD_EBUSY;
	}
	snprintf(text, sizeof(text), format, what);
	a->r->error(a->r->ctx, text);
	return rc;
}

/* What the database says of its own values is not for people. */
static const char *
text_of_code(int rc)
{
	switch (rc) {
	case SECD_EMALF:
	case SECD_EIO:
		return "what is kept of it is damaged, or cannot be read: see "
		       "verify";
	case SECD_ENOTFOUND:
		return "a part of what is kept of it is not there: see verify";
	default:
		return secd_strerror(rc);
	}
}

int
ask_fail_code(const struct ask *a, int rc)
{
	return ask_fail(a, rc, "%s", text_of_code(rc));
}

static int
read_name(struct ask *a, const char *name)
{
	if (name_from_text(name, a->apex) != SECD_OK) {
		return ask_fail(a, SECD_EINVAL, "\"%s\" is not a name", name);
	}
	name_lower(a->apex, a->apex);
	name_to_text(a->apex, a->zone);
	return SECD_OK;
}

int
ask_any_zone(struct ask *a, const char *name)
{
	int rc = read_name(a, name);

	if (rc == SECD_OK &&
	    db_get_zone(&a->j->db, a->txn, a->apex, &a->record) != SECD_OK) {
		a->record = (struct zone_record){.id = 0};
	}
	return rc;
}

int
ask_zone(struct ask *a, const char *name)
{
	int rc = read_name(a, name);

	if (rc != SECD_OK) {
		return rc;
	}
	rc = db_get_zone(&a->j->db, a->txn, a->apex, &a->record);
	if (rc == SECD_ENOTFOUND) {
		return ask_fail(a, rc, "zone %s is not in the journal",
				a->zone);
	}
	return rc == SECD_OK ? rc : ask_fail_code(a, rc);
}

bool
ask_number(const char *text, size_t len, uint64_t max, uint64_t *out)
{
	uint64_t value = 0;

	for (size_t i = 0; i < len; i++) {
		uint64_t digit = (uint64_t)(text[i] - '0');

		if (text[i] < '0' || text[i] > '9' ||
		    value > (max - digit) / 10) {
			return false;
		}
		value = value * 10 + digit;
	}
	*out = value;
	return len > 0;
}

static int
find(const struct ask *a, uint64_t seq, struct ask_found *out)
{
	struct segment *g = &out->segment;
	int rc = db_segment_of(&a->j->db, a->txn, a->record.id, seq, g);

	if (rc == SECD_OK) {
		rc = db_totals_at(&a->j->db, a->txn, g, seq, &out->totals);
	}
	if (rc != SECD_OK) {
		return rc;
	}
	out->seq = seq;
	out->serial = out->totals.serial;
	out->at = g->began_at;
	out->begins = seq == g->start;
	if (!out->begins) {
		rc = db_get_step(&a->j->db, a->txn, g->zone, seq, &out->step);
		out->at = out->step.at;
	}
	return rc;
}

int
ask_find(const struct ask *a, uint64_t seq, struct ask_found *out)
{
	int rc = find(a, seq, out);

	return rc == SECD_OK ? rc : ask_fail_code(a, rc);
}

int
ask_version(const struct ask *a, const char *text, size_t len, uint64_t *seq)
{
	struct ask_found found;
	char what[64];
	uint64_t n;
	int rc;

	snprintf(what, sizeof(what), "%.*s", (int)(len < 40 ? len : 40), text);
	if (ask_number(text, len, UINT32_MAX, &n)) {
		rc = db_seq_of_serial(&a->j->db, a->txn, a->record.id,
				      (uint32_t)n, UINT64_MAX, seq);
	} else if (len > 0 && text[0] == '@' &&
		   ask_number(text + 1, len - 1, UINT64_MAX - 1, &n)) {
		rc = find(a, n, &found);
		*seq = n;
	} else {
		return ask_fail(a, SECD_EINVAL,
				"\"%s\" is no serial, and no @VERSION", what);
	}
	if (rc == SECD_ENOTFOUND) {
		return ask_fail(a, rc,
				what[0] == '@' ? "version %s is not kept"
					       : "serial %s is not kept",
				what);
	}
	return rc == SECD_OK ? rc : ask_fail_code(a, rc);
}
