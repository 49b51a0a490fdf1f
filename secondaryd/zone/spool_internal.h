/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * spool_internal -- the inside of build.h's spool: sorting and merging, for the build.
 *
 * Chunks are looked at one by one. One that is in canonical order and follows
 * the one before goes on with the same run; another is sorted and starts a new
 * run. The runs are merged. Primaries send in canonical order with the NSEC3
 * chain at the end: one chunk sorted, three runs.
 */

#ifndef SECD_ZONE_SPOOL_INTERNAL_H
#define SECD_ZONE_SPOOL_INTERNAL_H

#include "zone/build.h"
#include "zone/owner_set.h"

struct spool_run {
	uint64_t at, end;  /* what is not read yet, in the file */
	struct buf window; /* what is read */
	size_t pos;        /* of the record after `rr` in it */
	struct rr rr;      /* the next record */
	uint64_t prefix;   /* of its owner's sort key below the apex */
};

struct spool {
	char *dir;
	size_t chunk;
	int fd;            /* -1: all is in `mem` */
	uint64_t file_len; /* octets in the file */
	struct buf mem;
	struct buf ends; /* uint64_t: where each chunk in the file ends */
	uint64_t count;
	/* While it is merged: */
	struct spool_run *runs;
	size_t run_count, run_cap;
	struct spool_run **heap; /* the run with the lowest owner first */
	size_t heap_count;
	size_t window_len; /* octets read of a run at once */
	uint8_t apex[NAME_LEN_MAX];
	size_t apex_key_len;
};

/**
 * Sort and start to merge. What is not in the zone gets a place somewhere.
 * Returns SECD_OK, SECD_ENOMEM, SECD_EIO, SECD_ENOSPC.
 */
int spool_sort(struct spool *s, const uint8_t *apex);

/**
 * Collect the records of the next owner.
 *
 * set      is started, not sealed
 * Returns  SECD_OK, SECD_ENOTFOUND (no more), SECD_ENOMEM, SECD_EIO
 */
int spool_next(struct spool *s, struct owner_set *set);

/** Write the chunk in memory to the file. Returns as spool_add. */
int spool_flush(struct spool *s);

/** In spool_merge.c: read each run's first record. */
int spool_merge_begin(struct spool *s);

/** A number that sorts as owners do, but for owners with the same. */
uint64_t spool_prefix(const struct spool *s, const uint8_t *owner);

#endif
