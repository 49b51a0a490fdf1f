/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zone_status -- a zone as an operator sees it, taken on the transfer thread.
 */

#ifndef SECD_SERVER_ZONE_STATUS_H
#define SECD_SERVER_ZONE_STATUS_H

#include "server/zone_entry.h"
#include "server/zone_report.h"

void zone_status_take(const struct zone_entry *e, struct zone_report *out);

/** Rows about NOTIFY, in and out, which a report has not. */
void zone_status_put_notify(const struct zone_entry *e,
			    struct control_reply *r);

#endif
