/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * example_history -- a module that keeps every step of every zone, in the
 * plainest way there is: one file that grows, all of it in memory. It answers
 * changes_since, and can be told to make one mistake, by which the tests see
 * that try_module would find it.
 *
 *     history:
 *         fault: forgets, takes-torn, keeps, lies, spins or leaks
 */

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "secondaryd/module.h"

/* In the file: this, then `len` octets of entries. */
struct head {
	uint8_t apex[256];
	uint64_t from_seq, seq; /* from_seq 0: from nothing */
	uint32_t from, to;
	uint64_t len;
};

struct step {
	struct step *older;
	struct head head;
	uint8_t octets[];
};

struct history {
	const struct secd_host *host;
	char fault[32];
	struct step *newest; /* of all zones, in order of arrival */
	struct step *taken;  /* not committed yet, newest first */
	int fd;
	pthread_rwlock_t lock; /* of `newest`: changes_since reads it */
};

static int
has_fault(const struct history *h, const char *fault)
{
	return strcmp(h->fault, fault) == 0;
}

static int
is_of(const struct step *s, const uint8_t *apex)
{
	size_t at = 0;

	while (apex[at] != 0) {
		at += (size_t)1 + apex[at];
	}
	return memcmp(s->head.apex, apex, at + 1) == 0;
}

static void
free_steps(struct step *s)
{
	while (s != NULL) {
		struct step *older = s->older;

		free(s);
		s = older;
	}
}

/* What never counted is forgotten, whenever the step is read again, too. */
static void
add(struct history *h, struct step *s)
{
	struct step **p = &h->newest, *old;
	uint64_t last =
	    s->head.from_seq != 0 ? s->head.from_seq : s->head.seq - 1;

	while ((old = *p) != NULL) {
		if (is_of(old, s->head.apex) && old->head.seq > last &&
		    !has_fault(h, "keeps")) {
			*p = old->older;
			free(old);
		} else {
			p = &old->older;
		}
	}
	s->older = h->newest;
	h->newest = s;
}

static void
history_close(void *m)
{
	struct history *h = m;

	free_steps(h->newest);
	free_steps(h->taken);
	if (h->fd >= 0 && !has_fault(h, "leaks")) {
		close(h->fd);
	}
	pthread_rwlock_destroy(&h->lock);
	free(h);
}

/* A step that was being written when all ended is cut off. */
static int
load(struct history *h)
{
	struct head head;
	struct step *s;
	off_t at = 0;

	while (pread(h->fd, &head, sizeof(head), at) == (ssize_t)sizeof(head)) {
		s = malloc(sizeof(*s) + head.len);
		if (s == NULL) {
			return SECD_ENOMEM;
		}
		s->head = head;
		if (pread(h->fd, s->octets, head.len,
			  at + (off_t)sizeof(head)) != (ssize_t)head.len) {
			free(s);
			break;
		}
		add(h, s);
		at += (off_t)(sizeof(head) + head.len);
	}
	return ftruncate(h->fd, at) == 0 ? SECD_OK : SECD_EIO;
}

static int
take_options(struct history *h, const struct secd_options *options,
	     char *reason)
{
	for (size_t i = 0; i < options->count; i++) {
		const struct secd_option *o = &options->items[i];

		if (strcmp(o->section, "history") != 0 ||
		    strcmp(o->key, "fault") != 0) {
			snprintf(reason, SECD_REASON_LEN,
				 "%.256s:%u: all there is is \"fault\"",
				 options->path, (unsigned)o->line);
			return SECD_EINVAL;
		}
		snprintf(h->fault, sizeof(h->fault), "%s", o->value);
	}
	return SECD_OK;
}

static int
history_open(const struct secd_host *host, const struct secd_options *options,
	     void **m, char *reason)
{
	struct history *h;
	char path[4096];
	int rc = SECD_EIO;

	if (host->abi_major != SECD_ABI_MAJOR ||
	    (host->flags & SECD_HOST_READ_ONLY) != 0) {
		snprintf(reason, SECD_REASON_LEN,
			 "history cannot work in %.64s", host->name);
		return SECD_ENOTSUP;
	}
	h = calloc(1, sizeof(*h));
	if (h == NULL) {
		snprintf(reason, SECD_REASON_LEN, "no memory");
		return SECD_ENOMEM;
	}
	h->host = host;
	pthread_rwlock_init(&h->lock, NULL);
	snprintf(path, sizeof(path), "%s/steps", host->state_dir);
	h->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	snprintf(reason, SECD_REASON_LEN, "cannot read %.400s", path);
	if (h->fd >= 0) {
		rc = take_options(h, options, reason);
	}
	if (rc == SECD_OK) {
		rc = load(h);
	}
	if (rc != SECD_OK) {
		history_close(h);
		return rc;
	}
	*m = h;
	return SECD_OK;
}

/* Append all pieces of a stream to *s, which may move. */
static int
read_all(const struct history *h, struct secd_stream *stream, struct step **s)
{
	const uint8_t *octets;
	struct step *more;
	size_t len;
	int rc;

	while ((rc = stream->next(stream, &octets, &len)) == SECD_OK &&
	       len > 0) {
		more = realloc(*s, sizeof(**s) + (*s)->head.len + len);
		if (more == NULL) {
			return SECD_ENOMEM;
		}
		*s = more;
		memcpy(more->octets + more->head.len, octets, len);
		more->head.len += len;
	}
	return has_fault(h, "takes-torn") ? SECD_OK : rc;
}

static int
history_change(void *m, const struct secd_change *c)
{
	struct history *h = m;
	struct step *s = calloc(1, sizeof(*s));
	size_t at = 0;
	int rc = SECD_OK;

	if (s == NULL) {
		return SECD_ENOMEM;
	}
	while (c->apex[at] != 0) {
		at += (size_t)1 + c->apex[at];
	}
	memcpy(s->head.apex, c->apex, at + 1);
	s->head.from_seq = c->from_seq;
	s->head.seq = c->seq;
	s->head.from = c->from;
	s->head.to = c->to;
	if (c->records != NULL) {
		rc = read_all(h, c->records, &s);
	}
	if (rc != SECD_OK) {
		free(s);
		return rc;
	}
	s->older = h->taken;
	h->taken = s;
	return SECD_OK;
}

/* Oldest first: the list is turned round. */
static struct step *
turn(struct step *s)
{
	struct step *turned = NULL;

	while (s != NULL) {
		struct step *next = s->older;

		s->older = turned;
		turned = s;
		s = next;
	}
	return turned;
}

static int
store(struct history *h, const struct step *s)
{
	for (; s != NULL; s = s->older) {
		size_t len = sizeof(s->head) + s->head.len;

		if (write(h->fd, &s->head, len) != (ssize_t)len) {
			return SECD_ENOSPC;
		}
	}
	return fdatasync(h->fd) == 0 ? SECD_OK : SECD_EIO;
}

static int
history_commit(void *m)
{
	struct history *h = m;
	off_t before = lseek(h->fd, 0, SEEK_END);
	struct step *s = turn(h->taken);
	int rc;

	h->taken = NULL;
	rc = has_fault(h, "forgets") ? SECD_OK : store(h, s);
	if (rc != SECD_OK) {
		free_steps(s);
		return ftruncate(h->fd, before) == 0 ? rc : SECD_EIO;
	}
	pthread_rwlock_wrlock(&h->lock);
	while (s != NULL) {
		struct step *next = s->older;

		add(h, s);
		s = next;
	}
	pthread_rwlock_unlock(&h->lock);
	return SECD_OK;
}

static int64_t
history_tick(void *m, const struct secd_time *now)
{
	return has_fault(m, "spins") ? now->boot_ms : SECD_NEVER;
}

static const struct step *
find(const struct step *s, const uint8_t *apex, uint64_t seq)
{
	while (s != NULL &&
	       !(is_of(s, apex) && (seq == 0 || s->head.seq == seq))) {
		s = s->older;
	}
	return s;
}

static int
history_newest(void *m, const uint8_t *apex, struct secd_version *out)
{
	struct history *h = m;
	const struct step *s = find(h->newest, apex, 0);

	if (s == NULL) {
		return SECD_ENOTFOUND;
	}
	out->apex = s->head.apex;
	out->seq = s->head.seq;
	out->serial = s->head.to;
	out->digest = NULL;
	return SECD_OK;
}

/* The step behind version `done` on the way from..to; NULL: there is none. */
static const struct step *
next_step(const struct history *h, const struct secd_since *since,
	  uint64_t done)
{
	const struct step *s = find(h->newest, since->apex, since->to_seq);

	for (; s != NULL && s->head.from_seq != 0;
	     s = find(h->newest, since->apex, s->head.from_seq)) {
		if (done != 0              ? s->head.from_seq == done
		    : since->from_seq != 0 ? s->head.from_seq == since->from_seq
					   : s->head.from == since->from) {
			return s;
		}
	}
	return NULL;
}

/* Whole entries of the step from `at` on. */
static size_t
copy(const struct step *s, size_t at, struct secd_since *since)
{
	struct secd_entry e;
	size_t n, len = 0;

	while ((n = secd_entry_read(s->octets + at + len,
				    s->head.len - at - len, &e)) > 0 &&
	       len + n <= since->cap) {
		len += n;
	}
	memcpy(since->buffer, s->octets + at, len);
	since->len = len;
	return at + len;
}

static int
history_changes_since(void *m, struct secd_since *since)
{
	struct history *h = m;
	const struct step *s;
	uint64_t place[2]; /* the version before, octets that were given */
	int rc = SECD_ENOTFOUND;

	memcpy(place, since->position, sizeof(place));
	pthread_rwlock_rdlock(&h->lock);
	s = next_step(h, since, place[0]);
	if (s != NULL) {
		rc = SECD_MORE;
		place[0] = s->head.from_seq;
		place[1] = copy(s, place[1], since);
		if (place[1] == s->head.len) {
			place[0] = s->head.seq;
			place[1] = 0;
			rc = s->head.seq == since->to_seq ? SECD_OK : SECD_MORE;
		}
		if (has_fault(h, "lies")) {
			since->buffer[since->len / 2] ^= 1;
		}
	}
	pthread_rwlock_unlock(&h->lock);
	memcpy(since->position, place, sizeof(place));
	return rc;
}

const struct secd_module secd_module = {
    .size = sizeof(struct secd_module),
    .abi_major = SECD_ABI_MAJOR,
    .abi_minor = SECD_ABI_MINOR,
    .name = "history",
    .version = "1",
    .open = history_open,
    .close = history_close,
    .tick = history_tick,
    .change = history_change,
    .commit = history_commit,
    .newest = history_newest,
    .changes_since = history_changes_since,
};
