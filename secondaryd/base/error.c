/* SPDX-License-Identifier: BSD-2-Clause */

#include "base/error.h"

const char *
secd_strerror(int rc)
{
	/* No default: the compiler then names a code that was forgotten. */
	switch ((enum secd_error)rc) {
	case SECD_MORE:
		return "more to come";
	case SECD_OK:
		return "success";
	case SECD_ENOMEM:
		return "not enough memory";
	case SECD_EINVAL:
		return "a value is out of range";
	case SECD_EMALF:
		return "malformed data";
	case SECD_ENOTFOUND:
		return "not found";
	case SECD_EEXIST:
		return "exists already";
	case SECD_EIO:
		return "input or output failed";
	case SECD_ENOSPC:
		return "no space left";
	case SECD_EPERM:
		return "not permitted";
	case SECD_ELIMIT:
		return "a configured limit is exceeded";
	case SECD_EAUTH:
		return "authentication failed";
	case SECD_EMISMATCH:
		return "does not match what is held";
	case SECD_ETIMEOUT:
		return "timed out";
	case SECD_EBUSY:
		return "busy, may work later";
	case SECD_ECLOSED:
		return "closed by the other side";
	case SECD_ENOTSUP:
		return "not supported";
	case SECD_EAGAIN:
		return "has to be done another way";
	}
	return "unknown error";
}
