/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zone_publish -- a new version is seen by readers first, then made durable,
 * and only then told to others. Transfer thread only.
 */

#ifndef SECD_SERVER_ZONE_PUBLISH_H
#define SECD_SERVER_ZONE_PUBLISH_H

#include "server/zone_entry.h"

/**
 * Publish the version that a refresh step brought, and tell the machine.
 *
 * attempt  of the step
 * image    taken over, also on failure
 * changes  what led to it from the version before, moved; or NULL
 * Returns  SECD_OK, SECD_ENOMEM (nothing has changed)
 */
int zone_publish(struct zone_entry *e, uint32_t attempt, struct image *image,
		 struct changeset *changes);

/** What is held cannot be trusted: stop answering, transfer again. */
void zone_withdraw(struct zone_entry *e, const char *reason);

/** Make the version that is served durable as a whole image, or its state where
 * the store has it already. */
void zone_store(struct zone_entry *e);

/** Make the state of the refresh machine durable, when it is worth it. */
void zone_save_state(struct zone_entry *e);

/** Take over what the refresh machine says of expiry and alarms. */
void zone_sync_status(struct zone_entry *e);

/* The state's octets in the store. */
#define ZONE_STATE_LEN 40
void zone_state_write(const struct refresh_saved *saved,
		      uint8_t out[ZONE_STATE_LEN]);
/** Returns SECD_OK, SECD_EMALF. */
int zone_state_read(const uint8_t *octets, size_t len,
		    struct refresh_saved *out);

/** libev's callback of `commit_retry`. */
void zone_commit_retry(struct ev_loop *loop, ev_timer *timer, int events);

#endif
