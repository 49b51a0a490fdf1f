/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * root -- the one pointer through which workers see everything: zones, ACLs,
 * keys and what the server says of itself. Replaced as a whole by a reload.
 *
 * Workers are registered with liburcu (QSBR flavour). Each loads the pointer
 * once for a batch, inside a read section, and reports a quiescent state after
 * the batch, or goes offline before it may block.
 */

#ifndef SECD_SERVER_ROOT_H
#define SECD_SERVER_ROOT_H

#include "config/config.h"
#include "zone/answer.h"
#include "zone/version.h"

struct root {
	struct config *config; /* counted */
	struct zone_table *zones;
	struct answer_identity identity; /* points into config */
	struct answer_context answer;    /* the two above, for answer_query */
};

struct root_pointer {
	_Atomic(struct root *) current; /* RCU */
};

/**
 * Make a root of a configuration and the zones that are to be served.
 *
 * config   a count is taken
 * Returns  SECD_OK, SECD_ENOMEM
 */
int root_new(struct config *config, struct zone *const *zones, size_t count,
	     const struct name_hash_key *key, struct root **out);

/** For a root that was never published. NULL is fine. */
void root_free(struct root *root);

/** Inside a read section. Never NULL once the threads run. */
const struct root *root_get(const struct root_pointer *p);

/** Put a root in place; the old one is freed after a grace period. */
void root_publish_take(struct root_pointer *p, struct root *root);

#endif
