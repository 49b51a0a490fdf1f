/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of dispatch share: dispatch.c has what comes in,
 * dispatch_transfer.c the requests for transfers.
 */

#ifndef SECD_SERVER_DISPATCH_INTERNAL_H
#define SECD_SERVER_DISPATCH_INTERNAL_H

#include "server/dispatch.h"

void dispatch_count_answer(struct dispatcher *d, unsigned rcode,
			   bool truncated);

/** May one more line be logged that anybody's datagrams can cause? */
bool dispatch_may_log(struct dispatcher *d);

/** "NOTIFY of example. from 192.0.2.1@53: refused: not in an ACL" */
void dispatch_log(struct request *r, const char *what, const char *outcome,
		  const char *why);

/** An answer without records. ede: -1: none. Returns its octets. */
size_t dispatch_bare(struct request *r, uint16_t flags, uint16_t rcode,
		     int ede);

/** Of the key that the request is signed with, or NULL. */
const uint8_t *dispatch_key_name(const struct request *r);

/** What is configured for a zone; NULL: nothing (any more). */
const struct config_policy *dispatch_policy(const struct request *r,
					    const struct zone *zone);

/** The zone whose apex is the QNAME itself, or NULL. */
struct zone *dispatch_zone(const struct request *r);

/** An AXFR or IXFR, with a TSIG that is good or without one. */
size_t dispatch_transfer(struct request *r);

#endif
