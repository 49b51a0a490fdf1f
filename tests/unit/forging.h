/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * forging -- one message, its forger and the transaction that is to see
 * through it, for the tests of what is verified. Set up again for each test.
 */

#ifndef TESTS_FORGING_H
#define TESTS_FORGING_H

#include "forge.h"
#include "wire/tsig.h"

static struct message m; /* a query at first */
static struct forge forge;
static struct tsig_key *key;
static struct tsig_transaction t;

/* For cmocka. */

static inline int
start(void **state)
{
	(void)state;
	key = forge_key(TSIG_HMAC_SHA256);
	forge_init(&forge);
	forge_query(&m);
	tsig_transaction_init(&t, key);
	return 0;
}

static inline int
stop(void **state)
{
	(void)state;
	tsig_transaction_fini(&t);
	tsig_key_unref(key);
	return 0;
}

#endif
