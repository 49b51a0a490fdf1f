/* SPDX-License-Identifier: BSD-2-Clause */

#include "wire/net.h"

#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "base/error.h"
#include "secondaryd/module.h"
#include "wire/name.h"

#define TYPE_SOA 6

struct net_chunk {
	struct net_chunk *next;
	uint8_t octets[];
};

void
net_fini(struct net *net)
{
	while (net->chunks != NULL) {
		struct net_chunk *c = net->chunks;

		net->chunks = c->next;
		free(c);
	}
	free(net->records);
	*net = (struct net){.count = 0};
}

/*
 * Orders
 */

static int
compare_octets(const struct net_record *a, const struct net_record *b)
{
	int order =
	    memcmp(a->octets, b->octets, a->len < b->len ? a->len : b->len);

	return order != 0 ? order : (a->len > b->len) - (a->len < b->len);
}

/* Any order in which equal records meet. By hash, since names are dear to
 * compare; and then in an order, since whoever sends records may choose their
 * hashes. */
static int
compare_hashes(const void *a, const void *b)
{
	const struct net_record *ra = a, *rb = b;

	if (ra->hash != rb->hash) {
		return ra->hash < rb->hash ? -1 : 1;
	}
	return compare_octets(ra, rb);
}

static int
compare_owners(const void *a, const void *b)
{
	const struct net_record *ra = a, *rb = b;
	int order = name_compare(ra->octets, rb->octets);

	return order != 0 ? order : compare_octets(ra, rb);
}

/*
 * Collecting
 */

static int
put_record(struct net *net, const uint8_t *octets, size_t len, bool added,
	   bool is_soa)
{
	if (net->count == net->cap) {
		size_t cap = net->cap == 0 ? 256 : net->cap * 2;
		struct net_record *bigger =
		    reallocarray(net->records, cap, sizeof(*bigger));

		if (bigger == NULL) {
			return SECD_ENOMEM;
		}
		net->records = bigger;
		net->cap = cap;
	}
	net->records[net->count++] = (struct net_record){
	    .octets = octets,
	    .len = len,
	    .hash = checksum64(CHECKSUM_START, octets, len),
	    .added = added,
	    .is_soa = is_soa,
	};
	return SECD_OK;
}

int
net_put(struct net *net, const uint8_t *octets, size_t len, bool backwards)
{
	struct net_chunk *c = malloc(sizeof(*c) + len);
	size_t at = 0;

	if (c == NULL) {
		return SECD_ENOMEM;
	}
	if (len > 0) {
		memcpy(c->octets, octets, len);
	}
	c->next = net->chunks;
	net->chunks = c;
	net->octets += len;
	while (at < len) {
		struct secd_entry e;
		size_t n = secd_entry_read(c->octets + at, len - at, &e);
		bool added = e.op == SECD_OP_SOA_TO || e.op == SECD_OP_ADD;
		int rc;

		if (n == 0) {
			return SECD_EMALF;
		}
		rc = put_record(net, c->octets + at + 1, n - 1,
				added != backwards, e.type == TYPE_SOA);
		if (rc != SECD_OK) {
			return rc;
		}
		at += n;
	}
	return SECD_OK;
}

uint64_t
net_memory(const struct net *net)
{
	return net->octets + net->cap * sizeof(*net->records);
}

/*
 * Cancelling
 */

#define DIGIT_BITS  11
#define DIGIT_COUNT (1u << DIGIT_BITS)
#define KEY_BITS    32 /* at the top of a key; an index below them */

static unsigned
digit(uint64_t key, unsigned bit)
{
	return (unsigned)(key >> bit) & (DIGIT_COUNT - 1);
}

/* By DIGIT_BITS bits of their keys, from a bit on; the order is kept else. */
static void
distribute(const uint64_t *from, uint64_t *to, size_t count, unsigned bit)
{
	size_t start[DIGIT_COUNT] = {0}, at = 0;

	for (size_t i = 0; i < count; i++) {
		start[digit(from[i], bit)]++;
	}
	for (unsigned d = 0; d < DIGIT_COUNT; d++) {
		size_t n = start[d];

		start[d] = at;
		at += n;
	}
	for (size_t i = 0; i < count; i++) {
		to[start[digit(from[i], bit)]++] = from[i];
	}
}

/* Records by the lower half of their hashes: an index of each, in the lower half
 * of a key. NULL: no memory, or too many; then the records themselves are moved
 * into the order of their hashes. */
static uint64_t *
order_by_hash(const struct net *net, uint64_t **room)
{
	uint64_t *keys, *other;

	*room = net->count > UINT32_MAX
		    ? NULL
		    : reallocarray(NULL, net->count, 2 * sizeof(**room));
	if (*room == NULL) {
		qsort(net->records, net->count, sizeof(*net->records),
		      compare_hashes);
		return NULL;
	}
	keys = *room;
	other = keys + net->count;
	for (size_t i = 0; i < net->count; i++) {
		keys[i] = net->records[i].hash << KEY_BITS | i;
	}
	for (unsigned bit = KEY_BITS; bit < 64; bit += DIGIT_BITS) {
		uint64_t *swap = keys;

		distribute(keys, other, net->count, bit);
		keys = other;
		other = swap;
	}
	return keys;
}

static struct net_record *
record_at(const struct net *net, const uint64_t *order, size_t i)
{
	return net->records + (order == NULL ? i : order[i] & UINT32_MAX);
}

static int
compare_ordered(const void *a, const void *b, void *records)
{
	const uint64_t *ka = a, *kb = b;
	const struct net_record *r = records;
	int order =
	    compare_hashes(r + (*ka & UINT32_MAX), r + (*kb & UINT32_MAX));

	return order != 0 ? order : (*ka > *kb) - (*ka < *kb);
}

/* From `i` on: how many have the same half of a hash. Equal ones are neighbours
 * then. */
static size_t
group_at(struct net *net, uint64_t *order, size_t i)
{
	uint32_t half = (uint32_t)record_at(net, order, i)->hash;
	size_t n = 1;

	while (i + n < net->count &&
	       (uint32_t)record_at(net, order, i + n)->hash == half) {
		n++;
	}
	if (n > 2 && order != NULL) {
		qsort_r(order + i, n, sizeof(*order), compare_ordered,
			net->records);
	}
	return n;
}

/* Of a group's records, what is left: each once, or not at all. */
static void
keep_some(struct net *net, const uint64_t *order, size_t at, size_t end)
{
	while (at < end) {
		struct net_record *r = record_at(net, order, at++);
		int balance = r->added ? 1 : -1;

		while (at < end &&
		       compare_hashes(r, record_at(net, order, at)) == 0) {
			balance += record_at(net, order, at++)->added ? 1 : -1;
		}
		r->is_left = balance != 0;
		r->added = balance > 0;
	}
}

void
net_cancel(struct net *net)
{
	size_t kept = 0, at = 0;
	uint64_t *order, *room;

	if (net->count == 0) {
		return;
	}
	order = order_by_hash(net, &room);
	while (at < net->count) {
		size_t n = group_at(net, order, at);

		keep_some(net, order, at, at + n);
		at += n;
	}
	free(room);
	for (size_t i = 0; i < net->count; i++) {
		if (net->records[i].is_left) {
			net->records[kept++] = net->records[i];
		}
	}
	net->count = kept;
}

void
net_sort(struct net *net)
{
	if (net->count > 0) {
		qsort(net->records, net->count, sizeof(*net->records),
		      compare_owners);
	}
}

/*
 * What is left
 */

static uint8_t *
put_entry(uint8_t *p, enum secd_op op, const struct net_record *r)
{
	*p = (uint8_t)op;
	memcpy(p + 1, r->octets, r->len);
	return p + 1 + r->len;
}

size_t
net_step_len(const struct net *net)
{
	size_t len = 0;

	for (size_t i = 0; i < net->count; i++) {
		len += 1 + net->records[i].len;
	}
	return len;
}

/* The one SOA that is deleted, or added; NULL: there are none, or several. */
static const struct net_record *
find_soa(const struct net *net, bool added)
{
	const struct net_record *found = NULL;

	for (size_t i = 0; i < net->count; i++) {
		const struct net_record *r = &net->records[i];

		if (r->added == added && r->is_soa) {
			if (found != NULL) {
				return NULL;
			}
			found = r;
		}
	}
	return found;
}

int
net_write_step(const struct net *net, uint8_t *out)
{
	for (unsigned part = 0; part < 2; part++) {
		bool added = part == 1;
		const struct net_record *soa = find_soa(net, added);

		if (soa == NULL) {
			return SECD_EMALF;
		}
		out = put_entry(out, added ? SECD_OP_SOA_TO : SECD_OP_SOA_FROM,
				soa);
		for (size_t i = 0; i < net->count; i++) {
			const struct net_record *r = &net->records[i];

			if (r->added == added && r != soa) {
				out = put_entry(
				    out, added ? SECD_OP_ADD : SECD_OP_DELETE,
				    r);
			}
		}
	}
	return SECD_OK;
}

bool
net_deletes(const struct net *net, const uint8_t *entry, size_t len)
{
	struct net_record key = {.octets = entry + 1, .len = len - 1};
	const struct net_record *found;

	if (net->count == 0) {
		return false;
	}
	found = bsearch(&key, net->records, net->count, sizeof(key),
			compare_owners);
	return found != NULL && !found->added;
}
