/* SPDX-License-Identifier: BSD-2-Clause */

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "zone/record.h"
#include "zone/spool_internal.h"
#include "zone/stream.h"

/* All windows together have about a chunk. */
#define WINDOW_MIN ((size_t)4 * 1024)
#define WINDOW_MAX ((size_t)256 * 1024)

static bool
is_lower(const struct spool_run *a, const struct spool_run *b)
{
	if (a->prefix != b->prefix) {
		return a->prefix < b->prefix;
	}
	return name_compare(a->rr.owner, b->rr.owner) < 0;
}

static void
sift_down(struct spool *s, size_t i)
{
	struct spool_run *run = s->heap[i];

	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= s->heap_count) {
			break;
		}
		if (child + 1 < s->heap_count &&
		    is_lower(s->heap[child + 1], s->heap[child])) {
			child++;
		}
		if (!is_lower(s->heap[child], run)) {
			break;
		}
		s->heap[i] = s->heap[child];
		i = child;
	}
	s->heap[i] = run;
}

/* Have `need` octets in the window, which holds them if the file does. */
static int
read_on(struct spool *s, struct spool_run *run, size_t need)
{
	struct buf *w = &run->window;
	size_t left = w->len - run->pos, more;
	int rc;

	if (left >= need || run->at == run->end) {
		return SECD_OK;
	}
	if (left > 0) {
		memmove(w->data, w->data + run->pos, left);
	}
	w->len = left;
	run->pos = 0;
	more = need > s->window_len ? need : s->window_len;
	more -= left;
	if (more > run->end - run->at) {
		more = (size_t)(run->end - run->at);
	}
	rc = buf_reserve(w, more);
	if (rc == SECD_OK) {
		rc = stream_pread(s->fd, w->data + left, more, run->at);
	}
	if (rc == SECD_OK) {
		w->len += more;
		run->at += more;
	}
	return rc;
}

/* Read the run's next record. SECD_ENOTFOUND: there is none. */
static int
next_record(struct spool *s, struct spool_run *run)
{
	uint32_t len;
	int rc;

	rc = read_on(s, run, sizeof(len));
	if (rc != SECD_OK) {
		return rc;
	}
	if (run->window.len == run->pos) {
		return SECD_ENOTFOUND;
	}
	memcpy(&len, run->window.data + run->pos, sizeof(len));
	rc = read_on(s, run, len);
	if (rc == SECD_OK) {
		record_get(run->window.data + run->pos + sizeof(len), &run->rr);
		run->pos += len;
	}
	return rc;
}

int
spool_merge_begin(struct spool *s)
{
	size_t count = s->run_count;

	s->heap = calloc(count + 1, sizeof(struct spool_run *));
	if (s->heap == NULL) {
		return SECD_ENOMEM;
	}
	s->window_len = count == 0 ? WINDOW_MAX : s->chunk / count;
	s->window_len = s->window_len < WINDOW_MIN ? WINDOW_MIN : s->window_len;
	s->window_len = s->window_len > WINDOW_MAX ? WINDOW_MAX : s->window_len;
	for (size_t i = 0; i < count; i++) {
		int rc = next_record(s, &s->runs[i]);

		if (rc != SECD_OK) {
			return rc;
		}
		s->runs[i].prefix = spool_prefix(s, s->runs[i].rr.owner);
		s->heap[i] = &s->runs[i];
	}
	s->heap_count = count;
	for (size_t i = count / 2; i-- > 0;) {
		sift_down(s, i);
	}
	return SECD_OK;
}

/* Take all that the first run has of the set's owner. */
static int
take_owner(struct spool *s, struct owner_set *set)
{
	struct spool_run *run = s->heap[0];
	int rc;

	do {
		rc = owner_set_add(set, &run->rr);
		if (rc == SECD_OK) {
			rc = next_record(s, run);
		}
	} while (rc == SECD_OK && name_equal(run->rr.owner, set->owner));
	if (rc == SECD_ENOTFOUND) {
		buf_fini(&run->window);
		s->heap[0] = s->heap[--s->heap_count];
	} else if (rc != SECD_OK) {
		return rc;
	} else if (s->heap_count > 1) { /* else there is nothing to compare */
		run->prefix = spool_prefix(s, run->rr.owner);
	}
	if (s->heap_count > 0) {
		sift_down(s, 0);
	}
	return SECD_OK;
}

int
spool_next(struct spool *s, struct owner_set *set)
{
	if (s->heap_count == 0) {
		return SECD_ENOTFOUND;
	}
	owner_set_start(set, s->heap[0]->rr.owner);
	do {
		int rc = take_owner(s, set);

		if (rc != SECD_OK) {
			return rc;
		}
	} while (s->heap_count > 0 &&
		 name_equal(s->heap[0]->rr.owner, set->owner));
	return SECD_OK;
}
