/* SPDX-License-Identifier: BSD-2-Clause */

#include "zone/answer_ahead.h"

#include "zone/nsec3.h"

/* Names that are looked up first: the QNAME, and its parent when it is below a
 * cut or does not exist. */
#define SUFFIXES 2

/* A query whose zone has been found. */
struct found {
	const struct query *q;
	const struct version *version;
	unsigned apex;             /* its index in the hashes */
	enum image_denial denial;  /* of the name, as it seems */
	struct image_ahead denied; /* by what */
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
	out->apex = apex;
	out->denial = IMAGE_UNSIGNED;
	return out->version != NULL;
}

static void
fetch_slots(const struct found *f)
{
	for (unsigned i = 0; i < f->apex && i < SUFFIXES; i++) {
		version_prefetch(f->version, f->q->hashes.hash[i]);
	}
}

/* With NSEC3 it is the next closer name that is denied (RFC 5155 section 1.3),
 * which is known here when all names below the apex have been looked for. It
 * is hashed once more for the answer: that pays only without iterations, which
 * is what RFC 9276 section 3.1 asks for. */
static void
begin_denial(struct found *f)
{
	const struct query *q = f->q;
	const struct image_nsec3 *p = version_nsec3(f->version);

	f->denial = version_denial(f->version);
	if (f->denial == IMAGE_NSEC) {
		image_ahead_name(f->version->image, q->lower, &f->denied);
	} else if (f->denial == IMAGE_NSEC3 && f->apex <= SUFFIXES &&
		   p->iterations == 0) {
		nsec3_hash(q->lower + q->hashes.offset[f->apex - 1], 0, p->salt,
			   p->salt_len, f->denied.hash);
		image_ahead_hash(f->version->image, &f->denied);
	} else {
		f->denial = IMAGE_UNSIGNED;
	}
}

static void
fetch_node(struct found *f)
{
	bool exists = f->apex == 0;

	for (unsigned i = 0; i < f->apex && i < SUFFIXES; i++) {
		exists |=
		    version_prefetch_node(f->version, f->q->hashes.hash[i]);
	}
	if (!exists && f->q->edns_do) {
		begin_denial(f);
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
		if (found[i].denial == IMAGE_NSEC3) {
			image_ahead_entry(found[i].version->image,
					  &found[i].denied);
		}
	}
	for (unsigned i = 0; i < n; i++) {
		if (found[i].denial != IMAGE_UNSIGNED) {
			image_ahead_nodes(found[i].version->image,
					  &found[i].denied);
		}
	}
}
