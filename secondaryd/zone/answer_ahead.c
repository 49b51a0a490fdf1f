/* SPDX-License-Identifier: BSD-2-Clause */

#include "zone/answer_ahead.h"

/* Names that are looked up first: the QNAME, and its parent when it is below a
 * cut or does not exist. */
#define SUFFIXES 2

/* A query whose zone has been found. */
struct found {
	const struct query *q;
	const struct version *version;
	unsigned suffixes; /* below the apex, SUFFIXES at most */
	bool is_denied;    /* as it seems */
	uint64_t denial;   /* for version_prefetch_denial_nodes */
};

static bool
find_version(const struct answer_context *ctx, const struct query *q,
	     struct found *out)
{
	unsigned apex;
	const struct zone *z =
	    zone_table_find(ctx->zones, q->lower, &q->hashes, 0, &apex);

	if (z == NULL) {
		return false;
	}
	out->q = q;
	out->version = zone_version(z);
	out->suffixes = apex < SUFFIXES ? apex : SUFFIXES;
	return out->version != NULL;
}

static void
fetch_slots(const struct found *f)
{
	for (unsigned i = 0; i < f->suffixes; i++) {
		version_prefetch(f->version, f->q->hashes.hash[i]);
	}
}

static void
fetch_node(struct found *f)
{
	bool exists = f->suffixes == 0;

	for (unsigned i = 0; i < f->suffixes; i++) {
		exists |=
		    version_prefetch_node(f->version, f->q->hashes.hash[i]);
	}
	f->is_denied = !exists && f->q->edns_do;
	if (f->is_denied) {
		f->denial = version_prefetch_denial(f->version, f->q->lower);
	}
}

static void
fetch_denial(const struct found *f)
{
	if (f->is_denied) {
		version_prefetch_denial_nodes(f->version, f->denial);
	}
}

void
answer_ahead(const struct answer_context *ctx,
	     const struct query *const *queries, unsigned count)
{
	struct found found[ANSWER_AHEAD_MAX];
	unsigned n = 0;

	if (count < 2) {
		return;
	}
	for (unsigned i = 0; i < count; i++) {
		zone_table_prefetch(ctx->zones, &queries[i]->hashes);
	}
	for (unsigned i = 0; i < count; i++) {
		if (find_version(ctx, queries[i], &found[n])) {
			fetch_slots(&found[n++]);
		}
	}
	for (unsigned i = 0; i < n; i++) {
		fetch_node(&found[i]);
	}
	for (unsigned i = 0; i < n; i++) {
		fetch_denial(&found[i]);
	}
}
