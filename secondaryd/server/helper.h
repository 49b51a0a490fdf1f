/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * helper -- a process forked before there are threads, secrets or a sandbox,
 * which runs commands for the server: with fixed programs, a time limit, and
 * what is secret on standard input, never among the arguments.
 *
 * The server asks one thing at a time and waits, so only threads that may wait
 * ask. The helper ends when the server does, however that ends.
 */

#ifndef SECD_SERVER_HELPER_H
#define SECD_SERVER_HELPER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define HELPER_ARG_MAX    16
#define HELPER_OCTETS_MAX 8192 /* of all arguments, NULs included */
#define HELPER_OUTPUT_MAX 4096

struct helper;

/** Fork it. Before any thread. Returns SECD_OK, SECD_EIO, SECD_ENOMEM. */
int helper_start(struct helper **out);

/**
 * Make it another user for good, with no way back: before the server reads
 * anything from the network.
 *
 * Returns  SECD_OK, SECD_EPERM, SECD_ECLOSED (the helper is gone)
 */
int helper_become(struct helper *h, uid_t uid, gid_t gid);

struct helper_result {
	int status;                         /* exit code, or 128 + signal */
	char output[HELPER_OUTPUT_MAX + 1]; /* standard output and error */
	size_t output_len;
};

/**
 * Run a program and wait for it.
 *
 * argv      argv[0] is an absolute path; ends with NULL
 * input     octets for its standard input; may be NULL with len 0
 * timeout_ms  after that it is killed: SECD_ETIMEOUT
 * Returns   SECD_OK (see status), SECD_EINVAL (arguments), SECD_ENOTFOUND
 *           (cannot be executed), SECD_ETIMEOUT, SECD_ECLOSED (the helper is
 *           gone), SECD_EIO
 */
int helper_run(struct helper *h, const char *const *argv, const void *input,
	       size_t input_len, int timeout_ms, struct helper_result *out);

/** End it and wait. NULL is fine. */
void helper_stop(struct helper *h);

#endif
