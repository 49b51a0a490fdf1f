/* SPDX-License-Identifier: BSD-2-Clause */

#include "wire/tsig.h"

#include "wire/tsig_internal.h"

/* A record without names and MAC. */
#define FIXED_LEN (10u + 16u)

const char *
tsig_verdict_text(enum tsig_verdict verdict)
{
	switch (verdict) {
	case TSIG_GOOD:
		return "good signature";
	case TSIG_MISSING:
		return "signature is missing";
	case TSIG_FORMERR:
		return "TSIG record is malformed or out of place";
	case TSIG_BADSIG:
		return "BADSIG: MAC does not verify";
	case TSIG_BADKEY:
		return "BADKEY: another key or algorithm";
	case TSIG_BADTIME:
		return "BADTIME: time signed is out of range";
	case TSIG_BADTRUNC:
		return "BADTRUNC: MAC is truncated";
	case TSIG_TOO_LONG:
		return "too many unsigned messages in a row";
	case TSIG_NO_MEMORY:
		return "no memory to check the signature";
	case TSIG_REFUSED_BADSIG:
		return "peer says BADSIG: it holds another secret";
	case TSIG_REFUSED_BADKEY:
		return "peer says BADKEY: it does not know the key";
	case TSIG_REFUSED_BADTIME:
		return "peer says BADTIME: the clocks differ";
	case TSIG_REFUSED_BADTRUNC:
		return "peer says BADTRUNC";
	}
	return "unknown";
}

bool
tsig_verdict_error(enum tsig_verdict verdict, enum tsig_error *out)
{
	switch (verdict) {
	case TSIG_GOOD:
		*out = TSIG_ERROR_NONE;
		return true;
	case TSIG_BADSIG:
	case TSIG_REFUSED_BADSIG:
		*out = TSIG_ERROR_BADSIG;
		return true;
	case TSIG_BADKEY:
	case TSIG_REFUSED_BADKEY:
		*out = TSIG_ERROR_BADKEY;
		return true;
	case TSIG_BADTIME:
	case TSIG_REFUSED_BADTIME:
		*out = TSIG_ERROR_BADTIME;
		return true;
	case TSIG_BADTRUNC:
	case TSIG_REFUSED_BADTRUNC:
		*out = TSIG_ERROR_BADTRUNC;
		return true;
	case TSIG_MISSING:
	case TSIG_FORMERR:
	case TSIG_TOO_LONG:
	case TSIG_NO_MEMORY:
		break;
	}
	return false;
}

size_t
tsig_room(const struct tsig_key *key)
{
	if (key == NULL) {
		return 0;
	}
	return name_len(tsig_key_name(key)) +
	       name_len(tsig_key_algorithm_name(key)) + FIXED_LEN +
	       tsig_key_mac_len(key);
}

void
tsig_transaction_init(struct tsig_transaction *t, struct tsig_key *key)
{
	*t = (struct tsig_transaction){
	    .key = key == NULL ? NULL : tsig_key_ref(key),
	    .first = true,
	};
}

void
tsig_transaction_fini(struct tsig_transaction *t)
{
	tsig_digest_abandon(&t->digest);
	tsig_key_unref(t->key);
	t->key = NULL;
}
