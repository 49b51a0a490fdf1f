/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * notifier -- sends NOTIFY for zones to their configured targets over UDP and
 * hears the answers. Transfer thread only.
 */

#ifndef SECD_SERVER_NOTIFIER_H
#define SECD_SERVER_NOTIFIER_H

#include "server/zone_entry.h"

struct notifier;

/** Returns SECD_OK, SECD_EIO (no UDP socket at all), SECD_ENOMEM. */
int notifier_new(struct ev_loop *loop, struct notifier **out);
/** No zone may have targets any more. NULL is fine. */
void notifier_free(struct notifier *n);

/**
 * Make the zone's targets what its policy says; those that stay keep their
 * progress.
 *
 * Returns  SECD_OK, SECD_ENOMEM (they are as they were)
 */
int notifier_set_targets(struct notifier *n, struct zone_entry *e,
			 const struct config_policy *p);
void notifier_drop_targets(struct notifier *n, struct zone_entry *e);

/** Tell all targets of the version that is durable (`told`), if any. */
void notifier_announce(struct notifier *n, struct zone_entry *e);

/**
 * The same at the start, since what was durable before a crash may not have
 * been told. Zones wait for each other, so that others are not flooded by the
 * start of a server with many.
 */
void notifier_announce_stored(struct notifier *n, struct zone_entry *e);

/** Keys have changed: what could not be sent without one is sent now. */
void notifier_rekey(struct notifier *n, struct zone_entry *e);

/**
 * One line about a target, for status.
 *
 * index    0..target_count - 1
 * Returns  text
 */
char *notifier_describe(const struct zone_entry *e, size_t index, char *text,
			size_t cap);

#endif
