/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * privileges -- directories made while we may, then no privilege any more.
 */

#ifndef SECD_SERVER_PRIVILEGES_H
#define SECD_SERVER_PRIVILEGES_H

#include "config/config.h"

/**
 * Create storage (0700) and rundir (0750) where they are missing and give them
 * to the service user; refuse those that others could write to.
 *
 * reason   receives one sentence on failure; room for 256
 * Returns  SECD_OK, SECD_EPERM, SECD_EIO
 */
int privileges_make_dirs(const struct config_server *c, char reason[256]);

/**
 * Could privileges_make_dirs make or use them? Changes nothing.
 *
 * Returns  as privileges_make_dirs
 */
int privileges_check_dirs(const struct config_server *c, char reason[256]);

/**
 * Become a user with the groups it has, for good: with no capability, no new
 * privileges, no core dump, unreadable to others.
 *
 * user     NULL: stay who we are, and give up the rest
 * Returns  SECD_OK, SECD_EPERM
 */
int privileges_give_up(const char *user, uid_t uid, gid_t gid,
		       char reason[256]);

/**
 * Become the service user so, with as many descriptors as the hard limit gives;
 * a warning when that leaves root.
 */
int privileges_drop(const struct config_server *c, char reason[256]);

#endif
