/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A new image out of a version and changesets: nodes and operations in one
 * order, merged. Owners without operations are copied as they are.
 */

#include "base/error.h"
#include "zone/build_internal.h"
#include "zone/change_ops.h"
#include "zone/compose.h"

struct work {
	struct version_cursor base;
	const struct node *next; /* of the base that has records */
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

static void
pass(struct work *w)
{
	do {
		w->next = version_cursor_next(&w->base);
	} while (w->next != NULL && (w->next->flags & NODE_EMPTY) != 0);
}

static int
merge(struct work *w)
{
	int rc = SECD_OK;

	pass(w);
	while (rc == SECD_OK) {
		const struct node *n = w->next;
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
			pass(w);
		}
	}
	return rc;
}

static int
build(struct work *w, const struct build_params *p, const struct version *base,
      struct image **out, struct build_report *report)
{
	int rc = compose_init(&w->compose, p, base, report);

	version_cursor_start(&w->base, base);
	if (rc == SECD_OK) {
		rc = merge(w);
	}
	if (rc == SECD_OK && !version_cursor_is_whole(&w->base)) {
		rc = build_refuse(report, SECD_EIO, p->apex, "damaged image");
	}
	if (rc == SECD_OK) {
		rc = compose_finish(&w->compose, out);
	}
	compose_fini(&w->compose);
	owner_set_fini(&w->set);
	return rc;
}

int
build_from_changes(const struct build_params *p, const struct version *base,
		   const struct changeset *const *changesets, size_t count,
		   struct image **out, struct build_report *report)
{
	struct work w = {.next = NULL};
	int rc;

	*report = (struct build_report){.records = 0};
	rc = change_ops_init(&w.ops, image_apex(version_image(base)),
			     version_serial(base), changesets, count, report);
	if (rc == SECD_OK) {
		rc = build(&w, p, base, out, report);
	}
	change_ops_fini(&w.ops);
	return build_explain(report, rc);
}
