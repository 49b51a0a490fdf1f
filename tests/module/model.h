/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * model -- zones for modules under test: small, of known contents, with all
 * versions kept, so that whatever a module says of them can be checked.
 */

#ifndef TESTS_MODULE_MODEL_H
#define TESTS_MODULE_MODEL_H

#include <stdbool.h>

#include "base/buf.h"
#include "rnd.h"
#include "secondaryd/module.h"

#define MODEL_RECORDS  24
#define MODEL_VERSIONS 64 /* kept of a zone; older ones are forgotten */

struct model_version {
	uint64_t seq;
	uint64_t from_seq; /* 0: from nothing */
	uint32_t serial;
	uint16_t values[MODEL_RECORDS]; /* of each record; 0: not there */
	bool is_told;  /* it was offered; else only what is made of it was */
	bool is_lost;  /* the module did not say that it has it */
	bool is_taken; /* but for the commit that is due */
};

struct model_zone {
	uint8_t apex[16];
	struct model_version versions[MODEL_VERSIONS];
	size_t count;
	uint64_t last_seq;
	bool counts_on; /* numbers of versions that fell back stay used */
};

/** An empty zone, the `index`th; no version. */
void model_init(struct model_zone *z, unsigned index);

/** A version was offered, and the module took it, or not: then what it had
 * above the one before never counted, either. */
void model_offered(struct model_zone *z, uint64_t seq, bool is_taken);
/** What it took was committed, or not. */
void model_committed(struct model_zone *z, bool is_kept);
/** The module has this version after all. */
void model_kept(struct model_zone *z, uint64_t seq);

/** The version of a seq, or NULL. */
const struct model_version *model_find(const struct model_zone *z,
				       uint64_t seq);
/** The newest one, or NULL. */
const struct model_version *model_newest(const struct model_zone *z);

/**
 * Add a version behind all others, made of `from` (NULL: of nothing, another
 * zone). Returns it.
 */
const struct model_version *model_grow(struct model_zone *z, struct rnd *r,
				       const struct model_version *from);

/** Forget the versions behind `seq`: a crash, or nobody ever saw them. */
void model_fall_back(struct model_zone *z, uint64_t seq);

/** The entries of one step. */
void model_step(const struct model_zone *z, const struct model_version *from,
		const struct model_version *to, struct buf *out);
/** All records. */
void model_whole(const struct model_zone *z, const struct model_version *v,
		 struct buf *out);

/**
 * Go some steps. `v` is changed; its seqs do not count.
 *
 * Returns  NULL, or what is wrong with them
 */
const char *model_apply(const struct model_zone *z, struct model_version *v,
			const uint8_t *entries, size_t len);

#endif
