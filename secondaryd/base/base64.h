/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * base64 -- octets as text (RFC 4648 section 4), with padding and without
 * line breaks. Allocates nothing, so a secret stays in its caller's memory.
 */

#ifndef SECD_BASE_BASE64_H
#define SECD_BASE_BASE64_H

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

#endif
