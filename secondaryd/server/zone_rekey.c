/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/zone_rekey.h"

#include "server/notifier.h"
#include "server/zone_exchange.h"
#include "server/zone_key.h"
#include "server/zone_refresh.h"

static bool
has_key_of_module(const struct config_target *t)
{
	for (size_t i = 0; i < t->key_count; i++) {
		if (t->keys[i] != NULL && t->keys[i]->module != NULL) {
			return true;
		}
	}
	return false;
}

/* Is a primary of no use for a reason that another key may take away? */
static bool
waits_for_key(const struct zone_entry *e)
{
	struct refresh_status status;

	refresh_status(e->refresh, &status);
	if (status.failed_rounds == 0) {
		return false;
	}
	for (unsigned i = 0; i < zone_primary_count(e->policy); i++) {
		if (refresh_primary(e->refresh, i)->health ==
			REFRESH_REFUSING &&
		    has_key_of_module(zone_primary(e->policy, i))) {
			return true;
		}
	}
	return false;
}

void
zone_rekey(struct zone_entry *e)
{
	zone_key_forget(e);
	zone_exchange_cut(e);
	notifier_rekey(e->server->notifier, e);
	if (waits_for_key(e)) {
		zone_command(e, REFRESH_COMMAND_REFRESH);
	}
}
