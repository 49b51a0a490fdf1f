/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rr_oracle -- rr_reader and libknot read the same record: do they agree?
 *
 * What both accept must be equal. What only one accepts must be one of the
 * known deviations, listed with their reasons in deviation_texts. Shared by
 * the unit test and the fuzz target; complaints are texts, NULL is agreement.
 */

#ifndef SECD_TEST_RR_ORACLE_H
#define SECD_TEST_RR_ORACLE_H

#include <stdlib.h>
#include <string.h>

#include <libknot/libknot.h>

#include "base/error.h"
#include "base/octets.h"
#include "wire/rr.h"

enum deviation {
	DEVIATION_NONE,
	DEVIATION_POINTERS,
	DEVIATION_UNCOMPRESSIBLE,
	DEVIATION_LEFT_OVER,
	DEVIATION_LAYOUT,
	DEVIATION_EMPTY_OTHER_CLASS,
	DEVIATION_EMPTY_OPAQUE,
	DEVIATION_SHRUNK,
	DEVIATION_COUNT,
};

static const char *const deviation_texts[DEVIATION_COUNT] = {
    [DEVIATION_NONE] = "none",
    /* Only libknot accepts: */
    [DEVIATION_POINTERS] =
	"a pointer into the labels that led to it, or more than 128: no "
	"encoder writes them, and reading them costs time",
    [DEVIATION_UNCOMPRESSIBLE] =
	"a compressed name in RRSIG, NSEC, LP, TKEY or TSIG, which no sender "
	"may compress (RFC 4034 sections 3.1.7 and 4.1.1, RFC 3597)",
    [DEVIATION_LEFT_OVER] =
	"octets behind the last name of RDATA, which libknot before 3.4.7 "
	"drops when decompression makes up for them",
    [DEVIATION_LAYOUT] =
	"RDATA that libknot takes as opaque octets and whose lengths do not "
	"add up",
    [DEVIATION_EMPTY_OTHER_CLASS] =
	"no RDATA in a class other than IN, ANY and NONE, or in TSIG",
    /* Only rr_reader accepts: */
    [DEVIATION_EMPTY_OPAQUE] =
	"no RDATA in NULL (refused by libknot before 3.2.10), OPT or a query "
	"type: what that means is the caller's to say",
    [DEVIATION_SHRUNK] =
	"RDATA that gets shorter by decompression, as by a pointer to a root "
	"label, which libknot before 3.4.7 refuses",
};

/* Does libknot 3.2.6 copy RDATA of this type, or its rest, as it is? */
static inline bool
oracle_is_opaque_to_libknot(uint16_t type)
{
	const knot_rdata_descriptor_t *d = knot_get_rdata_descriptor(type);
	const int *block = d->block_types;

	while (*block != KNOT_RDATA_WF_END &&
	       *block != KNOT_RDATA_WF_REMAINDER) {
		block++;
	}
	return *block == KNOT_RDATA_WF_REMAINDER;
}

/* Does rr_reader accept libknot's result when nothing in it is compressed? */
static inline bool
oracle_accepts_uncompressed(const knot_rrset_t *theirs, struct rr_reader *r)
{
	size_t owner_len = knot_dname_size(theirs->owner);
	size_t rdlen = theirs->rrs.rdata->len, len = owner_len + 10 + rdlen;
	uint8_t *msg = malloc(len);
	struct rr rr;
	uint16_t class;
	int rc;

	if (msg == NULL) {
		abort();
	}
	memcpy(msg, theirs->owner, owner_len);
	put_u16(msg + owner_len, theirs->type);
	put_u16(msg + owner_len + 2, theirs->rclass);
	put_u32(msg + owner_len + 4, theirs->ttl);
	put_u16(msg + owner_len + 8, (uint16_t)rdlen);
	memcpy(msg + owner_len + 10, theirs->rrs.rdata->data, rdlen);
	rr_reader_init(r, msg, len, 0);
	rc = rr_reader_next(r, &rr, &class);
	free(msg);
	return rc == SECD_OK;
}

/* Where libknot sees names in RDATA that starts at octet `at` of a message. */
struct oracle_walk {
	size_t names[KNOT_MAX_RDATA_DNAMES];
	int count;
	size_t end; /* of the last block: octets may be left over behind it */
};

static inline size_t
oracle_skip_name(const uint8_t *msg, size_t at, size_t end)
{
	while (at < end && msg[at] != 0 && msg[at] < 192) {
		at += msg[at] + 1u;
	}
	return at + (at < end && msg[at] >= 192 ? 2 : 1);
}

static inline struct oracle_walk
oracle_walk(uint16_t type, const uint8_t *msg, size_t at, size_t end)
{
	const knot_rdata_descriptor_t *d = knot_get_rdata_descriptor(type);
	struct oracle_walk w = {.count = 0};

	if (d->type_name == NULL) {
		d = knot_get_obsolete_rdata_descriptor(type);
	}
	for (const int *b = d->block_types; *b != KNOT_RDATA_WF_END; b++) {
		if (*b == KNOT_RDATA_WF_REMAINDER) {
			at = end;
		} else if (*b == KNOT_RDATA_WF_NAPTR_HEADER) {
			at += 4;
			for (int i = 0; i < 3 && at < end; i++) {
				at += msg[at] + 1u;
			}
		} else if (*b > 0) {
			at += (size_t)*b;
		} else {
			w.names[w.count++] = at;
			at = oracle_skip_name(msg, at, end);
		}
	}
	w.end = at;
	return w;
}

/* Does the name have a pointer that wire/name.h does not let us follow? */
static inline bool
oracle_breaks_pointer_rules(const uint8_t *msg, size_t at, size_t end)
{
	size_t run = at;
	int pointers = 0;

	while (at + 1 < end && msg[at] != 0) {
		if (msg[at] < 64) {
			at += msg[at] + 1u;
			continue;
		}
		at = get_u16(msg + at) & 0x3fff;
		if (at >= run || ++pointers > 128) {
			return true;
		}
		run = at;
	}
	return false;
}

/* Why does libknot alone accept this record? */
static inline enum deviation
oracle_explain_refusal(const uint8_t *msg, size_t len, size_t at,
		       const knot_rrset_t *theirs, struct rr_reader *r)
{
	struct oracle_walk w;
	size_t end;

	if (oracle_breaks_pointer_rules(msg, at, len)) {
		return DEVIATION_POINTERS;
	}
	at = oracle_skip_name(msg, at, len) + 10;
	end = at + get_u16(msg + at - 2);
	if (end == at) {
		return theirs->rclass != RR_CLASS_IN
			   ? DEVIATION_EMPTY_OTHER_CLASS
			   : DEVIATION_NONE;
	}
	if (!oracle_accepts_uncompressed(theirs, r)) {
		return oracle_is_opaque_to_libknot(theirs->type)
			   ? DEVIATION_LAYOUT
			   : DEVIATION_NONE;
	}
	w = oracle_walk(theirs->type, msg, at, end);
	if (w.end < end) {
		return DEVIATION_LEFT_OVER;
	}
	for (int i = 0; i < w.count; i++) {
		if (oracle_breaks_pointer_rules(msg, w.names[i], end)) {
			return DEVIATION_POINTERS;
		}
	}
	switch (theirs->type) {
	case RR_TYPE_RRSIG:
	case RR_TYPE_NSEC:
	case KNOT_RRTYPE_LP:
	case RR_TYPE_TKEY:
	case RR_TYPE_TSIG:
		return DEVIATION_UNCOMPRESSIBLE;
	default:
		return DEVIATION_NONE;
	}
}

/* Why does rr_reader alone accept this record? */
static inline enum deviation
oracle_explain_acceptance(const uint8_t *msg, size_t len, size_t at,
			  const struct rr *ours)
{
	size_t end;

	at = oracle_skip_name(msg, at, len) + 10;
	end = at + get_u16(msg + at - 2);
	if (end == at) {
		switch (ours->type) {
		case RR_TYPE_NULL:
		case RR_TYPE_OPT:
		case RR_TYPE_IXFR:
		case RR_TYPE_AXFR:
		case RR_TYPE_ANY:
			return DEVIATION_EMPTY_OPAQUE;
		default:
			return DEVIATION_NONE;
		}
	}
	return ours->rdlen < end - at ? DEVIATION_SHRUNK : DEVIATION_NONE;
}

static inline const char *
oracle_difference(const knot_rrset_t *theirs, size_t their_end,
		  const struct rr *ours, uint16_t our_class, size_t our_end)
{
	const knot_rdata_t *rdata = theirs->rrs.rdata;

	if (their_end != our_end) {
		return "the record ends elsewhere";
	}
	if (name_len(ours->owner) != knot_dname_size(theirs->owner) ||
	    memcmp(ours->owner, theirs->owner, name_len(ours->owner)) != 0) {
		return "another owner";
	}
	if (ours->type != theirs->type || our_class != theirs->rclass ||
	    ours->ttl != theirs->ttl) {
		return "another type, class or TTL";
	}
	if (ours->rdlen != rdata->len) {
		return "RDATA of another length";
	}
	if (ours->rdlen > 0 &&
	    memcmp(ours->rdata, rdata->data, rdata->len) != 0) {
		return "other RDATA";
	}
	return NULL;
}

/*
 * Read the record at *at with both.
 *
 * at       out: where it ends; 0 when one of them refused it
 * why      receives the deviation that was seen
 * Returns  NULL: they agree, or differ in a known way; else what is wrong
 */
static inline const char *
oracle_read(const uint8_t *msg, size_t len, size_t *at, struct rr_reader *r,
	    enum deviation *why)
{
	size_t start = *at, their_end = start;
	const char *wrong = NULL;
	knot_rrset_t theirs;
	struct rr ours;
	uint16_t class;
	int our_rc, their_rc;

	*why = DEVIATION_NONE;
	*at = 0;
	knot_rrset_init_empty(&theirs);
	their_rc =
	    knot_rrset_rr_from_wire(msg, &their_end, len, &theirs, NULL, false);
	rr_reader_init(r, msg, len, start);
	our_rc = rr_reader_next(r, &ours, &class);
	if (our_rc == SECD_OK && their_rc == KNOT_EOK) {
		wrong =
		    oracle_difference(&theirs, their_end, &ours, class, r->pos);
		*at = r->pos;
	} else if (their_rc == KNOT_EOK) {
		*why = oracle_explain_refusal(msg, len, start, &theirs, r);
	} else if (our_rc == SECD_OK) {
		*why = oracle_explain_acceptance(msg, len, start, &ours);
	}
	if ((our_rc == SECD_OK) != (their_rc == KNOT_EOK) &&
	    *why == DEVIATION_NONE) {
		wrong = our_rc == SECD_OK ? "only rr_reader accepts it"
					  : "only libknot accepts it";
	}
	if (their_rc == KNOT_EOK) {
		knot_rrset_clear(&theirs, NULL);
	}
	return wrong;
}

#endif
