/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * owner_set -- the records of one owner on their way into a node: collected,
 * put in order, duplicates merged, one TTL an RRset.
 *
 * The same records give the same set in whatever order they came: of records
 * or owners that differ in case alone, the spelling that sorts last (lower
 * case) stays.
 */

#ifndef SECD_ZONE_OWNER_SET_H
#define SECD_ZONE_OWNER_SET_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "wire/rr.h"
#include "zone/node.h"

/* An RRset and the RRSIGs that cover it, which stand right behind it. */
struct owner_rrset {
	size_t first; /* in `rrs` */
	size_t count; /* 0: RRSIGs alone */
	size_t sig_count;
	uint16_t type;
};

struct owner_set {
	uint8_t owner[NAME_LEN_MAX];
	struct rr *rrs; /* sealed: as rr_compare orders them; no owner */
	size_t count;
	struct owner_rrset *rrsets; /* sealed: ascending by type */
	size_t rrset_count;
	size_t rr_cap, rrset_cap;
	struct buf rdata; /* what the records point to once sealed */
};

void owner_set_fini(struct owner_set *set);

/** Empty it for another owner, keeping the memory. */
void owner_set_start(struct owner_set *set, const uint8_t *owner);

/**
 * Copy a record of that owner in. The first call after a seal must follow an
 * owner_set_start. Returns SECD_OK, SECD_ENOMEM.
 */
int owner_set_add(struct owner_set *set, const struct rr *rr);

/** Sort, merge, give each RRset its lowest TTL. Returns as owner_set_add. */
int owner_set_seal(struct owner_set *set);

/** Fill it with the records of a node, and seal it. Returns as those two. */
int owner_set_read(struct owner_set *set, const struct node *n,
		   struct node_reader *reader);

/** The RRset of a type with at least one record, or NULL. */
const struct owner_rrset *owner_set_find(const struct owner_set *set,
					 uint16_t type);

#endif
