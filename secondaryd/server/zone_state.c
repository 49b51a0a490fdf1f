/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/zone_state.h"

#include <string.h>

#include "base/error.h"
#include "base/octets.h"

enum state_flag { STATE_HAS_ZONE = 1, STATE_EXPIRED = 2 };
#define STATE_FORMAT 1

void
zone_state_write(const struct refresh_saved *saved, uint8_t out[ZONE_STATE_LEN])
{
	memset(out, 0, ZONE_STATE_LEN);
	put_u32(out, STATE_FORMAT);
	put_u32(out + 4, (saved->has_zone ? STATE_HAS_ZONE : 0u) |
			     (saved->expired ? STATE_EXPIRED : 0u));
	put_u64(out + 8, (uint64_t)saved->confirmed_at);
	put_u32(out + 16, saved->soa.serial);
	put_u32(out + 20, saved->soa.refresh);
	put_u32(out + 24, saved->soa.retry);
	put_u32(out + 28, saved->soa.expire);
	put_u32(out + 32, saved->soa.minimum);
}

int
zone_state_read(const uint8_t *octets, size_t len, struct refresh_saved *out)
{
	if (len != ZONE_STATE_LEN || get_u32(octets) != STATE_FORMAT) {
		return SECD_EMALF;
	}
	*out = (struct refresh_saved){
	    .has_zone = (get_u32(octets + 4) & STATE_HAS_ZONE) != 0,
	    .expired = (get_u32(octets + 4) & STATE_EXPIRED) != 0,
	    .confirmed_at = (int64_t)get_u64(octets + 8),
	    .soa = {.serial = get_u32(octets + 16),
		    .refresh = get_u32(octets + 20),
		    .retry = get_u32(octets + 24),
		    .expire = get_u32(octets + 28),
		    .minimum = get_u32(octets + 32)},
	};
	return SECD_OK;
}
