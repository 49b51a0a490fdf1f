/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A message as it comes in goes through query_parse, and through libknot's
 * parser, which shares no code with it. Whatever libknot reads whole with one
 * question, query_parse must read in the same way; what it says of any message
 * must hold together.
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <libknot/libknot.h>

#include "wire/query.h"
#include "wire/rr.h"

static const struct name_hash_key key = {{3, 5}};

#define MUST(what)                                                             \
	do {                                                                   \
		if (!(what)) {                                                 \
			abort();                                               \
		}                                                              \
	} while (0)

static void
check_whole(const struct query *q)
{
	MUST(q->has_question);
	MUST(name_len(q->lower) == q->qname_len);
	MUST(name_equal(q->lower, q->wire + WIRE_HEADER_LEN));
	MUST(q->hashes.count == name_label_count(q->lower) + 1);
	for (unsigned i = 0; i < q->hashes.count; i++) {
		const uint8_t *suffix = q->lower + q->hashes.offset[i];

		MUST(q->hashes.hash[i] == name_hash(suffix, &key));
	}
}

/* What libknot may be right to refuse and query_parse to let pass. */
static bool
knot_read(knot_pkt_t *pkt)
{
	return knot_pkt_parse(pkt, KNOT_PF_NOCANON | KNOT_PF_KEEPWIRE) ==
		   KNOT_EOK &&
	       knot_wire_get_qdcount(pkt->wire) == 1;
}

/* libknot takes an OPT below another name than the root; we do not. */
static bool
opt_is_odd(const knot_pkt_t *pkt)
{
	return pkt->opt_rr != NULL && pkt->opt_rr->owner[0] != 0;
}

static void
compare(const struct query *q, enum query_verdict verdict, knot_pkt_t *pkt)
{
	if (!knot_read(pkt) || opt_is_odd(pkt)) {
		return;
	}
	MUST(q->has_question);
	MUST(q->qtype == knot_pkt_qtype(pkt));
	MUST(q->qclass == knot_pkt_qclass(pkt));
	MUST(q->qname_len == pkt->qname_size);
	if (q->opcode != OPCODE_QUERY && q->opcode != OPCODE_NOTIFY) {
		MUST(verdict == QUERY_ERROR && q->rcode == RCODE_NOTIMP);
		return;
	}
	MUST(verdict != QUERY_ERROR || q->rcode == RCODE_BADVERS);
	MUST(q->has_tsig == (pkt->tsig_rr != NULL));
	MUST(q->has_edns == (pkt->opt_rr != NULL));
	if (q->has_edns) {
		MUST(q->edns_payload == knot_edns_get_payload(pkt->opt_rr));
		MUST(q->edns_do == knot_edns_do(pkt->opt_rr));
		MUST((q->rcode == RCODE_BADVERS) ==
		     (knot_edns_get_version(pkt->opt_rr) != 0));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum query_verdict verdict;
	struct query q;
	uint8_t *copy;
	knot_pkt_t *pkt;

	if (size > UINT16_MAX) {
		return 0;
	}
	memset(&q, 0xa5, sizeof(q));
	verdict = query_parse(&q, data, size, &key);
	if (verdict == QUERY_IGNORE) {
		MUST(size < WIRE_HEADER_LEN || (data[2] & 0x80) != 0);
		return 0;
	}
	if (verdict != QUERY_ERROR) {
		MUST(q.rcode == RCODE_NOERROR);
		check_whole(&q);
	} else {
		MUST(q.rcode != RCODE_NOERROR);
	}

	/* It may write into the message. */
	copy = malloc(size);
	MUST(copy != NULL);
	memcpy(copy, data, size);
	pkt = knot_pkt_new(copy, (uint16_t)size, NULL);
	MUST(pkt != NULL);
	compare(&q, verdict, pkt);
	knot_pkt_free(pkt);
	free(copy);
	return 0;
}
