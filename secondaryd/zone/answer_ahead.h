/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * answer_ahead -- what the answers to several queries need from memory, asked
 * for before the first of them is made.
 *
 * In a zone of a million names nearly every query finds its hash slot and its
 * node out of the caches: a wait each, of a fifth of a microsecond in all. Here
 * these waits go on at the same time, so that there is one for all queries.
 * Nothing depends on it but time.
 */

#ifndef SECD_ZONE_ANSWER_AHEAD_H
#define SECD_ZONE_ANSWER_AHEAD_H

#include "zone/answer.h"

/* Queries in one call. */
#define ANSWER_AHEAD_MAX 32

/**
 * Begin to fetch what answer_query will look at, in the same read section.
 *
 * queries  QUERY_PLAIN; `count` of them. One alone gains nothing.
 */
void answer_ahead(const struct answer_context *ctx,
		  const struct query *const *queries, unsigned count);

#endif
