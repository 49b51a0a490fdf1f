/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zone_chain -- what the store was given of a zone, and what it must be given
 * next: an image, and the changesets that lead from it to the newest version,
 * link by link.
 *
 * A link that was refused waits with those behind it, in order, until the
 * store takes them. An image stands for all links up to its own; one that is
 * refused although its links are stored is done without. The chain is
 * broken when nobody has a link any more that the store lacks: then nothing
 * but an image of the version of that time, or of a later one, mends it.
 *
 * Knows nothing of threads and time: who posts entries asks here which.
 */

#ifndef SECD_SERVER_ZONE_CHAIN_H
#define SECD_SERVER_ZONE_CHAIN_H

#include "server/commit.h"

/* Zero-initialised it is the chain of a zone of which nothing is stored. */
struct zone_chain {
	struct commit_entry *first; /* of those that wait, in order of seq */
	unsigned in_flight;         /* links that the commit thread has */
	uint64_t stored_seq;        /* the store has this version for sure */
	uint64_t newest_seq;        /* of all links */
	/* Octets of all changesets there ever were; of those that the stored
	 * image contains, or the one that is on its way. */
	uint64_t octets, image_octets;
	uint64_t waiting_octets;
	bool is_broken;
	uint64_t whole_seq; /* an image must have at least this seq then */
};

/** The store has the version `seq`, with so many octets of changesets. */
void zone_chain_begin(struct zone_chain *c, uint64_t seq,
		      uint64_t change_octets);

/** Nobody has a link up to `seq`; what waits is freed. */
void zone_chain_break(struct zone_chain *c, uint64_t seq);

/** Free what waits. */
void zone_chain_fini(struct zone_chain *c);

/**
 * Add the changeset that leads to the newest version.
 *
 * link     with `seq` and `changes`; given away
 * Returns  whether it is to be posted now; else it waits here
 */
bool zone_chain_add_changes(struct zone_chain *c, struct commit_entry *link);

/**
 * May an image of this version be added? Not one that lacks what nobody has.
 */
bool zone_chain_takes_image(const struct zone_chain *c, uint64_t seq);

/**
 * Add an image that may be; links up to its own are done with. It is to be
 * posted now.
 *
 * link     with `seq` and `image`; gets `drop` when what is stored is no past
 *          of it
 * octets   what `octets` was when the version `seq` was the newest
 */
void zone_chain_add_image(struct zone_chain *c, struct commit_entry *link,
			  uint64_t octets);

/** A link came back with its `rc`; given away. */
void zone_chain_done(struct zone_chain *c, struct commit_entry *link);

/**
 * Take all that waits, to be posted in this order, linked by `letter.next`;
 * NULL: nothing, or not before what is in flight is back, or the chain is
 * broken.
 */
struct commit_entry *zone_chain_resume(struct zone_chain *c);

/**
 * Is it time for another image: since the chain is broken, or since too much
 * follows the one that is stored?
 *
 * image_len  its octets
 */
bool zone_chain_wants_image(const struct zone_chain *c, size_t image_len);

#endif
