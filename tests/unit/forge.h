/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * forge -- messages for the tests of TSIG, signed as anybody might sign them.
 *
 * Its own reading of RFC 8945 on plain HMACs, so that it can stand against
 * wire/tsig.h, and free to break every rule.
 */

#ifndef TESTS_FORGE_H
#define TESTS_FORGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/tsig.h"

#define FORGE_NOW INT64_C(1700000000)
#define FORGE_ID  0x1234

struct message {
	size_t len;
	uint8_t wire[65535];
};

/** A SOA query for example. */
void forge_query(struct message *m);
/** A response to it with one A record, 192.0.2.`n`. */
void forge_answer(struct message *m, uint8_t n);
/** Add a record with the given type and two octets of RDATA. */
void forge_record(struct message *m, unsigned section, uint16_t type);
/** Set the RCODE. */
void forge_rcode(struct message *m, uint8_t rcode);

/** How to sign. forge_init gives what a good signer does. */
struct forge {
	const char *owner;           /* wire format */
	const char *algorithm;       /* wire format, as named in the record */
	enum tsig_algorithm compute; /* what is computed */
	const uint8_t *secret;
	size_t secret_len;
	uint64_t time_signed;
	uint16_t fudge;
	uint16_t error;
	const uint8_t *other;
	uint16_t other_len;
	int original_id; /* -1: the message's */
	int mac_len;     /* -1: whole; longer: padded with zeros */
	uint16_t class;
	uint32_t ttl;
	/* The chain: forge_sign keeps it up. */
	uint8_t prior[64];
	size_t prior_len;
	bool timers_only;
	struct message before; /* unsigned messages since the last signature */
};

extern const uint8_t forge_secret[32];
extern const char forge_owner[13];

void forge_init(struct forge *f);
/** Sign and append; the MAC becomes the prior one of the next message. */
void forge_sign(struct forge *f, struct message *m);
/** The next signature covers this message too. */
void forge_skip(struct forge *f, const struct message *m);
/** Start over with the MAC that a request was signed with. */
void forge_reply_to(struct forge *f, const uint8_t *mac, size_t mac_len);

/**
 * May this bit of a signed message flip without harm? The id may, since the
 * original id stands in for it, and the case of letters in the TSIG's names.
 *
 * at       where its TSIG starts
 */
bool forge_is_free(const struct message *m, size_t at, size_t octet,
		   unsigned bit);

/** A key as forge_init uses it. */
struct tsig_key *forge_key(enum tsig_algorithm algorithm);
/** The wire format of an algorithm's name. */
const char *forge_algorithm(enum tsig_algorithm algorithm);
/** Octets of its MAC. */
size_t forge_mac_len(enum tsig_algorithm algorithm);

#endif
