/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copying RRsets out of nodes into a response, and filling in the pointers.
 */

#include <string.h>

#include "base/octets.h"
#include "wire/rr.h"
#include "zone/response_internal.h"

/* Give each of some RRs with owners of two octets another owner. */
static void
patch_owners(uint8_t *rr, size_t len, uint16_t at)
{
	while (len >= 2 + RESPONSE_RR_HEAD) {
		size_t rr_len = 2 + RESPONSE_RR_HEAD + get_u16(rr + 10);

		put_u16(rr, (uint16_t)(RESPONSE_POINTER | at));
		if (rr_len > len) {
			return;
		}
		rr += rr_len;
		len -= rr_len;
	}
}

/*
 * Fill in the pointers of RRs that were copied.
 *
 * ns_at    the octet of the message that stands for the first octet of the RRs
 * at       the one that stands for octet `from` of RRs and glue, of which the
 *          octets up to `to` were copied
 */
static void
patch_names(struct response *r, const struct rrset *s, size_t ns_at, size_t at,
	    size_t from, size_t to, const struct response_name *owner)
{
	const struct fixup *f = rrset_fixups(s);

	for (unsigned i = 0; i < s->fixup_count; i++) {
		size_t target = f[i].target;

		if (f[i].at < from || f[i].at + 2u > to) {
			continue;
		}
		if ((target & FIXUP_IN_RRSET) != 0) {
			target = ns_at + (target & ~(size_t)FIXUP_IN_RRSET);
		} else {
			target = response_suffix_at(r, owner, target);
		}
		put_u16(r->wire + at + (f[i].at - from),
			(uint16_t)(RESPONSE_POINTER |
				   (target & RESPONSE_POINTER_MAX)));
	}
}

/*
 * The slow way, without any pointer, for what starts or would point beyond
 * RESPONSE_POINTER_MAX: only TCP gets there.
 */
static bool
put_expanded(struct response *r, enum response_section section,
	     const struct node *n, const struct rrset *s,
	     const struct response_name *owner, bool records, bool sigs)
{
	uint16_t count = r->counts[section];
	size_t start = r->len;
	struct node_reader reader;
	struct rr rr;

	node_reader_init(&reader, n);
	while (node_reader_next(&reader, &rr)) {
		if (reader.rrset != s ||
		    !(rr.type == RR_TYPE_RRSIG ? sigs : records)) {
			continue;
		}
		if (!response_put_record(r, section, owner->name, owner->len,
					 RR_CLASS_IN, &rr)) {
			r->len = start;
			r->counts[section] = count;
			return false;
		}
	}
	return true;
}

/* Are all pointers possible when the RRs start at octet `at`? */
static bool
is_in_reach(const struct rrset *s, size_t at)
{
	return s->fixup_count == 0 || at + s->wire_len <= RESPONSE_POINTER_MAX;
}

/* Copy RRs without names to patch, giving each the root as owner. */
static bool
copy_below_root(struct response *r, const uint8_t *from, size_t len)
{
	while (len >= 2 + RESPONSE_RR_HEAD) {
		size_t rr_len = 2 + RESPONSE_RR_HEAD + get_u16(from + 10);

		if (rr_len > len || !response_has_room(r, rr_len - 1)) {
			return false;
		}
		r->wire[r->len] = 0;
		memcpy(r->wire + r->len + 1, from + 2, rr_len - 2);
		r->len += rr_len - 1;
		from += rr_len;
		len -= rr_len;
	}
	return true;
}

/*
 * The root as owner takes one octet, a pointer to it two: an octet less for
 * each record of a negative answer from the root zone.
 */
static bool
put_at_root(struct response *r, enum response_section section,
	    const struct rrset *s, bool sigs)
{
	const uint8_t *wire = rrset_wire(s);
	unsigned count = s->count + (sigs ? s->sig_count : 0u);
	size_t start = r->len;

	if (!copy_below_root(r, wire, s->wire_len) ||
	    (sigs && !copy_below_root(r, wire + s->wire_len + s->glue_len,
				      s->sig_len))) {
		r->len = start;
		return false;
	}
	r->counts[section] = (uint16_t)(r->counts[section] + count);
	return true;
}

/*
 * Copy RRs and signatures behind an owner of the first RR that is, or will be,
 * written over `first_len` octets at r->len.
 */
static void
copy_records(struct response *r, enum response_section section,
	     const struct rrset *s, size_t first_len,
	     const struct response_name *owner, bool sigs)
{
	uint8_t *to = r->wire + r->len + first_len;
	size_t len = s->wire_len - 2;
	const uint8_t *wire = rrset_wire(s);
	unsigned count = s->count;

	memcpy(to, wire + 2, len);
	if (s->fixup_count > 0) {
		size_t at = r->len + first_len - 2;

		patch_names(r, s, at, at + 2, 2, s->wire_len, owner);
	}
	if (sigs) {
		memcpy(to + len, wire + s->wire_len + s->glue_len, s->sig_len);
		len += s->sig_len;
		count += s->sig_count;
	}
	if (owner->at != WIRE_HEADER_LEN) {
		size_t rest = RESPONSE_RR_HEAD + get_u16(to + 8);

		if (rest < len) {
			patch_owners(to + rest, len - rest, owner->at);
		}
	}
	r->len += first_len + len;
	r->counts[section] = (uint16_t)(r->counts[section] + count);
}

bool
response_put(struct response *r, enum response_section section,
	     const struct node *n, const struct rrset *s,
	     const struct response_name *owner, bool sigs)
{
	if (s->count == 0 || s->wire_len < 2 + RESPONSE_RR_HEAD) {
		return true; /* signatures whose RRset is missing */
	}
	if (owner->len == 1 && s->fixup_count == 0) {
		return put_at_root(r, section, s, sigs);
	}
	if (response_is_loose(r, s, owner)) {
		return response_put_tight(r, section, n, s, owner, sigs);
	}
	if (owner->at == 0 || !is_in_reach(s, r->len)) {
		return put_expanded(r, section, n, s, owner, true, sigs);
	}
	if (!response_has_room(r,
			       (size_t)s->wire_len + (sigs ? s->sig_len : 0))) {
		return false;
	}
	put_u16(r->wire + r->len, (uint16_t)(RESPONSE_POINTER | owner->at));
	copy_records(r, section, s, 2, owner, sigs);
	return true;
}

size_t
response_shared_len(const uint8_t *a, size_t a_len, const uint8_t *b,
		    size_t b_len)
{
	for (;;) {
		if (a_len > b_len) {
			a_len -= *a + 1u;
			a += *a + 1;
		} else if (b_len > a_len) {
			b_len -= *b + 1u;
			b += *b + 1;
		} else if (a_len <= 1 || name_equal(a, b)) {
			return a_len;
		} else {
			a_len -= *a + 1u;
			a += *a + 1;
			b_len -= *b + 1u;
			b += *b + 1;
		}
	}
}

bool
response_put_own(struct response *r, enum response_section section,
		 const struct node *n, const struct rrset *s,
		 const struct response_name *const *near, unsigned near_count,
		 bool sigs)
{
	struct response_name owner = {.name = n->owner, .len = n->owner_len};
	size_t shared = 1, first_len;
	uint16_t pointer = 0;

	if (s->count == 0 || s->wire_len < 2 + RESPONSE_RR_HEAD) {
		return true;
	}
	if (n->owner_len == 1 && s->fixup_count == 0) {
		return put_at_root(r, section, s, sigs);
	}
	if (r->len + n->owner_len > RESPONSE_POINTER_MAX) {
		return put_expanded(r, section, n, s, &owner, true, sigs);
	}
	for (unsigned i = 0; i < near_count; i++) {
		size_t len = response_shared_len(n->owner, n->owner_len,
						 near[i]->name, near[i]->len);

		if (len > shared && near[i]->at != 0) {
			shared = len;
			pointer = response_suffix_at(r, near[i], len);
		}
	}
	first_len = n->owner_len - shared + (pointer != 0 ? 2 : 1);
	if (!is_in_reach(s, r->len + first_len)) {
		return put_expanded(r, section, n, s, &owner, true, sigs);
	}
	if (!response_has_room(r, first_len - 2 + s->wire_len +
				      (sigs ? s->sig_len : 0))) {
		return false;
	}
	owner.at = (uint16_t)r->len;
	memcpy(r->wire + r->len, n->owner, n->owner_len - shared);
	if (pointer != 0) {
		put_u16(r->wire + r->len + first_len - 2,
			(uint16_t)(RESPONSE_POINTER | pointer));
	} else {
		r->wire[r->len + first_len - 1] = 0;
	}
	copy_records(r, section, s, first_len, &owner, sigs);
	return true;
}

bool
response_put_sigs(struct response *r, enum response_section section,
		  const struct node *n, const struct rrset *s,
		  const struct response_name *owner)
{
	const uint8_t *sigs = rrset_wire(s) + s->wire_len + s->glue_len;
	uint8_t *to = r->wire + r->len;

	if (owner->len == 1) {
		if (!copy_below_root(r, sigs, s->sig_len)) {
			return false;
		}
		r->counts[section] =
		    (uint16_t)(r->counts[section] + s->sig_count);
		return true;
	}
	if (owner->at == 0) {
		return put_expanded(r, section, n, s, owner, false, true);
	}
	if (!response_has_room(r, s->sig_len)) {
		return false;
	}
	memcpy(to, sigs, s->sig_len);
	patch_owners(to, s->sig_len, owner->at);
	r->len += s->sig_len;
	r->counts[section] = (uint16_t)(r->counts[section] + s->sig_count);
	return true;
}

/*
 * Octets of the glue RRs that fit, in whole RRsets. Each RR has one fixup, for
 * its owner.
 *
 * f        the first of them
 * count    receives the number of RRs
 */
static size_t
glue_that_fits(const struct response *r, const struct rrset *s,
	       const struct fixup *f, uint16_t *count)
{
	const uint8_t *glue = rrset_wire(s) + s->wire_len;
	size_t at = 0, whole = 0;

	*count = 0;
	for (uint16_t i = 0; i < s->glue_count; i++) {
		uint16_t type;

		if (s->glue_len - at < 2 + RESPONSE_RR_HEAD) {
			break;
		}
		type = get_u16(glue + at + 2);
		at += 2 + RESPONSE_RR_HEAD + get_u16(glue + at + 10);
		if (at > s->glue_len || !response_has_room(r, at)) {
			break;
		}
		if (i + 1 == s->glue_count || f[i].target != f[i + 1].target ||
		    (s->glue_len - at >= 4 && get_u16(glue + at + 2) != type)) {
			whole = at;
			*count = (uint16_t)(i + 1);
		}
	}
	return whole;
}

bool
response_put_glue(struct response *r, const struct rrset *s, size_t ns_at,
		  const struct response_name *owner)
{
	uint16_t count = s->glue_count, first = 0;
	size_t len = s->glue_len;

	while (first < s->fixup_count &&
	       rrset_fixups(s)[first].at < s->wire_len) {
		first++;
	}
	if (s->fixup_count - first < s->glue_count) {
		return false; /* damaged */
	}
	if (!response_has_room(r, len)) {
		len = glue_that_fits(r, s, rrset_fixups(s) + first, &count);
	}
	memcpy(r->wire + r->len, rrset_wire(s) + s->wire_len, len);
	patch_names(r, s, ns_at, r->len, s->wire_len, s->wire_len + len, owner);
	r->len += len;
	r->counts[RESPONSE_ADDITIONAL] =
	    (uint16_t)(r->counts[RESPONSE_ADDITIONAL] + count);
	return count == s->glue_count;
}

bool
response_can_put_glue(const struct response *r, const struct rrset *s,
		      size_t ns_at)
{
	return !rrset_is_plain(s) && is_in_reach(s, ns_at) &&
	       r->tight_at != ns_at && r->wire[ns_at] >= 0xc0;
}
