/* SPDX-License-Identifier: BSD-2-Clause */

#include "front.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <urcu-qsbr.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/octets.h"
#include "zonefile.h"

atomic_uint front_notified;

static const char settings[] = "server:\n"
			       "  listen: 127.0.0.1@5300\n"
			       "%s"
			       "key:\n"
			       "  - id: k.\n"
			       "    secret: " CONF_SECRET "\n"
			       "remote:\n"
			       "  - id: hidden\n"
			       "    address: 192.0.2.1\n"
			       "acl:\n"
			       "  - id: open\n"
			       "    address: 127.0.0.1\n"
			       "    action: transfer\n"
			       "    insecure: on\n"
			       "  - id: notify\n"
			       "    address: 127.0.0.2\n"
			       "    action: notify\n"
			       "  - id: signed\n"
			       "    address: 127.0.0.3\n"
			       "    key: k.\n"
			       "    action: transfer\n"
			       "zone:\n"
			       "  - domain: example.\n"
			       "    primary: hidden\n"
			       "    acl: [ open, notify, signed ]\n"
			       "%s";

static void
on_notified(struct zone *zone, const struct sockaddr_storage *from,
	    bool has_serial, uint32_t serial)
{
	(void)zone;
	(void)from;
	(void)has_serial;
	(void)serial;
	atomic_fetch_add(&front_notified, 1);
}

int
front_setup(void **state)
{
	struct front *f = aligned_alloc(64, (sizeof(*f) + 63) / 64 * 64);
	void *conf;

	assert_non_null(f);
	memset(f, 0, sizeof(*f));
	assert_int_equal(conf_dir_setup(&conf), 0);
	f->conf = conf;
	f->frontend.notified = on_notified;
	f->dispatcher.frontend = &f->frontend;
	f->dispatcher.counters = &f->counters;
	zonefile_name("example.", f->zone.apex);
	f->zone.apex_len = (uint8_t)name_len(f->zone.apex);
	atomic_store(&front_notified, 0);
	front_configure(f, "");
	front_publish(f, FRONT_ZONE);
	*state = f;
	return 0;
}

int
front_teardown(void **state)
{
	struct front *f = *state;
	void *conf = f->conf;

	zone_publish_take(&f->zone, NULL);
	rcu_barrier();
	root_free(f->frontend.root.current);
	free(f);
	return conf_dir_teardown(&conf);
}

void
front_publish(struct front *f, const char *text)
{
	struct version *v;

	assert_int_equal(
	    version_new_take(1, zonefile_image("example.", text), &v), SECD_OK);
	zone_publish_take(&f->zone, v);
}

void
front_configure_both(struct front *f, const char *server, const char *zone)
{
	struct zone *zones[] = {&f->zone};
	char text[2048];
	struct root *root;

	snprintf(text, sizeof(text), settings, server, zone);
	conf_dir_accept(f->conf, text);
	assert_int_equal(root_new(f->conf->c, zones, 1, &zonefile_key, &root),
			 SECD_OK);
	root_publish_take(&f->frontend.root, root);
	f->dispatcher.root = root;
}

void
front_configure(struct front *f, const char *server)
{
	front_configure_both(f, server, "");
}

void
front_configure_zone(struct front *f, const char *zone)
{
	front_configure_both(f, "", zone);
}

const char *
front_large_zone(void)
{
	static char text[80000];
	char *p = stpcpy(text, FRONT_ZONE);

	for (int i = 0; i < 240; i++) {
		p += sprintf(p, "large TXT \"%03d%0240d\"\n", i, 0);
	}
	return text;
}

char *
front_long_zone(unsigned names)
{
	char *text;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	assert_non_null(f);
	fputs(FRONT_ZONE, f);
	for (unsigned i = 0; i < names; i++) {
		fprintf(f, "n%u TXT \"%0230u\"\n", i, i);
	}
	fclose(f);
	return text;
}

size_t
front_query(uint8_t *msg, uint16_t id, const char *name, uint16_t type)
{
	uint8_t wire[NAME_LEN_MAX];
	size_t len;

	zonefile_name(name, wire);
	len = name_len(wire);
	memset(msg, 0, 12);
	put_u16(msg, id);
	put_u16(msg + 4, 1);
	memcpy(msg + 12, wire, len);
	put_u16(msg + 12 + len, type);
	put_u16(msg + 14 + len, RR_CLASS_IN);
	return 16 + len;
}

size_t
front_ixfr(uint8_t *msg, uint16_t id, uint32_t serial)
{
	size_t len = front_query(msg, id, "example.", RR_TYPE_IXFR);
	uint8_t *p = msg + len;

	put_u16(msg + 8, 1);
	memset(p, 0, 34);
	put_u16(p, 0xc00c);
	put_u16(p + 2, RR_TYPE_SOA);
	put_u16(p + 4, RR_CLASS_IN);
	put_u16(p + 10, 22);
	put_u32(p + 14, serial);
	return len + 34;
}

struct sockaddr_storage
front_address(const char *text, uint16_t port)
{
	struct sockaddr_storage a;
	struct sockaddr_in *in = (void *)&a;

	memset(&a, 0, sizeof(a));
	in->sin_family = AF_INET;
	in->sin_port = htons(port);
	assert_int_equal(inet_pton(AF_INET, text, &in->sin_addr), 1);
	return a;
}

uint64_t
front_value(const atomic_uint_fast64_t *counter)
{
	return atomic_load(counter);
}
