/* SPDX-License-Identifier: BSD-2-Clause */

#include "zone/owner_set.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* RFC 2181 section 8: what has the top bit set means zero. */
#define TTL_MAX UINT32_C(0x7fffffff)

void
owner_set_fini(struct owner_set *set)
{
	free(set->rrs);
	free(set->rrsets);
	buf_fini(&set->rdata);
	*set = (struct owner_set){0};
}

static void
take_spelling(struct owner_set *set, const uint8_t *owner)
{
	size_t len = name_len(owner);

	if (memcmp(owner, set->owner, len) > 0) {
		memcpy(set->owner, owner, len);
	}
}

void
owner_set_start(struct owner_set *set, const uint8_t *owner)
{
	memcpy(set->owner, owner, name_len(owner));
	set->count = 0;
	set->rrset_count = 0;
	buf_clear(&set->rdata);
}

/* Double an array of `size`-octet elements if it is full. */
static int
grow(void **array, size_t *cap, size_t count, size_t size)
{
	size_t more = *cap == 0 ? 16 : *cap * 2;
	void *bigger;

	if (count < *cap) {
		return SECD_OK;
	}
	bigger = reallocarray(*array, more, size);
	if (bigger == NULL) {
		return SECD_ENOMEM;
	}
	*array = bigger;
	*cap = more;
	return SECD_OK;
}

int
owner_set_add(struct owner_set *set, const struct rr *rr)
{
	void *rrs = set->rrs;
	int rc = grow(&rrs, &set->rr_cap, set->count, sizeof(*set->rrs));

	set->rrs = rrs;
	if (rc == SECD_OK) {
		rc = buf_put(&set->rdata, rr->rdata, rr->rdlen);
	}
	if (rc != SECD_OK) {
		return rc;
	}
	take_spelling(set, rr->owner);
	set->rrs[set->count] = (struct rr){
	    .type = rr->type,
	    .ttl = rr->ttl <= TTL_MAX ? rr->ttl : 0,
	    .rdlen = rr->rdlen,
	};
	set->count++;
	return SECD_OK;
}

/* Records find their RDATA when it moves no more. */
static void
point_to_rdata(struct owner_set *set)
{
	/* Without any RDATA there is no buffer, and no NULL to add to. */
	static const uint8_t none[1];
	const uint8_t *p = set->rdata.data != NULL ? set->rdata.data : none;

	for (size_t i = 0; i < set->count; i++) {
		set->rrs[i].rdata = p;
		p += set->rrs[i].rdlen;
	}
}

static int
compare(const void *a, const void *b)
{
	const struct rr *ra = a, *rb = b;
	int order = rr_compare(ra, rb);

	if (order != 0 || ra->rdlen == 0) {
		return order;
	}
	/* The spelling that stays comes first. */
	return memcmp(rb->rdata, ra->rdata, ra->rdlen);
}

/* Primaries send owners sorted, records seldom: but most have only one. */
static void
sort(struct owner_set *set)
{
	for (size_t i = 1; i < set->count; i++) {
		if (compare(&set->rrs[i - 1], &set->rrs[i]) > 0) {
			qsort(set->rrs, set->count, sizeof(*set->rrs), compare);
			return;
		}
	}
}

static void
merge_duplicates(struct owner_set *set)
{
	size_t kept = 0;

	for (size_t i = 0; i < set->count; i++) {
		if (kept > 0 &&
		    rr_compare(&set->rrs[kept - 1], &set->rrs[i]) == 0) {
			if (set->rrs[i].ttl < set->rrs[kept - 1].ttl) {
				set->rrs[kept - 1].ttl = set->rrs[i].ttl;
			}
			continue;
		}
		set->rrs[kept++] = set->rrs[i];
	}
	set->count = kept;
}

static void
level_ttls(struct rr *rrs, size_t count)
{
	uint32_t lowest = TTL_MAX;

	for (size_t i = 0; i < count; i++) {
		lowest = rrs[i].ttl < lowest ? rrs[i].ttl : lowest;
	}
	for (size_t i = 0; i < count; i++) {
		rrs[i].ttl = lowest;
	}
}

static int
find_rrsets(struct owner_set *set)
{
	size_t i = 0;

	while (i < set->count) {
		void *rrsets = set->rrsets;
		struct owner_rrset s = {
		    .first = i,
		    .type = rr_covered_type(&set->rrs[i]),
		};
		int rc = grow(&rrsets, &set->rrset_cap, set->rrset_count,
			      sizeof(*set->rrsets));

		set->rrsets = rrsets;
		if (rc != SECD_OK) {
			return rc;
		}
		/* Who signs signatures has made signatures without an RRset. */
		while (i < set->count && set->rrs[i].type == s.type &&
		       s.type != RR_TYPE_RRSIG) {
			i++;
			s.count++;
		}
		while (i < set->count && set->rrs[i].type == RR_TYPE_RRSIG &&
		       rr_covered_type(&set->rrs[i]) == s.type) {
			i++;
			s.sig_count++;
		}
		level_ttls(set->rrs + s.first, s.count);
		level_ttls(set->rrs + s.first + s.count, s.sig_count);
		set->rrsets[set->rrset_count++] = s;
	}
	return SECD_OK;
}

int
owner_set_seal(struct owner_set *set)
{
	point_to_rdata(set);
	sort(set);
	merge_duplicates(set);
	return find_rrsets(set);
}

int
owner_set_read(struct owner_set *set, const struct node *n,
	       struct node_reader *reader)
{
	struct rr rr;

	owner_set_start(set, n->owner);
	node_reader_init(reader, n);
	while (node_reader_next(reader, &rr)) {
		int rc = owner_set_add(set, &rr);

		if (rc != SECD_OK) {
			return rc;
		}
	}
	return owner_set_seal(set);
}

const struct owner_rrset *
owner_set_find(const struct owner_set *set, uint16_t type)
{
	for (size_t i = 0; i < set->rrset_count; i++) {
		if (set->rrsets[i].type == type) {
			return set->rrsets[i].count > 0 ? &set->rrsets[i]
							: NULL;
		}
	}
	return NULL;
}
