/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/zone_rewind.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "wire/net.h"
#include "zone/layering.h"
#include "zone/record.h"

/* What may lie between two versions: as much memory, and some more. */
#define OCTETS_MAX (UINT64_C(256) << 20)
/* A module that says so often that there is more, and gives nothing, is stuck. */
#define EMPTY_MAX 1000

struct rewinding {
	struct modules *modules;
	const uint8_t *apex;
	struct version *base;
	uint64_t seq;
	struct net net;
	struct changeset step;
	char *reason;
};

static int
fail(const struct rewinding *r, int rc, const char *what)
{
	snprintf(r->reason, ZONE_REWIND_REASON_LEN, "%s", what);
	return rc;
}

/*
 * The way
 */

static int
explain_way(const struct rewinding *r, int rc)
{
	switch (rc) {
	case SECD_OK:
		return rc;
	case SECD_ENOTSUP:
		return fail(r, rc, "no module keeps the history of zones");
	case SECD_ENOTFOUND:
		return fail(r, rc,
			    "no way leads from it to the newest version any "
			    "more");
	case SECD_EBUSY:
		return fail(r, rc,
			    "the newest version is not in the history yet");
	case SECD_ELIMIT:
		snprintf(r->reason, ZONE_REWIND_REASON_LEN,
			 "more than %" PRIu64 " MiB of changes lie between",
			 OCTETS_MAX >> 20);
		return rc;
	default:
		snprintf(r->reason, ZONE_REWIND_REASON_LEN,
			 "the way between cannot be read: %s",
			 secd_strerror(rc));
		return rc;
	}
}

/* One piece of it. SECD_MORE: there are others. */
static int
take_piece(struct rewinding *r, struct secd_since *s)
{
	int rc, put;

	s->len = 0;
	rc = modules_changes_since(r->modules, s);
	if (rc != SECD_OK && rc != SECD_MORE) {
		return rc;
	}
	if (s->octets > OCTETS_MAX || r->net.octets + s->len > OCTETS_MAX) {
		return SECD_ELIMIT;
	}
	put = net_put(&r->net, s->buffer, s->len, true);
	return put != SECD_OK ? put : rc;
}

static int
collect(struct rewinding *r, uint8_t *buffer)
{
	uint64_t position[SECD_POSITION_LEN / sizeof(uint64_t)] = {0};
	struct secd_since s = {
	    .size = sizeof(s),
	    .apex = r->apex,
	    .from_seq = r->seq,
	    .to_seq = version_seq(r->base),
	    .position = (uint8_t *)position,
	    .buffer = buffer,
	    .cap = SECD_CHUNK_MAX,
	};
	unsigned empty = 0;
	int rc;

	do {
		rc = take_piece(r, &s);
		empty = s.len == 0 ? empty + 1 : 0;
	} while (rc == SECD_MORE && empty < EMPTY_MAX);
	return rc == SECD_MORE ? SECD_EIO : rc;
}

static int
find_way(struct rewinding *r)
{
	uint8_t *buffer = malloc(SECD_CHUNK_MAX);
	int rc = buffer == NULL ? SECD_ENOMEM : collect(r, buffer);

	free(buffer);
	if (rc == SECD_OK) {
		net_cancel(&r->net);
	}
	return explain_way(r, rc);
}

/*
 * One step of it
 */

static bool
read_record(const struct net_record *record, struct rr *rr)
{
	return record_get_checked(record->octets, record->len, rr) ==
	       record->len;
}

static int
put(struct rewinding *r, enum changeset_op op, const struct net_record *record)
{
	struct rr rr;

	return read_record(record, &rr) ? changeset_put(&r->step, op, &rr)
					: SECD_EMALF;
}

/* The one that is deleted, or the one that is added. */
static const struct net_record *
find_soa(const struct net *net, bool added)
{
	struct rr rr;

	for (size_t i = 0; i < net->count; i++) {
		if (net->records[i].added == added &&
		    read_record(&net->records[i], &rr) &&
		    rr.type == RR_TYPE_SOA) {
			return &net->records[i];
		}
	}
	return NULL;
}

/* A version of the same serial may have the same SOA: then none is changed. */
static int
put_soa_of_base(struct rewinding *r, enum changeset_op op)
{
	struct node_reader *reader = malloc(sizeof(*reader));
	int rc = SECD_EMALF;
	struct rr rr;

	if (reader == NULL) {
		return SECD_ENOMEM;
	}
	node_reader_init(reader, version_apex(r->base));
	while (node_reader_next(reader, &rr)) {
		if (rr.type == RR_TYPE_SOA) {
			rc = changeset_put(&r->step, op, &rr);
			break;
		}
	}
	free(reader);
	return rc;
}

/* A SOA, and all else that is deleted, or added. */
static int
put_half(struct rewinding *r, bool added)
{
	const struct net_record *soa = find_soa(&r->net, added);
	enum changeset_op op = added ? CHANGESET_ADD : CHANGESET_DELETE;
	enum changeset_op soa_op =
	    added ? CHANGESET_SOA_TO : CHANGESET_SOA_FROM;
	int rc = soa != NULL ? put(r, soa_op, soa) : put_soa_of_base(r, soa_op);

	for (size_t i = 0; i < r->net.count && rc == SECD_OK; i++) {
		const struct net_record *record = &r->net.records[i];

		if (record->added == added && record != soa) {
			rc = put(r, op, record);
		}
	}
	return rc;
}

static int
make_step(struct rewinding *r)
{
	int rc = put_half(r, false);

	if (rc == SECD_OK) {
		rc = put_half(r, true);
	}
	return rc == SECD_EMALF ? fail(r, rc, "the way between is damaged")
	       : rc != SECD_OK  ? fail(r, rc, secd_strerror(rc))
				: rc;
}

static int
apply(const struct rewinding *r, const struct build_params *p,
      struct version **out)
{
	const struct changeset *step = &r->step;
	struct build_report report;
	int rc = layering_make(p, r->base, &step, 1, r->seq, out, &report);

	return rc == SECD_OK              ? rc
	       : report.reason[0] != '\0' ? fail(r, rc, report.reason)
					  : fail(r, rc, secd_strerror(rc));
}

int
zone_rewind(struct modules *m, const struct build_params *p,
	    struct version *base, uint64_t seq, struct version **out,
	    char *reason)
{
	struct rewinding r = {.modules = m,
			      .apex = p->apex,
			      .base = base,
			      .seq = seq,
			      .reason = reason};
	int rc;

	if (seq == version_seq(base)) {
		*out = version_ref(base);
		return SECD_OK;
	}
	if (seq > version_seq(base)) {
		return fail(&r, SECD_ENOTFOUND, "there is no such version");
	}
	rc = find_way(&r);
	if (rc == SECD_OK) {
		rc = make_step(&r);
	}
	net_fini(&r.net);
	if (rc == SECD_OK) {
		rc = apply(&r, p, out);
	}
	changeset_fini(&r.step);
	return rc;
}
