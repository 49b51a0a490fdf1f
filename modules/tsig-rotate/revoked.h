/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * revoked -- the list of what was revoked, kept apart from the state files, so
 * that a backup of these does not bring back what an operator took away.
 *
 * A text file, mode 0600, one line for each key: the pair, the generation that
 * the revocation began, and the key's fingerprint.
 */

#ifndef TSIG_ROTATE_REVOKED_H
#define TSIG_ROTATE_REVOKED_H

#include "tsig-rotate/pair.h"

#define REVOKED_REASON_MAX 1024
#define REVOKED_ID_MAX     64

struct revoked; /* immutable */

/**
 * Read the list.
 *
 * path     a file that is not there is an empty list
 * Returns  SECD_OK, SECD_EPERM, SECD_EMALF, SECD_EIO, SECD_ENOMEM, with a reason
 */
int revoked_load(const char *path, struct revoked **out, char *reason);
void revoked_free(struct revoked *r);

/**
 * Take out of a pair what is on the list. A pair that is older than the list is
 * stopped: it came from a backup.
 *
 * has_places  what is taken out is in other servers' stores, too
 * Returns  whether the pair was changed
 */
bool revoked_apply(const struct revoked *r, const char *id, bool has_places,
		   struct pair *p);

/**
 * Add what is revoked in `now` and was not in `before`, so that it lasts. It is
 * on the list before it takes effect.
 *
 * Returns  SECD_OK, SECD_EIO, SECD_ENOSPC, with a reason
 */
int revoked_add(const char *path, const char *id, const struct pair *before,
		const struct pair *now, char *reason);

#endif
