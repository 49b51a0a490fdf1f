/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * version -- one state of a zone that can be served, and the set of zones.
 *
 * A version never changes. `seq` is ours and counts up with every version of a
 * zone, whatever the serial does. Readers find a version through the zone
 * inside a read section (liburcu, QSBR flavour) and may keep it longer only by
 * taking a reference.
 *
 * It is an image, and layers with what has changed since. Who answers and who
 * transfers sees one zone: a name is looked for in the newest layer first, in
 * the image last, and where it is found decides all about it. So every node
 * that is given out is the one that an image of the same records would hold,
 * and nodes of two states are never seen together.
 */

#ifndef SECD_ZONE_VERSION_H
#define SECD_ZONE_VERSION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/name.h"
#include "zone/image.h"
#include "zone/layer.h"

#define VERSION_LAYERS_MAX 4

/* Counted. To look into only by the functions here; those that every answer
 * calls are inline. */
struct version {
	struct image *image;
	unsigned layer_count;
	enum image_denial denial;
	const struct node *apex;
	/* What most proofs have in common; NULL where there is no such thing:
	 * the NSEC3 of the apex, and what matches or covers its "*" child. */
	const struct node *apex_nsec3, *star_denial;
	const struct image *in_layer[VERSION_LAYERS_MAX]; /* oldest first */
	struct layer *layers[VERSION_LAYERS_MAX];
	struct version_row *rows; /* version_rows.h */
	size_t row_count;
	uint64_t seq;
	uint64_t record_count;
	struct rr_soa soa;
};

/** One without layers; takes over the caller's reference to the image, when it
 * succeeds. Returns SECD_OK, SECD_ENOMEM. */
int version_new_take(uint64_t seq, struct image *im, struct version **out);

/**
 * Make a version of an image and layers, all of one zone and hash key.
 *
 * im, layers  references are taken
 * layers   oldest first; may be NULL if there are none
 * count    at most VERSION_LAYERS_MAX
 * Returns  SECD_OK, SECD_ENOMEM
 */
int version_new(uint64_t seq, struct image *im, struct layer *const *layers,
		unsigned count, struct version **out);
struct version *version_ref(struct version *v);
void version_unref(struct version *v);

uint64_t version_seq(const struct version *v);
uint32_t version_serial(const struct version *v);
const struct rr_soa *version_soa(const struct version *v);
uint64_t version_record_count(const struct version *v);
/**
 * About how many octets the zone takes when it is transferred: worked out from
 * sizes that are known; between two thirds and three halves of the truth.
 */
uint64_t version_transfer_octets(const struct version *v);

/** What is below all layers, for those who store it: not the zone. */
const struct image *version_image(const struct version *v);
unsigned version_layer_count(const struct version *v);
/** Layer `i`, oldest first; a reference is the caller's to take. */
struct layer *version_layer(const struct version *v, unsigned i);

static inline const struct node *
version_apex(const struct version *v)
{
	return v->apex;
}

/** How names are denied in this zone. */
static inline enum image_denial
version_denial(const struct version *v)
{
	return v->denial;
}

/** NSEC3 parameters in force; only when version_denial is IMAGE_NSEC3. */
static inline const struct image_nsec3 *
version_nsec3(const struct version *v)
{
	return image_nsec3(v->image);
}

/* In version_find.c: the same when there are layers. */
const struct node *version_find_layered(const struct version *v,
					const uint8_t *lower, size_t len,
					uint64_t hash);
const struct node *version_nsec_layered(const struct version *v,
					const uint8_t *lower);
const struct node *
version_nsec3_layered(const struct version *v,
		      const uint8_t hash[NODE_NSEC3_HASH_LEN], bool *match);
void version_prefetch_layered(const struct version *v, uint64_t hash);
bool version_prefetch_node_layered(const struct version *v, uint64_t hash);

/**
 * The node of a name, whatever its flags; never a tombstone.
 *
 * lower    lower-case name and its hash (name_hash_all)
 * Returns  the node or NULL
 */
static inline const struct node *
version_find(const struct version *v, const uint8_t *lower, size_t len,
	     uint64_t hash)
{
	return v->layer_count > 0 ? version_find_layered(v, lower, len, hash)
				  : image_find(v->image, lower, len, hash);
}

/** The node with the NSEC that matches or covers a name (IMAGE_NSEC). */
static inline const struct node *
version_nsec_for(const struct version *v, const uint8_t *lower)
{
	return v->layer_count > 0 ? version_nsec_layered(v, lower)
				  : image_nsec_for(v->image, lower);
}

/**
 * The node with the NSEC3 that matches or covers a hash (IMAGE_NSEC3).
 *
 * match    receives whether it matches
 */
static inline const struct node *
version_nsec3_for(const struct version *v,
		  const uint8_t hash[NODE_NSEC3_HASH_LEN], bool *match)
{
	return v->layer_count > 0 ? version_nsec3_layered(v, hash, match)
				  : image_nsec3_for(v->image, hash, match);
}

/** Ask the processor for what version_find with this hash looks at first. */
static inline void
version_prefetch(const struct version *v, uint64_t hash)
{
	if (v->layer_count > 0) {
		version_prefetch_layered(v, hash);
	}
	image_prefetch(v->image, hash);
}

/**
 * Once that is there: ask for the node that it leads to.
 *
 * Returns  whether there is one, as far as can be told so early
 */
static inline bool
version_prefetch_node(const struct version *v, uint64_t hash)
{
	return v->layer_count > 0 ? version_prefetch_node_layered(v, hash)
				  : image_prefetch_node(v->image, hash);
}

/*
 * All nodes of a zone in canonical order, or those of one subtree. The version
 * outlives the cursor; nothing is to be freed.
 */
struct version_cursor {
	const struct version *version;
	const uint8_t *below; /* NULL: the whole zone */
	/* What comes next in each component; NULL: nothing more. */
	const struct node *in_image;
	const struct node *in_layer[VERSION_LAYERS_MAX];
	const struct node *first; /* of those in layers, the newest */
	bool damaged;
};

/** Before the apex: to walk over the whole zone. */
void version_cursor_start(struct version_cursor *c, const struct version *v);

/**
 * To walk over what is strictly below a name.
 *
 * owner    of a node that is there (an empty non-terminal too), in any case;
 *          borrowed while the cursor is used
 */
void version_cursor_below(struct version_cursor *c, const struct version *v,
			  const uint8_t *owner);

/** The next node, never a tombstone; NULL at the end. */
const struct node *version_cursor_next(struct version_cursor *c);

/**
 * At the end of a walk: was that the end of the zone, or is the image damaged
 * there? Who makes something lasting of what came asks this.
 */
bool version_cursor_is_whole(const struct version_cursor *c);

/*
 * One zone as readers see it. The transfer thread publishes; the server embeds
 * this in what else it knows of a zone.
 */
struct zone {
	struct version *version; /* RCU pointer: NULL while there is none */
	atomic_bool expired;     /* SERVFAIL although there is a version */
	/* Serial, and a bit above that says that it is one: the newest from
	 * which history turned out to be damaged. Workers set it. */
	atomic_uint_fast64_t damaged_from;
	uint8_t apex_len;
	/* Lower-case. Last, so that whoever has very many zones can allocate
	 * no more than is used of it. */
	uint8_t apex[NAME_LEN_MAX];
};

/** The version to answer from, inside a read section; NULL: none. */
struct version *zone_version(const struct zone *z);

/**
 * Make a version the one that is answered from (NULL: none any more). Takes
 * over the caller's reference; the old version's is dropped after a grace
 * period, without waiting for it. The calling thread is registered with RCU.
 */
void zone_publish_take(struct zone *z, struct version *v);

/**
 * An IXFR from this serial broke off where history is damaged: who comes again,
 * or from an older version, shall not go that way. Any thread.
 */
void zone_note_damage(struct zone *z, uint32_t from);
bool zone_is_damaged_from(const struct zone *z, uint32_t from);

/*
 * An immutable set of zones by apex. The zones are borrowed.
 */
struct zone_table;
/** Returns SECD_OK, SECD_EEXIST (two zones with one apex), SECD_ENOMEM. */
int zone_table_new(struct zone *const *zones, size_t count,
		   const struct name_hash_key *key, struct zone_table **out);
void zone_table_free(struct zone_table *t);

/**
 * The zone with the longest apex that is the name's suffix `from` or an
 * ancestor of it.
 *
 * from     0: the name itself may be the apex; 1: only its parent and up
 * label    receives the index of the apex in `hashes`; may be NULL
 * Returns  the zone or NULL
 */
struct zone *zone_table_find(const struct zone_table *t, const uint8_t *lower,
			     const struct name_hashes *hashes, unsigned from,
			     unsigned *label);

/** Ask the processor for what zone_table_find with these looks at first. */
void zone_table_prefetch(const struct zone_table *t,
			 const struct name_hashes *hashes);

const struct name_hash_key *zone_table_key(const struct zone_table *t);

#endif
