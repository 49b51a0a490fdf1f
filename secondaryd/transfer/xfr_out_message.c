/* SPDX-License-Identifier: BSD-2-Clause */

#include <string.h>

#include "base/octets.h"
#include "transfer/xfr_out_internal.h"

#define POINTER_LEN 2
#define POINTER_MAX 0x3fff

static void
put_pointer(uint8_t *p, size_t to)
{
	put_u16(p, (uint16_t)(0xc000 | to));
}

/* Where the labels of a name start; returns its length. */
static size_t
find_labels(const uint8_t *name, uint8_t *label, unsigned *count)
{
	unsigned at = 0, n = 0;

	label[0] = 0; /* for the root, which has none */
	while (name[at] != 0) {
		label[n++] = (uint8_t)at;
		at += name[at] + 1u;
	}
	*count = n;
	return at + 1;
}

/*
 * Labels that a name has in common with the one before, from the root. Case
 * counts: what the zone has is what the other side gets (RFC 5936 section 3.4).
 */
static unsigned
common_labels(const struct xfr_out_message *m, const uint8_t *name,
	      const uint8_t *label, unsigned count)
{
	unsigned n = 0;

	while (m->name != NULL && n < count && n < m->label_count) {
		const uint8_t *a = name + label[count - 1 - n];
		const uint8_t *b = m->name + m->label[m->label_count - 1 - n];

		if (a[0] != b[0] || memcmp(a, b, a[0] + 1u) != 0) {
			break;
		}
		n++;
	}
	return n;
}

void
xfr_out_message_begin(struct xfr_out_message *m, uint16_t id, uint16_t flags,
		      const uint8_t *question, size_t question_len)
{
	memset(m->buf, 0, WIRE_HEADER_LEN);
	put_u16(m->buf, id);
	put_u16(m->buf + 2, flags);
	m->len = WIRE_HEADER_LEN;
	m->limit = m->cap < XFR_OUT_FILL ? m->cap : XFR_OUT_FILL;
	m->record_count = 0;
	m->name = NULL;
	m->label_count = 0;
	if (question == NULL) {
		return;
	}
	put_u16(m->buf + 4, 1);
	memcpy(m->buf + m->len, question, question_len);
	m->name = question;
	m->name_len = find_labels(question, m->label, &m->label_count);
	for (unsigned i = 0; i < m->label_count; i++) {
		m->at[m->name_len - m->label[i]] =
		    (uint16_t)(m->len + m->label[i]);
	}
	m->len += question_len;
}

/* An owner that is not the last one: what it shares with that is pointed to. */
struct parts {
	uint8_t label[NAME_LABEL_MAX];
	unsigned count;
	unsigned fresh; /* labels that are written */
	size_t len, fresh_len;
	size_t room; /* octets that it takes */
};

static void
part(const struct xfr_out_message *m, const uint8_t *owner, struct parts *o)
{
	unsigned common;

	o->len = find_labels(owner, o->label, &o->count);
	common = common_labels(m, owner, o->label, o->count);
	o->fresh = o->count - common;
	o->fresh_len = common == 0     ? o->len
		       : o->fresh == 0 ? 0
				       : o->label[o->fresh];
	o->room = o->fresh_len + (common > 0 ? POINTER_LEN : 0);
}

bool
xfr_out_message_fits(const struct xfr_out_message *m, const uint8_t *owner,
		     size_t len)
{
	struct parts o;

	/* A block has two octets for its first owner already. */
	if (m->len + len > m->limit || m->name == owner) {
		return m->len + len <= m->limit;
	}
	part(m, owner, &o);
	return m->len + len + o.room <= m->limit + POINTER_LEN;
}

static void
put_parts(struct xfr_out_message *m, const uint8_t *owner,
	  const struct parts *o)
{
	uint8_t *p = m->buf + m->len;

	if (o->room > o->fresh_len) {
		put_pointer(p + o->fresh_len, m->at[o->len - o->fresh_len]);
	}
	memcpy(p, owner, o->fresh_len);
	for (unsigned i = 0; i < o->fresh; i++) {
		m->at[o->len - o->label[i]] = (uint16_t)(m->len + o->label[i]);
	}
	m->len += o->room;
	memcpy(m->label, o->label, o->count);
	m->label_count = o->count;
	m->name = owner;
	m->name_len = o->len;
}

static void
put_owner(struct xfr_out_message *m, const uint8_t *owner)
{
	if (owner[0] == 0) {
		m->buf[m->len++] = 0;
		m->name = owner;
		m->name_len = 1;
		m->label_count = 0;
	} else if (m->name == owner) {
		put_pointer(m->buf + m->len, m->at[m->name_len]);
		m->len += POINTER_LEN;
	} else {
		struct parts o;

		part(m, owner, &o);
		put_parts(m, owner, &o);
	}
}

void
xfr_out_message_keep_name(struct xfr_out_message *m)
{
	if (m->name != NULL && m->name != m->kept) {
		memcpy(m->kept, m->name, m->name_len);
		m->name = m->kept;
	}
}

bool
xfr_out_message_put_entry(struct xfr_out_message *m, const struct secd_entry *e)
{
	/* The root's one octet is shorter than a pointer to it. */
	bool is_last_owner = m->name != NULL && e->owner_len > 1 &&
			     m->name_len == e->owner_len &&
			     memcmp(m->name, e->owner, e->owner_len) == 0;
	size_t len = XFR_OUT_RR_FIXED - POINTER_LEN + (size_t)e->rdata_len;
	size_t room = POINTER_LEN;
	struct parts o;
	uint8_t *p;

	if (!is_last_owner) {
		part(m, e->owner, &o);
		room = o.room;
	}
	if (m->len + room + len > m->limit) {
		return false;
	}
	if (is_last_owner) {
		put_pointer(m->buf + m->len, m->at[m->name_len]);
		m->len += POINTER_LEN;
	} else {
		put_parts(m, e->owner, &o);
	}
	p = m->buf + m->len;
	put_u16(p, e->type);
	put_u16(p + 2, RR_CLASS_IN);
	/* TTL, RDLENGTH and RDATA stand together in an entry, too. */
	memcpy(p + 4, e->rdata - 6, len - 4);
	m->len += len;
	m->record_count++;
	return true;
}

size_t
xfr_out_record_len(const uint8_t *octets, size_t len)
{
	size_t record_len;

	if (len < XFR_OUT_RR_FIXED) {
		return 0;
	}
	record_len = (size_t)XFR_OUT_RR_FIXED + get_u16(octets + 10);
	return record_len <= len ? record_len : 0;
}

/*
 * Records of the root: nobody compresses its one octet, so their owners are
 * one shorter than in the block.
 */
static bool
put_root_records(struct xfr_out_message *m, const uint8_t *owner,
		 const struct xfr_out_block *b)
{
	size_t at = 0, len;

	while (at < b->len) {
		len = xfr_out_record_len(b->octets + at, b->len - at);
		if (len == 0) {
			return false;
		}
		put_owner(m, owner);
		memcpy(m->buf + m->len, b->octets + at + POINTER_LEN,
		       len - POINTER_LEN);
		m->len += len - POINTER_LEN;
		m->record_count++;
		at += len;
	}
	return true;
}

static bool
put_records(struct xfr_out_message *m, const uint8_t *owner,
	    const struct xfr_out_block *b)
{
	uint8_t *p;
	size_t at = 0, len;

	put_owner(m, owner);
	memcpy(m->buf + m->len, b->octets + POINTER_LEN, b->len - POINTER_LEN);
	p = m->buf + m->len - POINTER_LEN;
	m->len += b->len - POINTER_LEN;
	while (at < b->len) {
		/* Not from p: the owner may stand where the first two are. */
		len = xfr_out_record_len(b->octets + at, b->len - at);
		if (len == 0) {
			return false;
		}
		if (at > 0) {
			put_pointer(p + at, m->at[m->name_len]);
		}
		m->record_count++;
		at += len;
	}
	return true;
}

/* Records of the block that start at or before an octet of it. */
static size_t
records_until(const struct xfr_out_block *b, size_t octet)
{
	size_t at = 0, n = 0;

	while (at <= octet) {
		at += xfr_out_record_len(b->octets + at, b->len - at);
		n++;
	}
	return n;
}

/*
 * Octet of the message where an octet of the block, put last, now is. Counted
 * from the end, since the first owner may have any length.
 */
static size_t
place(const struct xfr_out_message *m, const struct xfr_out_block *b,
      size_t octet)
{
	size_t start = m->len - b->len;

	if (m->name[0] == 0) {
		start += m->root_count - records_until(b, octet);
	}
	return start + octet;
}

static bool
patch(struct xfr_out_message *m, const struct xfr_out_block *b,
      const struct fixup *f)
{
	unsigned target = f->target & ~FIXUP_IN_RRSET;
	size_t to;

	if ((size_t)f->at + POINTER_LEN > b->len) {
		return false;
	}
	if (f->target & FIXUP_IN_RRSET) {
		if (target >= b->len) {
			return false;
		}
		to = place(m, b, target);
	} else {
		if (target > m->name_len) {
			return false;
		}
		to = m->at[target];
	}
	if (to > POINTER_MAX) {
		return false;
	}
	put_pointer(m->buf + place(m, b, f->at), to);
	return true;
}

bool
xfr_out_message_put(struct xfr_out_message *m, const uint8_t *owner,
		    const struct xfr_out_block *b)
{
	uint16_t before = m->record_count;
	bool is_root = owner[0] == 0;

	if (is_root ? !put_root_records(m, owner, b)
		    : !put_records(m, owner, b)) {
		return false;
	}
	m->root_count = is_root ? (size_t)(m->record_count - before) : 0;
	for (unsigned i = 0; i < b->fixup_count; i++) {
		if (!patch(m, b, &b->fixups[i])) {
			return false;
		}
	}
	return true;
}
