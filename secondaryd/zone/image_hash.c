/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hash table of an image, made a range of slots at a time, so that its
 * memory does not grow with the zone: each range takes one pass over all
 * names. What does not fit before the end of a range starts the next one,
 * where a reader that probes on from slot to slot finds it too.
 */

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "zone/image_format.h"
#include "zone/image_write.h"

#define PAIRS ((size_t)4096) /* read at once */

struct range {
	uint64_t *table;
	uint64_t from, len; /* slots */
	struct buf carry;   /* entries for the next range */
};

static int
insert(struct range *r, uint64_t at, uint64_t entry)
{
	while (at < r->len && r->table[at] != 0) {
		at++;
	}
	if (at < r->len) {
		r->table[at] = entry;
		return SECD_OK;
	}
	return buf_put(&r->carry, &entry, sizeof(entry));
}

static int
insert_pairs(struct range *r, const struct image_pair *pairs, size_t count,
	     uint64_t slots)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t slot = image_slot(pairs[i].hash, slots);
		int rc;

		if (slot < r->from || slot - r->from >= r->len) {
			continue;
		}
		rc = insert(r, slot - r->from,
			    image_tag(pairs[i].hash) | pairs[i].offset);
		if (rc != SECD_OK) {
			return rc;
		}
	}
	return SECD_OK;
}

/* Put what the range before left over at the start of this one. */
static int
take_carry(struct range *r)
{
	size_t count = r->carry.len / sizeof(uint64_t);
	struct buf old = r->carry;
	int rc = SECD_OK;

	r->carry = (struct buf){0};
	for (size_t i = 0; i < count && rc == SECD_OK; i++) {
		uint64_t entry;

		memcpy(&entry, old.data + i * sizeof(entry), sizeof(entry));
		rc = insert(r, 0, entry);
	}
	buf_fini(&old);
	return rc;
}

static int
fill(struct range *r, struct stream *pairs, uint64_t slots)
{
	const size_t chunk = PAIRS * sizeof(struct image_pair);
	uint64_t end = stream_len(pairs);
	struct buf scratch = {0};
	int rc = take_carry(r);

	for (uint64_t at = 0; at < end && rc == SECD_OK; at += chunk) {
		size_t len = end - at < chunk ? (size_t)(end - at) : chunk;
		const uint8_t *octets;

		rc = stream_get(pairs, at, len, &scratch, &octets);
		if (rc == SECD_OK) {
			rc = insert_pairs(r, (const void *)octets,
					  len / sizeof(struct image_pair),
					  slots);
		}
	}
	buf_fini(&scratch);
	return rc;
}

int
image_hash_append(struct stream *image, struct stream *pairs, uint64_t slots,
		  uint64_t range, uint64_t *count)
{
	struct range r = {0};
	int rc = SECD_OK;

	r.len = slots < range ? slots : range;
	r.table = malloc((size_t)r.len * sizeof(*r.table));
	if (r.table == NULL) {
		return SECD_ENOMEM;
	}
	for (; r.from < slots && rc == SECD_OK; r.from += r.len) {
		if (r.len > slots - r.from) {
			r.len = slots - r.from;
		}
		memset(r.table, 0, (size_t)r.len * sizeof(*r.table));
		rc = fill(&r, pairs, slots);
		if (rc == SECD_OK) {
			rc = stream_put(image, r.table,
					(size_t)r.len * sizeof(*r.table));
		}
	}
	if (rc == SECD_OK) {
		rc = stream_put(image, r.carry.data, r.carry.len);
		*count = slots + r.carry.len / sizeof(uint64_t);
	}
	buf_fini(&r.carry);
	free(r.table);
	return rc;
}
