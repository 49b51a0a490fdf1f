/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One name after the other: RFC 1034 section 4.3.2 with RFC 4592 (wildcards)
 * and RFC 6672 (DNAME).
 */

#include <string.h>

#include "base/octets.h"
#include "wire/rr.h"
#include "zone/answer_internal.h"

#define RR_HEAD_LEN 12 /* what stands before the RDATA in a node */

/* The image contradicts itself. */
static bool
damaged(struct answer *a)
{
	a->rcode = RCODE_SERVFAIL;
	return false;
}

/*
 * Go on with the target of the CNAME at octet `at` of the message.
 *
 * Returns  false when there is nothing to go on with
 */
static bool
follow(struct answer *a, size_t at)
{
	struct answer_scratch *t = a->scratch;

	if (a->truncated || a->q->qtype == RR_TYPE_CNAME) {
		return false;
	}
	t->seen[a->hop_count++] = a->hashes->hash[0];
	a->name =
	    response_name_at(&a->r, response_rdata_at(&a->r, at), t->name);
	name_lower(t->name, t->lower);
	name_hash_all(t->lower, zone_table_key(a->ctx->zones), &t->hashes);
	a->lower = t->lower;
	a->hashes = &t->hashes;
	/* A loop has nothing behind it, and neither has an endless chain. */
	for (unsigned i = 0; i < a->hop_count; i++) {
		if (t->seen[i] == t->hashes.hash[0]) {
			return false;
		}
	}
	return a->hop_count < ANSWER_HOPS_MAX;
}

static void
put_soa(struct answer *a)
{
	const struct node *apex = version_apex(a->version);
	const struct rrset *s = node_find(apex, RR_TYPE_SOA);
	uint32_t minimum = version_soa(a->version)->minimum;
	struct response_name owner =
	    response_suffix(&a->r, &a->name, apex->owner_len);
	size_t at = a->r.len;

	if (s == NULL || a->truncated) {
		return;
	}
	answer_must(a, response_put(&a->r, RESPONSE_AUTHORITY, apex, s, &owner,
				    a->sigs));
	/* RFC 2308 section 3 */
	if (minimum < rrset_ttl(s)) {
		response_set_ttl(&a->r, at, minimum);
	}
}

/* RFC 8482: over UDP one RRset will do, over TCP all there is. */
static bool
put_any(struct answer *a, const struct node *n)
{
	const struct rrset *s = node_rrsets(n);
	bool found = false;

	for (unsigned i = 0; i < n->rrset_count && !a->truncated; i++) {
		if (s->count > 0) {
			answer_must(a, response_put(&a->r, RESPONSE_ANSWER, n,
						    s, &a->name, a->sigs));
			found = true;
			if (a->transport == ANSWER_UDP) {
				break;
			}
		}
		s = rrset_next(s);
	}
	return found;
}

static bool
put_rrsigs(struct answer *a, const struct node *n)
{
	const struct rrset *s = node_rrsets(n);
	bool found = false;

	for (unsigned i = 0; i < n->rrset_count && !a->truncated; i++) {
		if (s->sig_count > 0) {
			answer_must(a, response_put_sigs(&a->r, RESPONSE_ANSWER,
							 n, s, &a->name));
			found = true;
		}
		s = rrset_next(s);
	}
	return found;
}

/*
 * Put what a node has for the QTYPE.
 *
 * Returns  whether it has something
 */
static bool
put_type(struct answer *a, const struct node *n)
{
	uint16_t type = a->q->qtype;
	const struct rrset *s = node_find(n, type);
	size_t at = a->r.len;

	if (s == NULL || s->count == 0) {
		return (type == RR_TYPE_ANY && put_any(a, n)) ||
		       (type == RR_TYPE_RRSIG && put_rrsigs(a, n));
	}
	answer_must(
	    a, response_put(&a->r, RESPONSE_ANSWER, n, s, &a->name, a->sigs));
	if (type == RR_TYPE_NS && !a->truncated) {
		a->ns = s;
		a->ns_at = at;
		a->ns_name.len = 0;
	}
	return true;
}

/*
 * Types that a signer adds to names, a CNAME's among them: asked for, they are
 * wanted of the CNAME itself, not of what it leads to. NSEC3 never stands at
 * such a name (RFC 4034 section 3, RFC 5155 section 1.1).
 */
static bool
is_of_signer(uint16_t type)
{
	return type == RR_TYPE_RRSIG || type == RR_TYPE_NSEC;
}

/*
 * Answer from a node that has authoritative data, or is an empty non-terminal.
 *
 * encloser  the suffix below which it is a wildcard; 0: it has the very name
 * Returns   whether there is another name to answer
 */
static bool
answer_node(struct answer *a, const struct node *n, unsigned encloser)
{
	const struct rrset *s;
	size_t at = a->r.len;

	a->authoritative = true;
	if (put_type(a, n)) {
		if (encloser > 0) {
			answer_proof_wildcard(a, encloser);
		}
		return false;
	}
	s = node_find(n, RR_TYPE_CNAME);
	if (s != NULL && s->count > 0 && !is_of_signer(a->q->qtype)) {
		answer_must(a, response_put(&a->r, RESPONSE_ANSWER, n, s,
					    &a->name, a->sigs));
		if (encloser > 0) {
			answer_proof_wildcard(a, encloser);
		}
		return follow(a, at);
	}
	put_soa(a);
	if (encloser > 0) {
		answer_proof_wildcard_nodata(a, encloser,
					     answer_find(a, encloser));
	} else {
		answer_proof_nodata(a, 0, n);
	}
	return false;
}

/*
 * Put a DNAME, unless an earlier name has led to the same.
 *
 * buffer   for target->name
 */
static void
put_dname(struct answer *a, const struct node *n, const struct rrset *s,
	  uint8_t *buffer, struct response_name *target)
{
	struct response_name owner =
	    response_suffix(&a->r, &a->name, n->owner_len);
	size_t at = a->r.len;

	for (unsigned i = 0; i < a->dname_count; i++) {
		if (a->scratch->dnames[i].rrset == s) {
			at = a->scratch->dnames[i].at;
			*target = response_name_at(
			    &a->r, response_rdata_at(&a->r, at), buffer);
			return;
		}
	}
	a->scratch->dnames[a->dname_count].rrset = s;
	a->scratch->dnames[a->dname_count++].at = at;
	answer_must(
	    a, response_put(&a->r, RESPONSE_ANSWER, n, s, &owner, a->sigs));
	if (!a->truncated) {
		*target = response_name_at(&a->r, response_rdata_at(&a->r, at),
					   buffer);
	}
}

/* Go on below a DNAME: RFC 6672 section 3.2. */
static bool
answer_dname(struct answer *a, const struct node *n)
{
	const struct rrset *s = node_find(n, RR_TYPE_DNAME);
	size_t prefix_len = (size_t)a->name.len - n->owner_len, at;
	struct response_name target;
	uint8_t buffer[NAME_LEN_MAX];

	if (s == NULL || s->wire_len < RR_HEAD_LEN) {
		return damaged(a);
	}
	a->authoritative = true;
	if (prefix_len + get_u16(rrset_wire(s) + RR_HEAD_LEN - 2) >
	    NAME_LEN_MAX) {
		a->rcode = RCODE_YXDOMAIN;
	}
	put_dname(a, n, s, buffer, &target);
	if (a->truncated || a->rcode != RCODE_NOERROR ||
	    prefix_len + target.len > NAME_LEN_MAX) {
		return false;
	}
	at = a->r.len;
	answer_must(a, response_put_cname(&a->r, &a->name, rrset_ttl(s),
					  prefix_len, &target));
	/* A DNAME that leads below itself would do so for ever. */
	return follow(a, at) && !name_is_in(a->lower, n->owner);
}

/* The name is at or below a cut, or below a DNAME: `n` knows where that is. */
static bool
answer_barrier(struct answer *a, const struct node *n)
{
	unsigned labels = n->barrier_labels, i;

	if (n->label_count != labels) {
		i = a->hashes->count - 1u - labels;
		n = labels < a->hashes->count && i <= a->apex
			? answer_find(a, i)
			: NULL;
	}
	if (n != NULL && (n->flags & NODE_CUT) != 0) {
		answer_referral(a, n);
		return false;
	}
	if (n != NULL && (n->flags & NODE_DNAME) != 0) {
		return answer_dname(a, n);
	}
	return damaged(a);
}

/*
 * Find the longest suffix that exists. Where a name exists all its ancestors
 * do, so halving finds it: a name of a hundred labels costs seven lookups.
 */
static unsigned
find_encloser(const struct answer *a, const struct node **encloser)
{
	unsigned low = 1, high = a->apex;
	const struct node *n = version_apex(a->version);

	while (low < high) {
		unsigned middle = (low + high) / 2;
		const struct node *found = answer_find(a, middle);

		if (found != NULL) {
			n = found;
			high = middle;
		} else {
			low = middle + 1;
		}
	}
	*encloser = n;
	return high;
}

static const struct node *
find_wildcard(const struct answer *a, unsigned i)
{
	size_t len = (size_t)a->name.len - a->hashes->offset[i];
	uint8_t star[NAME_LEN_MAX] = {1, '*'};

	memcpy(star + 2, answer_suffix(a, i), len);
	return version_find(a->version, star, len + 2,
			    name_hash(star, zone_table_key(a->ctx->zones)));
}

/* The name has no node: RFC 1034 section 4.3.2 step 3c. */
static bool
answer_missing(struct answer *a)
{
	const struct node *n, *star = NULL;
	unsigned i = find_encloser(a, &n);

	if (n->barrier_labels > 0) {
		return answer_barrier(a, n);
	}
	if ((n->flags & NODE_DNAME) != 0) {
		return answer_dname(a, n);
	}
	if ((n->flags & NODE_WILDCARD_CHILD) != 0) {
		star = find_wildcard(a, i);
	}
	if (star != NULL) {
		return answer_node(a, star, i);
	}
	a->authoritative = true;
	a->rcode = RCODE_NXDOMAIN;
	put_soa(a);
	answer_proof_nxdomain(a, i, n);
	return false;
}

bool
answer_name(struct answer *a)
{
	const struct node *n = answer_find(a, 0);
	bool is_cut;

	if (n == NULL) {
		return answer_missing(a);
	}
	if (n->barrier_labels == 0) {
		return answer_node(a, n, 0);
	}
	is_cut = (n->flags & NODE_CUT) != 0;
	if (is_cut && a->q->qtype == RR_TYPE_DS) {
		return answer_node(a, n, 0);
	}
	return answer_barrier(a, n);
}
