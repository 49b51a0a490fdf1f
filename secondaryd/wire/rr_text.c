/* SPDX-License-Identifier: BSD-2-Clause */

#include "wire/rr_text.h"

#include <inttypes.h>
#include <libknot/libknot.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/error.h"

/* Type bitmaps of RFC 4034 section 4.1.2 up to the end? */
static bool
is_bitmap(const uint8_t *p, size_t len)
{
	while (len > 0) {
		if (len < 2 || p[1] == 0 || p[1] > 32 || len - 2 < p[1]) {
			return false;
		}
		len -= (size_t)2 + p[1];
		p += 2 + p[1];
	}
	return true;
}

/* Character strings up to the end, at least one. */
static bool
is_strings(const uint8_t *p, size_t len)
{
	size_t at = 0;

	while (at < len) {
		at += (size_t)1 + p[at];
	}
	return len > 0 && at == len;
}

/* Behind the fixed fields: a salt, and for NSEC3 a hash and a bitmap. */
static bool
is_nsec3(const struct rr *rr)
{
	const uint8_t *p = rr->rdata;
	size_t len = rr->rdlen, at;

	if (len < 5 || len - 5 < p[4]) {
		return false;
	}
	at = (size_t)5 + p[4];
	if (rr->type == RR_TYPE_NSEC3PARAM) {
		return at == len;
	}
	if (at == len || p[at] == 0 || len - at - 1 < p[at]) {
		return false;
	}
	at += (size_t)1 + p[at];
	return is_bitmap(p + at, len - at);
}

/* Behind the last of `names` names there are `tail` octets, and no more. */
static bool
ends_with(const struct rr *rr, const struct rr_span *spans, int names,
	  size_t tail)
{
	const struct rr_span *last = &spans[names - 1];

	return names > 0 && rr->rdlen == last->at + last->len + tail;
}

/*
 * May libknot read this RDATA? It believes the lengths in it, as those in an
 * NSEC3 of ours that anybody may have sent. Other types have no form here.
 */
static bool
has_form(const struct rr *rr, const struct rr_span *spans, int names)
{
	const uint8_t *after = rr->rdata;

	if (names > 0) {
		after += spans[names - 1].at + spans[names - 1].len;
	}
	switch (rr->type) {
	case RR_TYPE_A:
		return rr->rdlen == 4;
	case RR_TYPE_AAAA:
		return rr->rdlen == 16;
	case RR_TYPE_NS:
	case RR_TYPE_CNAME:
	case RR_TYPE_PTR:
	case RR_TYPE_MX:
	case RR_TYPE_SRV:
	case RR_TYPE_DNAME:
		return ends_with(rr, spans, names, 0);
	case RR_TYPE_SOA:
		return ends_with(rr, spans, names, 20);
	case RR_TYPE_TXT:
		return is_strings(rr->rdata, rr->rdlen);
	case RR_TYPE_DS:
	case RR_TYPE_DNSKEY:
		return rr->rdlen > 4;
	case RR_TYPE_RRSIG:
		return names == 1 && after < rr->rdata + rr->rdlen;
	case RR_TYPE_NSEC:
		return names == 1 &&
		       is_bitmap(after,
				 (size_t)(rr->rdata + rr->rdlen - after));
	case RR_TYPE_NSEC3:
	case RR_TYPE_NSEC3PARAM:
		return is_nsec3(rr);
	default:
		return false;
	}
}

static int
put_rdata(knot_rrset_t *set, const struct rr *rr, bool is_generic, int64_t now,
	  char *out, size_t cap)
{
	const knot_dump_style_t style = {
	    .show_ttl = true,
	    .human_timestamp = true,
	    .generic = is_generic,
	    .now = (uint64_t)now,
	};
	int rc = knot_rrset_add_rdata(set, rr->rdata, rr->rdlen, NULL);

	if (rc != KNOT_EOK) {
		return SECD_ENOMEM;
	}
	rc = knot_rrset_txt_dump_data(set, 0, out, cap, &style);
	knot_rdataset_clear(&set->rrs, NULL);
	return rc >= 0 ? SECD_OK : rc == KNOT_ESPACE ? SECD_ENOSPC : SECD_EMALF;
}

int
rr_text(const struct rr *rr, int64_t now, char *out, size_t cap)
{
	char owner[NAME_TEXT_MAX], type[32];
	knot_rrset_t set;
	struct rr_span spans[2];
	int names = rr_names(rr->type, rr->rdata, rr->rdlen, spans, 2), n;

	if (names < 0 ||
	    knot_rrtype_to_string(rr->type, type, sizeof(type)) < 0) {
		return SECD_EMALF;
	}
	n = snprintf(out, cap, "%s %" PRIu32 " %s ",
		     name_to_text(rr->owner, owner), rr->ttl, type);
	if (n < 0 || (size_t)n >= cap) {
		return SECD_ENOSPC;
	}
	knot_rrset_init(&set, NULL, rr->type, KNOT_CLASS_IN, rr->ttl);
	return put_rdata(&set, rr, !has_form(rr, spans, names), now, out + n,
			 cap - (size_t)n);
}
