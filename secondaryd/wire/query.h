/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * query -- one request as it came in: header, question, OPT, read by hand and
 * without allocation. Plain queries need nothing more; the rest is told apart
 * so that it can take the slower way.
 */

#ifndef SECD_WIRE_QUERY_H
#define SECD_WIRE_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/name.h"

enum {
	RCODE_NOERROR = 0,
	RCODE_FORMERR = 1,
	RCODE_SERVFAIL = 2,
	RCODE_NXDOMAIN = 3,
	RCODE_NOTIMP = 4,
	RCODE_REFUSED = 5,
	RCODE_YXDOMAIN = 6,
	RCODE_NOTAUTH = 9,
	RCODE_BADVERS = 16,
};

enum {
	OPCODE_QUERY = 0,
	OPCODE_NOTIFY = 4,
	OPCODE_UPDATE = 5,
};

/* Octets 2 and 3 of the header as one number. */
enum {
	HEADER_QR = 0x8000,
	HEADER_AA = 0x0400,
	HEADER_TC = 0x0200,
	HEADER_RD = 0x0100,
	HEADER_RA = 0x0080,
	HEADER_AD = 0x0020,
	HEADER_CD = 0x0010,
};

#define WIRE_HEADER_LEN 12

enum query_verdict {
	QUERY_PLAIN,  /* QUERY of any class without TSIG, AXFR and IXFR */
	QUERY_OTHER,  /* well formed; NOTIFY, TSIG, AXFR, IXFR */
	QUERY_ERROR,  /* answer with `rcode` and whatever was read */
	QUERY_IGNORE, /* a response, or no header: nothing may be sent */
};

struct query {
	const uint8_t *wire; /* the message; QNAME as sent is at octet 12 */
	size_t len;
	uint16_t id;
	uint16_t flags; /* header octets 2 and 3 */
	uint8_t opcode;
	uint8_t rcode; /* for QUERY_ERROR; BADVERS is > 15 */

	bool has_question; /* these three are set */
	uint16_t qtype, qclass;
	uint8_t qname_len;
	uint8_t lower[NAME_LEN_MAX]; /* QNAME in lower case; not for an error */
	struct name_hashes hashes;   /* of `lower`; not for an error */

	bool has_edns; /* a readable OPT record: edns_payload is set */
	bool edns_do;
	bool nsid; /* NSID was asked for (RFC 5001) */
	uint16_t edns_payload;
	bool has_tsig; /* a TSIG record is in the additional section */
};

/**
 * Read a request.
 *
 * wire     borrowed while `q` is used
 * Errors   set rcode: NOTIMP (an opcode other than QUERY and NOTIFY, whatever
 *          else is wrong), FORMERR (QDCOUNT not 1, compressed or broken QNAME,
 *          a record cut short, octets left over, second or misplaced OPT,
 *          broken option, something behind TSIG), BADVERS (EDNS version over 0)
 */
enum query_verdict query_parse(struct query *q, const uint8_t *wire, size_t len,
			       const struct name_hash_key *key);

#endif
