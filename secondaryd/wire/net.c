/* SPDX-License-Identifier: BSD-2-Clause */

#include "wire/net.h"

#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "base/error.h"
#include "secondaryd/module.h"
#include "wire/name.h"

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
 * compare; sorted, since whoever sends records may choose their hashes. */
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
	memcpy(c->octets, octets, len);
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

void
net_cancel(struct net *net)
{
	size_t kept = 0, i = 0;

	if (net->count == 0) {
		return;
	}
	qsort(net->records, net->count, sizeof(*net->records), compare_hashes);
	while (i < net->count) {
		struct net_record r = net->records[i];
		int balance = 0;
		size_t n = 0;

		while (i + n < net->count &&
		       compare_hashes(&r, &net->records[i + n]) == 0) {
			balance += net->records[i + n].added ? 1 : -1;
			n++;
		}
		if (balance != 0) {
			r.added = balance > 0;
			net->records[kept++] = r;
		}
		i += n;
	}
	net->count = kept;
	qsort(net->records, net->count, sizeof(*net->records), compare_owners);
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
