/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * error -- the one set of results that functions of secondaryd, of its modules
 * and of other hosts return.
 *
 * SECD_OK is zero, a failure is negative, and SECD_MORE is the one success
 * that is not the end. The numbers never change; new ones come at the end.
 */

#ifndef SECONDARYD_ERROR_H
#define SECONDARYD_ERROR_H

enum secd_error {
	SECD_MORE = 1, /* well so far: ask again for the rest */
	SECD_OK = 0,
	SECD_ENOMEM = -1,     /* no memory */
	SECD_EINVAL = -2,     /* an argument or a setting is out of range */
	SECD_EMALF = -3,      /* octets that do not follow their format */
	SECD_ENOTFOUND = -4,  /* no such thing */
	SECD_EEXIST = -5,     /* there already */
	SECD_EIO = -6,        /* the operating system refused a read or write */
	SECD_ENOSPC = -7,     /* no room: disk, database or caller's buffer */
	SECD_EPERM = -8,      /* not allowed: mode, owner, policy */
	SECD_ELIMIT = -9,     /* a configured limit is exceeded */
	SECD_EAUTH = -10,     /* TSIG is missing or does not verify */
	SECD_EMISMATCH = -11, /* well formed, but does not fit what is held */
	SECD_ETIMEOUT = -12,  /* a deadline passed */
	SECD_EBUSY = -13,     /* cannot be done now; asking again makes sense */
	SECD_ECLOSED = -14,   /* the other side went away */
	SECD_ENOTSUP = -15,   /* not supported here */
	SECD_EAGAIN = -16,    /* not in this way: the caller has another */
};

#endif
