/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * thread -- threads as this server starts them: named, all signals blocked
 * (main waits for them), with a stack that libknot's parser fits into.
 */

#ifndef SECD_SERVER_THREAD_H
#define SECD_SERVER_THREAD_H

#include <pthread.h>

/**
 * name     at most 15 characters
 * Returns  SECD_OK, SECD_ENOMEM (the system refuses another thread)
 */
int thread_start(const char *name, void *(*run)(void *), void *arg,
		 pthread_t *out);

#endif
