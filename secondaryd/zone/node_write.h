/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * node_write -- lays the records of one owner out as a node (zone/node.h).
 */

#ifndef SECD_ZONE_NODE_WRITE_H
#define SECD_ZONE_NODE_WRITE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "zone/node.h"
#include "zone/owner_set.h"

/* An address record at the target of a cut's NS record. */
struct node_glue {
	size_t ns; /* which of the NS records, in the set's order */
	uint32_t ttl;
	uint16_t type;
	uint16_t rdlen;
	size_t rdata_at; /* in node_spec.glue_rdata */
};

struct node_spec {
	const struct owner_set *set; /* sealed; NULL: no records */
	const uint8_t *owner;
	uint16_t flags;
	uint8_t barrier_labels;
	const uint8_t *own_hash;  /* read if NODE_OWN_HASH is set */
	const uint8_t *star_hash; /* read if NODE_STAR_HASH is set */
	const struct node_glue *glue;
	size_t glue_count;
	const uint8_t *glue_rdata;
};

/* Suffixes that later names of the same rrset may point to. */
#define NODE_WRITE_SUFFIXES 64

struct node_write_suffix {
	const uint8_t *name;
	uint16_t at;
	uint8_t len;
};

struct node_write {
	struct buf node;
	struct buf wire;    /* of the rrset in the works */
	struct buf fixups;  /* of the same */
	struct buf targets; /* of its NS records: a fixup target each */
	const struct node_spec *spec;
	bool plain;
	bool owner_suffix[NAME_LEN_MAX + 1]; /* lengths to point to */
	struct node_write_suffix suffixes[NODE_WRITE_SUFFIXES];
	size_t suffix_count;
};

void node_write_fini(struct node_write *w);

/**
 * Make a node.
 *
 * w        zero-initialised at first, then used again and again
 * out      receives the node, good until the next call
 * Returns  SECD_OK, SECD_ENOMEM, SECD_ELIMIT (more than a node can hold)
 */
int node_write(struct node_write *w, const struct node_spec *spec,
	       const struct node **out);

/** Is a cut's glue kept in its node, or too much for that? */
bool node_write_takes_glue(const struct owner_set *set,
			   const struct owner_rrset *ns);

#endif
