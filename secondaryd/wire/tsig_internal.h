/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tsig_internal -- what the files of wire/tsig.h share with each other.
 */

#ifndef SECD_WIRE_TSIG_INTERNAL_H
#define SECD_WIRE_TSIG_INTERNAL_H

#include "wire/tsig.h"

#define TSIG_HEADER_LEN    12  /* RFC 1035 section 4.1.1 */
#define TSIG_TYPE          250 /* RFC 8945 section 4.2 */
#define TSIG_CLASS         255 /* ANY */
#define TSIG_TIME_MAX      ((UINT64_C(1) << 48) - 1)
#define TSIG_TIME_LEN      6
#define TSIG_RCODE_NOTAUTH 9

/* The RDATA. Pointers lead into the message, or to what will be written. */
struct tsig_rdata {
	const uint8_t *algorithm; /* a name, any case when read */
	uint64_t time_signed;     /* 48 bits */
	uint16_t fudge;           /* seconds */
	const uint8_t *mac;
	uint16_t mac_len;
	uint16_t original_id;
	uint16_t error;
	const uint8_t *other;
	uint16_t other_len;
};

/* tsig_key.c */
/* How long it takes tells nothing of where they differ. */
bool tsig_octets_equal(const uint8_t *a, const uint8_t *b, size_t len);
const uint8_t *tsig_key_secret(const struct tsig_key *key, size_t *len);
/* The algorithm's own name, lower-case. */
const uint8_t *tsig_key_algorithm_name(const struct tsig_key *key);
/* Octets of a whole MAC. */
uint16_t tsig_key_mac_len(const struct tsig_key *key);

/* tsig_find.c */
/**
 * Read the TSIG record that starts at octet `at`, found by tsig_find.
 *
 * Returns  SECD_OK, SECD_EMALF
 */
int tsig_rdata_read(const uint8_t *msg, size_t len, size_t at,
		    struct tsig_rdata *out);
/**
 * Append a TSIG record and count it.
 *
 * Returns  SECD_OK, SECD_ENOSPC
 */
int tsig_rdata_append(uint8_t *msg, size_t *len, size_t cap,
		      const uint8_t *owner, const struct tsig_rdata *rdata);

/* tsig_digest.c: the components of RFC 8945 sections 4.3 and 5.3. Failures
   are remembered and come out at the end. */
/** Begin, with the MAC of the message before when there is one (4.3.1). */
void tsig_digest_begin(struct tsig_digest *d, const struct tsig_key *key,
		       const uint8_t *prior_mac, size_t prior_mac_len);
/** A message without its TSIG, as it was when it was signed (4.3.2). */
void tsig_digest_message(struct tsig_digest *d, const uint8_t *msg, size_t len,
			 uint16_t original_id, uint16_t arcount);
/** All variables of the first message (4.3.3). */
void tsig_digest_variables(struct tsig_digest *d, const struct tsig_key *key,
			   const struct tsig_rdata *rdata);
/** The timers only, for later messages of a stream (5.3.1). */
void tsig_digest_timers(struct tsig_digest *d, const struct tsig_rdata *rdata);
/** Write the MAC and free. Returns SECD_OK, SECD_ENOMEM. */
int tsig_digest_end(struct tsig_digest *d, uint8_t mac[TSIG_MAC_MAX]);
void tsig_digest_abandon(struct tsig_digest *d);

#endif
