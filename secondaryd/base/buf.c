/* SPDX-License-Identifier: BSD-2-Clause */

#include "base/buf.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

int
buf_reserve(struct buf *b, size_t more)
{
	size_t cap = b->cap == 0 ? 256 : b->cap;
	uint8_t *data;

	if (more <= b->cap - b->len) {
		return SECD_OK;
	}
	if (more > SIZE_MAX / 2 - b->len) {
		return SECD_ENOMEM;
	}
	while (cap < b->len + more) {
		cap *= 2;
	}
	data = realloc(b->data, cap);
	if (data == NULL) {
		return SECD_ENOMEM;
	}
	b->data = data;
	b->cap = cap;
	return SECD_OK;
}

int
buf_put(struct buf *b, const void *data, size_t len)
{
	if (len == 0) {
		return SECD_OK;
	}
	int rc = buf_reserve(b, len);
	if (rc != SECD_OK) {
		return rc;
	}
	memcpy(b->data + b->len, data, len);
	b->len += len;
	return SECD_OK;
}

void
buf_clear(struct buf *b)
{
	b->len = 0;
}

void
buf_fini(struct buf *b)
{
	free(b->data);
	*b = (struct buf){0};
}
