/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * layering -- a new version of a zone for the cost of what changes: the nodes
 * that differ, laid over the image in layers.
 *
 * Every node of the new version is octet for octet the one that a build of the
 * same records gives, whatever a change does to names above and below its
 * owners. Few large layers and one small one: each change rewrites the small
 * layer, which goes into the large one when it has grown.
 *
 * No I/O but through layer_write, no clock, no locks; for any thread.
 */

#ifndef SECD_ZONE_LAYERING_H
#define SECD_ZONE_LAYERING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "zone/build.h"
#include "zone/version.h"

struct layering_limits {
	/* More nodes than this are no small layer. */
	size_t small_nodes;
	/* Names below an owner whose NS or DNAME comes or goes. */
	size_t range_names;
	/* In all layers that are not frozen; a tombstone is a node too. */
	size_t nodes;
	size_t tombstones;
};

extern const struct layering_limits layering_defaults;

/**
 * Lay changesets over a version.
 *
 * base     what the changesets start from; its layers are shared, not changed
 * frozen   so many of its lowest layers stay as they are, since they are being
 *          compacted; those above them are merged with the change, and leave
 *          one or two, as far as there is room
 * changesets  as build_from_changes takes them; at least one
 * seq      of the new version
 * report   receives what build_from_changes would report
 * Returns  SECD_OK; SECD_EAGAIN (not to be done with layers: the caller builds
 *          an image, with build_from_changes: other NSEC3 parameters, other
 *          kind of denial, a limit of layering_defaults, all layers that
 *          there may be are frozen); SECD_EMALF,
 *          SECD_ELIMIT, SECD_EMISMATCH (refused, as build_from_changes refuses
 *          it); SECD_ENOMEM, SECD_EIO, SECD_ENOSPC
 */
int layering_apply(const struct build_params *p, const struct version *base,
		   unsigned frozen, const struct changeset *const *changesets,
		   size_t count, uint64_t seq, struct version **out,
		   struct build_report *report);

/** The same with other limits. */
int layering_apply_within(const struct layering_limits *limits,
			  const struct build_params *p,
			  const struct version *base, unsigned frozen,
			  const struct changeset *const *changesets,
			  size_t count, uint64_t seq, struct version **out,
			  struct build_report *report);

/**
 * Lay changesets over a version whose image is a file, or build an image where
 * that is not to be done. Changes that were within the limits of their day are
 * not held to those of today.
 *
 * Long work, and more so when an image is built: the one of the base is read
 * and verified then, since what is made of a damaged one would look sound.
 *
 * Returns  SECD_OK, or as layering_apply and image_verify
 */
int layering_make(const struct build_params *p, const struct version *base,
		  const struct changeset *const *changesets, size_t count,
		  uint64_t seq, struct version **out,
		  struct build_report *report);

/**
 * The same zone with another image below.
 *
 * frozen   layers that `im` stands for, together with the image that was
 *          there: the very ones, untouched since its making began
 * im       the caller's reference stays the caller's
 * out      receives a version with the same `seq`
 * Returns  SECD_OK, SECD_ENOMEM
 */
int layering_rebase(const struct version *v, unsigned frozen, struct image *im,
		    struct version **out);

/** Is it time for a new image of this version? */
bool layering_wants_compaction(const struct version *v);

#endif
