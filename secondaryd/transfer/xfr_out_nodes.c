/* SPDX-License-Identifier: BSD-2-Clause */

#include "base/error.h"
#include "base/octets.h"
#include "transfer/xfr_out_internal.h"

static enum xfr_out_put
fail(struct xfr_out_nodes *n, int rc)
{
	n->rc = rc;
	return XFR_OUT_PUT_FAILED;
}

static enum xfr_out_put
put_whole(struct xfr_out_nodes *n, struct xfr_out_message *m,
	  const uint8_t *owner, const struct xfr_out_block *b)
{
	if (xfr_out_message_fits(m, owner, b->len)) {
		return xfr_out_message_put(m, owner, b) ? XFR_OUT_PUT_ALL
							: XFR_OUT_PUT_FAILED;
	}
	if (m->record_count > 0) {
		return XFR_OUT_PUT_FULL;
	}
	if (b->fixup_count == 0) {
		return XFR_OUT_PUT_FAILED; /* the caller goes record by record */
	}
	/*
	 * A full rrset with compressed names, just too long beside a long
	 * question. It may not be cut, since its names point to each other;
	 * without the question it fits.
	 */
	xfr_out_message_begin(m, get_u16(m->buf), get_u16(m->buf + 2), NULL, 0);
	if (!xfr_out_message_fits(m, owner, b->len)) {
		return fail(n, SECD_ENOSPC);
	}
	return xfr_out_message_put(m, owner, b) ? XFR_OUT_PUT_ALL
						: XFR_OUT_PUT_FAILED;
}

/* A block that is too long for a message, from n->from on. */
static enum xfr_out_put
put_piecemeal(struct xfr_out_nodes *n, struct xfr_out_message *m,
	      const uint8_t *owner, const struct xfr_out_block *b)
{
	while (n->from < b->len) {
		struct xfr_out_block one = {
		    .octets = b->octets + n->from,
		    .len = xfr_out_record_len(b->octets + n->from,
					      b->len - n->from),
		};
		bool is_first = m->record_count == 0;

		if (one.len == 0) {
			return XFR_OUT_PUT_FAILED;
		}
		if (!xfr_out_message_fits(m, owner, one.len)) {
			if (!is_first) {
				return XFR_OUT_PUT_FULL;
			}
			/* Longer than the usual: a message of its own. */
			m->limit = m->cap;
			if (!xfr_out_message_fits(m, owner, one.len)) {
				return fail(n, SECD_ENOSPC);
			}
		}
		if (!xfr_out_message_put(m, owner, &one)) {
			return XFR_OUT_PUT_FAILED;
		}
		if (m->limit > XFR_OUT_FILL) {
			m->limit = XFR_OUT_FILL;
		}
		n->from += one.len;
	}
	n->from = 0;
	return XFR_OUT_PUT_ALL;
}

static enum xfr_out_put
put_block(struct xfr_out_nodes *n, struct xfr_out_message *m,
	  const uint8_t *owner, const struct xfr_out_block *b)
{
	if (b->len == 0) {
		return XFR_OUT_PUT_ALL;
	}
	if (b->fixup_count == 0 &&
	    (n->from > 0 || (m->record_count == 0 &&
			     !xfr_out_message_fits(m, owner, b->len)))) {
		return put_piecemeal(n, m, owner, b);
	}
	return put_whole(n, m, owner, b);
}

static struct xfr_out_block
records_of(const struct rrset *s)
{
	struct xfr_out_block b = {
	    .octets = rrset_wire(s),
	    .len = s->wire_len,
	    .fixups = rrset_fixups(s),
	    .fixup_count = s->fixup_count,
	};

	/* The last ones are of glue, which goes out where its owner stands. */
	while (b.fixup_count > 0 &&
	       b.fixups[b.fixup_count - 1].at >= s->wire_len) {
		b.fixup_count--;
	}
	return b;
}

static struct xfr_out_block
sigs_of(const struct rrset *s)
{
	return (struct xfr_out_block){
	    .octets = rrset_wire(s) + s->wire_len + s->glue_len,
	    .len = s->sig_len,
	};
}

enum xfr_out_put
xfr_out_nodes_put_soa(struct xfr_out_nodes *n, struct xfr_out_message *m,
		      const uint8_t *apex, const struct rrset *soa)
{
	struct xfr_out_block b = records_of(soa);

	return put_block(n, m, apex, &b);
}

void
xfr_out_nodes_start(struct xfr_out_nodes *n, const struct version *v)
{
	*n = (struct xfr_out_nodes){.rc = SECD_OK};
	version_cursor_start(&n->cursor, v);
}

/* The next rrset, of this node or a later one; false: there is none. */
static bool
find_rrset(struct xfr_out_nodes *n)
{
	while (n->rrset_left == 0) {
		n->node = version_cursor_next(&n->cursor);
		if (n->node == NULL) {
			return false;
		}
		n->rrset = node_rrsets(n->node);
		n->rrset_left = n->node->rrset_count;
		n->at_sigs = false;
	}
	return true;
}

static void
pass_rrset(struct xfr_out_nodes *n)
{
	n->at_sigs = false;
	n->rrset_left--;
	if (n->rrset_left > 0) {
		n->rrset = rrset_next(n->rrset);
	}
}

enum xfr_out_put
xfr_out_nodes_put(struct xfr_out_nodes *n, struct xfr_out_message *m)
{
	while (find_rrset(n)) {
		struct xfr_out_block b;
		enum xfr_out_put put;

		if (!n->at_sigs && (n->rrset->type != RR_TYPE_SOA ||
				    !(n->node->flags & NODE_APEX))) {
			b = records_of(n->rrset);
			put = put_block(n, m, n->node->owner, &b);
			if (put != XFR_OUT_PUT_ALL) {
				return put;
			}
		}
		n->at_sigs = true;
		b = sigs_of(n->rrset);
		put = put_block(n, m, n->node->owner, &b);
		if (put != XFR_OUT_PUT_ALL) {
			return put;
		}
		pass_rrset(n);
	}
	/* What a damaged image lets go out must not look like the zone. */
	return version_cursor_is_whole(&n->cursor) ? XFR_OUT_PUT_ALL
						   : XFR_OUT_PUT_FAILED;
}
