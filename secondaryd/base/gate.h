/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gate -- a lock that many pass at a time, and one shuts now and then. By default
 * the C library lets in whoever wants to pass for as long as others are inside:
 * threads that come and go all the time would keep it open for ever. Here who
 * comes while somebody waits to shut it waits behind him. So nobody may pass
 * twice at a time.
 */

#ifndef SECD_BASE_GATE_H
#define SECD_BASE_GATE_H

#include <pthread.h>

static inline void
gate_init(pthread_rwlock_t *gate)
{
	pthread_rwlockattr_t attr;

	pthread_rwlockattr_init(&attr);
#ifdef __GLIBC__
	pthread_rwlockattr_setkind_np(
	    &attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
#endif
	pthread_rwlock_init(gate, &attr);
	pthread_rwlockattr_destroy(&attr);
}

#endif
