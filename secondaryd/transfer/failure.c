/* SPDX-License-Identifier: BSD-2-Clause */

#include "transfer/failure.h"

#include <stddef.h>

#include "base/error.h"

const char *
failure_text(enum failure failure)
{
	switch (failure) {
	case FAILURE_NONE:
		return "no failure";
	case FAILURE_CONNECT:
		return "no connection";
	case FAILURE_TIMEOUT:
		return "no answer in time";
	case FAILURE_CLOSED:
		return "connection closed";
	case FAILURE_RCODE:
		return "error answer";
	case FAILURE_AUTH:
		return "TSIG failure";
	case FAILURE_MALFORMED:
		return "malformed answer";
	case FAILURE_MISMATCH:
		return "differences do not apply";
	case FAILURE_STALE:
		return "serial is not newer";
	case FAILURE_LIMIT:
		return "limit exceeded";
	case FAILURE_LOCAL:
		return "local failure";
	}
	return "unknown failure";
}

const char *
failure_rcode_text(uint8_t rcode)
{
	static const char *const names[] = {
	    "NOERROR",  "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP",  "REFUSED",
	    "YXDOMAIN", "YXRRSET", "NXRRSET",  "NOTAUTH",  "NOTZONE",
	};

	if (rcode < sizeof(names) / sizeof(names[0])) {
		return names[rcode];
	}
	return "an unknown RCODE";
}

enum failure
failure_of_build(int rc)
{
	switch (rc) {
	case SECD_OK:
		return FAILURE_NONE;
	case SECD_EMALF:
		return FAILURE_MALFORMED;
	case SECD_EMISMATCH:
		return FAILURE_MISMATCH;
	case SECD_ELIMIT:
		return FAILURE_LIMIT;
	default:
		return FAILURE_LOCAL;
	}
}
