/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * request -- a placement as octets, on its way to the process that does it.
 *
 * Both ends are this program, but the octets are looked at as if they were
 * not. They hold secrets: the memory is the caller's to wipe.
 */

#ifndef SECD_PLACE_REQUEST_H
#define SECD_PLACE_REQUEST_H

#include <stddef.h>
#include <stdint.h>

#include "base/keytext.h"
#include "place/adapter.h"

#define REQUEST_OCTETS_MAX ((size_t)16 << 20)

struct request {
	const char *dir;          /* where marks are */
	int64_t timeout_ms;       /* above 0 */
	struct settings settings; /* of an adapter that there is */
	const struct adapter *adapter;
	const struct keytext_key *keys;
	size_t key_count;
	/* Of request_read: what of the above points to memory of ours. */
	struct secd_option *said;
	struct keytext_key *key_list;
};

/**
 * Write it down.
 *
 * out      receives the octets; secret_free(*out, *len) ends them
 * Returns  SECD_OK, SECD_ELIMIT (above REQUEST_OCTETS_MAX), SECD_ENOMEM
 */
int request_write(const struct request *r, uint8_t **out, size_t *len);

/**
 * Read it. Strings and secrets point into the octets, which are left alone
 * until request_fini.
 *
 * Returns  SECD_OK, SECD_EMALF, SECD_ENOMEM
 */
int request_read(const uint8_t *octets, size_t len, struct request *out);
void request_fini(struct request *r);

#endif
