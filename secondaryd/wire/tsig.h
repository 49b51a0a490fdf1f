/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tsig -- transaction signatures (RFC 8945) over libknot.
 *
 * Adds what libknot 3.2 leaves out: the algorithm named in the record must be
 * the key's, truncated MACs are told from wrong ones, the peer's fudge is
 * capped. The current time is an argument wherever we decide; libknot's own
 * check reads the clock too, and this file is its only home.
 */

#ifndef SECD_WIRE_TSIG_H
#define SECD_WIRE_TSIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "wire/name.h"

#define TSIG_MAC_MAX      64   /* octets: hmac-sha512 */
#define TSIG_FUDGE        300  /* seconds, RFC 8945 section 10 */
#define TSIG_UNSIGNED_MAX 99   /* messages in a row, RFC 8945 section 5.3.1 */
#define TSIG_OCTETS_MAX   (1u << 23) /* held for one signature */

enum tsig_algorithm {
	TSIG_HMAC_MD5 = 1,
	TSIG_HMAC_SHA1,
	TSIG_HMAC_SHA224,
	TSIG_HMAC_SHA256,
	TSIG_HMAC_SHA384,
	TSIG_HMAC_SHA512,
};

struct tsig_key; /* counted; immutable; secret in locked memory */

/**
 * Make a key.
 *
 * name     copied, lower-cased
 * secret   copied; the caller wipes his own
 * Returns  SECD_OK, SECD_EINVAL (algorithm, empty secret), SECD_ENOMEM
 */
int tsig_key_new(const uint8_t *name, enum tsig_algorithm algorithm,
                 const uint8_t *secret, size_t secret_len,
                 struct tsig_key **out);
struct tsig_key *tsig_key_ref(struct tsig_key *key);
/** Drop one reference; the last wipes and frees. NULL is fine. */
void tsig_key_unref(struct tsig_key *key);
const uint8_t *tsig_key_name(const struct tsig_key *key);
enum tsig_algorithm tsig_key_algorithm(const struct tsig_key *key);

/** "hmac-sha256" and so on. Returns SECD_OK, SECD_ENOTFOUND. */
int tsig_algorithm_from_text(const char *text, enum tsig_algorithm *out);
const char *tsig_algorithm_text(enum tsig_algorithm algorithm);

/** What was wrong with a signature, in RFC 8945's words. */
enum tsig_verdict {
	TSIG_GOOD = 0,
	TSIG_MISSING,  /* none where one is required */
	TSIG_FORMERR,  /* not last, more than one, or unreadable */
	TSIG_BADSIG,   /* 16 */
	TSIG_BADKEY,   /* 17: unknown name or another algorithm */
	TSIG_BADTIME,  /* 18 */
	TSIG_BADTRUNC, /* 22 */
	TSIG_TOO_LONG, /* more than 99 unsigned messages, or too many octets */
	TSIG_REFUSED_BADSIG,  /* the peer says so of our request */
	TSIG_REFUSED_BADKEY,
	TSIG_REFUSED_BADTIME,
	TSIG_REFUSED_BADTRUNC,
};
const char *tsig_verdict_text(enum tsig_verdict verdict);

/** Where the TSIG of a message is, without checking it. */
struct tsig_place {
	bool present;
	size_t at;                  /* octet where the record starts */
	uint8_t key[NAME_LEN_MAX];  /* lower-case */
};

/**
 * Find the TSIG record, which must be the last record of the message and the
 * only one.
 *
 * Returns  SECD_OK (also when there is none), SECD_EMALF (the answer is
 *          FORMERR, RFC 8945 section 5.1)
 */
int tsig_find(const uint8_t *msg, size_t len, struct tsig_place *out);

/** Octets that a signature with this key adds to a message. */
size_t tsig_room(const struct tsig_key *key);

/*
 * One transaction: a request and the messages that answer it. Whoever asks
 * signs the request and verifies the answers; whoever answers verifies the
 * request and signs. Holds a reference to the key; key NULL means that this
 * transaction is unsigned, and that any TSIG in it is an error.
 */
struct tsig_transaction {
	struct tsig_key *key;
	uint8_t mac[TSIG_MAC_MAX]; /* of the last signed message */
	size_t mac_len;
	uint64_t time_signed; /* of the last signed message */
	bool first;           /* no answer signed or verified yet */
	unsigned unsigned_run;
	struct buf held;  /* octets since the last signature */
	int64_t skew_s;   /* peer's clock minus ours, when a TSIG was seen */
};

/** Start as the asking side; takes a reference to the key (NULL: none). */
void tsig_transaction_init(struct tsig_transaction *t, struct tsig_key *key);
void tsig_transaction_fini(struct tsig_transaction *t);

/**
 * Sign our request in place.
 *
 * len      in and out: octets of the message
 * Returns  SECD_OK, SECD_ENOSPC (cap), SECD_ENOMEM
 */
int tsig_sign_request(struct tsig_transaction *t, uint8_t *msg, size_t *len,
                      size_t cap, int64_t now);

/**
 * Verify one message of the answer, in order; strips its TSIG (length and
 * ARCOUNT). An unsigned message in between is held until the next signature.
 *
 * Returns  TSIG_GOOD or what is wrong; after anything else the transaction
 *          is over
 */
enum tsig_verdict tsig_verify_answer(struct tsig_transaction *t, uint8_t *msg,
                                     size_t *len, int64_t now);
/** Call once the stream's end was read: was the last message signed? */
enum tsig_verdict tsig_verify_end(const struct tsig_transaction *t);

/**
 * Answering side: verify a request's TSIG found by tsig_find, strip it, and
 * start a transaction that signs the answers.
 *
 * key      the key of that name or NULL when there is none (BADKEY)
 * Returns  TSIG_GOOD, TSIG_BADKEY, TSIG_BADSIG, TSIG_BADTIME, TSIG_BADTRUNC:
 *          then tsig_sign_error makes the answer
 */
enum tsig_verdict tsig_verify_request(struct tsig_transaction *t,
                                      struct tsig_key *key, uint8_t *msg,
                                      size_t *len,
                                      const struct tsig_place *place,
                                      int64_t now);

/** Sign the next message of our answer. As tsig_sign_request. */
int tsig_sign_answer(struct tsig_transaction *t, uint8_t *msg, size_t *len,
                     size_t cap, int64_t now);

/**
 * Append the TSIG of an error answer (RFC 8945 section 5.3.2): unsigned for
 * BADKEY, BADSIG and BADTRUNC; signed, with the server's time, for BADTIME.
 * The message's RCODE is the caller's: NOTAUTH.
 */
int tsig_sign_error(struct tsig_transaction *t, enum tsig_verdict verdict,
                    const uint8_t *request, size_t request_len,
                    const struct tsig_place *place, uint8_t *msg, size_t *len,
                    size_t cap, int64_t now);

#endif
