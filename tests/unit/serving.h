/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * serving -- TCP connections as a worker serves them, on a loop that the test
 * runs, and the clients at their other ends.
 */

#ifndef TESTS_SERVING_H
#define TESTS_SERVING_H

#include "front.h"
#include "peer.h"
#include "server/condense.h"
#include "server/mailbox.h"
#include "server/tcp_conn.h"

#define SERVING_CLIENTS_MAX 4

extern struct serving {
	struct front *front;
	struct tcp_shared *shared;
	struct peer listener;
	struct mailbox box; /* whose letters the loop runs */
	ev_async wake;
	atomic_uint connections;
	int clients[SERVING_CLIENTS_MAX];
	unsigned client_count;
	uint8_t msg[65535]; /* that was read last */
} serving;

/** For cmocka. */
int serving_setup(void **state);
int serving_teardown(void **state);

/** A client whose connection is served. */
int serving_client(void);
/** The only client goes away. */
void serving_leave(void);

/** All that the loop has to do now. */
void serving_turn(void);
void serving_run_until_closed(void);

void serving_ask(int fd, uint16_t id, const char *name, uint16_t type);
bool serving_has_octets(int fd);

/** Read a message while the server goes on; false: the connection ended. */
bool serving_read_answer(int fd, uint16_t id);
/** From a client that is slow or late: the loop runs in between. */
bool serving_read_slowly(int fd, uint16_t id);
/** Records in the answer sections of a transfer, until that many are there. */
unsigned serving_read_transfer(int fd, uint16_t id, unsigned expected);
/** Nothing more comes. */
void serving_expect_end(int fd);

#endif
