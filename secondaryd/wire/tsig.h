/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tsig -- transaction signatures (RFC 8945).
 *
 * The HMACs are libdnssec's; what they are computed over, and every decision,
 * is here, since libknot 3.2's own check reads the clock, accepts another
 * algorithm than the key's, and does not tell a truncated MAC from a wrong
 * one. The current time is an argument. The order of the checks is that of
 * RFC 8945 section 5.2: form, key and algorithm, MAC, time, truncation.
 * Knows nothing of keyrings, zones or transfers.
 *
 * The most recent time signed of a key is not cached (a SHOULD of section
 * 5.2.3): datagrams change their order, and queries and NOTIFYs may be
 * replayed without harm.
 */

#ifndef SECD_WIRE_TSIG_H
#define SECD_WIRE_TSIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/name.h"

#define TSIG_MAC_MAX      64  /* octets: hmac-sha512 */
#define TSIG_FUDGE        300 /* seconds, RFC 8945 section 10 */
#define TSIG_UNSIGNED_MAX 99  /* messages in a row, RFC 8945 section 5.3.1 */

enum tsig_algorithm {
	TSIG_HMAC_MD5 = 1,
	TSIG_HMAC_SHA1,
	TSIG_HMAC_SHA224,
	TSIG_HMAC_SHA256,
	TSIG_HMAC_SHA384,
	TSIG_HMAC_SHA512,
};

/* Counted; immutable, but for tsig_key_revoke; secret in locked memory. */
struct tsig_key;
struct dnssec_tsig_ctx;

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

/** What its maker calls this secret; before others have the key. 0, as in a
 * new key: it has no such name. */
void tsig_key_set_tag(struct tsig_key *key, uint64_t tag);
uint64_t tsig_key_tag(const struct tsig_key *key);

/** The same name, algorithm, secret and tag? The time that it takes tells
 * nothing of the secrets. */
bool tsig_key_equal(const struct tsig_key *a, const struct tsig_key *b);

/**
 * What runs under this key is to end. Any thread; those who run something for
 * long look with tsig_key_is_revoked.
 */
void tsig_key_revoke(struct tsig_key *key);
/** False for NULL. */
bool tsig_key_is_revoked(const struct tsig_key *key);

/** "hmac-sha256" and so on. Returns SECD_OK, SECD_ENOTFOUND. */
int tsig_algorithm_from_text(const char *text, enum tsig_algorithm *out);
const char *tsig_algorithm_text(enum tsig_algorithm algorithm);

/** What was wrong with a signature, in RFC 8945's words. */
enum tsig_verdict {
	TSIG_GOOD = 0,
	TSIG_MISSING,   /* none where one is required */
	TSIG_FORMERR,   /* not last, more than one, unreadable, MAC of a length
	                  that must not be, other message id, wrong QR bit */
	TSIG_BADSIG,    /* 16 */
	TSIG_BADKEY,    /* 17: unknown name or another algorithm */
	TSIG_BADTIME,   /* 18 */
	TSIG_BADTRUNC,  /* 22 */
	TSIG_TOO_LONG,  /* more than 99 unsigned messages in a row */
	TSIG_NO_MEMORY, /* it could not be checked */
	TSIG_REFUSED_BADSIG, /* the peer says so of our request; BADSIG and
	                        BADKEY are unsigned, so anybody may say it */
	TSIG_REFUSED_BADKEY,
	TSIG_REFUSED_BADTIME,
	TSIG_REFUSED_BADTRUNC,
};
const char *tsig_verdict_text(enum tsig_verdict verdict);

/* TSIG ERROR values, RFC 8945 section 3. */
enum tsig_error {
	TSIG_ERROR_NONE = 0,
	TSIG_ERROR_BADSIG = 16,
	TSIG_ERROR_BADKEY = 17,
	TSIG_ERROR_BADTIME = 18,
	TSIG_ERROR_BADTRUNC = 22,
};
/**
 * The error of a verdict, whoever of the two says it; TSIG_GOOD: none.
 *
 * Returns  false: the verdict is not about the key
 */
bool tsig_verdict_error(enum tsig_verdict verdict, enum tsig_error *out);

/** Where the TSIG of a message is, without checking it. */
struct tsig_place {
	bool present;
	size_t at;                 /* octet where the record starts */
	uint8_t key[NAME_LEN_MAX]; /* lower-case */
};

/**
 * Find the TSIG record, which must be the last record of the message and the
 * only one. Walks over the records without looking into them.
 *
 * Returns  SECD_OK (also when there is none), SECD_EMALF (the answer is
 *          FORMERR, RFC 8945 section 5.1; also when the records do not end
 *          where the message does)
 */
int tsig_find(const uint8_t *msg, size_t len, struct tsig_place *out);

/** Octets that a signature with this key adds to a message; 0 for NULL. */
size_t tsig_room(const struct tsig_key *key);

/* A MAC on its way; only for struct tsig_transaction and wire/tsig_*.c. */
struct tsig_digest {
	struct dnssec_tsig_ctx *ctx; /* NULL: not begun */
	bool failed;                 /* no memory: there will be no MAC */
};

/*
 * One transaction: a request and the messages that answer it. Whoever asks
 * signs the request and verifies the answers; whoever answers verifies the
 * request and signs. Holds a reference to the key; key NULL means that this
 * transaction is unsigned, and that any TSIG in it is an error.
 *
 * The fields are read-only for others. Unsigned messages are not kept: they
 * go into the next signature's digest as they come.
 */
struct tsig_transaction {
	struct tsig_key *key;
	uint8_t mac[TSIG_MAC_MAX]; /* of the last signed message */
	size_t mac_len;
	uint64_t time_signed; /* of the last signed answer */
	uint16_t id;          /* of the request, so of every answer */
	uint16_t original_id; /* in the first answer's TSIG */
	bool first;           /* no answer signed or verified yet */
	bool over;            /* a later answer was wrong */
	unsigned unsigned_run;
	struct tsig_digest digest; /* begun while unsigned messages wait */
	/* Peer's clock minus ours, from the last MAC that verified; from other
	   data when it says BADTIME, signed or not. For the log only. */
	int64_t skew_s;
};

/** Start as the asking side; takes a reference to the key (NULL: none). */
void tsig_transaction_init(struct tsig_transaction *t, struct tsig_key *key);
void tsig_transaction_fini(struct tsig_transaction *t);

/**
 * Sign our request in place (or only note its id, when there is no key).
 *
 * len      in and out: octets of the message
 * now      seconds since the epoch
 * Returns  SECD_OK, SECD_ENOSPC (cap), SECD_ENOMEM
 */
int tsig_sign_request(struct tsig_transaction *t, uint8_t *msg, size_t *len,
		      size_t cap, int64_t now);

/**
 * Verify one message of the answer, in order; strips its TSIG (length and
 * ARCOUNT). An unsigned message in between goes into the next signature: its
 * contents are not to be trusted before that, or before tsig_verify_end.
 *
 * Returns  TSIG_GOOD or what is wrong: then the message is untouched. Before
 *          the first good answer the transaction is as it was, and over UDP
 *          the caller may wait for another message (RFC 8945 section 5.4);
 *          later, the transaction is over
 */
enum tsig_verdict tsig_verify_answer(struct tsig_transaction *t, uint8_t *msg,
				     size_t *len, int64_t now);
/**
 * Call once the stream's end was read: was the last message signed?
 *
 * Returns  TSIG_GOOD, TSIG_MISSING
 */
enum tsig_verdict tsig_verify_end(const struct tsig_transaction *t);

/**
 * Answering side: verify a request's TSIG found by tsig_find, strip it, and
 * start a transaction that signs the answers.
 *
 * t        uninitialised; to be ended with tsig_transaction_fini whatever is
 *          returned
 * key      the key of that name or NULL when there is none (BADKEY)
 * Returns  TSIG_GOOD; TSIG_BADKEY, TSIG_BADSIG, TSIG_BADTIME, TSIG_BADTRUNC:
 *          the message is untouched and tsig_sign_error makes the answer;
 *          TSIG_FORMERR: the answer is FORMERR without a TSIG;
 *          TSIG_MISSING (place says so), TSIG_NO_MEMORY
 */
enum tsig_verdict tsig_verify_request(struct tsig_transaction *t,
				      struct tsig_key *key, uint8_t *msg,
				      size_t *len,
				      const struct tsig_place *place,
				      int64_t now);

/**
 * Is a request's MAC one of this key? Nothing else about it is looked at.
 *
 * msg      as it came, TSIG included
 */
bool tsig_request_fits(const struct tsig_key *key, const uint8_t *msg,
		       size_t len, const struct tsig_place *place);

/**
 * Sign the next message of our answer. As tsig_sign_request; every message
 * is signed. Without a key nothing is done.
 */
int tsig_sign_answer(struct tsig_transaction *t, uint8_t *msg, size_t *len,
		     size_t cap, int64_t now);

/**
 * Append the TSIG of an error answer (RFC 8945 section 5.3.2): unsigned for
 * BADKEY and BADSIG; signed for BADTRUNC, and, with the server's time, for
 * BADTIME. The message's RCODE is the caller's: NOTAUTH.
 *
 * request  as it was given to tsig_verify_request, TSIG included
 * msg      the answer; another buffer than the request's
 * Returns  SECD_OK, SECD_EINVAL (another verdict), SECD_EMALF (no TSIG in the
 *          request), SECD_ENOSPC, SECD_ENOMEM
 */
int tsig_sign_error(struct tsig_transaction *t, enum tsig_verdict verdict,
		    const uint8_t *request, size_t request_len,
		    const struct tsig_place *place, uint8_t *msg, size_t *len,
		    size_t cap, int64_t now);

#endif
