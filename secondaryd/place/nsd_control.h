/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nsd_control -- one command to NSD over its control socket: `NSDCT1 COMMAND`
 * in one line, an answer until the end, whose last line is "ok" when it went
 * well.
 *
 * A client that sends half a line stops NSD's transfers until it sends the
 * rest, so the line goes out whole or not at all.
 */

#ifndef SECD_PLACE_NSD_CONTROL_H
#define SECD_PLACE_NSD_CONTROL_H

#include <stdbool.h>

#include "place/limit.h"

#define NSD_CONTROL_LINE_MAX 200

struct nsd_control_answer {
	bool is_ok;
	char last[NSD_CONTROL_LINE_MAX + 1]; /* line with anything in it */
};

/**
 * Returns  SECD_OK (there is an answer), SECD_ENOTFOUND (nobody is there;
 *          errno says why), SECD_ECLOSED (hung up without a word),
 *          SECD_ETIMEOUT, SECD_EIO (errno)
 */
int nsd_control_ask(const char *socket, const char *command,
		    const struct limit *l, struct nsd_control_answer *out);

#endif
