/* SPDX-License-Identifier: BSD-2-Clause */

#include <string.h>

#include "base/error.h"
#include "base/octets.h"
#include "wire/tsig_internal.h"

static uint64_t
to_time_signed(int64_t now)
{
	if (now < 0) {
		return 0;
	}
	return (uint64_t)now < TSIG_TIME_MAX ? (uint64_t)now : TSIG_TIME_MAX;
}

/*
 * Sign what `what` says (times and error), and remember the MAC.
 *
 * prior    is t->mac part of the digest?
 * stream   a later message: only the timers are
 */
static int
sign(struct tsig_transaction *t, const struct tsig_rdata *what, bool prior,
     bool stream, uint8_t *msg, size_t *len, size_t cap)
{
	struct tsig_digest d = {0};
	struct tsig_rdata rdata = *what;
	uint8_t mac[TSIG_MAC_MAX];
	int rc;

	rdata.algorithm = tsig_key_algorithm_name(t->key);
	rdata.original_id = get_u16(msg);
	tsig_digest_begin(&d, t->key, t->mac, prior ? t->mac_len : 0);
	tsig_digest_message(&d, msg, *len, rdata.original_id,
			    get_u16(msg + 10));
	if (stream) {
		tsig_digest_timers(&d, &rdata);
	} else {
		tsig_digest_variables(&d, t->key, &rdata);
	}
	rc = tsig_digest_end(&d, mac);
	if (rc != SECD_OK) {
		return rc;
	}
	rdata.mac = mac;
	rdata.mac_len = tsig_key_mac_len(t->key);
	rc = tsig_rdata_append(msg, len, cap, tsig_key_name(t->key), &rdata);
	if (rc != SECD_OK) {
		return rc;
	}
	memcpy(t->mac, mac, rdata.mac_len);
	t->mac_len = rdata.mac_len;
	return SECD_OK;
}

int
tsig_sign_request(struct tsig_transaction *t, uint8_t *msg, size_t *len,
		  size_t cap, int64_t now)
{
	struct tsig_rdata rdata = {
	    .time_signed = to_time_signed(now),
	    .fudge = TSIG_FUDGE,
	};
	int rc = SECD_OK;

	if (t->key != NULL) {
		rc = sign(t, &rdata, false, false, msg, len, cap);
	}
	if (rc == SECD_OK) {
		t->id = get_u16(msg);
	}
	return rc;
}

int
tsig_sign_answer(struct tsig_transaction *t, uint8_t *msg, size_t *len,
		 size_t cap, int64_t now)
{
	struct tsig_rdata rdata = {
	    .time_signed = to_time_signed(now),
	    .fudge = TSIG_FUDGE,
	};
	int rc;

	if (t->key == NULL) {
		return SECD_OK;
	}
	/* It must not decrease within a stream (RFC 8945 section 5.3.1). */
	if (rdata.time_signed < t->time_signed) {
		rdata.time_signed = t->time_signed;
	}
	rc = sign(t, &rdata, true, !t->first, msg, len, cap);
	if (rc == SECD_OK) {
		t->first = false;
		t->time_signed = rdata.time_signed;
	}
	return rc;
}

/* BADKEY and BADSIG: nobody has proved anything, so nothing is signed. */
static int
append_unsigned(const struct tsig_rdata *asked, uint16_t error,
		const uint8_t *key_name, uint8_t *msg, size_t *len, size_t cap)
{
	struct tsig_rdata rdata = {
	    .algorithm = asked->algorithm,
	    .time_signed = asked->time_signed,
	    .fudge = asked->fudge,
	    .original_id = get_u16(msg),
	    .error = error,
	};

	return tsig_rdata_append(msg, len, cap, key_name, &rdata);
}

/* The client's times, so that it can verify; ours in other data. */
static int
sign_bad_time(struct tsig_transaction *t, const struct tsig_rdata *asked,
	      uint8_t *msg, size_t *len, size_t cap, int64_t now)
{
	uint8_t ours[TSIG_TIME_LEN];
	struct tsig_rdata rdata = {
	    .time_signed = asked->time_signed,
	    .fudge = asked->fudge,
	    .error = TSIG_ERROR_BADTIME,
	    .other = ours,
	    .other_len = sizeof(ours),
	};

	put_u16(ours, (uint16_t)(to_time_signed(now) >> 32));
	put_u32(ours + 2, (uint32_t)to_time_signed(now));
	return sign(t, &rdata, true, false, msg, len, cap);
}

static int
sign_bad_trunc(struct tsig_transaction *t, uint8_t *msg, size_t *len,
	       size_t cap, int64_t now)
{
	struct tsig_rdata rdata = {
	    .time_signed = to_time_signed(now),
	    .fudge = TSIG_FUDGE,
	    .error = TSIG_ERROR_BADTRUNC,
	};

	return sign(t, &rdata, true, false, msg, len, cap);
}

int
tsig_sign_error(struct tsig_transaction *t, enum tsig_verdict verdict,
		const uint8_t *request, size_t request_len,
		const struct tsig_place *place, uint8_t *msg, size_t *len,
		size_t cap, int64_t now)
{
	struct tsig_rdata asked;

	if (!place->present || tsig_rdata_read(request, request_len, place->at,
					       &asked) != SECD_OK) {
		return SECD_EMALF;
	}
	if (verdict == TSIG_BADKEY || verdict == TSIG_BADSIG) {
		return append_unsigned(&asked,
				       verdict == TSIG_BADKEY
					   ? TSIG_ERROR_BADKEY
					   : TSIG_ERROR_BADSIG,
				       place->key, msg, len, cap);
	}
	/* Only a MAC that verified leaves the key in the transaction. */
	if (t->key == NULL) {
		return SECD_EINVAL;
	}
	if (verdict == TSIG_BADTIME) {
		return sign_bad_time(t, &asked, msg, len, cap, now);
	}
	if (verdict == TSIG_BADTRUNC) {
		return sign_bad_trunc(t, msg, len, cap, now);
	}
	return SECD_EINVAL;
}
