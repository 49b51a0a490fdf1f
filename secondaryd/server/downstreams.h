/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * downstreams -- what the servers behind this one are known to hold: for each
 * zone and address the serial that was last transferred there, or that it
 * asked with.
 *
 * For operators, so nothing here is vital: what is too much is forgotten, what
 * was heard of least recently first, and nothing outlives the process. Any
 * thread; one lock, which no plain query takes.
 */

#ifndef SECD_SERVER_DOWNSTREAMS_H
#define SECD_SERVER_DOWNSTREAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "wire/name.h"

#define DOWNSTREAMS_OF_ZONE 32
#define DOWNSTREAMS_MAX     131072 /* of all zones */

enum downstream_how {
	DOWNSTREAM_AXFR = 1, /* a transfer went out whole */
	DOWNSTREAM_IXFR,
	DOWNSTREAM_ASKED, /* for what is newer than this serial */
};
/** Returns static storage: "AXFR". */
const char *downstream_how_text(enum downstream_how how);

struct downstream {
	struct sockaddr_storage address; /* port 0 */
	uint32_t serial;
	enum downstream_how how;
	int64_t at; /* wall clock, seconds */
	bool is_signed;
	uint8_t key[NAME_LEN_MAX]; /* its name, then */
};

struct downstreams;

/** max  of all zones, DOWNSTREAMS_MAX. Returns SECD_OK, SECD_ENOMEM. */
int downstreams_new(size_t max, struct downstreams **out);
/** NULL is fine. */
void downstreams_free(struct downstreams *d);

/**
 * Note what a server holds. That it acknowledged a NOTIFY does not say that it
 * has the serial.
 *
 * d        NULL: nobody wants to know
 * apex     lower-case
 * from     its port does not count, and IPv4 in IPv6 is IPv4
 * key      name, or NULL: unsigned
 */
void downstreams_note(struct downstreams *d, const uint8_t *apex,
		      const struct sockaddr_storage *from,
		      enum downstream_how how, uint32_t serial,
		      const uint8_t *key);

/**
 * Those of a zone, the one last heard of first.
 *
 * d        NULL: there are none
 * Returns  how many were written
 */
size_t downstreams_list(struct downstreams *d, const uint8_t *apex,
			struct downstream out[DOWNSTREAMS_OF_ZONE]);

/** Nothing of this zone any more. NULL is fine for d. */
void downstreams_forget(struct downstreams *d, const uint8_t *apex);

#endif
