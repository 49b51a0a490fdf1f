/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * build_internal -- what makes an owner acceptable, and saying why one is not.
 */

#ifndef SECD_ZONE_BUILD_INTERNAL_H
#define SECD_ZONE_BUILD_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "zone/build.h"
#include "zone/owner_set.h"

/** Returns SECD_OK, SECD_EMALF, SECD_ELIMIT; report->reason says why. */
int build_check_owner(const struct build_params *p, const struct owner_set *set,
		      bool is_apex, struct build_report *report);

/** Are these not too many for the zone? Returns SECD_OK, SECD_ELIMIT. */
int build_check_records(const struct build_params *p, uint64_t records,
			const uint8_t *owner, struct build_report *report);

/**
 * Say why something is refused.
 *
 * what     printf's format and its arguments; the owner is added
 * Returns  rc
 */
int build_refuse(struct build_report *report, int rc, const uint8_t *owner,
		 const char *what, ...) __attribute__((format(printf, 4, 5)));

/** Give a failure without a reason one. In build.c. Returns rc. */
int build_explain(struct build_report *report, int rc);

/** Text of a type: "MX", "TYPE65280". `text` has room for 16; returns it. */
char *build_type_text(uint16_t type, char *text);

#endif
