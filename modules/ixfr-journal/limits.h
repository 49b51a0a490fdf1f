/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * limits -- what the operator lets the journal keep: its configuration.
 *
 *     journal:
 *         max-size: 16G           # of the file
 *     zone:
 *       - id: default             # all others; each zone begins with these
 *         max-steps: 10000        # 0: as many as there are
 *         max-octets: 1G          # of the steps of a zone; 0: no limit
 *         max-age: 365d           # 0: no limit
 *         keep-steps: 10          # kept whatever the limits say
 */

#ifndef IXFR_JOURNAL_LIMITS_H
#define IXFR_JOURNAL_LIMITS_H

#include <stdint.h>

#include "secondaryd/module.h"

struct zone_limits {
	uint64_t steps; /* 0: not limited, as below */
	uint64_t octets;
	int64_t age_ms;
	uint64_t keep_steps;
};

struct limits; /* immutable */

/**
 * Read the module's options.
 *
 * reason   room for SECD_REASON_LEN
 * Returns  SECD_OK, SECD_EINVAL, SECD_ENOMEM
 */
int limits_new(const struct secd_options *options, struct limits **out,
	       char *reason);
void limits_free(struct limits *l);

uint64_t limits_file_octets(const struct limits *l);

/** Of one zone, by its apex in lower case. */
const struct zone_limits *limits_of_zone(const struct limits *l,
					 const uint8_t *apex);

#endif
