/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/zone_state.h"

#include <string.h>

#include "base/error.h"
#include "base/octets.h"

enum state_flag { STATE_HAS_ZONE = 1, STATE_EXPIRED = 2, STATE_PIN_LOST = 4 };

/* The first one has no pin. It is still what is written without one, so that
 * an earlier version of the program can be gone back to. */
enum state_format { FORMAT_PLAIN = 1, FORMAT_PIN = 2 };
enum state_len { LEN_PLAIN = 40, LEN_PIN = 64 };

_Static_assert((int)LEN_PIN <= ZONE_STATE_LEN_MAX, "there is room");

static void
put_pin(const struct zone_pin *pin, uint8_t *out)
{
	put_u64(out + 40, pin->seq);
	put_u64(out + 48, (uint64_t)pin->at);
	put_u32(out + 56, pin->serial);
}

size_t
zone_state_write(const struct refresh_saved *saved, const struct zone_pin *pin,
		 uint8_t out[ZONE_STATE_LEN_MAX])
{
	bool has_pin = pin->seq != 0;

	memset(out, 0, ZONE_STATE_LEN_MAX);
	put_u32(out, has_pin ? FORMAT_PIN : FORMAT_PLAIN);
	put_u32(out + 4, (saved->has_zone ? STATE_HAS_ZONE : 0u) |
			     (saved->expired ? STATE_EXPIRED : 0u) |
			     (pin->is_lost ? STATE_PIN_LOST : 0u));
	put_u64(out + 8, (uint64_t)saved->confirmed_at);
	put_u32(out + 16, saved->soa.serial);
	put_u32(out + 20, saved->soa.refresh);
	put_u32(out + 24, saved->soa.retry);
	put_u32(out + 28, saved->soa.expire);
	put_u32(out + 32, saved->soa.minimum);
	if (has_pin) {
		put_pin(pin, out);
	}
	return has_pin ? LEN_PIN : LEN_PLAIN;
}

static void
get_pin(const uint8_t *octets, struct zone_pin *out)
{
	*out = (struct zone_pin){
	    .seq = get_u64(octets + 40),
	    .at = (int64_t)get_u64(octets + 48),
	    .serial = get_u32(octets + 56),
	    .is_lost = (get_u32(octets + 4) & STATE_PIN_LOST) != 0,
	};
}

int
zone_state_read(const uint8_t *octets, size_t len, struct refresh_saved *saved,
		struct zone_pin *pin)
{
	bool has_pin = len == LEN_PIN && get_u32(octets) == FORMAT_PIN;

	if (!has_pin &&
	    !(len == LEN_PLAIN && get_u32(octets) == FORMAT_PLAIN)) {
		return SECD_EMALF;
	}
	*saved = (struct refresh_saved){
	    .has_zone = (get_u32(octets + 4) & STATE_HAS_ZONE) != 0,
	    .expired = (get_u32(octets + 4) & STATE_EXPIRED) != 0,
	    .confirmed_at = (int64_t)get_u64(octets + 8),
	    .soa = {.serial = get_u32(octets + 16),
		    .refresh = get_u32(octets + 20),
		    .retry = get_u32(octets + 24),
		    .expire = get_u32(octets + 28),
		    .minimum = get_u32(octets + 32)},
	};
	*pin = (struct zone_pin){.seq = 0};
	if (has_pin) {
		get_pin(octets, pin);
	}
	return SECD_OK;
}
