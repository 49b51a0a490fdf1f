/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/thread.h"

#include <signal.h>

#include "base/error.h"

/* libknot puts 64 KiB on the stack for one record; image readers do too. */
#define STACK_OCTETS (1u << 20)

int
thread_start(const char *name, void *(*run)(void *), void *arg, pthread_t *out)
{
	pthread_attr_t attr;
	sigset_t all, old;
	int rc;

	if (pthread_attr_init(&attr) != 0) {
		return SECD_ENOMEM;
	}
	pthread_attr_setstacksize(&attr, STACK_OCTETS);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(out, &attr, run, arg);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	if (rc != 0) {
		return SECD_ENOMEM;
	}
	pthread_setname_np(*out, name);
	return SECD_OK;
}
