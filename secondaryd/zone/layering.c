/* SPDX-License-Identifier: BSD-2-Clause */

#include "zone/layering.h"

#include "base/error.h"

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

int
layering_apply(const struct build_params *p, const struct version *base,
	       unsigned frozen, const struct changeset *const *changesets,
	       size_t count, uint64_t seq, struct version **out,
	       struct build_report *report)
{
	return layering_apply_within(&layering_defaults, p, base, frozen,
				     changesets, count, seq, out, report);
}

int
layering_apply_within(const struct layering_limits *limits,
		      const struct build_params *p, const struct version *base,
		      unsigned frozen,
		      const struct changeset *const *changesets, size_t count,
		      uint64_t seq, struct version **out,
		      struct build_report *report)
{
	(void)limits;
	(void)p;
	(void)base;
	(void)frozen;
	(void)changesets;
	(void)count;
	(void)seq;
	(void)out;
	*report = (struct build_report){.records = 0};
	return SECD_EAGAIN;
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
