/* SPDX-License-Identifier: BSD-2-Clause */

#include "zone/derive.h"

#include <string.h>

#include "zone/nsec3.h"

void
derive_read_apex(struct derive *d, const struct owner_set *apex)
{
	const struct owner_rrset *s = owner_set_find(apex, RR_TYPE_NSEC3PARAM);
	struct rr_soa soa;

	rr_soa_get(&apex->rrs[owner_set_find(apex, RR_TYPE_SOA)->first], &soa);
	d->apex_labels = name_label_count(apex->owner);
	d->serial = soa.serial;
	d->has_nsec = owner_set_find(apex, RR_TYPE_NSEC) != NULL;
	d->has_nsec3 = false;
	for (size_t i = 0; s != NULL && i < s->count && !d->has_nsec3; i++) {
		const struct rr *rr = &apex->rrs[s->first + i];

		/* Flags other than 0: not for answering from (RFC 5155
		 * section 4.1.2). */
		d->has_nsec3 =
		    nsec3_params_from_rdata(rr->rdata, rr->rdlen, &d->nsec3) &&
		    rr->rdata[1] == 0;
	}
	if (d->has_nsec3) {
		memcpy(d->salt, d->nsec3.salt, d->nsec3.salt_len);
		d->nsec3.salt = d->salt;
	}
}

bool
derive_same_hashes(const struct derive *d, const struct node *apex)
{
	struct image_nsec3 other;
	bool has = nsec3_params_of(apex, &other);

	return has == d->has_nsec3 &&
	       (!has || nsec3_params_equal(&other, &d->nsec3));
}

static bool
is_nsec3_only(const struct owner_set *set)
{
	for (size_t i = 0; i < set->rrset_count; i++) {
		if (set->rrsets[i].type != RR_TYPE_NSEC3) {
			return false;
		}
	}
	return true;
}

bool
derive_is_occluded(const struct derive *d, uint16_t flags, unsigned labels,
		   int barrier)
{
	/* A name that only holds a hash is none to which an apex's DNAME
	 * matters. */
	return barrier != DERIVE_OPEN && !((flags & NODE_NSEC3_ONLY) != 0 &&
					   barrier == (int)d->apex_labels &&
					   labels == d->apex_labels + 1);
}

uint16_t
derive_flags(const struct derive *d, const struct owner_set *set,
	     const uint8_t *owner, int barrier)
{
	unsigned labels = name_label_count(owner);
	bool is_apex = labels == d->apex_labels;
	uint16_t flags = NODE_EMPTY;

	if (set != NULL) {
		flags = is_nsec3_only(set) ? NODE_NSEC3_ONLY : 0;
	}
	flags |= is_apex ? NODE_APEX : 0;
	if (derive_is_occluded(d, flags, labels, barrier)) {
		flags |= NODE_OCCLUDED;
	} else if (set == NULL) {
		return flags;
	} else if (!is_apex && owner_set_find(set, RR_TYPE_NS) != NULL) {
		flags |= NODE_CUT;
	} else if (owner_set_find(set, RR_TYPE_DNAME) != NULL) {
		flags |= NODE_DNAME;
	}
	return flags;
}

uint8_t
derive_barrier_labels(const uint8_t *owner, uint16_t flags, int barrier)
{
	if ((flags & NODE_OCCLUDED) != 0) {
		return (uint8_t)barrier;
	}
	return (flags & NODE_CUT) != 0 ? (uint8_t)name_label_count(owner) : 0;
}

static void
hash(const struct derive *d, const uint8_t *lower, const uint8_t *known,
     uint8_t out[NODE_NSEC3_HASH_LEN])
{
	if (known != NULL) {
		memcpy(out, known, NODE_NSEC3_HASH_LEN);
		return;
	}
	nsec3_hash(lower, d->nsec3.iterations, d->nsec3.salt, d->nsec3.salt_len,
		   out);
}

void
derive_hashes(const struct derive *d, const uint8_t *owner,
	      const struct node *known, uint16_t *flags,
	      uint8_t own[NODE_NSEC3_HASH_LEN],
	      uint8_t star[NODE_NSEC3_HASH_LEN])
{
	uint8_t lower[NAME_LEN_MAX + 2] = {1, '*'};

	if (!d->has_nsec3 ||
	    (*flags & (NODE_OCCLUDED | NODE_NSEC3_ONLY)) != 0) {
		return;
	}
	name_lower(owner, lower + 2);
	hash(d, lower + 2, known != NULL ? node_own_hash(known) : NULL, own);
	*flags |= NODE_OWN_HASH;
	/* Below a cut or DNAME nothing is denied, nor where no name fits. */
	if (derive_is_barrier(*flags) || name_len(owner) + 2 > NAME_LEN_MAX) {
		return;
	}
	hash(d, lower, known != NULL ? node_star_hash(known) : NULL, star);
	*flags |= NODE_STAR_HASH;
}
