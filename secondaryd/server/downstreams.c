/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/downstreams.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "base/clock.h"
#include "base/error.h"

#define BUCKETS 16384 /* by apex */

/* IPv4 as IPv6 has it mapped. */
struct host {
	struct in6_addr octets;
	uint32_t scope;
};

struct record {
	struct record *next;          /* in its bucket */
	struct record *newer, *older; /* of all */
	uint64_t turn;                /* of the last word */
	int64_t at;
	struct host host;
	uint32_t serial;
	enum downstream_how how;
	uint8_t apex_len, key_len; /* 0: unsigned */
	uint8_t names[];
};

struct downstreams {
	pthread_mutex_t lock;
	size_t max, count;
	uint64_t turn;
	struct record *newest, *oldest;
	struct record *buckets[BUCKETS];
};

const char *
downstream_how_text(enum downstream_how how)
{
	switch (how) {
	case DOWNSTREAM_AXFR:
		return "AXFR";
	case DOWNSTREAM_IXFR:
		return "IXFR";
	case DOWNSTREAM_ASKED:
		return "asked";
	}
	return "?";
}

int
downstreams_new(size_t max, struct downstreams **out)
{
	struct downstreams *d = calloc(1, sizeof(*d));

	if (d == NULL) {
		return SECD_ENOMEM;
	}
	d->max = max;
	pthread_mutex_init(&d->lock, NULL);
	*out = d;
	return SECD_OK;
}

/*
 * Addresses
 */

static struct host
host_of(const struct sockaddr_storage *a)
{
	struct host h = {.scope = 0};

	if (a->ss_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)a;

		h.octets.s6_addr[10] = h.octets.s6_addr[11] = 0xff;
		memcpy(h.octets.s6_addr + 12, &in->sin_addr, 4);
	} else if (a->ss_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const void *)a;

		h.octets = in6->sin6_addr;
		h.scope = in6->sin6_scope_id;
	}
	return h;
}

static void
put_address(const struct host *h, struct sockaddr_storage *out)
{
	*out = (struct sockaddr_storage){0};
	if (IN6_IS_ADDR_V4MAPPED(&h->octets)) {
		struct sockaddr_in *in = (void *)out;

		in->sin_family = AF_INET;
		memcpy(&in->sin_addr, h->octets.s6_addr + 12, 4);
	} else {
		struct sockaddr_in6 *in6 = (void *)out;

		in6->sin6_family = AF_INET6;
		in6->sin6_addr = h->octets;
		in6->sin6_scope_id = h->scope;
	}
}

static bool
same_host(const struct host *a, const struct host *b)
{
	return memcmp(&a->octets, &b->octets, sizeof(a->octets)) == 0 &&
	       a->scope == b->scope;
}

/*
 * Records
 */

static struct record **
bucket_of(struct downstreams *d, const uint8_t *apex)
{
	return &d->buckets[checksum64(CHECKSUM_START, apex, name_len(apex)) %
			   BUCKETS];
}

static bool
is_of(const struct record *r, const uint8_t *apex)
{
	return name_equal(r->names, apex);
}

static void
append(struct downstreams *d, struct record *r)
{
	struct record **bucket = bucket_of(d, r->names);

	r->turn = ++d->turn;
	r->next = *bucket;
	*bucket = r;
	r->newer = NULL;
	r->older = d->newest;
	*(d->newest == NULL ? &d->oldest : &d->newest->newer) = r;
	d->newest = r;
	d->count++;
}

static void
drop(struct downstreams *d, struct record *r)
{
	struct record **p = bucket_of(d, r->names);

	while (*p != r) {
		p = &(*p)->next;
	}
	*p = r->next;
	*(r->newer == NULL ? &d->newest : &r->newer->older) = r->older;
	*(r->older == NULL ? &d->oldest : &r->older->newer) = r->newer;
	d->count--;
	free(r);
}

static struct record *
record_new(const uint8_t *apex, const uint8_t *key)
{
	size_t apex_len = name_len(apex);
	size_t key_len = key == NULL ? 0 : name_len(key);
	struct record *r = malloc(sizeof(*r) + apex_len + key_len);

	if (r != NULL) {
		r->apex_len = (uint8_t)apex_len;
		r->key_len = (uint8_t)key_len;
		memcpy(r->names, apex, apex_len);
		if (key_len > 0) {
			memcpy(r->names + apex_len, key, key_len);
		}
	}
	return r;
}

static struct record *
find(struct downstreams *d, const uint8_t *apex, const struct host *host)
{
	struct record *r = *bucket_of(d, apex);

	while (r != NULL && !(same_host(&r->host, host) && is_of(r, apex))) {
		r = r->next;
	}
	return r;
}

/* For one more of a zone. */
static void
make_room(struct downstreams *d, const uint8_t *apex)
{
	struct record *oldest = NULL;
	size_t of_zone = 0;

	for (struct record *r = *bucket_of(d, apex); r != NULL; r = r->next) {
		if (!is_of(r, apex)) {
			continue;
		}
		of_zone++;
		if (oldest == NULL || r->turn < oldest->turn) {
			oldest = r;
		}
	}
	if (of_zone >= DOWNSTREAMS_OF_ZONE) {
		drop(d, oldest);
	}
	if (d->count >= d->max) {
		drop(d, d->oldest);
	}
}

static void
note(struct downstreams *d, struct record *fresh)
{
	struct record *known = find(d, fresh->names, &fresh->host);

	if (known != NULL) {
		drop(d, known);
	} else {
		make_room(d, fresh->names);
	}
	append(d, fresh);
}

void
downstreams_note(struct downstreams *d, const uint8_t *apex,
		 const struct sockaddr_storage *from, enum downstream_how how,
		 uint32_t serial, const uint8_t *key)
{
	struct record *r = d == NULL ? NULL : record_new(apex, key);

	if (r == NULL) {
		return;
	}
	r->host = host_of(from);
	r->at = clock_wall_s();
	r->how = how;
	r->serial = serial;
	pthread_mutex_lock(&d->lock);
	note(d, r);
	pthread_mutex_unlock(&d->lock);
}

/*
 * Lists
 */

static void
describe(const struct record *r, struct downstream *out)
{
	put_address(&r->host, &out->address);
	out->serial = r->serial;
	out->how = r->how;
	out->at = r->at;
	out->is_signed = r->key_len > 0;
	memcpy(out->key, r->names + r->apex_len, r->key_len);
}

static int
compare_turns(const void *a, const void *b)
{
	const struct record *const *ra = a, *const *rb = b;

	return ((*ra)->turn < (*rb)->turn) - ((*ra)->turn > (*rb)->turn);
}

/* In no order. */
static size_t
collect(struct downstreams *d, const uint8_t *apex,
	struct record *out[DOWNSTREAMS_OF_ZONE])
{
	size_t count = 0;

	for (struct record *r = *bucket_of(d, apex);
	     r != NULL && count < DOWNSTREAMS_OF_ZONE; r = r->next) {
		if (is_of(r, apex)) {
			out[count++] = r;
		}
	}
	return count;
}

size_t
downstreams_list(struct downstreams *d, const uint8_t *apex,
		 struct downstream out[DOWNSTREAMS_OF_ZONE])
{
	struct record *found[DOWNSTREAMS_OF_ZONE];
	size_t count;

	if (d == NULL) {
		return 0;
	}
	pthread_mutex_lock(&d->lock);
	count = collect(d, apex, found);
	qsort(found, count, sizeof(struct record *), compare_turns);
	for (size_t i = 0; i < count; i++) {
		describe(found[i], &out[i]);
	}
	pthread_mutex_unlock(&d->lock);
	return count;
}

void
downstreams_forget(struct downstreams *d, const uint8_t *apex)
{
	struct record *found[DOWNSTREAMS_OF_ZONE];
	size_t count;

	if (d == NULL) {
		return;
	}
	pthread_mutex_lock(&d->lock);
	count = collect(d, apex, found);
	for (size_t i = 0; i < count; i++) {
		drop(d, found[i]);
	}
	pthread_mutex_unlock(&d->lock);
}

void
downstreams_free(struct downstreams *d)
{
	struct record *r;

	if (d == NULL) {
		return;
	}
	r = d->oldest;
	while (r != NULL) {
		struct record *newer = r->newer;

		free(r);
		r = newer;
	}
	pthread_mutex_destroy(&d->lock);
	free(d);
}
