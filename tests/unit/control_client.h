/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control_client -- a control socket in a directory of its own, a handler that
 * writes down what it is asked, and a client, for the tests.
 */

#ifndef TESTS_CONTROL_CLIENT_H
#define TESTS_CONTROL_CLIENT_H

#include <pthread.h>
#include <stdatomic.h>

#include "server/control.h"
#include "temp_dir.h"

struct control_fixture {
	char dir[TEMP_DIR_MAX];
	char path[300];
	struct control *control;
	struct control_handler handler; /* of the fake server */
	atomic_size_t zone_count;       /* that the fake server has */
	pthread_mutex_t lock;           /* of `notes` */
	char notes[4096];               /* what it was asked, a line each */
	char asked[4096];               /* the same, when it was looked at */
	char reply[1 << 16];            /* what the client got, a line a row */
};

/** cmocka's setup and teardown: the socket is bound and served. */
int control_fixture_setup(void **state);
int control_fixture_teardown(void **state);

/** What was asked since the last time, in f->asked. */
const char *control_fixture_asked(struct control_fixture *f);

/**
 * Ask as secondaryctl does; the reply is in f->reply, and f->asked is new.
 *
 * args     ends with NULL; may be NULL
 * Returns  as control_row_receive at the end: SECD_ENOTFOUND when all is well
 */
int control_fixture_ask(struct control_fixture *f, const char *command,
			bool force, const char *const *args);

#endif
