/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/root.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>
#include <urcu-qsbr.h>

#include "base/container.h"
#include "base/error.h"

/* What secondaryd says of itself when the configuration is silent. */
#define VERSION_TEXT "secondaryd"

struct root_owned {
	struct root root; /* first */
	struct rcu_head rcu;
	char host[256];
};

static void
set_identity(struct root_owned *o)
{
	const struct config_server *s = &o->root.config->server;
	struct answer_identity *id = &o->root.identity;

	if (gethostname(o->host, sizeof(o->host) - 1) != 0) {
		o->host[0] = '\0';
	}
	id->version = s->version == NULL ? VERSION_TEXT : s->version;
	id->identity = s->identity == NULL ? o->host : s->identity;
	if (id->version[0] == '\0') {
		id->version = NULL;
	}
	if (id->identity[0] == '\0') {
		id->identity = NULL;
	}
	id->nsid = s->nsid_len > 0 ? s->nsid : NULL;
	id->nsid_len = s->nsid_len;
	id->udp_max_payload = s->udp_max_payload;
}

int
root_new(struct config *config, struct zone *const *zones, size_t count,
	 const struct name_hash_key *key, struct root **out)
{
	struct root_owned *o = calloc(1, sizeof(*o));

	if (o == NULL) {
		return SECD_ENOMEM;
	}
	if (zone_table_new(zones, count, key, &o->root.zones) != SECD_OK) {
		free(o);
		return SECD_ENOMEM;
	}
	o->root.config = config_ref(config);
	set_identity(o);
	o->root.answer = (struct answer_context){.zones = o->root.zones,
						 .identity = &o->root.identity};
	*out = &o->root;
	return SECD_OK;
}

void
root_free(struct root *root)
{
	if (root != NULL) {
		zone_table_free(root->zones);
		config_unref(root->config);
		free(root);
	}
}

const struct root *
root_get(const struct root_pointer *p)
{
	/* What rcu_dereference does, in words that sanitizers know. */
	return atomic_load_explicit(&p->current, memory_order_acquire);
}

static void
free_later(struct rcu_head *head)
{
	root_free(&container_of(head, struct root_owned, rcu)->root);
}

void
root_publish_take(struct root_pointer *p, struct root *root)
{
	struct root *old =
	    atomic_exchange_explicit(&p->current, root, memory_order_acq_rel);

	if (old != NULL) {
		call_rcu(&((struct root_owned *)old)->rcu, free_later);
	}
}
