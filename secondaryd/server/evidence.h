/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * evidence -- what became of signatures under the keys of modules, added up
 * until it is told.
 *
 * Any thread adds; the lock is taken only for what was signed under such a
 * key. Memory is bounded whatever strangers send: what nobody has proved
 * anything by has half of the room, and what does not fit is counted. So is the
 * work of comparing signatures with secrets that are not in force.
 */

#ifndef SECD_SERVER_EVIDENCE_H
#define SECD_SERVER_EVIDENCE_H

#include <stdbool.h>
#include <sys/socket.h>

#include "secondaryd/module.h"
#include "wire/tsig.h"

#define EVIDENCE_MAX          1024 /* different outcomes at a time */
#define EVIDENCE_UNPROVED_MAX (EVIDENCE_MAX / 2)

/* In one second: MACs that are computed to compare, and requests of one peer
 * that are. */
#define EVIDENCE_COMPARED_MAX      2000
#define EVIDENCE_COMPARED_PEER_MAX 4

struct evidence;

/** Returns SECD_OK, SECD_ENOMEM. */
int evidence_new(struct evidence **out);
/** NULL is fine. */
void evidence_free(struct evidence *e);

/**
 * Whom to tell that there is something to take; NULL: nobody. It is told once,
 * on the thread that adds, until evidence_expect; at once, if there is
 * something already. It must not call back.
 */
void evidence_set_wake(struct evidence *e, void (*wake)(void *arg), void *arg);
/** What `wake` told has come to be known: tell again. */
void evidence_expect(struct evidence *e);

/**
 * Add an outcome.
 *
 * used     count is how many; name is lower-case; all of it is copied
 */
void evidence_add(struct evidence *e, const struct secd_key_used *used);

/**
 * Add what became of the signature of an answer to a request of ours.
 *
 * e        NULL: nobody wants to know
 * key      what the request was signed with, or NULL; one without a tag is no
 *          module's
 * skew_s   the peer's clock minus ours
 */
void evidence_add_answer(struct evidence *e, const struct tsig_key *key,
			 enum tsig_verdict verdict,
			 const struct sockaddr_storage *peer, int64_t skew_s);

/** May a request of a peer be compared with so many secrets, in this second? */
bool evidence_may_compare(struct evidence *e, const struct secd_address *peer,
			  size_t count, int64_t second);

/* What was added up. */
struct evidence_item {
	struct evidence_item *next;
	struct secd_key_used used; /* its name is below */
	uint8_t name[];
};

/**
 * Take all there is.
 *
 * left_out  receives how many outcomes there was no room for
 * Returns   a list; evidence_items_free it
 */
struct evidence_item *evidence_take(struct evidence *e, uint64_t *left_out);
void evidence_items_free(struct evidence_item *first);

#endif
