/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ask -- questions to zones in presentation format, and answers in the same,
 * for tests. Questions go through query_parse and answer_query; answers are
 * decoded by libknot, which shares no code with what made them.
 *
 * A question is "NAME TYPE WORD...", where words are
 *
 *     do         with OPT and DO             tcp        over TCP
 *     edns       with OPT                    rd, cd     with that bit
 *     nsid       with OPT and that option    class=CH   of another class
 *     size=N     OPT with that payload       cap=N      room for N octets
 *     reserve=N  octets to leave
 *
 * An answer is "RCODE WORD...", with AA, TC, RD, CD, EDE=N and NSID=TEXT as
 * words, and a line for each record, in any order:
 *
 *     AN OWNER TTL TYPE RDATA
 *
 * with AN, AU or AD for the section. A line that ends in "..." leaves the rest
 * open. Names are compared with their case.
 */

#ifndef TESTS_ASK_H
#define TESTS_ASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "zone/answer.h"
#include "zonefile.h"

#define ASK_ZONES_MAX 8

struct ask {
	struct zone zones[ASK_ZONES_MAX];
	size_t zone_count;
	struct zone_table *table;
	struct answer_identity identity;

	/* The last question and answer. */
	uint8_t query[2048];
	size_t query_len;
	uint8_t wire[65536];
	size_t len;
	struct answer_result result;
	char text[1 << 20]; /* the answer in presentation format */
};

/** Start with no zone, NSID "id", no CHAOS names and 1232 octets for UDP. */
struct ask *ask_new(void);
void ask_free(struct ask *a);
/** The same for cmocka. */
int ask_tear_down(void **state);

/** Add a zone. `text` is as zonefile_parse takes it; NULL: no version yet. */
struct zone *ask_add_zone(struct ask *a, const char *apex, const char *text);

/** Only read a question, for what is done with it elsewhere. */
void ask_query(struct ask *a, const char *question, struct query *q);

/**
 * Ask, and check what must be right about every response: id, question, QR,
 * sizes, that it parses, that OPT is there if it was asked for.
 */
void ask_question(struct ask *a, const char *question);

/** The same, and the answer must be this one. */
void ask_expect(struct ask *a, const char *question, const char *answer);

#endif
