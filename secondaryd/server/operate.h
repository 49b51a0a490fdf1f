/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * operate -- what an operator can ask of the running server, by secondaryctl or
 * by signal.
 */

#ifndef SECD_SERVER_OPERATE_H
#define SECD_SERVER_OPERATE_H

#include "server/clients.h"
#include "server/control.h"
#include "server/server.h"

struct operate;

/**
 * Start to take commands.
 *
 * clients  for their counters; outlive it, as the server does
 * control  opened; the caller closes it after operate_stop
 * Returns  SECD_OK, SECD_ENOMEM
 */
int operate_start(struct server *s, const struct clients *clients,
		  struct control *control, struct operate **out);

/** No more commands. NULL is fine. */
void operate_stop(struct operate *o);

/**
 * Read the configuration again and put it in force, or leave the old one.
 *
 * reason   receives why not, one line; may be NULL: it is logged anyway
 * Returns  SECD_OK, or an error as config_load or transfer_reload
 */
int operate_reload(struct operate *o, char *reason, size_t cap);

/** Log as the configuration says. */
void operate_set_logs(const struct config *c);

#endif
