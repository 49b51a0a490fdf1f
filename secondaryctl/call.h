/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * call -- is a command one that makes sense, before anybody is asked?
 *
 * The server checks again: it may be older or newer than this program.
 */

#ifndef SECONDARYCTL_CALL_H
#define SECONDARYCTL_CALL_H

#include <stdbool.h>
#include <stddef.h>

#include "server/control_proto.h"

/**
 * Check a request's command, flags and arguments.
 *
 * reason   receives, on false, what is wrong: one line, but for characters
 *          that the caller was given
 */
bool call_is_right(const struct control_request *q, char *reason, size_t cap);

#endif
