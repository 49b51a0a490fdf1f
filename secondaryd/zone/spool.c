/* SPDX-License-Identifier: BSD-2-Clause */

#include "zone/spool_internal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "zone/record.h"
#include "zone/stream.h"

/* Octets of a chunk are counted with 32 bits. */
#define CHUNK_MAX ((size_t)1 << 30)

int
spool_new(const char *dir, size_t chunk, struct spool **out)
{
	struct spool *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		return SECD_ENOMEM;
	}
	s->dir = strdup(dir);
	if (s->dir == NULL) {
		free(s);
		return SECD_ENOMEM;
	}
	s->chunk = chunk < CHUNK_MAX ? chunk : CHUNK_MAX;
	s->fd = -1;
	*out = s;
	return SECD_OK;
}

void
spool_free(struct spool *s)
{
	if (s == NULL) {
		return;
	}
	for (size_t i = 0; i < s->run_count; i++) {
		buf_fini(&s->runs[i].window);
	}
	free(s->runs);
	free(s->heap);
	if (s->fd >= 0) {
		close(s->fd);
	}
	buf_fini(&s->mem);
	buf_fini(&s->ends);
	free(s->dir);
	free(s);
}

uint64_t
spool_record_count(const struct spool *s)
{
	return s->count;
}

int
spool_flush(struct spool *s)
{
	uint64_t end = s->file_len + s->mem.len;
	int rc = SECD_OK;

	if (s->fd < 0) {
		rc = stream_temporary(s->dir, &s->fd, NULL);
	}
	if (rc == SECD_OK) {
		rc = stream_pwrite(s->fd, s->mem.data, s->mem.len, s->file_len);
	}
	if (rc == SECD_OK) {
		rc = buf_put(&s->ends, &end, sizeof(end));
	}
	if (rc != SECD_OK) {
		return rc;
	}
	s->file_len = end;
	buf_clear(&s->mem);
	return SECD_OK;
}

int
spool_add(struct spool *s, const struct rr *rr)
{
	uint32_t len = (uint32_t)(record_len(rr) + sizeof(len));
	int rc = SECD_OK;

	if (s->mem.len > 0 && s->mem.len + len > s->chunk) {
		rc = spool_flush(s);
	}
	if (rc == SECD_OK) {
		rc = buf_reserve(&s->mem, len);
	}
	if (rc != SECD_OK) {
		return rc;
	}
	/* There is room for both. */
	buf_put(&s->mem, &len, sizeof(len));
	record_put(&s->mem, rr);
	s->count++;
	return SECD_OK;
}
