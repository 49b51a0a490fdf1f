/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A cut whose node is to hold glue waits until its subtree has passed, since
 * that is where the glue is. RFC 9471 wants all of it in a referral.
 */

#include <string.h>

#include "base/error.h"
#include "zone/compose.h"

/* What waits below a cut stays in memory up to this. */
#define BELOW_MEMORY ((size_t)1024 * 1024)

void
compose_cut_fini(struct compose_cut *cut)
{
	owner_set_fini(&cut->set);
	glue_fini(&cut->glue);
	stream_fini(&cut->below);
}

int
compose_cut_begin(struct compose *c, struct owner_set *set, uint16_t flags,
		  const uint8_t *own_hash)
{
	struct compose_cut *cut = &c->cut;
	struct owner_set spare;
	int rc = glue_start(&cut->glue, set);

	if (rc != SECD_OK || cut->glue.count == 0) {
		return rc;
	}
	spare = cut->set;
	cut->set = *set;
	*set = spare;
	cut->waits = true;
	cut->flags = flags;
	if ((flags & NODE_OWN_HASH) != 0) {
		memcpy(cut->own_hash, own_hash, sizeof(cut->own_hash));
	}
	stream_init(&cut->below, c->p->dir, BELOW_MEMORY, false);
	return glue_take(&cut->glue, &cut->set);
}

static int
write_cut(struct compose *c)
{
	struct compose_cut *cut = &c->cut;
	struct node_spec spec = {
	    .set = &cut->set,
	    .owner = cut->set.owner,
	    .flags = cut->flags,
	    .barrier_labels = (uint8_t)name_label_count(cut->set.owner),
	    .own_hash = cut->own_hash,
	};
	const struct node *n;
	int rc;

	glue_put(&cut->glue, &spec);
	rc = node_write(&c->writer, &spec, &n);
	return rc != SECD_OK ? rc : compose_place(c, n);
}

static int
write_below(struct compose *c)
{
	struct stream *below = &c->cut.below;
	uint64_t at = 0, end = stream_len(below), placed;
	struct buf scratch = {0};
	int rc = SECD_OK;

	while (at < end && rc == SECD_OK) {
		const uint8_t *octets;
		uint32_t len;

		rc = stream_get(below, at, sizeof(len), &scratch, &octets);
		if (rc != SECD_OK) {
			break;
		}
		memcpy(&len, octets, sizeof(len));
		rc = stream_get(below, at, len, &scratch, &octets);
		if (rc == SECD_OK) {
			rc = image_write_node(&c->out, (const void *)octets,
					      &placed);
		}
		at += len;
	}
	buf_fini(&scratch);
	return rc;
}

int
compose_cut_end(struct compose *c)
{
	int rc;

	c->cut.waits = false;
	rc = write_cut(c);
	if (rc == SECD_OK) {
		rc = write_below(c);
	}
	stream_fini(&c->cut.below);
	return rc;
}
