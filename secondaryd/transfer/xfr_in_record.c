/* SPDX-License-Identifier: BSD-2-Clause */

#include "transfer/xfr_in_internal.h"

#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "wire/serial.h"

#define RR_HEAD_LEN 10        /* type, class, TTL, RDLENGTH */
#define TTL_MAX     INT32_MAX /* RFC 2181 section 8 */

/* A refusal that names the record. */
static int
fail_record(struct xfr_in *x, const struct rr *rr, const char *what)
{
	char owner[NAME_TEXT_MAX];

	return xfr_in_refuse(
	    x, FAILURE_MALFORMED, "record %" PRIu64 ": %s: %.80s type %u",
	    x->result.records, what, name_to_text(rr->owner, owner), rr->type);
}

static int
fail_local(struct xfr_in *x, int rc)
{
	return xfr_in_refuse(x, FAILURE_LOCAL, "%s", secd_strerror(rc));
}

/* Types of questions and of messages (RFC 6895 section 3.1) are no data. */
static bool
is_data(uint16_t type)
{
	return type != 0 && type != RR_TYPE_OPT && (type < 128 || type > 255);
}

static int
keep_soa(struct xfr_in *x, struct xfr_in_soa *copy, const struct rr *rr)
{
	if (rr->rdlen > XFR_IN_SOA_MAX) {
		return fail_record(x, rr, "SOA is too long");
	}
	memcpy(copy->owner, rr->owner, name_len(rr->owner));
	memcpy(copy->rdata, rr->rdata, rr->rdlen);
	copy->rr = *rr;
	copy->rr.owner = copy->owner;
	copy->rr.rdata = copy->rdata;
	return SECD_OK;
}

static uint32_t
soa_serial(const struct rr *rr)
{
	struct rr_soa soa;

	rr_soa_get(rr, &soa);
	return soa.serial;
}

/* Is the opening serial worth what follows? */
static int
check_policy(struct xfr_in *x, enum xfr_in_policy policy)
{
	enum serial_order order =
	    serial_compare(x->result.soa.serial, x->params.serial);

	if (policy == XFR_IN_ANY || order == SERIAL_GREATER ||
	    (policy == XFR_IN_NEWER_OR_EQUAL && order == SERIAL_EQUAL)) {
		return SECD_OK;
	}
	return xfr_in_refuse(x, FAILURE_STALE,
			     "serial %" PRIu32 " is not newer than %" PRIu32,
			     x->result.soa.serial, x->params.serial);
}

static int
put_spool(struct xfr_in *x, const struct rr *rr)
{
	int rc = spool_add(x->spool, rr);

	return rc == SECD_OK ? SECD_OK : fail_local(x, rc);
}

static int
begin_axfr(struct xfr_in *x)
{
	int rc =
	    spool_new(x->params.spool_dir, x->params.spool_chunk, &x->spool);

	if (rc != SECD_OK) {
		return fail_local(x, rc);
	}
	x->phase = PHASE_AXFR;
	return put_spool(x, &x->opening.rr);
}

static int
take_opening(struct xfr_in *x, const struct rr *rr)
{
	int rc;

	if (rr->type != RR_TYPE_SOA) {
		return fail_record(x, rr, "the first is not the SOA");
	}
	rc = keep_soa(x, &x->opening, rr);
	if (rc != SECD_OK) {
		return rc;
	}
	rr_soa_get(rr, &x->result.soa);
	x->result.has_soa = true;
	switch (x->params.question) {
	case XFR_IN_ASK_SOA:
		x->phase = PHASE_END;
		x->result.outcome = XFR_IN_SOA;
		return SECD_OK;
	case XFR_IN_ASK_IXFR:
		x->phase = PHASE_SECOND;
		return SECD_OK;
	case XFR_IN_ASK_AXFR:
		break;
	}
	rc = check_policy(x, x->params.policy);
	return rc == SECD_OK ? begin_axfr(x) : rc;
}

static int
put_change(struct xfr_in *x, enum changeset_op op, const struct rr *rr)
{
	uint64_t max = x->params.limits.changeset_octets;
	int rc = changeset_put(&x->changes, op, rr);

	if (rc == SECD_EMALF) {
		return fail_record(x, rr, "out of order");
	}
	if (rc != SECD_OK) {
		return fail_local(x, rc);
	}
	if (max != 0 && x->changes.octets.len > max) {
		return xfr_in_refuse(
		    x, FAILURE_LIMIT,
		    "differences take more than %" PRIu64 " octets", max);
	}
	return SECD_OK;
}

/* A SOA that starts a step: `held` is what the steps so far lead to. */
static int
begin_step(struct xfr_in *x, const struct rr *rr, uint32_t held)
{
	uint32_t serial = soa_serial(rr);

	if (serial != held) {
		return xfr_in_refuse(x, FAILURE_MISMATCH,
				     "differences from serial %" PRIu32
				     " where %" PRIu32 " is due",
				     serial, held);
	}
	x->step_from = serial;
	x->phase = PHASE_DELETE;
	return put_change(x, CHANGESET_SOA_FROM, rr);
}

/* The second record of an answer to IXFR (RFC 1995 section 4). */
static int
take_second(struct xfr_in *x, const struct rr *rr)
{
	int rc = check_policy(x, XFR_IN_NEWER);

	if (rc != SECD_OK) {
		return rc;
	}
	if (rr->type == RR_TYPE_SOA) {
		return begin_step(x, rr, x->params.serial);
	}
	rc = begin_axfr(x);
	return rc == SECD_OK ? put_spool(x, rr) : rc;
}

static int
take_axfr(struct xfr_in *x, const struct rr *rr)
{
	if (rr->type != RR_TYPE_SOA) {
		return put_spool(x, rr);
	}
	if (rr_compare(&x->opening.rr, rr) != 0) {
		return fail_record(x, rr,
				   "the closing SOA is not the opening one");
	}
	x->phase = PHASE_END;
	x->result.outcome = x->params.question == XFR_IN_ASK_IXFR
				? XFR_IN_AXFR_STYLE
				: XFR_IN_AXFR;
	return SECD_OK;
}

/* A deleted record, or the SOA that a step leads to. */
static int
take_deleted(struct xfr_in *x, const struct rr *rr)
{
	uint32_t from, to;
	int rc;

	if (rr->type != RR_TYPE_SOA) {
		return put_change(x, CHANGESET_DELETE, rr);
	}
	to = soa_serial(rr);
	from = x->step_from;
	if (!serial_is_newer(to, from)) {
		return xfr_in_refuse(x, FAILURE_MISMATCH,
				     "differences from serial %" PRIu32
				     " lead back to %" PRIu32,
				     from, to);
	}
	rc = keep_soa(x, &x->reached, rr);
	if (rc != SECD_OK) {
		return rc;
	}
	x->phase = PHASE_ADD;
	return put_change(x, CHANGESET_SOA_TO, rr);
}

/* An added record, the SOA before the next step, or the closing SOA. */
static int
take_added(struct xfr_in *x, const struct rr *rr)
{
	uint32_t reached = soa_serial(&x->reached.rr);

	if (rr->type != RR_TYPE_SOA) {
		return put_change(x, CHANGESET_ADD, rr);
	}
	if (reached != x->result.soa.serial) {
		return begin_step(x, rr, reached);
	}
	if (rr_compare(&x->opening.rr, rr) != 0 ||
	    rr_compare(&x->opening.rr, &x->reached.rr) != 0) {
		return fail_record(x, rr,
				   "the closing SOA is not the opening one");
	}
	x->phase = PHASE_END;
	x->result.outcome = XFR_IN_IXFR;
	return SECD_OK;
}

/* What holds for every record, wherever it stands. */
static int
check_record(struct xfr_in *x, const struct rr *rr, uint16_t class)
{
	const struct xfr_in_limits *limits = &x->params.limits;

	x->size += name_len(rr->owner) + RR_HEAD_LEN + rr->rdlen;
	if (limits->records != 0 && x->result.records > limits->records) {
		return xfr_in_refuse(x, FAILURE_LIMIT,
				     "more than %" PRIu64 " records",
				     limits->records);
	}
	if (limits->octets != 0 && x->size > limits->octets) {
		return xfr_in_refuse(x, FAILURE_LIMIT,
				     "more than %" PRIu64 " octets of records",
				     limits->octets);
	}
	if (class != RR_CLASS_IN) {
		return fail_record(x, rr, "class is not IN");
	}
	if (!is_data(rr->type)) {
		return fail_record(x, rr, "type is not for data");
	}
	if (!name_is_in(rr->owner, x->apex)) {
		return fail_record(x, rr, "outside of the zone");
	}
	if (rr->type == RR_TYPE_SOA && !name_equal(rr->owner, x->apex)) {
		return fail_record(x, rr, "SOA is not at the apex");
	}
	return SECD_OK;
}

int
xfr_in_record(struct xfr_in *x, struct rr *rr, uint16_t class)
{
	int rc;

	x->result.records++;
	rc = check_record(x, rr, class);
	if (rc != SECD_OK) {
		return rc;
	}
	if (rr->ttl > TTL_MAX) {
		rr->ttl = 0;
	}
	switch (x->phase) {
	case PHASE_FIRST:
		return take_opening(x, rr);
	case PHASE_SECOND:
		return take_second(x, rr);
	case PHASE_AXFR:
		return take_axfr(x, rr);
	case PHASE_DELETE:
		return take_deleted(x, rr);
	case PHASE_ADD:
		return take_added(x, rr);
	case PHASE_END:
	case PHASE_FAILED:
		break;
	}
	return fail_record(x, rr, "follows the end");
}
