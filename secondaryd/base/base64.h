/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * base64 -- octets as text (RFC 4648 section 4), with padding and without
 * line breaks. Allocates nothing, so a secret stays in its caller's memory.
 */

#ifndef SECD_BASE_BASE64_H
#define SECD_BASE_BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Characters that `len` octets become, without a NUL. */
#define BASE64_LEN(len) (((size_t)(len) + 2) / 3 * 4)

/**
 * Write octets as base64.
 *
 * text     room for BASE64_LEN(len) characters; no NUL is written
 * Returns  characters written
 */
size_t base64_encode(const uint8_t *octets, size_t len, char *text);

/* Octets that `len` characters become, at most. */
#define BASE64_OCTETS(len) ((size_t)(len) / 4 * 3)

/**
 * Read base64. Bits behind the last octet do not count.
 *
 * len      characters; white space is none of base64
 * octets   room for BASE64_OCTETS(len); what is in it on failure is meaningless
 *          and, for a secret, to be wiped
 * out_len  receives the octets written
 * Returns  whether it is base64; nothing at all is not
 */
bool base64_decode(const char *text, size_t len, uint8_t *octets,
		   size_t *out_len);

#endif
