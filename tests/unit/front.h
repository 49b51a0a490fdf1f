/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * front -- what workers answer from, for their tests: a configuration, the
 * zone example. and requests for it.
 *
 * From 127.0.0.1 transfers are allowed, from 127.0.0.2 NOTIFY, from 127.0.0.3
 * transfers with the key k.; 192.0.2.1 is the primary.
 */

#ifndef TESTS_FRONT_H
#define TESTS_FRONT_H

#include <stdatomic.h>

#include "conf_dir.h"
#include "server/dispatch.h"

#define FRONT_ZONE                                                             \
	"@ SOA ns host 7 3600 600 86400 300\n"                                 \
	"@ NS ns\n"                                                            \
	"ns A 192.0.2.53\n"                                                    \
	"www A 192.0.2.80\n"

struct front {
	struct conf_dir *conf;
	struct frontend frontend;
	struct frontend_counters counters;
	struct dispatcher dispatcher;
	struct zone zone;
};

/* Set by a NOTIFY that was let through. */
extern atomic_uint front_notified;

/** cmocka's setup and teardown: *state is a struct front. */
int front_setup(void **state);
int front_teardown(void **state);

/** Another version of example. in presentation format. */
void front_publish(struct front *f, const char *text);

/** Put another configuration in force: lines of the section `server`. */
void front_configure(struct front *f, const char *server);

/** The same, with lines of the zone example. */
void front_configure_zone(struct front *f, const char *zone);
void front_configure_both(struct front *f, const char *server,
			  const char *zone);

/** A text of a zone whose `large` TXT takes some 60,000 octets to answer. */
const char *front_large_zone(void);

/** A text of a zone of `names` names, of some 250 octets each. */
char *front_long_zone(unsigned names);

/** Write a query. Returns its octets. */
size_t front_query(uint8_t *msg, uint16_t id, const char *name, uint16_t type);

/** A request for an IXFR of example. from a serial. Returns its octets. */
size_t front_ixfr(uint8_t *msg, uint16_t id, uint32_t serial);

/** Such an address, with a port. */
struct sockaddr_storage front_address(const char *text, uint16_t port);

uint64_t front_value(const atomic_uint_fast64_t *counter);

#endif
