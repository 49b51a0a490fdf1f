/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ordering -- requests to run a script of the tests' own with two keys.
 */

#ifndef TESTS_ORDERING_H
#define TESTS_ORDERING_H

#include "place/request.h"

/**
 * A request whose hook is this shell script, in the directory of `placing`; it
 * is good until the next one.
 *
 * name     of the script: another name is another server
 */
const struct request *ordering_request(const char *name, const char *body);

/** The same, written down: secret_free(*out, *len) ends it. */
void ordering_octets(const char *name, const char *body, uint8_t **out,
		     size_t *len);

#endif
