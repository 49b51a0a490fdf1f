/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * soa -- the serial that a request carries in a SOA record: a NOTIFY in its
 * answer section, an IXFR in its authority section.
 */

#ifndef SECD_TRANSFER_SOA_H
#define SECD_TRANSFER_SOA_H

#include <stddef.h>
#include <stdint.h>

/**
 * Read the serial of the SOA record at octet `pos` of a message.
 *
 * owner    whose SOA it must be
 * Returns  SECD_OK, SECD_EMALF (broken record), SECD_ENOTFOUND (another
 *          record)
 */
int soa_read_serial(const uint8_t *msg, size_t len, size_t pos,
		    const uint8_t *owner, uint32_t *serial);

#endif
