/* SPDX-License-Identifier: BSD-2-Clause */

#include "zone/layer_write.h"

#include <assert.h>
#include <string.h>

#include "base/error.h"
#include "zone/nsec3.h"

/* All of it stays on the heap. */
#define MEMORY_MAX (SIZE_MAX / 4)

int
layer_write_init(struct layer_write *w, const struct build_params *p)
{
	struct build_params heap = *p;

	heap.memory_max = MEMORY_MAX;
	w->apex = p->apex;
	w->started = false;
	w->has_nsec3 = false;
	return image_write_init(&w->out, &heap);
}

void
layer_write_fini(struct layer_write *w)
{
	image_write_fini(&w->out);
}

/* The parameters outlive the node that they are read from. */
static void
read_apex(struct layer_write *w, const struct node *apex)
{
	assert((apex->flags & NODE_APEX) != 0);
	w->started = true;
	w->has_nsec3 = nsec3_params_of(apex, &w->nsec3);
	if (w->has_nsec3) {
		memcpy(w->salt, w->nsec3.salt, w->nsec3.salt_len);
		w->nsec3.salt = w->salt;
	}
}

int
layer_write_put(struct layer_write *w, const struct node *n)
{
	uint64_t at;
	int rc;

	if (!w->started) {
		read_apex(w, n);
	}
	rc = image_write_node(&w->out, n, &at);
	if (rc != SECD_OK) {
		return rc;
	}
	return image_write_denial(&w->out, n, at, w->apex,
				  w->has_nsec3 ? &w->nsec3 : NULL);
}

int
layer_write_finish(struct layer_write *w, uint32_t serial,
		   enum image_denial denial, int64_t record_delta,
		   struct layer **out)
{
	struct image *im;
	int rc;

	assert(w->started);
	rc = image_write_finish(&w->out, serial, denial, &im);
	if (rc != SECD_OK) {
		return rc;
	}
	rc = layer_new_take(im, record_delta, out);
	if (rc != SECD_OK) {
		image_unref(im);
	}
	return rc;
}
