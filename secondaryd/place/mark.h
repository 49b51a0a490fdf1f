/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mark -- what has to be remembered about a server that keys are put into,
 * over restarts: in a small file, replaced durably. Never anything secret.
 *
 * While a mark is open its server is held: another placement waits, also one
 * that another process makes.
 */

#ifndef SECD_PLACE_MARK_H
#define SECD_PLACE_MARK_H

#include "place/limit.h"

#define MARK_ID_MAX     96
#define MARK_REASON_MAX 300

struct mark {
	int dir, lock;
	char name[64];
	const char *server;
	/* The file (include_file_id) that the server took last; "" none. */
	char applied[MARK_ID_MAX];
	/* Who (mark_run) must be restarted before it may be asked again. */
	char refused[MARK_ID_MAX];
	/* In whom a transaction of ours is, or was when we last looked. */
	char transaction[MARK_ID_MAX];
};

/**
 * Hold a server and read what is known of it.
 *
 * dir      is made when it is missing (0700)
 * server   which one it is, in one line; borrowed until mark_close
 * reason   room for MARK_REASON_MAX; receives one sentence on failure
 * Returns  SECD_OK, SECD_ETIMEOUT (it is held by somebody else), SECD_ECLOSED,
 *          SECD_EIO, SECD_EPERM
 */
int mark_open(struct mark *m, const char *dir, const char *server,
	      const struct limit *l, char *reason);

/** Make it durable. Returns SECD_OK, SECD_EIO, SECD_ENOSPC. */
int mark_write(const struct mark *m, char *reason);

void mark_close(struct mark *m);

/**
 * Which run of a server has this control socket: a server makes its socket
 * anew at each start. Not its process's number, which in a container is the
 * same each time.
 *
 * id       receives it; "" when there is no socket
 */
void mark_run(const char *socket, char id[MARK_ID_MAX]);

#endif
