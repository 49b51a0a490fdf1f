/* SPDX-License-Identifier: BSD-2-Clause */

#include "talk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/octets.h"
#include "zonefile.h"

static void
put(struct message *m, const void *data, size_t len)
{
	assert_true(len <= sizeof(m->wire) - m->len);
	if (len > 0) {
		memcpy(m->wire + m->len, data, len);
		m->len += len;
	}
}

static void
put16(struct message *m, unsigned value)
{
	uint8_t octets[2];

	put_u16(octets, (uint16_t)value);
	put(m, octets, sizeof(octets));
}

void
talk_begin(struct message *m, uint16_t qtype)
{
	memset(m->wire, 0, 12);
	m->len = 12;
	put_u16(m->wire, TALK_ID);
	put_u16(m->wire + 2, 0x8400);
	if (qtype != 0) {
		put_u16(m->wire + 4, 1);
		put(m, "\007example", 9);
		put16(m, qtype);
		put16(m, RR_CLASS_IN);
	}
}

void
talk_record(struct message *m, enum talk_section section, const struct rr *rr,
	    uint16_t class)
{
	uint8_t *count = m->wire + 4 + 2 * section;

	put(m, rr->owner, name_len(rr->owner));
	put16(m, rr->type);
	put16(m, class);
	put16(m, rr->ttl >> 16);
	put16(m, rr->ttl & 0xffff);
	put16(m, rr->rdlen);
	put(m, rr->rdata, rr->rdlen);
	put_u16(count, (uint16_t)(get_u16(count) + 1));
}

void
talk_text(struct message *m, const char *text)
{
	struct zonefile z = {0};

	zonefile_parse(&z, "example.", text);
	for (size_t i = 0; i < z.count; i++) {
		talk_record(m, TALK_ANSWER, &z.rrs[i], RR_CLASS_IN);
	}
	zonefile_free(&z);
}

void
talk_say(struct message *m, uint16_t qtype, const char *text)
{
	talk_begin(m, qtype);
	talk_text(m, text);
}

const char *
talk_changes(const struct changeset *cs)
{
	static char text[4096];
	char owner[NAME_TEXT_MAX];
	enum changeset_op op;
	struct rr_soa soa;
	struct rr rr;
	size_t pos = 0, len = 0;

	text[0] = '\0';
	while (changeset_next(cs, &pos, &op, &rr)) {
		bool is_soa =
		    op == CHANGESET_SOA_FROM || op == CHANGESET_SOA_TO;
		char sign = op == CHANGESET_SOA_FROM || op == CHANGESET_DELETE
				? '-'
				: '+';

		if (is_soa) {
			rr_soa_get(&rr, &soa);
			snprintf(owner, sizeof(owner), "%u", soa.serial);
		} else {
			name_to_text(rr.owner, owner);
		}
		len +=
		    (size_t)snprintf(text + len, sizeof(text) - len, "%s%c%s",
				     len > 0 ? " " : "", sign, owner);
		assert_true(len < sizeof(text));
		if (!is_soa) {
			len += (size_t)snprintf(text + len, sizeof(text) - len,
						"/%u", rr.type);
		}
		assert_true(len < sizeof(text));
	}
	return text;
}

uint32_t
talk_spool_serial(struct spool *s)
{
	uint8_t apex[NAME_LEN_MAX];
	struct build_params p =
	    zonefile_params(zonefile_name("example.", apex));
	struct build_report report;
	struct image *im;
	uint32_t serial;

	assert_non_null(s);
	if (build_from_spool(&p, s, &im, &report) != SECD_OK) {
		fail_msg("refused: %s", report.reason);
	}
	serial = image_serial(im);
	image_unref(im);
	spool_free(s);
	return serial;
}
