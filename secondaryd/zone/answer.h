/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * answer -- what an authoritative server says to a plain query: RFC 1034
 * section 4.3.2 with RFC 2308, 3597, 4035, 4592, 5155, 6604, 6672, 6891, 8482,
 * 8914 and 9471. One way for UDP and TCP; no allocation; reads one version of
 * each zone it touches. Call inside a read section.
 */

#ifndef SECD_ZONE_ANSWER_H
#define SECD_ZONE_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/query.h"
#include "zone/version.h"

/* What the server says of itself; strings may be NULL (then REFUSED). */
struct answer_identity {
	const char *version;  /* version.bind, version.server (CHAOS TXT) */
	const char *identity; /* id.server, hostname.bind */
	const uint8_t *nsid;  /* RFC 5001 */
	size_t nsid_len;
	uint16_t udp_max_payload; /* octets that we send and announce: 1232 */
};

struct answer_context {
	const struct zone_table *zones;
	const struct answer_identity *identity;
};

enum answer_transport { ANSWER_UDP, ANSWER_TCP };

/* What came out, for counters and logs. */
struct answer_result {
	uint16_t rcode; /* extended */
	bool truncated;
};

/** Octets that the asker takes, `cap` at most. */
size_t answer_limit(const struct answer_identity *identity,
		    const struct query *q, enum answer_transport transport,
		    size_t cap);

/**
 * Answer a QUERY_PLAIN or a QUERY_ERROR.
 *
 * out      room for `cap` octets: at least 512; 65535 for TCP
 * reserve  octets to leave free at the end (a TSIG to come)
 * Returns  octets of the response
 */
size_t answer_query(const struct answer_context *ctx, const struct query *q,
		    enum answer_transport transport, uint8_t *out, size_t cap,
		    size_t reserve, struct answer_result *result);

/**
 * A bare response: header, question when one was read, OPT when one was
 * asked, for what is decided elsewhere (REFUSED, NOTAUTH, NOTIFY's answer).
 *
 * ede      RFC 8914 code, or -1
 */
size_t answer_rcode(const struct answer_identity *identity,
		    const struct query *q, uint16_t flags, uint16_t rcode,
		    int ede, uint8_t *out, size_t cap);

#endif
