/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * transfer_orders -- what modules order of the transfer thread.
 */

#ifndef SECD_SERVER_TRANSFER_ORDERS_H
#define SECD_SERVER_TRANSFER_ORDERS_H

#include "server/server.h"

/** Have the server's modules give their orders to its transfer thread. */
void transfer_orders_accept(struct server *s);

#endif
