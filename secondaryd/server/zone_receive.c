/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/zone_receive.h"

#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/clock.h"
#include "base/error.h"
#include "server/zone_commit.h"
#include "server/zone_compact.h"
#include "server/zone_log.h"
#include "server/zone_publish.h"

void
zone_receive_failure(struct zone_entry *e, const struct exchange_result *result)
{
	zone_log_failure(e, result);
	refresh_failed(e->refresh, e->action.attempt, result->in->failure,
		       result->in->rcode, result->in->text, clock_boot_ms());
}

/* A complete transfer goes to the build thread. */
static int
apply(struct zone_entry *e,
      void (*built)(struct zone_entry *e, struct zone_result *result))
{
	struct changeset changes = {0};
	struct spool *spool = exchange_take_spool(e->exchange);
	int rc;

	if (spool != NULL) {
		rc = zone_apply_spool(e, e->action.attempt, spool, built);
		if (rc != SECD_OK) {
			spool_free(spool);
		}
		return rc;
	}
	rc = exchange_take_changeset(e->exchange, &changes);
	if (rc == SECD_OK) {
		rc = zone_apply_changes(e, e->action.attempt, &changes, built);
		changeset_fini(&changes);
	}
	return rc;
}

static int
summarise(struct zone_entry *e, const struct xfr_in_result *in)
{
	const struct config_target *t =
	    zone_primary(e->policy, e->action.primary);
	const struct tsig_key *key = exchange_key(e->exchange);
	size_t key_len = key == NULL ? 0 : name_len(tsig_key_name(key));
	struct transfer_summary *s = calloc(1, sizeof(*s) + key_len);

	if (s == NULL) {
		return SECD_ENOMEM;
	}
	if (key != NULL) {
		s->is_signed = true;
		memcpy(s->key, tsig_key_name(key), key_len);
	}
	s->kind = in->outcome;
	s->octets = in->octets;
	s->records = in->records;
	s->messages = in->messages;
	s->duration_ms = clock_boot_ms() - e->action_started_ms;
	s->had_serial = e->newest != NULL;
	s->from_serial = s->had_serial ? version_serial(e->newest) : 0;
	s->serial = in->soa.serial;
	address_text(t->to, s->primary, sizeof(s->primary));
	free(e->arriving);
	e->arriving = s;
	return SECD_OK;
}

void
zone_receive_answer(struct zone_entry *e, const struct exchange_result *result,
		    void (*built)(struct zone_entry *e,
				  struct zone_result *result))
{
	int64_t now = clock_boot_ms();
	int rc;

	if (refresh_primary(e->refresh, e->action.primary)->failures > 0) {
		zone_log_recovery(e);
	}
	if (!refresh_answered(e->refresh, e->action.attempt, result->in, now)) {
		zone_log_answer(e, result->in);
		zone_save_state(e);
		return;
	}
	rc = summarise(e, result->in);
	if (rc == SECD_OK) {
		rc = apply(e, built);
	}
	if (rc != SECD_OK) {
		refresh_apply_failed(e->refresh, e->action.attempt,
				     FAILURE_LOCAL, secd_strerror(rc), now);
		return;
	}
	e->activity = ZONE_BUILDING;
}

void
zone_receive_built(struct zone_entry *e, struct zone_result *result)
{
	const char *reason = result->reason;
	int64_t now = clock_boot_ms();
	int rc = result->rc;

	e->activity = ZONE_IDLE;
	if (rc == SECD_OK) {
		zone_publish(e, result->attempt, result->version,
			     &result->changes);
		free(e->last);
		e->last = e->arriving;
		e->arriving = NULL;
		e->last->ended_at = clock_wall_s();
		e->last->duration_ms = now - e->action_started_ms;
		zone_log_transfer(e);
	} else {
		reason = reason[0] == '\0' ? secd_strerror(rc) : reason;
		zone_log_refused(e, reason);
		refresh_apply_failed(e->refresh, result->attempt,
				     failure_of_build(rc), reason, now);
	}
	zone_compact_consider(e);
}
