/* SPDX-License-Identifier: BSD-2-Clause */

#include <pthread.h>
#include <stdlib.h>

#include "primary/flat.h"
#include "primary/wire.h"

#define LABEL_FACTOR 0x9e3779b1u

/* How the zone came from the serial before; never changes. */
struct change {
	uint32_t serial, width;
	uint32_t before[]; /* the addresses that went */
};

struct flat {
	uint32_t count;
	uint32_t *order; /* of the names, as they are sent */
	pthread_mutex_t lock;
	/* Below the lock: */
	uint32_t serial, oldest; /* the first that IXFR starts from */
	uint32_t *address;
	struct change **history; /* [i]: from serial i + 1 to i + 2 */
};

static uint32_t
label_value(uint32_t i)
{
	return i * LABEL_FACTOR;
}

static void
owner_of(uint32_t i, struct owner *o)
{
	o->len = (size_t)(wire_hex_label(o->labels, 'n', label_value(i)) -
			  o->labels);
}

static uint32_t
address_after(uint32_t serial)
{
	return 0xac100000 + serial;
}

uint32_t
flat_changed(uint32_t serial, uint32_t j, uint32_t width, uint32_t count)
{
	uint64_t first = (uint64_t)serial * 618970019 % count;

	return (uint32_t)((first + (uint64_t)j * (count / width)) % count);
}

static int
by_label(const void *a, const void *b)
{
	uint32_t x = label_value(*(const uint32_t *)a);
	uint32_t y = label_value(*(const uint32_t *)b);

	return x < y ? -1 : x > y;
}

struct flat *
flat_new(uint32_t count)
{
	struct flat *f = calloc(1, sizeof(*f));

	if (f == NULL) {
		return NULL;
	}
	f->count = count;
	f->serial = f->oldest = 1;
	f->order = calloc(count + 1, sizeof(*f->order));
	f->address = calloc(count + 1, sizeof(*f->address));
	if (f->order == NULL || f->address == NULL) {
		return NULL; /* the caller ends */
	}
	pthread_mutex_init(&f->lock, NULL);
	for (uint32_t i = 0; i < count; i++) {
		f->order[i] = i;
		f->address[i] = 0x0a000000 + i;
	}
	qsort(f->order, count, sizeof(*f->order), by_label);
	return f;
}

void
flat_shuffle(struct flat *f)
{
	uint64_t state = 1;

	for (uint32_t i = f->count; i > 1; i--) {
		uint32_t j, swap = f->order[i - 1];

		state = state * 6364136223846793005u + 1442695040888963407u;
		j = (uint32_t)((state >> 32) % i);
		f->order[i - 1] = f->order[j];
		f->order[j] = swap;
	}
}

void
flat_change(struct flat *f, uint32_t width)
{
	struct change *c;
	struct change **history;

	if (width == 0 || width > f->count) {
		return;
	}
	c = malloc(sizeof(*c) + width * sizeof(c->before[0]));
	pthread_mutex_lock(&f->lock);
	history = realloc(f->history, f->serial * sizeof(*history));
	if (c == NULL || history == NULL) {
		abort();
	}
	f->history = history;
	f->history[f->serial - 1] = c;
	c->serial = ++f->serial;
	c->width = width;
	for (uint32_t j = 0; j < width; j++) {
		uint32_t i = flat_changed(c->serial, j, width, f->count);

		c->before[j] = f->address[i];
		f->address[i] = address_after(c->serial);
	}
	pthread_mutex_unlock(&f->lock);
}

void
flat_forget(struct flat *f)
{
	pthread_mutex_lock(&f->lock);
	f->oldest = f->serial;
	pthread_mutex_unlock(&f->lock);
}

uint32_t
flat_serial(struct flat *f)
{
	uint32_t serial;

	pthread_mutex_lock(&f->lock);
	serial = f->serial;
	pthread_mutex_unlock(&f->lock);
	return serial;
}

static void
put_address(struct stream *s, const struct owner *o, uint32_t address)
{
	uint8_t rdata[4];

	wire_u32(rdata, address);
	stream_put(s, o, KNOT_RRTYPE_A, 3600, rdata, sizeof(rdata));
}

static void
put_name(struct stream *s, uint32_t i, uint32_t address)
{
	uint8_t rdata[16];
	struct owner o;

	owner_of(i, &o);
	put_address(s, &o, address);
	if (i % 2 == 0) {
		wire_ipv6(rdata, i);
		stream_put(s, &o, KNOT_RRTYPE_AAAA, 3600, rdata, sizeof(rdata));
	}
}

static void
put_apex(struct stream *s, uint32_t serial)
{
	static const uint8_t ns[2][14] = {"\3ns1\3nic\4test",
					  "\3ns2\3nic\4test"};
	static const struct owner apex;

	stream_put_soa(s, serial);
	for (int i = 0; i < 2; i++) {
		stream_put(s, &apex, KNOT_RRTYPE_NS, 3600, ns[i],
			   sizeof(ns[i]));
	}
}

void
flat_send(struct flat *f, struct stream *s)
{
	uint32_t *address = malloc((f->count + 1) * sizeof(*address));
	uint32_t serial;

	if (address == NULL) {
		abort();
	}
	pthread_mutex_lock(&f->lock);
	memcpy(address, f->address, f->count * sizeof(*address));
	serial = f->serial;
	pthread_mutex_unlock(&f->lock);

	put_apex(s, serial);
	for (uint32_t k = 0; k < f->count && !s->failed; k++) {
		put_name(s, f->order[k], address[f->order[k]]);
	}
	stream_put_soa(s, serial);
	free(address);
}

static void
put_change(const struct flat *f, struct stream *s, const struct change *c)
{
	struct owner o;

	stream_put_soa(s, c->serial - 1);
	for (uint32_t j = 0; j < c->width; j++) {
		owner_of(flat_changed(c->serial, j, c->width, f->count), &o);
		put_address(s, &o, c->before[j]);
	}
	stream_put_soa(s, c->serial);
	for (uint32_t j = 0; j < c->width; j++) {
		owner_of(flat_changed(c->serial, j, c->width, f->count), &o);
		put_address(s, &o, address_after(c->serial));
	}
}

bool
flat_send_changes(struct flat *f, uint32_t since, struct stream *s)
{
	struct change **changes = NULL;
	uint32_t serial, count = 0;

	pthread_mutex_lock(&f->lock);
	serial = f->serial;
	if (since >= f->oldest && since < serial) {
		count = serial - since;
		changes = malloc(count * sizeof(struct change *));
	}
	if (changes != NULL) {
		memcpy(changes, f->history + since - 1,
		       count * sizeof(struct change *));
	}
	pthread_mutex_unlock(&f->lock);
	if (changes == NULL) {
		return false;
	}
	stream_put_soa(s, serial);
	for (uint32_t k = 0; k < count; k++) {
		put_change(f, s, changes[k]);
	}
	stream_put_soa(s, serial);
	free(changes);
	return true;
}
