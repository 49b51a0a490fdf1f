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
put_record(struct net *net, const uint8_t *octets, size_t len, bool added)
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
				added != backwards);
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

/* Indices of records by the lower half of their hashes, behind which each of
 * `keys` has one; both have room for as many as there are. */
static const uint64_t *
index_by_hash(const struct net *net, uint64_t *keys, uint64_t *other)
{
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

/* Equal records are neighbours then. Faster by far than comparing them, which
 * is left for where lack of memory, or a count, does not let us. */
static void
gather_equal(struct net *net)
{
	struct net_record *sorted = NULL;
	uint64_t *keys = NULL;
	const uint64_t *order;

	if (net->count <= UINT32_MAX) {
		keys = reallocarray(NULL, net->count, 2 * sizeof(*keys));
		sorted = reallocarray(NULL, net->count, sizeof(*sorted));
	}
	if (keys == NULL || sorted == NULL) {
		free(keys);
		free(sorted);
		qsort(net->records, net->count, sizeof(*net->records),
		      compare_hashes);
		return;
	}
	order = index_by_hash(net, keys, keys + net->count);
	for (size_t i = 0; i < net->count; i++) {
		sorted[i] = net->records[order[i] & UINT32_MAX];
	}
	free(keys);
	free(net->records);
	net->records = sorted;
	net->cap = net->count;
}

/* From `i` on: how many have the same half of a hash. In order, if several. */
static size_t
group_at(struct net *net, size_t i)
{
	struct net_record *r = net->records + i;
	size_t n = 1;

	while (i + n < net->count &&
	       (uint32_t)r[n].hash == (uint32_t)r[0].hash) {
		n++;
	}
	if (n > 2) {
		qsort(r, n, sizeof(*r), compare_hashes);
	}
	return n;
}

/* Of a group's records, what is left: each once, or not at all. */
static size_t
keep_some(struct net *net, size_t at, size_t group, size_t kept)
{
	size_t i = 0;

	while (i < group) {
		struct net_record r = net->records[at + i];
		int balance = 0;
		size_t n = 0;

		while (i + n < group &&
		       compare_hashes(&r, &net->records[at + i + n]) == 0) {
			balance += net->records[at + i + n].added ? 1 : -1;
			n++;
		}
		if (balance != 0) {
			r.added = balance > 0;
			net->records[kept++] = r;
		}
		i += n;
	}
	return kept;
}

void
net_cancel(struct net *net)
{
	size_t kept = 0, at = 0;

	if (net->count == 0) {
		return;
	}
	gather_equal(net);
	while (at < net->count) {
		size_t n = group_at(net, at);

		kept = keep_some(net, at, n, kept);
		at += n;
	}
	net->count = kept;
	qsort(net->records, net->count, sizeof(*net->records), compare_owners);
}

/*
 * What is left
 */

static bool
is_soa(const struct net_record *r)
{
	const uint8_t *type = r->octets + name_len(r->octets);

	return type[0] == 0 && type[1] == TYPE_SOA;
}

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

		if (r->added == added && is_soa(r)) {
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
