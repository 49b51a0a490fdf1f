/* SPDX-License-Identifier: BSD-2-Clause */

#include "sending.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libknot/libknot.h>

#include "base/error.h"
#include "base/octets.h"
#include "zonefile.h"

#define ID 0x1234

void
sending_init(struct sending *t)
{
	memset(t, 0, sizeof(*t));
	t->qname = "example.";
	t->qtype = RR_TYPE_AXFR;
	t->cap = 65535;
}

void
sending_fini(struct sending *t)
{
	version_unref(t->version);
	buf_fini(&t->stream);
}

void
sending_hold(struct sending *t, struct image *im)
{
	version_unref(t->version);
	assert_int_equal(version_new_take(1, im, &t->version), SECD_OK);
}

void
sending_query(struct sending *t, int64_t serial)
{
	static const uint8_t opt[] = {0, 0, 41, 4, 208, 0, 0, 0x80, 0, 0, 0};
	uint8_t name[NAME_LEN_MAX], *p = t->request;
	size_t len;

	zonefile_name(t->qname, name);
	len = name_len(name);
	memset(p, 0, sizeof(t->request));
	put_u16(p, ID);
	put_u16(p + 4, 1);
	memcpy(p + 12, name, len);
	p += 12 + len;
	put_u16(p, t->qtype);
	put_u16(p + 2, 1);
	p += 4;
	if (serial >= 0) {
		put_u16(t->request + 8, 1);
		put_u16(p, 0xc00c);
		put_u16(p + 2, RR_TYPE_SOA);
		put_u16(p + 4, 1);
		put_u16(p + 10, 22);
		put_u32(p + 14, (uint32_t)serial);
		p += 34;
	}
	if (t->edns) {
		put_u16(t->request + 10, 1);
		memcpy(p, opt, sizeof(opt));
		p += sizeof(opt);
	}
	assert_int_equal(query_parse(&t->query, t->request,
				     (size_t)(p - t->request), &zonefile_key),
			 QUERY_OTHER);
}

/* What libknot, which had no part in it, reads. */
static void
check_message(const struct sending *t, const uint8_t *msg, size_t len,
	      bool is_first)
{
	uint8_t *copy = malloc(len);
	knot_pkt_t *pkt;

	assert_non_null(copy);
	memcpy(copy, msg, len);
	pkt = knot_pkt_new(copy, (uint16_t)len, NULL);
	assert_non_null(pkt);
	assert_int_equal(knot_pkt_parse(pkt, KNOT_PF_NOCANON), KNOT_EOK);
	assert_int_equal(get_u16(msg), ID);
	assert_int_equal(get_u16(msg + 2), 0x8400);
	assert_int_equal(get_u16(msg + 8), 0);
	assert_int_equal(get_u16(msg + 10), is_first && t->edns);
	assert_true(get_u16(msg + 6) > 0);
	knot_pkt_free(pkt);
	free(copy);
}

static void
keep_message(struct sending *t, const uint8_t *msg, size_t len)
{
	uint8_t prefix[2];

	assert_true(len <= t->cap - t->reserve);
	check_message(t, msg, len, t->stream.len == 0);
	t->longest = len > t->longest ? len : t->longest;
	put_u16(prefix, (uint16_t)len);
	assert_int_equal(buf_put(&t->stream, prefix, 2), SECD_OK);
	assert_int_equal(buf_put(&t->stream, msg, len), SECD_OK);
}

enum xfr_out_verdict
sending_all(struct sending *t, const struct xfr_out_source *source,
	    uint32_t from)
{
	/* Memory of exactly that length, so that writing past it is seen. */
	uint8_t *buf = malloc(t->cap);
	struct xfr_out *x;
	size_t len;

	assert_non_null(buf);
	sending_query(t, source == NULL ? -1 : (int64_t)from);
	buf_clear(&t->stream);
	t->longest = 0;
	assert_int_equal(xfr_out_new(t->version, &t->query, t->kind, &x),
			 SECD_OK);
	if (source != NULL) {
		xfr_out_set_changes(x, source, from);
	}
	do {
		t->verdict = xfr_out_next(x, buf, t->cap, t->reserve, &len);
		if (t->verdict != XFR_OUT_FAILED) {
			keep_message(t, buf, len);
		}
	} while (t->verdict == XFR_OUT_MORE);
	t->failure = xfr_out_failure(x);
	assert_int_equal(t->failure != SECD_OK, t->verdict == XFR_OUT_FAILED);
	xfr_out_count(x, &t->count);
	xfr_out_free(x);
	free(buf);
	return t->verdict;
}

enum xfr_in_outcome
sending_receive(const struct sending *t, const uint8_t *apex, uint32_t held,
		struct xfr_in **in)
{
	struct xfr_in_params p = {
	    .apex = apex,
	    .id = ID,
	    .question =
		t->qtype == RR_TYPE_IXFR ? XFR_IN_ASK_IXFR : XFR_IN_ASK_AXFR,
	    .serial = held,
	    .policy = XFR_IN_ANY,
	    .spool_dir = "/tmp",
	    .spool_chunk = 1 << 20,
	};
	const struct xfr_in_result *result;
	size_t pos = 0;

	assert_int_equal(xfr_in_new(&p, in), SECD_OK);
	result = xfr_in_result(*in);
	while (pos < t->stream.len) {
		size_t len = get_u16(t->stream.data + pos);
		enum xfr_in_verdict v;

		v = xfr_in_message(*in, t->stream.data + pos + 2, len);
		if (v == XFR_IN_FAILED) {
			fail_msg("refused: %s", result->text);
		}
		pos += 2 + len;
		assert_int_equal(v, pos < t->stream.len ? XFR_IN_MORE
							: XFR_IN_DONE);
	}
	assert_int_equal(result->records, t->count.records);
	assert_int_equal(result->messages, t->count.messages);
	assert_int_equal(result->octets, t->count.octets);
	return result->outcome;
}
