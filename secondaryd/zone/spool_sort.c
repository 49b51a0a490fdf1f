/* SPDX-License-Identifier: BSD-2-Clause */

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "zone/image_format.h"
#include "zone/record.h"
#include "zone/spool_internal.h"
#include "zone/stream.h"

/* Records of one owner that stand together in a chunk. */
struct group {
	uint64_t prefix;
	const uint8_t *owner;
	uint32_t at, len;
};

uint64_t
spool_prefix(const struct spool *s, const uint8_t *owner)
{
	uint8_t key[NAME_KEY_MAX];
	size_t len;

	if (!name_is_in(owner, s->apex)) {
		return 0; /* refused when it is its turn */
	}
	len = name_key(owner, key);
	return image_denial_key(key + s->apex_key_len, len - s->apex_key_len);
}

static int
compare_groups(const void *a, const void *b)
{
	const struct group *ga = a, *gb = b;

	if (ga->prefix != gb->prefix) {
		return ga->prefix < gb->prefix ? -1 : 1;
	}
	return name_compare(ga->owner, gb->owner);
}

/*
 * Find the groups of a chunk.
 *
 * sorted   receives whether they are in order
 */
static int
find_groups(const struct spool *s, const struct buf *chunk, struct buf *groups,
	    bool *sorted)
{
	struct group g = {0};
	size_t at = 0;

	*sorted = true;
	buf_clear(groups);
	while (at < chunk->len) {
		struct group last = g;
		uint32_t len;
		int rc;

		memcpy(&len, chunk->data + at, sizeof(len));
		g.owner = chunk->data + at + sizeof(len);
		if (last.owner != NULL && name_equal(last.owner, g.owner)) {
			last.len += len;
			memcpy(groups->data + groups->len - sizeof(last), &last,
			       sizeof(last));
			g = last;
			at += len;
			continue;
		}
		g.prefix = spool_prefix(s, g.owner);
		g.at = (uint32_t)at;
		g.len = len;
		if (last.owner != NULL && compare_groups(&last, &g) >= 0) {
			*sorted = false;
		}
		rc = buf_put(groups, &g, sizeof(g));
		if (rc != SECD_OK) {
			return rc;
		}
		at += len;
	}
	return SECD_OK;
}

/* The chunk's octets with its groups in order. */
static int
sort_chunk(const struct buf *chunk, struct buf *groups, struct buf *out)
{
	size_t count = groups->len / sizeof(struct group);
	struct group *g = (void *)groups->data;
	int rc;

	buf_clear(out);
	rc = buf_reserve(out, chunk->len);
	if (rc != SECD_OK) {
		return rc;
	}
	qsort(g, count, sizeof(*g), compare_groups);
	for (size_t i = 0; i < count; i++) {
		buf_put(out, chunk->data + g[i].at, g[i].len);
	}
	return SECD_OK;
}

/* The owner that a run ends with so far. */
struct tail {
	uint8_t owner[NAME_LEN_MAX];
	uint64_t prefix;
};

/* Start a run with these octets of the file, unless they continue the last. */
static int
add_run(struct spool *s, uint64_t at, uint64_t end, const struct buf *groups,
	struct tail *tail)
{
	size_t count = groups->len / sizeof(struct group);
	const struct group *g = (const void *)groups->data;
	struct group before = {.prefix = tail->prefix, .owner = tail->owner};
	bool follows = s->run_count > 0 && compare_groups(&before, &g[0]) <= 0;

	tail->prefix = g[count - 1].prefix;
	memcpy(tail->owner, g[count - 1].owner, name_len(g[count - 1].owner));
	if (follows) {
		s->runs[s->run_count - 1].end = end;
		return SECD_OK;
	}
	if (s->run_count == s->run_cap) {
		size_t cap = s->run_cap == 0 ? 4 : s->run_cap * 2;
		struct spool_run *bigger =
		    reallocarray(s->runs, cap, sizeof(*s->runs));

		if (bigger == NULL) {
			return SECD_ENOMEM;
		}
		s->runs = bigger;
		s->run_cap = cap;
	}
	s->runs[s->run_count++] = (struct spool_run){.at = at, .end = end};
	return SECD_OK;
}

struct sorting {
	struct buf chunk, sorted, groups;
	struct tail tail;
};

static int
sort_file_chunk(struct spool *s, uint64_t at, uint64_t end, struct sorting *w)
{
	bool sorted;
	int rc;

	buf_clear(&w->chunk);
	rc = buf_reserve(&w->chunk, (size_t)(end - at));
	if (rc == SECD_OK) {
		rc = stream_pread(s->fd, w->chunk.data, (size_t)(end - at), at);
	}
	if (rc != SECD_OK) {
		return rc;
	}
	w->chunk.len = (size_t)(end - at);
	rc = find_groups(s, &w->chunk, &w->groups, &sorted);
	if (rc == SECD_OK && !sorted) {
		rc = sort_chunk(&w->chunk, &w->groups, &w->sorted);
		if (rc == SECD_OK) {
			rc = stream_pwrite(s->fd, w->sorted.data, w->sorted.len,
					   at);
		}
	}
	return rc != SECD_OK ? rc : add_run(s, at, end, &w->groups, &w->tail);
}

static int
sort_file(struct spool *s, struct sorting *w)
{
	uint64_t at = 0, end;
	int rc = s->mem.len > 0 ? spool_flush(s) : SECD_OK;

	buf_fini(&s->mem);
	for (size_t i = 0; i < s->ends.len && rc == SECD_OK; i += sizeof(end)) {
		memcpy(&end, s->ends.data + i, sizeof(end));
		rc = sort_file_chunk(s, at, end, w);
		at = end;
	}
	return rc;
}

static int
sort_memory(struct spool *s, struct sorting *w)
{
	bool sorted;
	int rc = find_groups(s, &s->mem, &w->groups, &sorted);

	if (rc == SECD_OK && !sorted) {
		rc = sort_chunk(&s->mem, &w->groups, &w->sorted);
		if (rc == SECD_OK) {
			struct buf unsorted = s->mem;

			s->mem = w->sorted;
			w->sorted = unsorted;
		}
	}
	if (rc == SECD_OK && s->mem.len > 0) {
		/* Nothing of it is in the file; all is in the window. */
		rc = add_run(s, 0, 0, &w->groups, &w->tail);
	}
	if (rc == SECD_OK && s->mem.len > 0) {
		s->runs[0].window = s->mem;
		s->mem = (struct buf){0};
	}
	return rc;
}

int
spool_sort(struct spool *s, const uint8_t *apex)
{
	struct sorting w = {0};
	uint8_t key[NAME_KEY_MAX];
	int rc;

	memcpy(s->apex, apex, name_len(apex));
	s->apex_key_len = name_key(apex, key);
	rc = s->fd >= 0 ? sort_file(s, &w) : sort_memory(s, &w);
	buf_fini(&w.chunk);
	buf_fini(&w.sorted);
	buf_fini(&w.groups);
	return rc != SECD_OK ? rc : spool_merge_begin(s);
}
