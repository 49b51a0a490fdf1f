/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * response -- a response as it grows: header, question, RRsets copied out of
 * nodes with their names compressed, OPT.
 *
 * An RRset goes in whole, with the signatures that were asked for, or not at
 * all. It knows neither zones nor what belongs into an answer. Private to
 * zone/answer*.c.
 */

#ifndef SECD_ZONE_RESPONSE_H
#define SECD_ZONE_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/query.h"
#include "zone/answer.h"
#include "zone/node.h"

enum response_section {
	RESPONSE_ANSWER,
	RESPONSE_AUTHORITY,
	RESPONSE_ADDITIONAL,
};

struct response {
	uint8_t *wire;
	size_t len;
	size_t limit;    /* where records end, to leave room for what follows */
	size_t max;      /* where the OPT record ends */
	size_t opt_len;  /* octets of OPT without EDE; 0: no OPT */
	bool nsid;       /* among them is NSID */
	size_t tight_at; /* the last RRset that is not as its node has it */
	uint16_t counts[3];
};

/* A name, and where it stands in the message. */
struct response_name {
	const uint8_t *name; /* uncompressed */
	uint8_t len;         /* its octets */
	uint16_t at;         /* 0: not there, or out of a pointer's reach */
};

/**
 * Begin with the header and, when there is one, the question.
 *
 * out      room for `max` octets, at least 512
 * reserve  octets of `max` to leave free at the end
 */
void response_begin(struct response *r, const struct query *q,
		    const struct answer_identity *identity, uint8_t *out,
		    size_t max, size_t reserve);

/** The name asked for. */
struct response_name response_qname(const struct query *q);

/** The last `len` octets of a name, a name itself. */
struct response_name response_suffix(const struct response *r,
				     const struct response_name *name,
				     size_t len);

/**
 * The uncompressed name that was written at `at`, in RDATA.
 *
 * buffer   room for NAME_LEN_MAX octets, kept as long as the name
 */
struct response_name response_name_at(const struct response *r, size_t at,
				      uint8_t *buffer);

/** Does the name that was written at `at` end in a pointer to `to`? */
bool response_points_to(const struct response *r, size_t at, uint16_t to);

/** The octet where the RDATA of the record at `at` starts. */
size_t response_rdata_at(const struct response *r, size_t at);

/** The octet behind the record at `at`. */
size_t response_next_at(const struct response *r, size_t at);

/**
 * Copy an RRset, and its RRSIGs if `sigs`.
 *
 * n        where the rrset is from
 * owner    the name it gets
 * Returns  false when it does not fit: nothing changed
 */
bool response_put(struct response *r, enum response_section section,
		  const struct node *n, const struct rrset *s,
		  const struct response_name *owner, bool sigs);

/**
 * The same, under the node's own name, which is not in the message.
 *
 * near     names of the message that may share its end; `near_count` of them
 */
bool response_put_own(struct response *r, enum response_section section,
		      const struct node *n, const struct rrset *s,
		      const struct response_name *const *near,
		      unsigned near_count, bool sigs);

/** Copy only the RRSIGs of an RRset; else as response_put. */
bool response_put_sigs(struct response *r, enum response_section section,
		       const struct node *n, const struct rrset *s,
		       const struct response_name *owner);

/** May response_put_glue follow the NS rrset put at `ns_at`? */
bool response_can_put_glue(const struct response *r, const struct rrset *s,
			   size_t ns_at);

/**
 * Copy the glue of an NS rrset that response_put has put at octet `ns_at`.
 *
 * owner    as it was given to response_put
 * Returns  false when not all fits: as many whole RRsets are there as do
 */
bool response_put_glue(struct response *r, const struct rrset *s, size_t ns_at,
		       const struct response_name *owner);

/**
 * Write the CNAME that a DNAME stands for (RFC 6672 section 3.1): the first
 * `prefix_len` octets of the owner, then the DNAME's target.
 *
 * target   in the message
 */
bool response_put_cname(struct response *r, const struct response_name *owner,
			uint32_t ttl, size_t prefix_len,
			const struct response_name *target);

/** Give the records from octet `at` on another TTL. */
void response_set_ttl(struct response *r, size_t at, uint32_t ttl);

/**
 * Write one TXT record of class CH and TTL 0 for the QNAME.
 *
 * text     up to 255 octets
 */
bool response_put_txt(struct response *r, const char *text);

/**
 * Write OPT and fill in the header.
 *
 * flags    AA, TC
 * rcode    extended
 * ede      RFC 8914 code, or -1
 * Returns  octets of the message
 */
size_t response_end(struct response *r, const struct query *q,
		    const struct answer_identity *identity, uint16_t flags,
		    uint16_t rcode, int ede);

#endif
