/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ready -- tells the service manager how far we are, by sd_notify(3)'s
 * protocol: datagrams to the socket that NOTIFY_SOCKET names. Without it
 * nothing happens.
 */

#ifndef SECD_SERVER_READY_H
#define SECD_SERVER_READY_H

/** Queries are answered. */
void ready_serving(void);

/** A reload begins; ready_serving ends it. */
void ready_reloading(void);

void ready_stopping(void);

#endif
