/* SPDX-License-Identifier: BSD-2-Clause */

#include "transfer/soa.h"

#include "base/error.h"
#include "base/octets.h"
#include "wire/rr.h"

#define RR_HEAD_LEN 10 /* type, class, TTL, RDLENGTH */
#define NUMBERS_LEN 20 /* what follows the names in a SOA */

int
soa_read_serial(const uint8_t *msg, size_t len, size_t pos,
		const uint8_t *owner, uint32_t *serial)
{
	uint8_t name[NAME_LEN_MAX];
	const uint8_t *head;
	size_t end;

	if (name_from_wire(msg, len, &pos, name, NULL) != SECD_OK ||
	    len - pos < RR_HEAD_LEN) {
		return SECD_EMALF;
	}
	head = msg + pos;
	pos += RR_HEAD_LEN;
	if (len - pos < get_u16(head + 8)) {
		return SECD_EMALF;
	}
	end = pos + get_u16(head + 8);
	if (get_u16(head) != RR_TYPE_SOA || get_u16(head + 2) != RR_CLASS_IN ||
	    !name_equal(name, owner)) {
		return SECD_ENOTFOUND;
	}
	for (int names = 0; names < 2; names++) {
		if (name_from_wire(msg, end, &pos, name, NULL) != SECD_OK) {
			return SECD_EMALF;
		}
	}
	if (end - pos != NUMBERS_LEN) {
		return SECD_EMALF;
	}
	*serial = get_u32(msg + pos);
	return SECD_OK;
}
