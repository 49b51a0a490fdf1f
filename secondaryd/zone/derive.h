/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * derive -- what a node is beside its records: flags and hashes that follow
 * from the apex and from what is above the name.
 *
 * Whoever makes nodes asks here, so that they are the same nodes: the build,
 * which sees all owners in order, and layers, which see those that change.
 */

#ifndef SECD_ZONE_DERIVE_H
#define SECD_ZONE_DERIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "zone/image.h"
#include "zone/owner_set.h"

/* What all nodes of a zone depend on. */
struct derive {
	unsigned apex_labels;
	uint32_t serial;
	bool has_nsec;  /* at the apex */
	bool has_nsec3; /* parameters at the apex that may be used */
	struct image_nsec3 nsec3;
	uint8_t salt[UINT8_MAX];
};

/* Labels of the topmost cut or DNAME above a name, or there is none. */
#define DERIVE_OPEN (-1)

/** Take what matters from the records of the apex. Do not move it then. */
void derive_read_apex(struct derive *d, const struct owner_set *apex);

/** True when nodes of a zone with this apex have the same hashes. */
bool derive_same_hashes(const struct derive *d, const struct node *apex);

/**
 * Flags of a node; not those of hashes, nor NODE_WILDCARD_CHILD, which is for
 * who knows what is below.
 *
 * set      sealed; NULL: an empty non-terminal
 * barrier  labels, or DERIVE_OPEN
 */
uint16_t derive_flags(const struct derive *d, const struct owner_set *set,
		      const uint8_t *owner, int barrier);

/**
 * Is a name below a barrier occluded by it?
 *
 * flags    of the name; NODE_NSEC3_ONLY matters
 */
bool derive_is_occluded(const struct derive *d, uint16_t flags, unsigned labels,
			int barrier);

/** Is a name with these flags one below which all is occluded? */
static inline bool
derive_is_barrier(uint16_t flags)
{
	return (flags & (NODE_CUT | NODE_DNAME)) != 0;
}

/** What node.barrier_labels has to be, from flags and barrier. */
uint8_t derive_barrier_labels(const uint8_t *owner, uint16_t flags,
			      int barrier);

/**
 * The hashes that answers need of an authoritative name.
 *
 * flags    of derive_flags; receives those that tell of hashes
 * known    a node of the same name with hashes that are right, or NULL
 * own, star  receive what the flags say
 */
void derive_hashes(const struct derive *d, const uint8_t *owner,
		   const struct node *known, uint16_t *flags,
		   uint8_t own[NODE_NSEC3_HASH_LEN],
		   uint8_t star[NODE_NSEC3_HASH_LEN]);

#endif
