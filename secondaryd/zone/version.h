/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * version -- one state of a zone that can be served, and the set of zones.
 *
 * A version never changes. `seq` is ours and counts up with every version of a
 * zone, whatever the serial does. Readers find a version through the zone
 * inside a read section (liburcu, QSBR flavour) and may keep it longer only by
 * taking a reference. Lookups go through here, so that the store behind them
 * can change; today a version is one image.
 */

#ifndef SECD_ZONE_VERSION_H
#define SECD_ZONE_VERSION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/name.h"
#include "zone/image.h"

struct version; /* counted */

/** Takes over the caller's reference to the image, when it succeeds. */
int version_new_take(uint64_t seq, struct image *im, struct version **out);
struct version *version_ref(struct version *v);
void version_unref(struct version *v);

uint64_t version_seq(const struct version *v);
uint32_t version_serial(const struct version *v);
const struct rr_soa *version_soa(const struct version *v);
const struct image *version_image(const struct version *v);

const struct node *version_apex(const struct version *v);
const struct node *version_find(const struct version *v, const uint8_t *lower,
				size_t len, uint64_t hash);

/*
 * One zone as readers see it. The transfer thread publishes; the server embeds
 * this in what else it knows of a zone.
 */
struct zone {
	uint8_t apex[NAME_LEN_MAX]; /* lower-case */
	uint8_t apex_len;
	atomic_bool expired;     /* SERVFAIL although there is a version */
	struct version *version; /* RCU pointer: NULL while there is none */
};

/** The version to answer from, inside a read section; NULL: none. */
struct version *zone_version(const struct zone *z);

/**
 * Make a version the one that is answered from (NULL: none any more). Takes
 * over the caller's reference; the old version's is dropped after a grace
 * period, without waiting for it. The calling thread is registered with RCU.
 */
void zone_publish_take(struct zone *z, struct version *v);

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

const struct name_hash_key *zone_table_key(const struct zone_table *t);

#endif
