/* SPDX-License-Identifier: BSD-2-Clause */

#include "base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_LEN 65536

struct chunk {
	struct chunk *next;
	size_t used, cap;
	alignas(max_align_t) uint8_t data[];
};

struct arena {
	struct chunk *first; /* the one that is filled */
};

struct arena *
arena_new(void)
{
	return calloc(1, sizeof(struct arena));
}

void
arena_free(struct arena *a)
{
	if (a == NULL) {
		return;
	}
	while (a->first != NULL) {
		struct chunk *c = a->first;

		a->first = c->next;
		explicit_bzero(c->data, c->used);
		free(c);
	}
	free(a);
}

static struct chunk *
add_chunk(struct arena *a, size_t len)
{
	size_t cap = len > CHUNK_LEN / 4 ? len : CHUNK_LEN;
	struct chunk *c;

	if (cap > SIZE_MAX / 2) {
		return NULL;
	}
	c = calloc(1, sizeof(*c) + cap);
	if (c == NULL) {
		return NULL;
	}
	c->cap = cap;
	if (a->first != NULL && cap == len) {
		/* A chunk of its own; go on filling the present one. */
		c->next = a->first->next;
		a->first->next = c;
	} else {
		c->next = a->first;
		a->first = c;
	}
	return c;
}

static void *
take(struct arena *a, size_t len, size_t align)
{
	struct chunk *c = a->first;
	size_t at = c == NULL ? 0 : (c->used + align - 1) / align * align;

	if (c == NULL || at > c->cap || len > c->cap - at) {
		c = add_chunk(a, len);
		if (c == NULL) {
			return NULL;
		}
		at = 0;
	}
	c->used = at + len;
	return c->data + at;
}

void *
arena_alloc(struct arena *a, size_t len)
{
	return take(a, len, alignof(max_align_t));
}

static void *
copy(struct arena *a, const void *data, size_t len, size_t align)
{
	void *p = len == SIZE_MAX ? NULL : take(a, len + 1, align);

	if (p != NULL && len > 0) {
		memcpy(p, data, len);
	}
	return p;
}

void *
arena_copy(struct arena *a, const void *data, size_t len)
{
	return copy(a, data, len, alignof(max_align_t));
}

void *
arena_copy_octets(struct arena *a, const void *data, size_t len)
{
	return copy(a, data, len, 1);
}

char *
arena_printf(struct arena *a, const char *format, ...)
{
	va_list args, again;
	char *text = NULL;
	int len;

	va_start(args, format);
	va_copy(again, args);
	len = vsnprintf(NULL, 0, format, args);
	if (len >= 0) {
		text = take(a, (size_t)len + 1, 1);
	}
	if (text != NULL) {
		vsnprintf(text, (size_t)len + 1, format, again);
	}
	va_end(again);
	va_end(args);
	return text;
}
