/* SPDX-License-Identifier: BSD-2-Clause */

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "primary/small.h"
#include "primary/wire.h"

#define TTL 3600

struct small {
	uint32_t count;
	_Atomic uint32_t serial[];
};

static const struct owner apex;
static const struct owner www = {.labels = "\3www", .len = 4};

struct small *
small_new(uint32_t count)
{
	struct small *z = malloc(sizeof(*z) + count * sizeof(z->serial[0]));

	if (z != NULL) {
		z->count = count;
		for (uint32_t i = 0; i < count; i++) {
			atomic_init(&z->serial[i], 1);
		}
	}
	return z;
}

void
small_change(struct small *z, uint32_t i)
{
	if (i < z->count) {
		atomic_fetch_add(&z->serial[i], 1);
	}
}

uint32_t
small_serial(const struct small *z, uint32_t i)
{
	return i < z->count ? atomic_load(&z->serial[i]) : 0;
}

static void
put_www(struct stream *s, uint32_t i, uint32_t serial)
{
	uint8_t rdata[4];

	wire_u32(rdata, serial == 1 ? 0x0a000000 + i : 0xac100000 + serial);
	stream_put(s, &www, KNOT_RRTYPE_A, TTL, rdata, sizeof(rdata));
}

static void
put_name_server(struct stream *s, uint32_t i, const char *label)
{
	struct owner o = {.len = strlen(label) + 1};
	uint8_t rdata[32], *p = rdata;
	char zone[8];

	wire_label(o.labels, label);
	snprintf(zone, sizeof(zone), "z%05u", i % 100000);
	p = wire_label(wire_label(wire_label(p, label), zone), "test");
	*p++ = 0;
	stream_put(s, &apex, KNOT_RRTYPE_NS, TTL, rdata, (size_t)(p - rdata));
	wire_u32(rdata, 0x0a000000 + i);
	stream_put(s, &o, KNOT_RRTYPE_A, TTL, rdata, 4);
}

void
small_send(const struct small *z, uint32_t i, struct stream *s)
{
	static const uint8_t mx[] = "\0\12\4mail\4host\7example";
	static const uint8_t txt[] = "\13v=spf1 -all";
	uint32_t serial = small_serial(z, i);
	uint8_t rdata[16];

	stream_put_soa(s, serial);
	put_name_server(s, i, "ns1");
	put_name_server(s, i, "ns2");
	wire_u32(rdata, 0x0a000000 + i);
	stream_put(s, &apex, KNOT_RRTYPE_A, TTL, rdata, 4);
	wire_ipv6(rdata, i);
	stream_put(s, &apex, KNOT_RRTYPE_AAAA, TTL, rdata, 16);
	stream_put(s, &apex, KNOT_RRTYPE_MX, TTL, mx, sizeof(mx));
	stream_put(s, &apex, KNOT_RRTYPE_TXT, TTL, txt, sizeof(txt) - 1);
	put_www(s, i, serial);
	stream_put_soa(s, serial);
}

bool
small_send_change(const struct small *z, uint32_t i, uint32_t since,
		  struct stream *s)
{
	uint32_t serial = small_serial(z, i);

	if (since + 1 != serial) {
		return false;
	}
	stream_put_soa(s, serial);
	stream_put_soa(s, since);
	put_www(s, i, since);
	stream_put_soa(s, serial);
	put_www(s, i, serial);
	stream_put_soa(s, serial);
	return true;
}
