/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_rr -- records of one message, read by rr_reader and by libknot.
 *
 * The input is a message. Its header is skipped and its counts are not looked
 * at: the question is skipped if there is one, then records follow up to the
 * end. Beyond agreement with libknot, what rr_reader accepted must keep the
 * promises of wire/rr.h.
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rr_oracle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct rr_reader reader, second;
static uint8_t plain[NAME_LEN_MAX + 10 + RR_RDATA_MAX];

static void
complain(const char *what, size_t at)
{
	fprintf(stderr, "record at octet %zu: %s\n", at, what);
	abort();
}

static void
require(bool holds, const char *what, size_t at)
{
	if (!holds) {
		complain(what, at);
	}
}

/* Every name that rr_names tells of is one, and stands inside the RDATA. */
static void
check_names(const struct rr *rr, size_t at)
{
	struct rr_span spans[2];
	int count = rr_names(rr->type, rr->rdata, rr->rdlen, spans, 2);
	size_t from = 0;

	require(rr->rdlen == 0 || count >= 0, "names are lost", at);
	for (int i = 0; i < count; i++) {
		uint8_t name[NAME_LEN_MAX];
		size_t pos = spans[i].at, len;

		require(pos >= from, "names overlap", at);
		from = pos + spans[i].len;
		require(name_from_wire(rr->rdata, rr->rdlen, &pos, name,
				       &len) == SECD_OK &&
			    pos == from && len == spans[i].len,
			"a span is no uncompressed name", at);
	}
	require(!rr_is_compressible(rr->type) || rr->rdlen == 0 || count > 0,
		"a compressible type without names", at);
}

/* Written without compression, the record reads the same, in place. */
static void
check_again(const struct rr *rr, uint16_t class, size_t at)
{
	size_t owner_len = name_len(rr->owner);
	uint16_t second_class;
	struct rr again;

	memcpy(plain, rr->owner, owner_len);
	put_u16(plain + owner_len, rr->type);
	put_u16(plain + owner_len + 2, class);
	put_u32(plain + owner_len + 4, rr->ttl);
	put_u16(plain + owner_len + 8, rr->rdlen);
	memcpy(plain + owner_len + 10, rr->rdata, rr->rdlen);
	rr_reader_init(&second, plain, owner_len + 10 + rr->rdlen, 0);
	require(rr_reader_next(&second, &again, &second_class) == SECD_OK,
		"refused when uncompressed", at);
	require(again.rdata == plain + owner_len + 10,
		"copied although nothing was compressed", at);
	require(again.type == rr->type && second_class == class &&
		    again.ttl == rr->ttl && again.rdlen == rr->rdlen &&
		    memcmp(again.rdata, rr->rdata, rr->rdlen) == 0 &&
		    name_equal(again.owner, rr->owner),
		"another record when uncompressed", at);
	require(rr_compare(rr, &again) == 0, "not the same as itself", at);
}

/* Records compare alike both ways, whatever their RDATA. */
static void
check_order(const struct rr *rr, size_t at)
{
	static uint8_t kept[RR_RDATA_MAX];
	static struct rr last;
	int forth, back;

	if (last.rdata != NULL) {
		forth = rr_compare(rr, &last);
		back = rr_compare(&last, rr);
		require((forth > 0) == (back < 0) &&
			    (forth == 0) == (back == 0),
			"no order", at);
	}
	last = *rr;
	memcpy(kept, rr->rdata, rr->rdlen);
	last.rdata = kept;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t name[NAME_LEN_MAX];
	size_t at = 12;

	if (size < 12 || size > 65535) {
		return 0;
	}
	if (get_u16(data + 4) > 0) {
		if (name_from_wire(data, size, &at, name, NULL) != SECD_OK) {
			return 0;
		}
		at += 4;
	}
	while (at != 0 && at < size) {
		size_t start = at;
		enum deviation why;
		const char *wrong;
		struct rr rr;
		uint16_t class;

		wrong = oracle_read(data, size, &at, &reader, &why);
		require(wrong == NULL, wrong, start);
		rr_reader_init(&reader, data, size, start);
		if (rr_reader_next(&reader, &rr, &class) != SECD_OK) {
			require(reader.pos == start, "moved by a refusal", at);
			break;
		}
		check_names(&rr, start);
		check_again(&rr, class, start);
		check_order(&rr, start);
	}
	return 0;
}
