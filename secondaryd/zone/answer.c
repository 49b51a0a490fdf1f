/* SPDX-License-Identifier: BSD-2-Clause */

#include "zone/answer.h"

#include "wire/rr.h"
#include "zone/answer_internal.h"

#define UDP_MIN 512 /* octets that everybody takes: RFC 1035 section 4.2.1 */

/* RFC 8914 section 4 */
enum {
	EDE_NONE = -1,
	EDE_NOT_READY = 14,
	EDE_NOT_AUTHORITATIVE = 20,
	EDE_INVALID_DATA = 24,
};

/* The first name cannot be answered; at a later one the answer just ends. */
static bool
fail(struct answer *a, uint16_t rcode, int ede)
{
	if (a->hop_count == 0) {
		a->rcode = rcode;
		a->ede = ede;
	}
	return false;
}

static const struct version *
version_for(struct answer *a, const struct zone *z)
{
	struct answer_zone *touched = a->scratch->touched;
	unsigned i = 0;

	while (i < a->touched_count && touched[i].zone != z) {
		i++;
	}
	if (i == a->touched_count) {
		touched[i].zone = z;
		touched[i].version = zone_version(z);
		a->touched_count++;
	}
	return touched[i].version;
}

/* Find the zone to answer the name from. */
static bool
find_zone(struct answer *a)
{
	const struct zone_table *zones = a->ctx->zones;
	const struct zone *z, *parent;
	unsigned apex, parent_apex;

	z = zone_table_find(zones, a->lower, a->hashes, 0, &apex);
	if (z == NULL) {
		return fail(a, RCODE_REFUSED, EDE_NOT_AUTHORITATIVE);
	}
	/* DS belongs to the parent, if that is here: RFC 4035 3.1.4.1. */
	if (a->q->qtype == RR_TYPE_DS && apex == 0) {
		parent = zone_table_find(zones, a->lower, a->hashes, 1,
					 &parent_apex);
		if (parent != NULL) {
			z = parent;
			apex = parent_apex;
		}
	}
	if (atomic_load_explicit(&z->expired, memory_order_relaxed)) {
		return fail(a, RCODE_SERVFAIL, EDE_INVALID_DATA);
	}
	a->version = version_for(a, z);
	if (a->version == NULL) {
		return fail(a, RCODE_SERVFAIL, EDE_NOT_READY);
	}
	a->apex = apex;
	a->denial = a->sigs ? version_denial(a->version) : IMAGE_UNSIGNED;
	return true;
}

static void
answer_names(struct answer *a)
{
	while (find_zone(a) && answer_name(a)) {
	}
	if (a->proof_count > 0) {
		answer_proof_put(a);
	}
	if (a->ns != NULL && !a->truncated) {
		answer_referral_addresses(a);
	}
}

/* RFC 4892, and the names that other servers know. */
static void
answer_chaos(struct answer *a)
{
	static const struct {
		const char *name; /* wire format */
		bool version;
	} names[] = {
	    {"\7version\4bind", true},
	    {"\7version\6server", true},
	    {"\2id\6server", false},
	    {"\10hostname\4bind", false},
	};
	const struct answer_identity *id = a->ctx->identity;

	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const char *text =
		    names[i].version ? id->version : id->identity;

		if (text != NULL && a->q->qtype == RR_TYPE_TXT &&
		    name_equal((const uint8_t *)names[i].name, a->lower)) {
			answer_must(a, response_put_txt(&a->r, text));
			return;
		}
	}
	a->rcode = RCODE_REFUSED;
}

size_t
answer_limit(const struct answer_identity *identity, const struct query *q,
	     enum answer_transport transport, size_t cap)
{
	size_t max = UDP_MIN;

	if (transport == ANSWER_TCP) {
		max = UINT16_MAX;
	} else if (q->has_edns && q->edns_payload > UDP_MIN) {
		max = q->edns_payload < identity->udp_max_payload
			  ? q->edns_payload
			  : identity->udp_max_payload;
	}
	max = max < UDP_MIN ? UDP_MIN : max;
	return max < cap ? max : cap;
}

static void
answer_class(struct answer *a)
{
	switch (a->q->qclass) {
	case RR_CLASS_IN:
		answer_names(a);
		break;
	case RR_CLASS_ANY:
		/* Other classes may have data too: RFC 1035 section 6.2. */
		answer_names(a);
		a->authoritative = false;
		break;
	case RR_CLASS_CH:
		answer_chaos(a);
		break;
	default:
		a->rcode = RCODE_REFUSED;
	}
}

/* Field by field: clearing all of it first costs a tenth of an answer. */
static void
begin(struct answer *a, const struct answer_context *ctx, const struct query *q,
      enum answer_transport transport)
{
	a->ctx = ctx;
	a->q = q;
	a->transport = transport;
	a->sigs = q->edns_do;
	a->authoritative = false;
	a->truncated = false;
	a->rcode = q->rcode;
	a->ede = EDE_NONE;
	a->name = response_qname(q);
	a->lower = q->lower;
	a->hashes = &q->hashes;
	a->touched_count = 0;
	a->hop_count = 0;
	a->dname_count = 0;
	a->proof_count = 0;
	a->ns = NULL;
}

size_t
answer_query(const struct answer_context *ctx, const struct query *q,
	     enum answer_transport transport, uint8_t *out, size_t cap,
	     size_t reserve, struct answer_result *result)
{
	size_t max = answer_limit(ctx->identity, q, transport, cap);
	struct answer_scratch scratch;
	struct answer a;
	uint16_t flags;

	begin(&a, ctx, q, transport);
	a.scratch = &scratch;
	response_begin(&a.r, q, ctx->identity, out, max, reserve);
	if (q->rcode == RCODE_NOERROR) {
		answer_class(&a);
	}
	if (a.rcode == RCODE_SERVFAIL) {
		/* What was found before does not count. */
		response_begin(&a.r, q, ctx->identity, out, max, reserve);
		a.authoritative = false;
		a.truncated = false;
	}
	flags = (uint16_t)((a.authoritative ? HEADER_AA : 0) |
			   (a.truncated ? HEADER_TC : 0));
	result->rcode = a.rcode;
	result->truncated = a.truncated;
	return response_end(&a.r, q, ctx->identity, flags, a.rcode, a.ede);
}

size_t
answer_rcode(const struct answer_identity *identity, const struct query *q,
	     uint16_t flags, uint16_t rcode, int ede, uint8_t *out, size_t cap)
{
	struct response r;

	response_begin(&r, q, identity, out, cap, 0);
	return response_end(&r, q, identity, flags, rcode, ede);
}
