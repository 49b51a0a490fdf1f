/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * buf -- octets that grow at the end.
 *
 * Zero-initialise it (`struct buf b = {0}`) or call buf_fini to start again.
 * `data` may move whenever something is put.
 */

#ifndef SECD_BASE_BUF_H
#define SECD_BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

struct buf {
	uint8_t *data; /* owned; NULL while nothing was put */
	size_t len;    /* octets in use */
	size_t cap;    /* octets allocated */
};

/**
 * Make room for `more` further octets at data + len.
 *
 * Returns  SECD_OK, SECD_ENOMEM (the contents are as they were)
 */
int buf_reserve(struct buf *b, size_t more);

/** Append octets. `len` 0 is fine. Returns SECD_OK, SECD_ENOMEM. */
int buf_put(struct buf *b, const void *data, size_t len);

/** Forget the contents, keep the memory. */
void buf_clear(struct buf *b);

/** Free the memory; the buffer is empty and usable again. */
void buf_fini(struct buf *b);

#endif
