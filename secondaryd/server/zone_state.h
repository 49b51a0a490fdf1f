/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zone_state -- what is to outlive the process of a zone beside its versions,
 * as the octets that the store keeps with it: the refresh machine's, and the
 * version that is pinned.
 */

#ifndef SECD_SERVER_ZONE_STATE_H
#define SECD_SERVER_ZONE_STATE_H

#include <stddef.h>
#include <stdint.h>

#include "server/zone_entry.h"

#define ZONE_STATE_LEN_MAX 64

/** Returns the octets written: ZONE_STATE_LEN_MAX at most. */
size_t zone_state_write(const struct refresh_saved *saved,
			const struct zone_pin *pin,
			uint8_t out[ZONE_STATE_LEN_MAX]);

/**
 * Read octets of this version of the program or of an earlier one.
 *
 * Returns  SECD_OK, SECD_EMALF: both are untouched
 */
int zone_state_read(const uint8_t *octets, size_t len,
		    struct refresh_saved *saved, struct zone_pin *pin);

#endif
