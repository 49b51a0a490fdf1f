/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * try_rotate -- what the trials of tsig-rotate share: nodes that are configured
 * in the usual way, and words for what goes wrong.
 */

#ifndef TESTS_MODULE_TRY_ROTATE_H
#define TESTS_MODULE_TRY_ROTATE_H

#include "rotate_net.h"

#define SECOND_MS INT64_C(1000)
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS   (60 * MINUTE_MS)

/* What all of them have: an epoch of two hours, a drain of one minute. */
#define ROTATE_TIMES                                                           \
	"rotation:\n"                                                          \
	"    unsafe-timing: on\n"                                              \
	"    epoch: 2h\n"                                                      \
	"    drain: 1m\n"                                                      \
	"    check-interval: 5m\n"

#define EPOCH_MS (2 * HOUR_MS)

/* The names of pair p1, in every configuration here. */
#define KEY_A "p1-a.example."
#define KEY_B "p1-b.example."

/** Node 0 leads, node 1 follows, and both have a root. */
struct net *rotate_two_nodes(const struct trial *t);
/** One of the two. */
void rotate_open(struct net *n, unsigned i, const char *more);
/** Node 0, and server 0, whose keys it puts there; or does by hand. */
struct net *rotate_server(const struct trial *t, bool has_place,
			  const char *more);

/** A file of a trial's directory. Its name is in `path`, room for 300. */
void rotate_write(const struct trial *t, const char *name, const char *text,
		  char *path);
void rotate_write_root(const struct trial *t, char digit);

/** Run a command, and end when it fails, or does not fail. */
void rotate_do(struct net *n, unsigned i, const char *words);
void rotate_do_not(struct net *n, unsigned i, const char *words,
		   const char *says);
/** End when it was not said. */
void rotate_expect(struct net *n, size_t from, const char *text);
void rotate_expect_not(struct net *n, size_t from, const char *text);

/** Both nodes, or the node and its server, use and accept the same key. */
void rotate_expect_order(struct net *n);
/** The slot in use: 0, 1. */
unsigned rotate_slot(struct net *n, unsigned i);

#endif
