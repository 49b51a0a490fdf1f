/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zone_model -- a zone as a plain list of records, and what an image of it has
 * to hold, worked out by looking at every record for every question: slow, and
 * in no way like the build.
 */

#ifndef TESTS_ZONE_MODEL_H
#define TESTS_ZONE_MODEL_H

#include <stdbool.h>

#include "rnd.h"
#include "zone/changeset.h"
#include "zone/image.h"
#include "zonefile.h"

enum model_signing { MODEL_UNSIGNED, MODEL_NSEC, MODEL_NSEC3 };

struct model {
	struct zonefile zone;
	uint8_t apex[NAME_LEN_MAX];
	uint32_t serial;
	enum model_signing signing;
	bool is_dense; /* few names, so that everything meets everything */
};

/** An apex alone: SOA, NS, and what denies names. */
void model_init(struct model *m, const char *apex, enum model_signing signing);
void model_fini(struct model *m);

/** A record at a random owner, which may make the zone bad. */
void model_random_rr(struct model *m, struct rnd *r, struct rr *rr,
		     uint8_t owner[NAME_LEN_MAX], uint8_t rdata[256]);

/** Would a record make a bad zone of a good one? */
bool model_conflicts(const struct model *m, const struct rr *rr);

bool model_has(const struct model *m, const struct rr *rr);

/** Add a record; its RRset takes its TTL, its owner its case. False when it is there already. */
bool model_add(struct model *m, const struct rr *rr);

/** Delete record `i`. */
void model_delete(struct model *m, size_t i);

/** Make a good zone of about `count` records. */
void model_fill(struct model *m, struct rnd *r, size_t count);

/** The place of the SOA among the records. */
size_t model_soa(const struct model *m);

/** Put the SOA with the next serial in the SOA's place. */
void model_raise_serial(struct model *m);

/** Random changes: one step, applied to the model and put into `cs`. */
void model_step(struct model *m, struct rnd *r, struct changeset *cs);

/** build_from_spool of the records, shuffled by `r` unless that is NULL. */
int model_build(const struct model *m, const struct build_params *p,
		struct rnd *r, size_t chunk, struct image **out,
		struct build_report *report);

/** Fail the test unless the image has these records, names and flags. */
void model_check(const struct model *m, const struct image *im);

#endif
