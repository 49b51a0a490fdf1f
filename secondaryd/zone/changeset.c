/* SPDX-License-Identifier: BSD-2-Clause */

#include "zone/changeset.h"

#include "base/error.h"
#include "wire/sequence.h"
#include "zone/record.h"

/*
 * An operation is one octet and the record behind it. Does it fit, and what does
 * the changeset's head say with it?
 */
static int
count_in(const struct changeset *cs, enum changeset_op op, const struct rr *rr,
	 struct changeset *counted)
{
	struct sequence sequence = {.serial = cs->to,
				    .last = (uint8_t)cs->last};
	struct rr_soa soa = {0};

	if (op == CHANGESET_SOA_FROM || op == CHANGESET_SOA_TO) {
		if (rr->type != RR_TYPE_SOA) {
			return SECD_EMALF;
		}
		rr_soa_get(rr, &soa);
	}
	if (cs->last == 0) {
		sequence.serial = soa.serial; /* it may begin anywhere */
	}
	if (sequence_take(&sequence, (uint8_t)op, rr->type, rr->rdata,
			  rr->rdlen) != NULL) {
		return SECD_EMALF;
	}
	*counted = *cs;
	switch (op) {
	case CHANGESET_SOA_FROM:
		counted->from = cs->last == 0 ? soa.serial : cs->from;
		counted->step_count++;
		break;
	case CHANGESET_SOA_TO:
		counted->to = soa.serial;
		break;
	case CHANGESET_DELETE:
		counted->deleted++;
		break;
	case CHANGESET_ADD:
		counted->added++;
		break;
	}
	counted->last = op;
	return SECD_OK;
}

int
changeset_put(struct changeset *cs, enum changeset_op op, const struct rr *rr)
{
	struct changeset counted;
	uint8_t code = (uint8_t)op;
	int rc;

	rc = count_in(cs, op, rr, &counted);
	if (rc == SECD_OK) {
		rc = buf_reserve(&cs->octets, 1 + record_len(rr));
	}
	if (rc != SECD_OK) {
		return rc;
	}
	/* There is room for both. */
	buf_put(&cs->octets, &code, 1);
	record_put(&cs->octets, rr);
	counted.octets = cs->octets;
	*cs = counted;
	return SECD_OK;
}

bool
changeset_is_complete(const struct changeset *cs)
{
	return cs->last == CHANGESET_SOA_TO || cs->last == CHANGESET_ADD;
}

int
changeset_from_octets(const uint8_t *octets, size_t len, struct changeset *cs)
{
	struct changeset read = {0}, counted;
	size_t at = 0;
	int rc;

	while (at < len) {
		enum changeset_op op = (enum changeset_op)octets[at];
		struct rr rr;
		size_t n =
		    record_get_checked(octets + at + 1, len - at - 1, &rr);

		if (n == 0) {
			return SECD_EMALF;
		}
		rc = count_in(&read, op, &rr, &counted);
		if (rc != SECD_OK) {
			return rc;
		}
		read = counted;
		at += 1 + n;
	}
	if (!changeset_is_complete(&read)) {
		return SECD_EMALF;
	}
	rc = buf_put(&read.octets, octets, len);
	if (rc == SECD_OK) {
		*cs = read;
	}
	return rc;
}

void
changeset_fini(struct changeset *cs)
{
	buf_fini(&cs->octets);
	*cs = (struct changeset){0};
}

bool
changeset_next(const struct changeset *cs, size_t *pos, enum changeset_op *op,
	       struct rr *rr)
{
	if (*pos >= cs->octets.len) {
		return false;
	}
	*op = (enum changeset_op)cs->octets.data[*pos];
	*pos += 1 + record_get(cs->octets.data + *pos + 1, rr);
	return true;
}
