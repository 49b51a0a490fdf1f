/* SPDX-License-Identifier: BSD-2-Clause */

#include <string.h>

#include "base/error.h"
#include "base/octets.h"
#include "wire/tsig_internal.h"

#define MAC_LEN_MIN 10u /* RFC 8945 section 5.2.2.1 */

static bool
is_response(const uint8_t *msg)
{
	return (msg[2] & 0x80) != 0;
}

static bool
is_key(const struct tsig_key *key, const struct tsig_place *place,
       const struct tsig_rdata *rdata)
{
	return name_equal(tsig_key_name(key), place->key) &&
	       name_equal(tsig_key_algorithm_name(key), rdata->algorithm);
}

/* Lengths that nobody may send (RFC 8945 section 5.2.2.1). */
static bool
is_mac_len(const struct tsig_key *key, const struct tsig_rdata *rdata)
{
	unsigned full = tsig_key_mac_len(key);
	unsigned least = full / 2 > MAC_LEN_MIN ? full / 2 : MAC_LEN_MIN;

	return rdata->mac_len >= least && rdata->mac_len <= full;
}

static int64_t
skew(uint64_t theirs, int64_t now)
{
	return (int64_t)theirs - now;
}

/*
 * RFC 8945 section 5.2.3. The peer may ask for a smaller window than ours,
 * never for a greater one; zero in either field is no time at all.
 */
static bool
is_in_time(const struct tsig_rdata *rdata, int64_t now)
{
	int64_t off = skew(rdata->time_signed, now);
	int64_t fudge = rdata->fudge < TSIG_FUDGE ? rdata->fudge : TSIG_FUDGE;

	return rdata->time_signed != 0 && fudge != 0 && off <= fudge &&
	       off >= -fudge;
}

static void
strip(uint8_t *msg, size_t *len, const struct tsig_place *place)
{
	put_u16(msg + 10, (uint16_t)(get_u16(msg + 10) - 1));
	*len = place->at;
}

/* End a digest and compare. */
static enum tsig_verdict
check_mac(struct tsig_digest *d, const struct tsig_rdata *rdata)
{
	uint8_t mac[TSIG_MAC_MAX];

	if (tsig_digest_end(d, mac) != SECD_OK) {
		return TSIG_NO_MEMORY;
	}
	return tsig_octets_equal(mac, rdata->mac, rdata->mac_len) ? TSIG_GOOD
								  : TSIG_BADSIG;
}

static void
remember(struct tsig_transaction *t, const struct tsig_rdata *rdata)
{
	memcpy(t->mac, rdata->mac, rdata->mac_len);
	t->mac_len = rdata->mac_len;
}

/* What the peer complains of; TSIG_FORMERR when that is no complaint. */
static enum tsig_verdict
refusal(uint16_t error)
{
	switch (error) {
	case TSIG_ERROR_BADSIG:
		return TSIG_REFUSED_BADSIG;
	case TSIG_ERROR_BADKEY:
		return TSIG_REFUSED_BADKEY;
	case TSIG_ERROR_BADTIME:
		return TSIG_REFUSED_BADTIME;
	case TSIG_ERROR_BADTRUNC:
		return TSIG_REFUSED_BADTRUNC;
	default:
		return TSIG_FORMERR;
	}
}

static uint64_t
peer_time(const struct tsig_rdata *rdata)
{
	if (rdata->error == TSIG_ERROR_BADTIME &&
	    rdata->other_len == TSIG_TIME_LEN) {
		return (uint64_t)get_u16(rdata->other) << 32 |
		       get_u32(rdata->other + 2);
	}
	return rdata->time_signed;
}

/* An unsigned message: the next signature covers it. */
static enum tsig_verdict
take_unsigned(struct tsig_transaction *t, const uint8_t *msg, size_t len)
{
	if (t->first) {
		return TSIG_MISSING;
	}
	if (t->unsigned_run == TSIG_UNSIGNED_MAX) {
		return TSIG_TOO_LONG;
	}
	if (t->unsigned_run == 0) {
		tsig_digest_begin(&t->digest, t->key, t->mac, t->mac_len);
	}
	tsig_digest_message(&t->digest, msg, len, t->original_id,
			    get_u16(msg + 10));
	t->unsigned_run++;
	return TSIG_GOOD;
}

/* The MAC of a signed message, in its place in the stream. */
static enum tsig_verdict
check_answer_mac(struct tsig_transaction *t, const uint8_t *msg,
		 const struct tsig_place *place, const struct tsig_rdata *rdata)
{
	if (t->unsigned_run == 0) {
		tsig_digest_begin(&t->digest, t->key, t->mac, t->mac_len);
	}
	tsig_digest_message(&t->digest, msg, place->at, rdata->original_id,
			    (uint16_t)(get_u16(msg + 10) - 1));
	if (t->first) {
		tsig_digest_variables(&t->digest, t->key, rdata);
	} else {
		tsig_digest_timers(&t->digest, rdata);
	}
	return check_mac(&t->digest, rdata);
}

/* What is left to check once the MAC is good. */
static enum tsig_verdict
check_answer_rest(struct tsig_transaction *t, const struct tsig_rdata *rdata,
		  int64_t now)
{
	t->skew_s = skew(peer_time(rdata), now);
	if (rdata->error != TSIG_ERROR_NONE) {
		return refusal(rdata->error);
	}
	if (!is_in_time(rdata, now) || rdata->time_signed < t->time_signed) {
		return TSIG_BADTIME;
	}
	if (rdata->mac_len < tsig_key_mac_len(t->key)) {
		return TSIG_BADTRUNC;
	}
	return TSIG_GOOD;
}

/*
 * A peer without our key cannot sign its complaint. NSD 4.6 does not sign
 * BADTIME either, though it has the key: its time is worth a line in the log.
 */
static enum tsig_verdict
take_unsigned_refusal(struct tsig_transaction *t,
		      const struct tsig_rdata *rdata, int64_t now)
{
	if (rdata->error == TSIG_ERROR_BADTIME &&
	    rdata->other_len == TSIG_TIME_LEN) {
		t->skew_s = skew(peer_time(rdata), now);
	}
	return refusal(rdata->error);
}

static enum tsig_verdict
take_signed(struct tsig_transaction *t, const uint8_t *msg, size_t len,
	    const struct tsig_place *place, int64_t now)
{
	struct tsig_rdata rdata;
	enum tsig_verdict verdict;

	if (tsig_rdata_read(msg, len, place->at, &rdata) != SECD_OK) {
		return TSIG_FORMERR;
	}
	if (t->first && rdata.mac_len == 0 &&
	    (msg[3] & 0x0f) == TSIG_RCODE_NOTAUTH) {
		return take_unsigned_refusal(t, &rdata, now);
	}
	if (!is_key(t->key, place, &rdata)) {
		return TSIG_BADKEY;
	}
	/* An original id that changes would not be the one that unsigned
	   messages in between went into the digest with. */
	if (!is_mac_len(t->key, &rdata) ||
	    (!t->first && rdata.original_id != t->original_id)) {
		return TSIG_FORMERR;
	}
	verdict = check_answer_mac(t, msg, place, &rdata);
	if (verdict == TSIG_GOOD) {
		verdict = check_answer_rest(t, &rdata, now);
	}
	if (verdict == TSIG_GOOD) {
		remember(t, &rdata);
		t->time_signed = rdata.time_signed;
		t->original_id = rdata.original_id;
		t->unsigned_run = 0;
		t->first = false;
	}
	return verdict;
}

static enum tsig_verdict
take_answer(struct tsig_transaction *t, uint8_t *msg, size_t *len, int64_t now)
{
	struct tsig_place place;
	enum tsig_verdict verdict;

	if (tsig_find(msg, *len, &place) != SECD_OK || !is_response(msg) ||
	    get_u16(msg) != t->id) {
		return TSIG_FORMERR;
	}
	if (t->key == NULL) {
		return place.present ? TSIG_BADKEY : TSIG_GOOD;
	}
	if (!place.present) {
		return take_unsigned(t, msg, *len);
	}
	verdict = take_signed(t, msg, *len, &place, now);
	if (verdict == TSIG_GOOD) {
		strip(msg, len, &place);
	}
	return verdict;
}

enum tsig_verdict
tsig_verify_answer(struct tsig_transaction *t, uint8_t *msg, size_t *len,
		   int64_t now)
{
	enum tsig_verdict verdict;

	if (t->over) {
		return TSIG_BADSIG;
	}
	verdict = take_answer(t, msg, len, now);
	/* The digest is spent: unsigned messages that it held would otherwise
	   go through unseen when the caller tried on. */
	t->over = verdict != TSIG_GOOD && !t->first;
	return verdict;
}

enum tsig_verdict
tsig_verify_end(const struct tsig_transaction *t)
{
	if (t->key == NULL) {
		return TSIG_GOOD;
	}
	return t->first || t->over || t->unsigned_run > 0 ? TSIG_MISSING
							  : TSIG_GOOD;
}

/* The MAC is good: whatever else is wrong, the answer may be signed. */
static enum tsig_verdict
take_request(struct tsig_transaction *t, struct tsig_key *key,
	     const uint8_t *msg, const struct tsig_rdata *rdata, int64_t now)
{
	t->key = tsig_key_ref(key);
	t->id = get_u16(msg);
	t->skew_s = skew(rdata->time_signed, now);
	remember(t, rdata);
	if (!is_in_time(rdata, now)) {
		return TSIG_BADTIME;
	}
	return rdata->mac_len < tsig_key_mac_len(key) ? TSIG_BADTRUNC
						      : TSIG_GOOD;
}

static enum tsig_verdict
check_request_mac(const struct tsig_key *key, const uint8_t *msg,
		  const struct tsig_place *place,
		  const struct tsig_rdata *rdata)
{
	struct tsig_digest d = {0};

	if (!is_key(key, place, rdata)) {
		return TSIG_BADKEY;
	}
	if (!is_mac_len(key, rdata)) {
		return TSIG_FORMERR;
	}
	tsig_digest_begin(&d, key, NULL, 0);
	tsig_digest_message(&d, msg, place->at, rdata->original_id,
			    (uint16_t)(get_u16(msg + 10) - 1));
	tsig_digest_variables(&d, key, rdata);
	return check_mac(&d, rdata);
}

bool
tsig_request_fits(const struct tsig_key *key, const uint8_t *msg, size_t len,
		  const struct tsig_place *place)
{
	struct tsig_rdata rdata;

	return place->present &&
	       tsig_rdata_read(msg, len, place->at, &rdata) == SECD_OK &&
	       check_request_mac(key, msg, place, &rdata) == TSIG_GOOD;
}

enum tsig_verdict
tsig_verify_request(struct tsig_transaction *t, struct tsig_key *key,
		    uint8_t *msg, size_t *len, const struct tsig_place *place,
		    int64_t now)
{
	struct tsig_rdata rdata;
	enum tsig_verdict verdict;

	tsig_transaction_init(t, NULL);
	if (!place->present) {
		return TSIG_MISSING;
	}
	/* An error is a response's: never what a request is answered for. */
	if (tsig_rdata_read(msg, *len, place->at, &rdata) != SECD_OK ||
	    is_response(msg) || rdata.error != TSIG_ERROR_NONE) {
		return TSIG_FORMERR;
	}
	verdict = key == NULL ? TSIG_BADKEY
			      : check_request_mac(key, msg, place, &rdata);
	if (verdict == TSIG_GOOD) {
		verdict = take_request(t, key, msg, &rdata, now);
	}
	if (verdict == TSIG_GOOD) {
		strip(msg, len, place);
	}
	return verdict;
}
