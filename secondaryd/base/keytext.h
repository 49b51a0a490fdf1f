/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * keytext -- a TSIG key as it stands in the configuration file of another
 * name server.
 *
 * Text only: where it goes, and that the memory it passes through is wiped,
 * is the caller's business. Nothing is allocated.
 */

#ifndef SECD_BASE_KEYTEXT_H
#define SECD_BASE_KEYTEXT_H

#include <stddef.h>
#include <stdint.h>

/* The first line of a file that is ours: a comment in each of the formats. */
#define KEYTEXT_HEAD "# written by secondaryd; do not edit\n"

enum keytext_format {
	KEYTEXT_BIND, /* named.conf */
	KEYTEXT_NSD,  /* nsd.conf */
	KEYTEXT_KNOT, /* knot.conf, and secondaryd's own */
};

struct keytext_key {
	const char *name; /* presentation format, as name_to_text writes it */
	const char *algorithm; /* "hmac-sha256" and so on */
	const uint8_t *secret;
	size_t secret_len;
};

/** As many characters as keytext_write needs at the most. */
size_t keytext_len_max(const struct keytext_key *key);

/**
 * Write one key: whole lines. Those of several keys may follow one another.
 *
 * out      room for `cap` characters; no NUL is written
 * len      receives the characters written
 * Returns  SECD_OK, SECD_EINVAL (no name, no algorithm's name, no secret),
 *          SECD_ENOSPC: then what is in `out` is meaningless, and to be wiped
 *          all the same
 */
int keytext_write(enum keytext_format format, const struct keytext_key *key,
		  char *out, size_t cap, size_t *len);

#endif
