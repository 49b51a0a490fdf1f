/* SPDX-License-Identifier: BSD-2-Clause */

#include "base/secret.h"

#include <assert.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/*
 * A TSIG secret has 16 to 64 octets, so slots of 32 waste little, and one
 * chunk holds 256 to 512 keys. Four pages of 4 KiB; a whole page where pages
 * are bigger.
 */
#define SLOT_LEN   ((size_t)32)
#define SLOT_COUNT ((size_t)512)
#define CHUNK_LEN  (SLOT_LEN * SLOT_COUNT)
/* A multiple of every page size of Linux in use. */
#define BIG_ALIGN ((size_t)65536)

struct chunk {
	struct chunk *next;
	uint8_t *base;
	size_t len;    /* CHUNK_LEN, or more for one big secret */
	size_t in_use; /* slots; 1 for one big secret */
	bool locked;
	bool taken[SLOT_COUNT]; /* not used by one big secret */
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct chunk *chunks;

static size_t
slots_for(size_t len)
{
	return (len + SLOT_LEN - 1) / SLOT_LEN;
}

/* The first of `count` free slots in a row, or SLOT_COUNT. */
static size_t
free_run(const struct chunk *c, size_t count)
{
	size_t run = 0;

	for (size_t i = 0; i < SLOT_COUNT; i++) {
		run = c->taken[i] ? 0 : run + 1;
		if (run == count) {
			return i + 1 - count;
		}
	}
	return SLOT_COUNT;
}

static struct chunk *
chunk_new(size_t len)
{
	struct chunk *c = calloc(1, sizeof(*c));
	void *base;

	if (c == NULL) {
		return NULL;
	}
	base = mmap(NULL, len, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (base == MAP_FAILED) {
		free(c);
		return NULL;
	}
	c->base = base;
	c->len = len;
	c->locked = mlock(base, len) == 0;
	/* Cannot fail on Linux for a mapping of ours; a failure would only
	   mean that the pages are in a core dump. */
	(void)madvise(base, len, MADV_DONTDUMP);
	c->next = chunks;
	chunks = c;
	return c;
}

static void
chunk_free(struct chunk *c)
{
	struct chunk **link = &chunks;

	while (*link != c) {
		link = &(*link)->next;
	}
	*link = c->next;
	munmap(c->base, c->len); /* unlocks too */
	free(c);
}

static void *
new_small(size_t len)
{
	size_t count = slots_for(len), at = SLOT_COUNT;
	struct chunk *c;

	for (c = chunks; c != NULL; c = c->next) {
		if (c->len == CHUNK_LEN) {
			at = free_run(c, count);
		}
		if (at < SLOT_COUNT) {
			break;
		}
	}
	if (c == NULL) {
		c = chunk_new(CHUNK_LEN);
		if (c == NULL) {
			return NULL;
		}
		at = 0;
	}
	memset(c->taken + at, true, count);
	c->in_use += count;
	return c->base + at * SLOT_LEN;
}

static void *
new_big(size_t len)
{
	struct chunk *c;

	if (len > SIZE_MAX / 2) {
		return NULL;
	}
	c = chunk_new((len + BIG_ALIGN - 1) / BIG_ALIGN * BIG_ALIGN);
	if (c == NULL) {
		return NULL;
	}
	c->in_use = 1;
	return c->base;
}

void *
secret_new(size_t len)
{
	void *secret;

	assert(len > 0);
	pthread_mutex_lock(&mutex);
	secret = len <= CHUNK_LEN ? new_small(len) : new_big(len);
	pthread_mutex_unlock(&mutex);
	return secret;
}

static struct chunk *
chunk_of(const uint8_t *secret)
{
	struct chunk *c = chunks;

	while (c != NULL && (secret < c->base || secret >= c->base + c->len)) {
		c = c->next;
	}
	return c;
}

void
secret_free(void *secret, size_t len)
{
	struct chunk *c;
	size_t count = 1;

	if (secret == NULL) {
		return;
	}
	explicit_bzero(secret, len);
	pthread_mutex_lock(&mutex);
	c = chunk_of(secret);
	assert(c != NULL);
	if (c->len == CHUNK_LEN) {
		size_t at = (size_t)((uint8_t *)secret - c->base) / SLOT_LEN;

		count = slots_for(len);
		assert(at + count <= SLOT_COUNT && c->taken[at]);
		memset(c->taken + at, false, count);
	}
	c->in_use -= count;
	if (c->in_use == 0) {
		chunk_free(c);
	}
	pthread_mutex_unlock(&mutex);
}

void
secret_stats(struct secret_stats *out)
{
	*out = (struct secret_stats){0};
	pthread_mutex_lock(&mutex);
	for (const struct chunk *c = chunks; c != NULL; c = c->next) {
		out->mapped_len += c->len;
		out->locked_len += c->locked ? c->len : 0;
	}
	pthread_mutex_unlock(&mutex);
}
