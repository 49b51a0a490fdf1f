/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * checksum -- finds damage by accident in what was stored. Not a defence
 * against somebody who can write to the storage.
 */

#ifndef SECD_BASE_CHECKSUM_H
#define SECD_BASE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

#define CHECKSUM_START UINT64_C(0x6a09e667f3bcc908)

/**
 * Continue a checksum over further octets. Chunks count: the same octets in
 * other chunks give another sum.
 *
 * sum      CHECKSUM_START, or what the call before returned
 */
uint64_t checksum64(uint64_t sum, const void *data, size_t len);

#endif
