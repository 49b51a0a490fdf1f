/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A new image out of an image and changesets: nodes and operations in one
 * order, merged. Owners without operations are copied as they are.
 */

#include "base/error.h"
#include "zone/build_internal.h"
#include "zone/change_ops.h"
#include "zone/compose.h"

struct work {
	const struct image *base;
	struct change_ops ops;
	struct compose compose;
	struct owner_set set; /* of the owner in the works */
};

static int
keep(struct work *w, const struct node *n)
{
	const uint8_t *next = change_ops_owner(&w->ops);
	bool same_below = next == NULL || !name_is_in(next, n->owner);
	bool copied;
	int rc;

	rc = compose_copy(&w->compose, n, same_below, &copied);
	if (rc != SECD_OK || copied) {
		return rc;
	}
	rc = owner_set_read(&w->set, n, w->ops.reader);
	return rc != SECD_OK ? rc : compose_owner(&w->compose, &w->set);
}

static int
apply(struct work *w, const struct node *n)
{
	int rc = change_ops_apply(&w->ops, n, &w->set);

	if (rc != SECD_OK || w->set.count == 0) {
		return rc; /* an owner without records is gone */
	}
	return compose_owner(&w->compose, &w->set);
}

/* The next node of the base that has records. */
static const struct node *
next_node(const struct work *w, const struct node *n)
{
	do {
		n = image_next(w->base, n);
	} while (n != NULL && (n->flags & NODE_EMPTY) != 0);
	return n;
}

static int
merge(struct work *w)
{
	const struct node *n = next_node(w, NULL);
	int rc = SECD_OK;

	while (rc == SECD_OK) {
		const uint8_t *owner = change_ops_owner(&w->ops);
		int order = -1; /* no operation left */

		if (n == NULL && owner == NULL) {
			break;
		}
		if (n == NULL) {
			order = 1;
		} else if (owner != NULL) {
			order = name_compare(n->owner, owner);
		}
		if (order < 0) {
			rc = keep(w, n);
		} else {
			rc = apply(w, order == 0 ? n : NULL);
		}
		if (order <= 0) {
			n = next_node(w, n);
		}
	}
	return rc;
}

static int
build(struct work *w, const struct build_params *p, struct image **out,
      struct build_report *report)
{
	int rc = compose_init(&w->compose, p, w->base, report);

	if (rc == SECD_OK) {
		rc = merge(w);
	}
	if (rc == SECD_OK) {
		rc = compose_finish(&w->compose, out);
	}
	compose_fini(&w->compose);
	owner_set_fini(&w->set);
	return rc;
}

int
build_from_changes(const struct build_params *p, const struct image *base,
		   const struct changeset *const *changesets, size_t count,
		   struct image **out, struct build_report *report)
{
	struct work w = {.base = base};
	int rc;

	*report = (struct build_report){.records = 0};
	rc = change_ops_init(&w.ops, image_apex(base), image_serial(base),
			     changesets, count, report);
	if (rc == SECD_OK) {
		rc = build(&w, p, out, report);
	}
	change_ops_fini(&w.ops);
	return build_explain(report, rc);
}
