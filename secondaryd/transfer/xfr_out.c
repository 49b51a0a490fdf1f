/* SPDX-License-Identifier: BSD-2-Clause */

#include "transfer/xfr_out.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/octets.h"
#include "transfer/soa.h"
#include "transfer/xfr_out_internal.h"
#include "wire/serial.h"

#define QUESTION_TAIL 4    /* type and class */
#define OPT_LEN       11   /* without options */
#define OPT_PAYLOAD   1232 /* octets that we would take over UDP */

/* What is sent next. */
enum phase {
	PHASE_OPENING, /* the SOA */
	PHASE_NODES,   /* the whole zone */
	PHASE_ENTRIES, /* the changes */
	PHASE_CLOSING, /* the SOA again */
	PHASE_END,
};

struct xfr_out {
	struct version *version; /* NULL once it is not needed any more */
	enum xfr_out_kind kind;
	enum phase phase;
	int rc; /* why it failed, or SECD_OK */
	uint16_t id, flags;
	bool has_edns, edns_do;
	size_t question_len;
	uint8_t question[NAME_LEN_MAX + QUESTION_TAIL];
	struct rrset *soa; /* a copy; NULL: there is none */
	uint8_t apex[NAME_LEN_MAX];

	struct xfr_out_nodes nodes;     /* in PHASE_NODES */
	struct xfr_out_entries entries; /* in PHASE_ENTRIES */

	struct xfr_out_message message;
	struct xfr_out_count count;
};

uint8_t
xfr_out_choose(const struct version *v, const struct query *q, bool is_udp,
	       enum xfr_out_kind *kind, uint32_t *serial)
{
	size_t pos = WIRE_HEADER_LEN + (size_t)q->qname_len + QUESTION_TAIL;
	uint32_t theirs;

	if (!q->has_question) {
		return RCODE_FORMERR;
	}
	if (q->qtype == RR_TYPE_AXFR) {
		*kind = XFR_OUT_AXFR;
		return is_udp ? RCODE_FORMERR : RCODE_NOERROR;
	}
	if (get_u16(q->wire + 6) != 0 || get_u16(q->wire + 8) == 0 ||
	    soa_read_serial(q->wire, q->len, pos, q->lower, &theirs) !=
		SECD_OK) {
		return RCODE_FORMERR;
	}
	if (serial != NULL) {
		*serial = theirs;
	}
	*kind = serial_is_newer(version_serial(v), theirs) ? XFR_OUT_IXFR
							   : XFR_OUT_SOA_ONLY;
	return RCODE_NOERROR;
}

/* The SOA, which closes when the version may be gone. */
static int
copy_soa(struct xfr_out *x, const struct version *v)
{
	const struct node *apex = version_apex(v);
	const struct rrset *soa = node_find(apex, RR_TYPE_SOA);

	memcpy(x->apex, apex->owner, apex->owner_len);
	if (soa == NULL) {
		return SECD_OK;
	}
	x->soa = malloc(rrset_len(soa));
	if (x->soa == NULL) {
		return SECD_ENOMEM;
	}
	memcpy(x->soa, soa, rrset_len(soa));
	return SECD_OK;
}

int
xfr_out_new(struct version *v, const struct query *q, enum xfr_out_kind kind,
	    struct xfr_out **out)
{
	struct xfr_out *x = calloc(1, sizeof(*x));

	if (x == NULL) {
		return SECD_ENOMEM;
	}
	if (copy_soa(x, v) != SECD_OK) {
		free(x);
		return SECD_ENOMEM;
	}
	x->version = version_ref(v);
	xfr_out_nodes_start(&x->nodes, v);
	x->kind = kind == XFR_OUT_IXFR ? XFR_OUT_AXFR : kind;
	x->id = q->id;
	x->flags = (uint16_t)(HEADER_QR | HEADER_AA | (q->flags & HEADER_RD));
	x->has_edns = q->has_edns;
	x->edns_do = q->edns_do;
	x->question_len = q->qname_len + QUESTION_TAIL;
	memcpy(x->question, q->wire + WIRE_HEADER_LEN, x->question_len);
	*out = x;
	return SECD_OK;
}

void
xfr_out_free(struct xfr_out *x)
{
	if (x != NULL) {
		version_unref(x->version);
		free(x->soa);
		free(x);
	}
}

void
xfr_out_set_changes(struct xfr_out *x, const struct xfr_out_source *source,
		    uint32_t from)
{
	x->entries = (struct xfr_out_entries){
	    .source = *source,
	    .to = version_serial(x->version),
	    .sequence = {.serial = from},
	};
	x->kind = XFR_OUT_IXFR;
	version_unref(x->version);
	x->version = NULL;
}

void
xfr_out_count(const struct xfr_out *x, struct xfr_out_count *out)
{
	*out = x->count;
	out->steps = x->entries.sequence.count;
}

int
xfr_out_failure(const struct xfr_out *x)
{
	return x->rc;
}

/* The apex's SOA, which opens and closes; its RRSIG goes with the nodes. */
static enum xfr_out_put
put_soa(struct xfr_out *x)
{
	return x->soa == NULL ? XFR_OUT_PUT_FAILED
			      : xfr_out_nodes_put_soa(&x->nodes, &x->message,
						      x->apex, x->soa);
}

static enum phase
after_opening(enum xfr_out_kind kind)
{
	switch (kind) {
	case XFR_OUT_AXFR:
		return PHASE_NODES;
	case XFR_OUT_IXFR:
		return PHASE_ENTRIES;
	case XFR_OUT_SOA_ONLY:
		break;
	}
	return PHASE_END;
}

static enum xfr_out_put
put_phase(struct xfr_out *x)
{
	enum xfr_out_put put;

	switch (x->phase) {
	case PHASE_OPENING:
		put = put_soa(x);
		if (put == XFR_OUT_PUT_ALL) {
			x->phase = after_opening(x->kind);
		}
		return put;
	case PHASE_NODES:
	case PHASE_ENTRIES:
		put = x->phase == PHASE_NODES
			  ? xfr_out_nodes_put(&x->nodes, &x->message)
			  : xfr_out_entries_put(&x->entries, &x->message);
		if (put == XFR_OUT_PUT_ALL) {
			x->phase = PHASE_CLOSING;
		}
		return put;
	case PHASE_CLOSING:
		put = put_soa(x);
		if (put == XFR_OUT_PUT_ALL) {
			x->phase = PHASE_END;
		}
		return put;
	case PHASE_END:
		break;
	}
	return XFR_OUT_PUT_FAILED;
}

static int
why(const struct xfr_out *x)
{
	if (x->entries.rc != SECD_OK) {
		return x->entries.rc;
	}
	return x->nodes.rc != SECD_OK ? x->nodes.rc : SECD_EIO;
}

static void
put_opt(const struct xfr_out *x, struct xfr_out_message *m)
{
	uint8_t *p = m->buf + m->len;

	memset(p, 0, OPT_LEN); /* root owner, RCODE and version 0, no options */
	put_u16(p + 1, RR_TYPE_OPT);
	put_u16(p + 3, OPT_PAYLOAD);
	p[7] = x->edns_do ? 0x80 : 0;
	put_u16(m->buf + 10, 1);
	m->len += OPT_LEN;
}

enum xfr_out_verdict
xfr_out_next(struct xfr_out *x, uint8_t *buf, size_t cap, size_t reserve,
	     size_t *len)
{
	struct xfr_out_message *m = &x->message;
	/* RFC 6891: in the first message; the others may go without. */
	bool has_opt = x->has_edns && x->count.messages == 0;
	enum xfr_out_put put = XFR_OUT_PUT_ALL;

	if (has_opt) {
		reserve += OPT_LEN;
	}
	if (x->phase == PHASE_END || cap > UINT16_MAX || cap < reserve ||
	    cap - reserve < WIRE_HEADER_LEN + x->question_len) {
		x->rc = SECD_ENOSPC;
		return XFR_OUT_FAILED;
	}
	m->buf = buf;
	m->cap = cap - reserve;
	xfr_out_message_begin(m, x->id, x->flags, x->question, x->question_len);
	while (put == XFR_OUT_PUT_ALL && x->phase != PHASE_END) {
		put = put_phase(x);
	}
	if (put == XFR_OUT_PUT_FAILED) {
		x->phase = PHASE_END;
		x->rc = why(x);
		return XFR_OUT_FAILED;
	}
	put_u16(buf + 6, m->record_count);
	if (has_opt) {
		put_opt(x, m);
	}
	*len = m->len;
	x->count.messages++;
	x->count.records += m->record_count;
	x->count.octets += m->len;
	return x->phase == PHASE_END ? XFR_OUT_DONE : XFR_OUT_MORE;
}
