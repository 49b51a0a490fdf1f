/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * node -- the records of one owner, laid out so that answers are copies.
 *
 * The build writes nodes, an image holds them, answers copy from them. A node
 * is one run of octets in host order, 8-aligned, read only, free of pointers,
 * the same in a file, in memory and (later) in a layer:
 *
 *     struct node | owner | NSEC3 hashes | pad to 4 | rrset | rrset | ...
 *
 * and an rrset is
 *
 *     struct rrset | struct fixup[] | RRs | glue RRs | RRSIG RRs | pad to 4
 *
 * RRs stand in the form in which they are sent: a two-octet owner, type,
 * class, TTL, RDLENGTH, RDATA. The owner of each RR and RRSIG is the pointer
 * C0 0C, right as it is while the owner of the answer is the QNAME (octet 12
 * of the message), else patched by whoever copies, who walks the RRs. Glue RRs
 * have fixups for their owners.
 *
 * Names in RDATA (and owners of glue) are compressed against the owner's
 * ancestors and against names earlier in the same rrset. Each such pointer has
 * a fixup that says what it means; its two octets in the RRs are undefined
 * until patched. Suffixes are counted from the end of the owner, so a pointer
 * into the QNAME is `octet after QNAME - suffix_len` whether the owner is the
 * QNAME, an ancestor of it (referral, SOA in a negative answer), or a wildcard
 * that it matches: a wildcard's own first label is never pointed to.
 *
 * RRSIG and NSEC RDATA and DNAME targets are never compressed (RFC 3597, 4034).
 * An rrset with more than NODE_COMPRESS_MAX octets of RRs is plain: nothing in
 * RDATA is compressed, there are no fixups, and the glue of a plain NS rrset is
 * looked up like that of sibling zones. Otherwise RRs and glue together are at
 * most 65535 octets.
 *
 * A node that an image gave out has lengths that stay inside of it. Positions
 * of fixups and RDLENGTHs are the build's and covered by checksums: who patches
 * checks that `at` lies within the RRs and glue.
 */

#ifndef SECD_ZONE_NODE_H
#define SECD_ZONE_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/octets.h"
#include "wire/name.h"
#include "wire/rr.h"

#define NODE_COMPRESS_MAX   16000
#define NODE_NSEC3_HASH_LEN 20 /* SHA-1, the only algorithm of RFC 5155 */

enum node_flag {
	NODE_APEX = 1 << 0,
	/* Neither of these two is set on occluded nodes; a cut with a DNAME is a
	 * cut. */
	NODE_CUT = 1 << 1,   /* has NS and is not the apex */
	NODE_DNAME = 1 << 2, /* has DNAME: names below are not answered */
	NODE_EMPTY = 1 << 3, /* empty non-terminal: no records of its own */
	NODE_WILDCARD_CHILD = 1 << 4, /* the name "*." under it exists, and
	                                 is not occluded */
	NODE_OCCLUDED =
	    1 << 5, /* below a cut or a DNAME: kept for AXFR, glue */
	NODE_NSEC3_ONLY = 1 << 6, /* only NSEC3 and its RRSIG: such a name does
	                             not exist for answers (RFC 5155 7.2.8) */
	NODE_TOMBSTONE = 1 << 7,  /* in a layer: this name is gone */
	NODE_OWN_HASH = 1 << 8,  /* NSEC3 hash of the owner follows the owner */
	NODE_STAR_HASH = 1 << 9, /* then the one of its "*" child */
};

struct node {
	uint32_t len; /* octets of all, a multiple of 8 */
	uint16_t flags;
	uint16_t rrset_count; /* ascending by type; no RRSIG rrset */
	uint8_t owner_len;
	uint8_t label_count;
	/* Labels of the topmost cut at or above, or DNAME above, this name; 0
	 * when its data is authoritative. */
	uint8_t barrier_labels;
	uint8_t reserved;
	uint8_t owner[]; /* case kept */
};

struct fixup {
	uint16_t at; /* octet of the pointer, from the first RR; ascending */
	/* FIXUP_IN_RRSET | octet of the name, from the first RR; or the length
	 * in octets of a suffix of the owner, root label included */
	uint16_t target;
};

#define FIXUP_IN_RRSET 0x8000u /* else: a suffix of the owner */

struct rrset {
	uint32_t wire_len; /* octets of the RRs */
	uint32_t sig_len;  /* octets of the RRSIGs at the end */
	uint16_t glue_len; /* octets of the glue RRs behind the RRs */
	uint16_t type;
	uint16_t count;     /* RRs; 0 for RRSIGs whose RRset is missing */
	uint16_t sig_count; /* RRSIGs that cover this type */
	uint16_t
	    glue_count; /* address RRs at or below this very cut (NS only) */
	uint16_t fixup_count;
};

static inline const uint8_t *
node_own_hash(const struct node *n)
{
	return (n->flags & NODE_OWN_HASH) ? n->owner + n->owner_len : NULL;
}

static inline const uint8_t *
node_star_hash(const struct node *n)
{
	if (!(n->flags & NODE_STAR_HASH)) {
		return NULL;
	}
	return n->owner + n->owner_len +
	       ((n->flags & NODE_OWN_HASH) ? NODE_NSEC3_HASH_LEN : 0);
}

/** The first rrset, or one behind the last when there is none. */
const struct rrset *node_rrsets(const struct node *n);

/** Octets of an rrset, head and padding included. */
static inline size_t
rrset_len(const struct rrset *s)
{
	size_t len = sizeof(*s) + s->fixup_count * sizeof(struct fixup) +
		     s->wire_len + s->glue_len + s->sig_len;

	return (len + 3) & ~(size_t)3;
}

static inline const struct rrset *
rrset_next(const struct rrset *s)
{
	return (const struct rrset *)(const void *)((const uint8_t *)s +
						    rrset_len(s));
}

/** True when nothing in the RDATA is compressed because there is too much. */
static inline bool
rrset_is_plain(const struct rrset *s)
{
	return s->wire_len > NODE_COMPRESS_MAX;
}

static inline const struct fixup *
rrset_fixups(const struct rrset *s)
{
	return (const struct fixup *)(const void *)(s + 1);
}

static inline const uint8_t *
rrset_wire(const struct rrset *s)
{
	return (const uint8_t *)(rrset_fixups(s) + s->fixup_count);
}

/** The TTL of its RRs; of the RRSIGs if it has no RRs. */
static inline uint32_t
rrset_ttl(const struct rrset *s)
{
	/* Owner, type and class stand before it. */
	return s->wire_len >= 10 || s->sig_len >= 10
		   ? get_u32(rrset_wire(s) + 6)
		   : 0;
}

/** The RRset of a type, or NULL. */
const struct rrset *node_find(const struct node *n, uint16_t type);

/** As node_is_sound, but only for a look at the owner. */
bool node_has_owner(const struct node *n, size_t room);

/**
 * Check the lengths in a node's head, its owner, and those of its rrsets'
 * heads: enough to walk the rrsets and to copy their octets.
 *
 * room     octets from the node to the end of what may be read
 */
bool node_is_sound(const struct node *n, size_t room);

/** Check everything: also each RR, fixup and RDATA in the node. */
bool node_verify(const struct node *n, size_t room);

/*
 * Records of a node or rrset one by one, with uncompressed names and glue left
 * out: for AXFR, for merging, for tests. RRSIGs come right after the RRset
 * that they cover.
 */
struct node_reader {
	const struct node *node;
	const struct rrset *rrset;
	unsigned rrset_index;
	unsigned rr_index;           /* RRs, then RRSIGs */
	unsigned fixup_index;        /* of the next RR's first fixup */
	size_t pos;                  /* in the rrset's wire */
	uint8_t rdata[RR_RDATA_MAX]; /* used where RDATA is compressed */
};

void node_reader_init(struct node_reader *r, const struct node *n);

/** The next record, valid until the next call; false at the end. */
bool node_reader_next(struct node_reader *r, struct rr *rr);

#endif
