/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * world -- the whole world of the transfer thread, for tests, with a primary
 * and a store that are real; the test is the worker and the operator who
 * disturb it.
 */

#ifndef TESTS_WORLD_H
#define TESTS_WORLD_H

#include "conf_dir.h"
#include "primary.h"
#include "server/transfer.h"
#include "server/zone_entry.h"
#include "server/zone_refresh.h"
#include "store_dir.h"

#define WORLD_ZONES 6
#define WORLD_LIMIT 10000 /* looks, a millisecond apart */

/* Those that begin with an x are large. */
extern const char *const world_names[WORLD_ZONES];

extern struct world {
	struct store_dir *store;
	struct conf_dir *conf;
	struct primary *primary;
	struct server *server; /* NULL: stopped */
	struct blockage *blockages[2];
	bool has_witness, has_journal; /* modules of servers to come */
	/* Two keys of the witness, a and b, sign what is asked of the primary. */
	bool has_keys;
} world;

/** For cmocka. */
int world_start(void **state);
int world_stop(void **state);

/** A configuration with the zones whose bit is set. */
struct config *world_load_config(unsigned zones, const char *settings);

void world_start_server(unsigned zones, const char *settings);
void world_stop_server(void);

/* What is to be seen of a zone. */
struct world_look {
	const char *name;
	bool is_there, has_version, is_durable, is_failing, is_compacting,
	    is_building, is_asking;
	bool is_expired, is_pinned, is_pin_lost, is_pinning;
	unsigned failed_rounds;
	unsigned layers; /* of the newest version */
	uint32_t serial; /* that is served */
	uint32_t newest, told;
	uint64_t seq, stored_seq; /* of the newest */
};
struct world_look world_look(unsigned zone);

/** A millisecond. */
void world_wait(void);
/** Until this serial is served and stored. */
void world_await_serial(unsigned zone, uint32_t serial);
void world_await_questions(unsigned count);

/** What the store has of a zone. */
void world_expect_stored(unsigned zone, uint32_t serial);
void world_expect_not_stored(unsigned zone);
size_t world_stored_changes(unsigned zone);

/** A NOTIFY as a worker passes it on. */
void world_notify(unsigned zone);
void world_command(enum refresh_command what);
/** In place of the timer: offer the store what it lacks. */
void world_retry(void);

struct world_reload {
	struct config *config;
	int rc;
	char reason[256];
};
struct world_reload world_try_reload(unsigned zones, const char *settings);
void world_reload(unsigned zones);

/** These threads begin no other job until they are released. */
enum world_thread { WORLD_BUILD, WORLD_APPLY };
void world_block(enum world_thread thread);
void world_release(enum world_thread thread);

#endif
