/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Proofs of what is not there: RFC 4035 section 3.1.3 with NSEC, RFC 5155
 * section 7.2 with NSEC3.
 */

#include <string.h>

#include "wire/rr.h"
#include "zone/answer_internal.h"
#include "zone/nsec3.h"

static void
note(struct answer *a, const struct node *n, uint16_t type)
{
	const struct rrset *s = n != NULL ? node_find(n, type) : NULL;

	for (unsigned i = 0; i < a->proof_count; i++) {
		if (a->scratch->proofs[i].rrset == s) {
			return;
		}
	}
	if (s != NULL && a->proof_count < ANSWER_PROOFS_MAX) {
		a->scratch->proofs[a->proof_count].node = n;
		a->scratch->proofs[a->proof_count].rrset = s;
		a->proof_count++;
	}
}

/* "*." and suffix `i`. */
static void
make_star(const struct answer *a, unsigned i, uint8_t star[NAME_LEN_MAX])
{
	size_t len = a->name.len - a->hashes->offset[i];

	star[0] = 1;
	star[1] = '*';
	memcpy(star + 2, answer_suffix(a, i), len);
}

/* Note the NSEC that matches or covers a name. */
static void
nsec(struct answer *a, const uint8_t *lower)
{
	note(a, version_nsec_for(a->version, lower), RR_TYPE_NSEC);
}

static void
nsec_star(struct answer *a, unsigned i)
{
	uint8_t star[NAME_LEN_MAX];

	if (i == a->apex && a->version->star_denial != NULL) {
		note(a, a->version->star_denial, RR_TYPE_NSEC);
		return;
	}
	make_star(a, i, star);
	nsec(a, star);
}

/* The node with the NSEC3 that matches or covers a name without a stored hash;
 * else as nsec3_find. */
static const struct node *
nsec3_find_name(struct answer *a, const uint8_t *lower, bool *match)
{
	const struct image_nsec3 *p = version_nsec3(a->version);
	uint8_t hash[NODE_NSEC3_HASH_LEN];

	nsec3_hash(lower, p->iterations, p->salt, p->salt_len, hash);
	return version_nsec3_for(a->version, hash, match);
}

/*
 * Find the NSEC3 that matches or covers suffix `i`.
 *
 * n        its node, or NULL
 * match    receives whether it matches
 */
static const struct node *
nsec3_find(struct answer *a, unsigned i, const struct node *n, bool *match)
{
	const uint8_t *hash = n != NULL ? node_own_hash(n) : NULL;

	if (i == a->apex && a->version->apex_nsec3 != NULL) {
		*match = true;
		return a->version->apex_nsec3;
	}
	return hash != NULL ? version_nsec3_for(a->version, hash, match)
			    : nsec3_find_name(a, answer_suffix(a, i), match);
}

/* Note the NSEC3 that covers suffix `i`, a name that does not exist. */
static void
nsec3_cover(struct answer *a, unsigned i)
{
	bool match;

	note(a, nsec3_find(a, i, NULL, &match), RR_TYPE_NSEC3);
}

/* Note the NSEC3 that matches or covers the wildcard below suffix `i`. */
static void
nsec3_star(struct answer *a, unsigned i, const struct node *n)
{
	const uint8_t *hash = n != NULL ? node_star_hash(n) : NULL;
	uint8_t star[NAME_LEN_MAX];
	bool match;

	if (i == a->apex && a->version->star_denial != NULL) {
		n = a->version->star_denial;
	} else if (hash != NULL) {
		n = version_nsec3_for(a->version, hash, &match);
	} else {
		make_star(a, i, star);
		n = nsec3_find_name(a, star, &match);
	}
	note(a, n, RR_TYPE_NSEC3);
}

/*
 * Note the closest encloser proof (RFC 5155 section 7.2.1), looking from suffix
 * `i` upwards: in an opt-out zone an existing name may be without NSEC3, so it
 * is the closest provable encloser that counts.
 *
 * n        the node of suffix `i`; receives that of the result
 * cover    what covers the suffix before it; NULL: still to be looked for
 * Returns  the index of the closest provable encloser
 */
static unsigned
nsec3_encloser(struct answer *a, unsigned i, const struct node **n,
	       const struct node *cover)
{
	const struct node *found;
	bool match;

	for (;;) {
		found = nsec3_find(a, i, *n, &match);
		if (match || i >= a->apex) {
			break;
		}
		cover = found;
		*n = answer_find(a, ++i);
	}
	if (match) {
		note(a, found, RR_TYPE_NSEC3);
	}
	if (cover != NULL) {
		note(a, cover, RR_TYPE_NSEC3);
	} else {
		nsec3_cover(a, i - 1);
	}
	return i;
}

/* RFC 5155 sections 7.2.3, 7.2.4 and 7.2.7 */
static void
nsec3_nodata(struct answer *a, unsigned i, const struct node *n)
{
	const struct node *found;
	bool match;

	found = nsec3_find(a, i, n, &match);
	if (match) {
		note(a, found, RR_TYPE_NSEC3);
	} else if (i < a->apex) {
		n = answer_find(a, i + 1);
		nsec3_encloser(a, i + 1, &n, found);
	}
}

void
answer_proof_nodata(struct answer *a, unsigned i, const struct node *n)
{
	if (a->denial == IMAGE_NSEC) {
		nsec(a, answer_suffix(a, i));
	}
	if (a->denial == IMAGE_NSEC3) {
		nsec3_nodata(a, i, n);
	}
}

void
answer_proof_nxdomain(struct answer *a, unsigned i, const struct node *n)
{
	if (a->denial == IMAGE_NSEC) {
		nsec(a, a->lower);
		nsec_star(a, i);
	}
	if (a->denial == IMAGE_NSEC3) {
		i = nsec3_encloser(a, i, &n, NULL);
		nsec3_star(a, i, n);
	}
}

void
answer_proof_wildcard(struct answer *a, unsigned i)
{
	if (a->denial == IMAGE_NSEC) {
		nsec(a, a->lower);
	}
	/* The RRSIG's label count tells the closest encloser: 7.2.6. */
	if (a->denial == IMAGE_NSEC3) {
		nsec3_cover(a, i - 1);
	}
}

void
answer_proof_wildcard_nodata(struct answer *a, unsigned i, const struct node *n)
{
	if (a->denial == IMAGE_NSEC) {
		nsec_star(a, i);
		nsec(a, a->lower);
	}
	/* RFC 5155 section 7.2.5 */
	if (a->denial == IMAGE_NSEC3) {
		nsec3_encloser(a, i, &n, NULL);
		nsec3_star(a, i, n);
	}
}

void
answer_proof_put(struct answer *a)
{
	struct response_name qname = response_qname(a->q);
	const struct response_name *near[] = {&a->name, &qname};
	unsigned near_count = a->hop_count > 0 ? 2 : 1;

	for (unsigned i = 0; i < a->proof_count && !a->truncated; i++) {
		const struct answer_part *p = &a->scratch->proofs[i];

		answer_must(a,
			    response_put_own(&a->r, RESPONSE_AUTHORITY, p->node,
					     p->rrset, near, near_count, true));
	}
}
