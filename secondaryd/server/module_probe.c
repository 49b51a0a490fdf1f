/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Orders of modules to probe a server: from the commit thread to the transfer
 * thread, and back as an event.
 */

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "server/module_sockaddr.h"
#include "server/modules_internal.h"

#define PROBES_MAX 64 /* of all modules, at a time */

#define SAME(a, b) _Static_assert((int)(a) == (int)(b), "one numbering")

SAME(SECD_PROBE_VERIFIED, PROBE_VERIFIED);
SAME(SECD_PROBE_REFUSED, PROBE_REFUSED);
SAME(SECD_PROBE_UNSIGNED, PROBE_UNSIGNED);
SAME(SECD_PROBE_WRONG, PROBE_WRONG);
SAME(SECD_PROBE_SILENT, PROBE_SILENT);
SAME(SECD_PROBE_UNREACHABLE, PROBE_UNREACHABLE);
SAME(SECD_PROBE_FAILED, PROBE_FAILED);

static void
order_free(struct modules_probe *o)
{
	tsig_key_unref(o->order.key);
	free(o);
}

static bool
is_name(const uint8_t *name)
{
	return name != NULL && name_check(name, NAME_LEN_MAX) > 0;
}

/* The secret that comes along, or the one that this module has put. */
static int
take_key(const struct module_instance *i, const struct secd_probe *p,
	 struct tsig_key **out)
{
	const struct modules *m = i->modules;
	const struct keyring_key *put;

	if (p->secret != NULL) {
		return modules_key_make(m, p->key, p->algorithm, p->secret,
					p->secret_len, out);
	}
	put = keyring_find(keys_ring(&m->frontend->keys), p->key);
	if (put == NULL || strcmp(put->owner, i->id) != 0) {
		return SECD_ENOTFOUND;
	}
	*out = tsig_key_ref(put->key);
	return SECD_OK;
}

/* Where to, and where from. */
static int
take_addresses(const struct secd_probe *p, struct prober_order *out)
{
	if (p->to.port == 0 || !module_sockaddr_to(&p->to, &out->to)) {
		return SECD_EINVAL;
	}
	if (p->from.family != 0 &&
	    (p->from.family != p->to.family ||
	     !module_sockaddr_to(&p->from, &out->from))) {
		return SECD_EINVAL;
	}
	return SECD_OK;
}

static int
order_new(struct module_instance *i, const struct secd_probe *p,
	  struct modules_probe **out)
{
	struct modules_probe *o;
	int rc;

	if (!is_name(p->zone) || !is_name(p->key) || p->timeout_ms == 0) {
		return SECD_EINVAL;
	}
	o = calloc(1, sizeof(*o));
	if (o == NULL) {
		return SECD_ENOMEM;
	}
	rc = take_addresses(p, &o->order);
	if (rc == SECD_OK) {
		rc = take_key(i, p, &o->order.key);
	}
	if (rc != SECD_OK) {
		free(o);
		return rc;
	}
	name_lower(p->zone, o->order.zone);
	o->order.is_tcp = (p->flags & SECD_PROBE_TCP) != 0;
	o->order.timeout_ms = p->timeout_ms;
	o->modules = i->modules;
	o->asker = i;
	o->id = p->id;
	*out = o;
	return SECD_OK;
}

int
modules_host_probe(void *ctx, const struct secd_probe *p)
{
	struct module_instance *i = ctx;
	struct modules *m = i->modules;
	struct modules_probe *o;
	int rc = order_new(i, p, &o);

	if (rc != SECD_OK) {
		return rc;
	}
	/* Before there is a thread, and when it ends, nobody is there to probe;
	 * both pass. */
	if (m->probe == NULL || m->commit == NULL || m->probes == PROBES_MAX) {
		order_free(o);
		return SECD_EBUSY;
	}
	m->probes++;
	m->probe(m->probe_ctx, o);
	return SECD_OK;
}

static void
tell(struct letter *letter)
{
	struct modules_probe *o = (struct modules_probe *)letter;
	struct module_instance *i = o->asker;
	const struct secd_probe_result result = {
	    .size = sizeof(result),
	    .outcome = o->result.outcome,
	    .id = o->id,
	    .rcode = o->result.rcode,
	    .tsig_error = o->result.tsig_error,
	    .has_serial = o->result.has_serial,
	    .serial = o->result.serial,
	    .skew_ms = o->result.skew_s * 1000,
	    .took_ms = o->result.took_ms,
	};
	const struct secd_event e = {
	    .size = sizeof(e),
	    .type = SECD_EVENT_PROBE_DONE,
	    .probe = &result,
	};

	o->modules->probes--;
	modules_flush(o->modules);
	if (i->self != NULL && i->files.code->event != NULL) {
		i->is_touched = true;
		i->files.code->event(i->self, &e);
	}
	order_free(o);
}

void
modules_probe_done(struct modules_probe *o, const struct probe_result *r)
{
	o->result = *r;
	o->letter.run = tell;
	if (o->modules->commit == NULL) {
		tell(&o->letter);
	} else {
		commit_call(o->modules->commit, &o->letter);
	}
}
