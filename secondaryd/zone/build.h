/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * build -- makes images: out of the records of an AXFR, or out of a version and
 * changesets. Everything that makes a zone acceptable is checked here, so an
 * image that exists may be served.
 *
 * Long work: for the build thread. Memory is bounded by the spool's chunk and
 * the largest node, whatever the zone's size (and, for changes, by how many
 * they are); files are written in `dir`.
 *
 * Refused: records outside of the zone; no SOA or more than one at the apex,
 * or one elsewhere; no NS at the apex; CNAME beside other data (RRSIG, NSEC
 * and KEY may stand beside it, RFC 4034); more than one CNAME or DNAME at an
 * owner; types that are no data (OPT, QTYPEs); a limit exceeded. Tolerated as
 * other servers do: records below cuts and DNAMEs (kept, not answered), RRSIGs
 * without their RRset. Duplicates are merged; an RRset gets one TTL: in an
 * AXFR the lowest (RFC 2181 section 5.2), in a changeset the one of the record
 * added last.
 */

#ifndef SECD_ZONE_BUILD_H
#define SECD_ZONE_BUILD_H

#include <stddef.h>
#include <stdint.h>

#include "wire/name.h"
#include "wire/rr.h"
#include "zone/changeset.h"
#include "zone/version.h"

struct build_limits { /* 0: not limited */
	uint64_t records;
	uint32_t rrset_records;
	uint32_t owner_types;
	uint16_t nsec3_iterations;
};

struct build_params {
	const uint8_t *apex;
	struct name_hash_key hash_key;
	struct build_limits limits;
	const char *dir;   /* for temporary files, named "tmp-..." */
	size_t memory_max; /* images up to this many octets stay on the heap */
};

struct build_report {
	char reason[256]; /* of a failure, one phrase with the owner in it */
	uint64_t records;
};

/*
 * spool -- the records of an AXFR in the order in which they arrive. Appending
 * is cheap (transfer thread); sorting is the build's. Memory is bounded: what
 * exceeds `chunk` octets goes to an unlinked file in `dir`.
 */
struct spool;
int spool_new(const char *dir, size_t chunk, struct spool **out);
/** Copy one record in. Returns SECD_OK, SECD_ENOMEM, SECD_EIO, SECD_ENOSPC. */
int spool_add(struct spool *s, const struct rr *rr);
uint64_t spool_record_count(const struct spool *s);
void spool_free(struct spool *s);

/**
 * Build from an AXFR. The spool holds the opening SOA once; it is consumed
 * (sorted in place) but stays the caller's to free.
 *
 * Returns  SECD_OK, SECD_EMALF (refused as above; report->reason),
 *          SECD_ELIMIT (report->reason), SECD_EIO, SECD_ENOSPC, SECD_ENOMEM
 */
int build_from_spool(const struct build_params *p, struct spool *s,
		     struct image **out, struct build_report *report);

/**
 * Build from a version and changesets that follow each other from its serial.
 * Strict: deleting a record that is not there (the SOA before included), or
 * adding one that is, at that step, refuses everything. With no changesets it
 * makes one image of the version's image and layers.
 *
 * Returns  as build_from_spool, and SECD_EMISMATCH (does not apply)
 */
int build_from_changes(const struct build_params *p, const struct version *base,
		       const struct changeset *const *changesets, size_t count,
		       struct image **out, struct build_report *report);

#endif
