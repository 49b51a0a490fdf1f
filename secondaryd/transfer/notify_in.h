/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * notify_in -- reading a NOTIFY and answering it (RFC 1996).
 *
 * Whether its sender may send it is the server's to decide, before anything
 * here changes anything.
 */

#ifndef SECD_TRANSFER_NOTIFY_IN_H
#define SECD_TRANSFER_NOTIFY_IN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/query.h"

struct notify_in {
	bool has_serial;
	uint32_t serial; /* what the sender claims: for logs, not for trust */
};

/**
 * Read a request that query_parse took, TSIG stripped or not.
 *
 * Returns  RCODE_NOERROR, RCODE_FORMERR (no question; a broken record first
 *          in the answer section), RCODE_NOTIMP (QTYPE is not SOA: RFC 9859
 *          is another matter), RCODE_NOTAUTH (class is not IN)
 */
uint8_t notify_in_parse(const struct query *q, struct notify_in *out);

/**
 * Write the answer: same id, question as sent, QR, AA, opcode NOTIFY; an OPT
 * when the request had one.
 *
 * payload  for the OPT, octets that we take over UDP
 * Returns  octets; 0 when `cap` is too small (300 is enough)
 */
size_t notify_in_answer(const struct query *q, uint8_t rcode, uint16_t payload,
			uint8_t *out, size_t cap);

#endif
