/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A message as it comes in, answered from loaded zones: UDP, TCP, and with
 * room kept for a signature. Every answer must keep to its limit and repeat
 * what it must, libknot must read all of it, and TC stands only where the
 * answer without a limit is longer.
 *
 * The first octet chooses the way, the rest is the message.
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <libknot/libknot.h>
#include <libzscanner/scanner.h>
#include <urcu-qsbr.h>

#include "base/error.h"
#include "base/octets.h"
#include "wire/rr.h"
#include "zone/answer.h"
#include "zone/build.h"

#define MUST(what)                                                             \
	do {                                                                   \
		if (!(what)) {                                                 \
			abort();                                               \
		}                                                              \
	} while (0)

#define SIG(type, signer)                                                      \
	"RRSIG " #type " 5 1 60 20300101000000 20200101000000 1 " signer       \
	" AAAA\n"

#define LONG                                                                   \
	"aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff."        \
	"aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff."        \
	"aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee"

/* Short names, so that a fuzzer finds them. */
static const struct {
	const char *apex, *text;
} texts[] = {
    {".",
     "@ SOA a. b. 1 2 3 4 5\n"
     "@ " SIG(SOA, ".") "@ NS a.s.\n"
			"@ NSEC a. NS SOA\n"
			"@ " SIG(NSEC, ".") "a NS a.s.\n"
					    "a NSEC s NS\n"
					    "a " SIG(NSEC,
						     ".") "s NS a.s.\n"
							  "s NSEC . NS\n"
							  "a.s A 192.0.2.1\n"},
    {"a.", "@ SOA a m 1 2 3 4 5\n"
	   "@ NS a\n"
	   "@ NS n\n"
	   "a A 192.0.2.1\n"
	   "a AAAA ::1\n"
	   "a TXT \"t\"\n"
	   "* MX 1 a\n"
	   "*.b CNAME c\n"
	   "c CNAME d.c\n"
	   "d.c CNAME a\n"
	   "l CNAME m\n"
	   "m CNAME l\n"
	   "e CNAME x.n\n"
	   "d DNAME b\n"
	   "f DNAME " LONG "\n"
	   "g DNAME x.g\n"
	   "h DNAME a.\n"
	   "n NS a.n\n"
	   "n NS o\n"
	   "n NS n\n"
	   "a.n A 192.0.2.2\n"
	   "n A 192.0.2.3\n"
	   "o NS a.n\n"
	   "z CNAME x.b.b.\n"
	   "y.x.w.v A 192.0.2.4\n"
	   "t TXT " LONG "\n"},
    {"b.a.", "@ SOA a m 1 2 3 4 5\n@ NS a\n@ TXT \"child\"\nx CNAME a.a.\n"},
    {"b.",
     "@ SOA a m 1 2 3 4 5\n"
     "@ " SIG(
	 SOA,
	 "b.") "@ NS a\n"
	       "@ NSEC a NS SOA NSEC\n"
	       "@ " SIG(
		   NSEC,
		   "b.") "a A 192.0.2.1\n"
			 "a " SIG(
			     A,
			     "b.") "a NSEC *.b A NSEC\n"
				   "a " SIG(
				       NSEC,
				       "b.") "*.b A 192.0.2.2\n"
					     "*.b " SIG(
						 A,
						 "b.") "*.b NSEC n A NSEC\n"
						       "*.b " SIG(
							   NSEC,
							   "b.") "n NS a.n\n"
								 "n DS 1 5 1 "
								 "00\n"
								 "n " SIG(
								     DS,
								     "b.") "n "
									   "NSE"
									   "C "
									   "x."
									   "y "
									   "NS "
									   "DS "
									   "NSE"
									   "C\n"
									   "n"
									   " " SIG(
									       NSEC,
									       "b.") "a.n A 192.0.2.3\n"
										     "x.y CNAME c.b\n"
										     "x.y " SIG(
											 CNAME,
											 "b.") "x.y NSEC b. CNAME NSEC\n"
											       "x.y " SIG(
												   NSEC,
												   "b.")},
    /* The chain is not that of the zone, which does not matter here. */
    {"c.", "@ SOA a m 1 2 3 4 5\n"
	   "@ NS a\n"
	   "@ NSEC3PARAM 1 0 1 -\n"
	   "a A 192.0.2.1\n"
	   "*.b A 192.0.2.2\n"
	   "n NS a.n\n"
	   "c.o NS a.\n"
	   "x CNAME x.b\n"
	   "20000000000000000000000000000000 NSEC3 1 1 1 - "
	   "70000000000000000000000000000000 A RRSIG\n"
	   "20000000000000000000000000000000 " SIG(
	       NSEC3, "c.") "70000000000000000000000000000000 NSEC3 1 1 1 - "
			    "C0000000000000000000000000000000 A RRSIG\n"
			    "C0000000000000000000000000000000 NSEC3 1 1 1 - "
			    "20000000000000000000000000000000 NS\n"},
};

#define ZONE_COUNT (sizeof(texts) / sizeof(*texts))

static const struct name_hash_key key = {{7, 9}};
static struct zone zones[ZONE_COUNT + 1];
static struct zone_table *table;

static void
take_record(zs_scanner_t *s)
{
	struct rr rr = {
	    .owner = s->r_owner,
	    .rdata = s->r_data,
	    .ttl = s->r_ttl,
	    .type = s->r_type,
	    .rdlen = (uint16_t)s->r_data_length,
	};

	MUST(spool_add(s->process.data, &rr) == SECD_OK);
}

static void
complain(zs_scanner_t *s)
{
	(void)s;
	abort();
}

static struct version *
load(const char *apex, const char *text, const uint8_t *name)
{
	struct build_params p = {
	    .apex = name,
	    .hash_key = key,
	    .dir = "/tmp",
	    .memory_max = SIZE_MAX / 4,
	};
	struct build_report report;
	zs_scanner_t *s = malloc(sizeof(*s));
	struct version *v;
	struct spool *spool;
	struct image *im;

	MUST(s != NULL && spool_new(p.dir, 1 << 20, &spool) == SECD_OK);
	MUST(zs_init(s, apex, RR_CLASS_IN, 60) == 0);
	MUST(zs_set_processing(s, take_record, complain, spool) == 0);
	MUST(zs_set_input_string(s, text, strlen(text)) == 0);
	MUST(zs_parse_all(s) == 0);
	zs_deinit(s);
	free(s);
	MUST(build_from_spool(&p, spool, &im, &report) == SECD_OK);
	spool_free(spool);
	MUST(version_new_take(1, im, &v) == SECD_OK);
	return v;
}

int LLVMFuzzerInitialize(int *argc, char ***argv);

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct zone *all[ZONE_COUNT + 1];

	(void)argc;
	(void)argv;
	urcu_qsbr_register_thread();
	for (size_t i = 0; i <= ZONE_COUNT; i++) {
		const char *apex = i < ZONE_COUNT ? texts[i].apex : "d.";

		all[i] = &zones[i];
		MUST(name_from_text(apex, zones[i].apex) == SECD_OK);
		zones[i].apex_len = (uint8_t)name_len(zones[i].apex);
		if (i < ZONE_COUNT) {
			zones[i].version =
			    load(apex, texts[i].text, zones[i].apex);
		}
	}
	MUST(zone_table_new(all, ZONE_COUNT + 1, &key, &table) == SECD_OK);
	return 0;
}

static const struct answer_identity identity = {
    .version = "fuzz",
    .identity = "fuzz",
    .nsid = (const uint8_t *)"fuzz",
    .nsid_len = 4,
    .udp_max_payload = 1232,
};

static void
check(const struct query *q, uint8_t *wire, size_t len,
      const struct answer_result *result)
{
	size_t question_len = q->has_question ? q->qname_len + 4u : 0;
	bool tc = (get_u16(wire + 2) & HEADER_TC) != 0;
	knot_pkt_t *pkt;

	MUST(len >= WIRE_HEADER_LEN + question_len);
	MUST(get_u16(wire) == q->id);
	MUST((get_u16(wire + 2) & (HEADER_QR | 0x7800)) ==
	     (HEADER_QR | (q->opcode << 11)));
	MUST(get_u16(wire + 4) == q->has_question);
	MUST(memcmp(wire + 12, q->wire + 12, question_len) == 0);
	MUST(tc == result->truncated);

	pkt = knot_pkt_new(wire, (uint16_t)len, NULL);
	MUST(pkt != NULL);
	MUST(knot_pkt_parse(pkt, KNOT_PF_NOCANON) == KNOT_EOK);
	MUST((pkt->opt_rr != NULL) == q->has_edns);
	MUST(knot_pkt_ext_rcode(pkt) == result->rcode);
	knot_pkt_free(pkt);
}

/* Answer into memory of just that length. */
static size_t
answer(const struct query *q, enum answer_transport transport, size_t cap,
       size_t reserve, struct answer_result *result)
{
	const struct answer_context ctx = {table, &identity};
	uint8_t *wire = malloc(cap);
	size_t len;

	MUST(wire != NULL);
	len = answer_query(&ctx, q, transport, wire, cap, reserve, result);
	MUST(len <= cap);
	check(q, wire, len, result);
	free(wire);
	return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct answer_result result, whole;
	size_t limit = 512, len, whole_len, reserve;
	enum query_verdict verdict;
	struct query q;

	if (size < 1 || size > UINT16_MAX) {
		return 0;
	}
	verdict = query_parse(&q, data + 1, size - 1, &key);
	if (verdict == QUERY_IGNORE ||
	    (verdict == QUERY_OTHER && q.opcode != OPCODE_QUERY)) {
		return 0;
	}
	if (q.has_edns && q.edns_payload > limit) {
		limit = q.edns_payload < 1232 ? q.edns_payload : 1232;
	}
	reserve = data[0];
	whole_len = answer(&q, ANSWER_TCP, 65535, 0, &whole);
	MUST(!whole.truncated);
	len = answer(&q, ANSWER_UDP, 4096, reserve, &result);
	MUST(len <= limit);
	if (q.has_question && len + reserve > limit) {
		/* Nothing but question and OPT, which are always there. */
		MUST(len <= WIRE_HEADER_LEN + q.qname_len + 4u + 11 + 8);
	}
	/* ANY is answered in another way over UDP. */
	if (result.truncated && q.qtype != RR_TYPE_ANY) {
		MUST(whole_len + reserve > limit);
	}
	MUST(result.rcode == whole.rcode || result.truncated);
	return 0;
}
