/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * prober -- carries out probes (transfer/probe.h) on a libev loop, each on a
 * socket of its own, so that the system tells of a peer that cannot be reached
 * and a stranger has a port to guess.
 */

#ifndef SECD_SERVER_PROBER_H
#define SECD_SERVER_PROBER_H

#include <ev.h>
#include <sys/socket.h>

#include "transfer/probe.h"

struct prober;

/* Embed it, and keep it as it is until it is done. */
struct prober_order {
	struct sockaddr_storage to;
	struct sockaddr_storage from; /* AF_UNSPEC: any */
	uint8_t zone[NAME_LEN_MAX];
	struct tsig_key *key; /* the orderer's reference */
	bool is_tcp;
	int64_t timeout_ms;
	/** Called once, from the loop, prober_start or prober_stop. */
	void (*done)(struct prober_order *o, const struct probe_result *r);
};

/** Returns SECD_OK, SECD_ENOMEM. */
int prober_new(struct ev_loop *loop, struct prober **out);
/** End all that run: they have failed. NULL is fine. */
void prober_stop(struct prober *p);
/** After prober_stop. NULL is fine. */
void prober_free(struct prober *p);

void prober_start(struct prober *p, struct prober_order *o);

#endif
