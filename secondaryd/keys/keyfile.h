/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * keyfile -- a file that holds one secret: one line of base64 (RFC 4648).
 *
 * The file must be a regular one that nobody but its owner may touch, and
 * the owner the service user. Secrets go into locked memory
 * (base/secret.h); what they pass through on the way is wiped.
 */

#ifndef SECD_KEYS_KEYFILE_H
#define SECD_KEYS_KEYFILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/secretfile.h"

#define KEYFILE_TEXT_MAX   2048 /* octets in the file */
#define KEYFILE_REASON_MAX SECRETFILE_REASON_MAX

/**
 * Read a file's secret.
 *
 * path     symbolic links are refused in its last part only
 * uid      who must own the file
 * secret   receives the octets; secret_free(*secret, *len) ends them
 * reason   room for KEYFILE_REASON_MAX; receives, on failure, what is wrong
 *          with "the file", as "is ..." or "cannot be ...", and the command
 *          that mends owner or mode; never contents
 * Returns  SECD_OK, SECD_ENOTFOUND, SECD_EPERM (kind of file, owner, mode),
 *          SECD_EMALF (not one line of base64), SECD_EIO, SECD_ENOMEM
 */
int keyfile_read(const char *path, uid_t uid, uint8_t **secret, size_t *len,
		 char *reason);

/**
 * Decode a secret that was read elsewhere. The caller wipes the text.
 *
 * text     base64 with its padding and without white space
 * Returns  SECD_OK, SECD_EMALF (also when empty), SECD_ENOMEM
 */
int keyfile_decode(const char *text, size_t text_len, uint8_t **secret,
		   size_t *len);

#endif
