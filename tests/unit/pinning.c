/* SPDX-License-Identifier: BSD-2-Clause */

#include "pinning.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/octets.h"
#include "zonefile.h"

uint32_t pinning_serial;

void
pinning_await_newest(unsigned zone, uint32_t wanted)
{
	struct world_look l = {0};

	for (int i = 0; i < WORLD_LIMIT; i++) {
		l = world_look(zone);
		if (l.newest == wanted && l.is_durable) {
			return;
		}
		world_wait();
	}
	fail_msg("serial %u of %u", l.newest, wanted);
}

void
pinning_await_seq(unsigned zone, uint64_t seq)
{
	for (int i = 0; i < WORLD_LIMIT && world_look(zone).seq != seq; i++) {
		world_wait();
	}
	assert_int_equal(world_look(zone).seq, seq);
	pinning_await_newest(zone, pinning_serial);
}

void
pinning_follow(unsigned zone, uint32_t until)
{
	while (pinning_serial != until) {
		primary_set_serial(world.primary, ++pinning_serial);
		world_notify(zone);
		pinning_await_newest(zone, pinning_serial);
	}
}

void
pinning_start_with(unsigned zones)
{
	world.has_witness = world.has_journal = true;
	world_start_server(zones, "  sync-interval: 0\n");
}

/* A zone with versions 1 to 5, which have these serials. */
void
pinning_begin(unsigned zone)
{
	primary_set_serial(world.primary, pinning_serial = 1);
	pinning_start_with(1u << zone);
	world_await_serial(zone, 1);
	pinning_follow(zone, 5);
	assert_int_equal(world_look(zone).seq, 5);
}

void
pinning_restart(unsigned zones)
{
	world_stop_server();
	store_dir_reopen(world.store);
	pinning_start_with(zones);
}

void
pinning_expect_contents(const struct version *v, uint32_t of)
{
	struct node_reader *reader = malloc(sizeof(*reader));
	bool is_large = version_apex(v)->owner[1] == 'x';
	unsigned found = 0;
	struct rr rr;

	assert_non_null(reader);
	assert_int_equal(version_record_count(v), is_large ? 503 : 3);
	node_reader_init(reader, version_apex(v));
	while (node_reader_next(reader, &rr)) {
		if (rr.type == RR_TYPE_A) {
			assert_int_equal(get_u32(rr.rdata),
					 0x0a000000 | (of & 0xffffff));
			found++;
		} else if (rr.type == RR_TYPE_SOA) {
			struct rr_soa soa;

			rr_soa_get(&rr, &soa);
			assert_int_equal(soa.serial, of);
			found++;
		}
	}
	assert_int_equal(found, 2);
	free(reader);
}

struct served {
	unsigned zone;
	struct version *version;
};

static void
served_there(struct server *s, void *arg)
{
	struct served *served = arg;
	uint8_t apex[NAME_LEN_MAX];
	struct zone_entry *e = zone_list_find(
	    &s->zones, zonefile_name(world_names[served->zone], apex));

	served->version = version_ref(e->zone.version);
}

/* A serial is pinned and served, another one is the newest. */
void
pinning_expect_pinned(unsigned zone, uint32_t pinned, uint32_t newest)
{
	struct served served = {.zone = zone};
	struct world_look l = world_look(zone);

	assert_true(l.is_pinned);
	assert_false(l.is_pin_lost);
	assert_int_equal(l.serial, pinned);
	assert_int_equal(l.told, pinned);
	assert_int_equal(l.newest, newest);
	transfer_call(world.server, served_there, &served);
	pinning_expect_contents(served.version, pinned);
	version_unref(served.version);
}

void
pinning_expect_not_pinned(unsigned zone, uint32_t newest)
{
	struct world_look l = world_look(zone);

	assert_false(l.is_pinned);
	assert_false(l.is_pin_lost);
	assert_int_equal(l.serial, newest);
	world_await_serial(zone, newest);
}

void
pinning_expect_lost(unsigned zone, uint32_t newest)
{
	struct world_look l = world_look(zone);

	assert_false(l.is_pinned);
	assert_true(l.is_pin_lost);
	assert_int_equal(l.serial, newest);
	assert_int_equal(l.newest, newest);
}
