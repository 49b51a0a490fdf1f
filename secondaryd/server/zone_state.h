/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zone_state -- what the refresh machine wants to outlive the process, as the
 * octets that the store keeps with the zone.
 */

#ifndef SECD_SERVER_ZONE_STATE_H
#define SECD_SERVER_ZONE_STATE_H

#include <stddef.h>
#include <stdint.h>

#include "transfer/refresh.h"

#define ZONE_STATE_LEN 40

void zone_state_write(const struct refresh_saved *saved,
		      uint8_t out[ZONE_STATE_LEN]);

/** Returns SECD_OK, SECD_EMALF. */
int zone_state_read(const uint8_t *octets, size_t len,
		    struct refresh_saved *out);

#endif
