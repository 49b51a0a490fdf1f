/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * module_entries -- versions and their differences as the entries of
 * secondaryd/module.h, piece by piece.
 */

#ifndef SECD_SERVER_MODULE_ENTRIES_H
#define SECD_SERVER_MODULE_ENTRIES_H

#include "base/buf.h"
#include "secondaryd/module.h"
#include "zone/difference.h"
#include "zone/version.h"

/* The way from one version to another. `api` is lent to a module. */
struct module_stream {
	struct secd_stream api; /* first */
	struct version *from, *to;
	const struct buf *owners;      /* as for difference_new */
	struct difference *difference; /* NULL: nobody has asked yet */
	struct buf piece;
	bool is_over;
};

/** Everything is borrowed until module_stream_fini. */
void module_stream_init(struct module_stream *s, struct version *from,
			struct version *to, const struct buf *owners);
void module_stream_fini(struct module_stream *s);

/* All records of a version. */
struct module_walk;
/** A reference is taken. Returns SECD_OK, SECD_ENOMEM. */
int module_walk_new(struct version *v, struct module_walk **out);
/** As the `walk_next` of a host. SECD_OK, SECD_EIO, SECD_ENOMEM. */
int module_walk_next(struct module_walk *w, const uint8_t **octets,
		     size_t *len);
void module_walk_free(struct module_walk *w);

#endif
