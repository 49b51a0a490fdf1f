/* SPDX-License-Identifier: BSD-2-Clause */

#include "zone/layering.h"

#include <assert.h>
#include <stdlib.h>

#include "base/error.h"
#include "zone/layering_internal.h"

const struct layering_limits layering_defaults = {
    .small_nodes = 1000,
    .range_names = 1000,
    .nodes = 131072,
    .tombstones = 4096,
};

/* A new image is due with so many nodes in layers, or with a tenth of those in
 * the image: but small images are not made all the time. */
#define COMPACT_NODES_MAX 65536
#define COMPACT_NODES_MIN 1000
/* Each may cost a search for what denies a name one step. */
#define COMPACT_TOMBSTONES 2048

static int
lay_over(struct layering *l, const struct changeset *const *changesets,
	 size_t count, unsigned frozen, uint64_t seq, struct version **out)
{
	int rc = change_ops_init(&l->ops, image_apex(version_image(l->base)),
				 version_serial(l->base), changesets, count,
				 l->report);

	if (rc == SECD_OK) {
		rc = layering_owners(l);
	}
	if (rc == SECD_OK) {
		rc = layering_nodes(l);
	}
	return rc != SECD_OK ? rc : layering_merge(l, frozen, seq, out);
}

static void
layering_free(struct layering *l)
{
	change_ops_fini(&l->ops);
	node_write_fini(&l->writer);
	glue_fini(&l->glue);
	owner_set_fini(&l->set);
	owner_set_fini(&l->target);
	arena_free(l->arena);
	free(l->changed.all);
	free(l->index);
	free(l->derived.all);
	free(l);
}

int
layering_apply_within(const struct layering_limits *limits,
		      const struct build_params *p, const struct version *base,
		      unsigned frozen,
		      const struct changeset *const *changesets, size_t count,
		      uint64_t seq, struct version **out,
		      struct build_report *report)
{
	struct layering *l = calloc(1, sizeof(*l));
	int rc = SECD_ENOMEM;

	assert(count > 0);
	*report = (struct build_report){.records = 0};
	if (l == NULL) {
		return build_explain(report, rc);
	}
	l->limits = limits;
	l->p = p;
	l->base = base;
	l->report = report;
	l->arena = arena_new();
	if (l->arena != NULL) {
		rc = lay_over(l, changesets, count, frozen, seq, out);
	}
	report->records = rc == SECD_OK ? l->records : 0;
	layering_free(l);
	return rc == SECD_EAGAIN ? rc : build_explain(report, rc);
}

int
layering_apply(const struct build_params *p, const struct version *base,
	       unsigned frozen, const struct changeset *const *changesets,
	       size_t count, uint64_t seq, struct version **out,
	       struct build_report *report)
{
	return layering_apply_within(&layering_defaults, p, base, frozen,
				     changesets, count, seq, out, report);
}

static int
build_version(const struct build_params *p, const struct version *base,
	      const struct changeset *const *changesets, size_t count,
	      uint64_t seq, struct version **out, struct build_report *report)
{
	struct image *im;
	int rc = build_from_changes(p, base, changesets, count, &im, report);

	if (rc == SECD_OK) {
		rc = version_new_take(seq, im, out);
		if (rc != SECD_OK) {
			image_unref(im);
		}
	}
	return rc;
}

int
layering_make(const struct build_params *p, const struct version *base,
	      const struct changeset *const *changesets, size_t count,
	      uint64_t seq, struct version **out, struct build_report *report)
{
	struct build_params unlimited = *p;
	int rc;

	unlimited.limits = (struct build_limits){0};
	if (image_is_file(version_image(base))) {
		rc = layering_apply(&unlimited, base, 0, changesets, count, seq,
				    out, report);
		if (rc != SECD_EAGAIN) {
			return rc;
		}
		rc = image_verify(version_image(base));
		if (rc != SECD_OK) {
			return build_refuse(report, rc, p->apex,
					    "damaged image");
		}
	}
	return build_version(&unlimited, base, changesets, count, seq, out,
			     report);
}

int
layering_rebase(const struct version *v, unsigned frozen, struct image *im,
		struct version **out)
{
	struct layer *layers[VERSION_LAYERS_MAX];
	unsigned count = 0;

	for (unsigned i = frozen; i < version_layer_count(v); i++) {
		layers[count++] = version_layer(v, i);
	}
	return version_new(version_seq(v), im, layers, count, out);
}

bool
layering_wants_compaction(const struct version *v)
{
	uint64_t most = image_node_count(version_image(v)) / 10;
	size_t nodes = 0, tombstones = 0;

	if (most > COMPACT_NODES_MAX) {
		most = COMPACT_NODES_MAX;
	} else if (most < COMPACT_NODES_MIN) {
		most = COMPACT_NODES_MIN;
	}
	for (unsigned i = 0; i < version_layer_count(v); i++) {
		const struct layer *l = version_layer(v, i);

		nodes += layer_node_count(l);
		tombstones += layer_tombstone_count(l);
	}
	return nodes > most || tombstones > COMPACT_TOMBSTONES;
}
