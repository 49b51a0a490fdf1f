/* SPDX-License-Identifier: BSD-2-Clause */

#include "tsig-rotate/revoked.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/dir.h"
#include "base/error.h"
#include "base/quantity.h"
#include "base/secretfile.h"
#include "tsig-rotate/derive.h"

#define FILE_MAX (1u << 20) /* octets */
#define LINE_MAX 128

struct entry {
	char id[REVOKED_ID_MAX];
	uint32_t generation;
	char fingerprint[DERIVE_FINGERPRINT_LEN];
};

struct revoked {
	size_t count;
	struct entry entries[];
};

static int
fail(int rc, char *reason, const char *path, const char *what)
{
	snprintf(reason, REVOKED_REASON_MAX, "%.300s %s", path, what);
	return rc;
}

/*
 * Reading
 */

/* The next word; NULL: there is none. Ends it with a NUL. */
static char *
take_word(char **p)
{
	char *word = *p;

	if (word == NULL || *word == '\0') {
		return NULL;
	}
	*p = strchr(word, ' ');
	if (*p != NULL) {
		*(*p)++ = '\0';
	}
	return word;
}

static bool
read_line(char *line, struct entry *out)
{
	static const struct quantity_unit plain = {"", 1};
	const char *id = take_word(&line), *number = take_word(&line);
	const char *fingerprint = take_word(&line);
	uint64_t generation;

	if (fingerprint == NULL || line != NULL ||
	    strlen(id) >= sizeof(out->id) ||
	    strlen(fingerprint) != sizeof(out->fingerprint) - 1 ||
	    !quantity_read(number, &plain, 1, &generation) ||
	    generation > UINT32_MAX) {
		return false;
	}
	strcpy(out->id, id);
	strcpy(out->fingerprint, fingerprint);
	out->generation = (uint32_t)generation;
	return true;
}

static size_t
count_lines(const char *text)
{
	size_t count = 1;

	for (; *text != '\0'; text++) {
		count += *text == '\n';
	}
	return count;
}

static int
read_lines(const char *path, char *text, struct revoked **out, char *reason)
{
	struct revoked *r =
	    calloc(1, sizeof(*r) + count_lines(text) * sizeof(r->entries[0]));
	char *line = text, what[64];
	unsigned number = 0;

	if (r == NULL) {
		return fail(SECD_ENOMEM, reason, path, "needs memory");
	}
	while (*line != '\0') {
		char *end = strchr(line, '\n');

		number++;
		/* A crash may leave half of the last line: it was not in force
		 * yet. */
		if (end == NULL) {
			break;
		}
		*end = '\0';
		if (!read_line(line, &r->entries[r->count])) {
			snprintf(what, sizeof(what), "is damaged in line %u",
				 number);
			free(r);
			return fail(SECD_EMALF, reason, path, what);
		}
		r->count++;
		line = end + 1;
	}
	*out = r;
	return SECD_OK;
}

static int
read_text(const char *path, int fd, char **out, char *reason)
{
	char *text = malloc(FILE_MAX + 1), why[SECRETFILE_REASON_MAX];
	size_t len = 0;
	int rc;

	if (text == NULL) {
		return fail(SECD_ENOMEM, reason, path, "needs memory");
	}
	rc = secretfile_read(fd, text, FILE_MAX, &len, why);
	if (rc == SECD_OK && len == FILE_MAX) {
		snprintf(why, sizeof(why), "is too large");
		rc = SECD_EMALF;
	}
	if (rc != SECD_OK) {
		free(text);
		return fail(rc, reason, path, why);
	}
	text[len] = '\0';
	*out = text;
	return SECD_OK;
}

int
revoked_load(const char *path, struct revoked **out, char *reason)
{
	char why[SECRETFILE_REASON_MAX], *text = NULL, empty[] = "";
	int fd = -1, rc = secretfile_open(path, geteuid(), &fd, why);

	if (rc == SECD_ENOTFOUND) {
		return read_lines(path, empty, out, reason);
	}
	if (rc != SECD_OK) {
		return fail(rc, reason, path, why);
	}
	rc = read_text(path, fd, &text, reason);
	close(fd);
	if (rc == SECD_OK) {
		rc = read_lines(path, text, out, reason);
		free(text);
	}
	return rc;
}

void
revoked_free(struct revoked *r)
{
	free(r);
}

/*
 * What it means for a pair
 */

static bool
is_listed(const struct revoked *r, const char *id, const uint8_t *secret)
{
	char fingerprint[DERIVE_FINGERPRINT_LEN];

	derive_fingerprint(secret, fingerprint);
	for (size_t i = 0; i < r->count; i++) {
		if (strcmp(r->entries[i].id, id) == 0 &&
		    strcmp(r->entries[i].fingerprint, fingerprint) == 0) {
			return true;
		}
	}
	return false;
}

static uint32_t
last_generation(const struct revoked *r, const char *id)
{
	uint32_t generation = 0;

	for (size_t i = 0; i < r->count; i++) {
		if (strcmp(r->entries[i].id, id) == 0 &&
		    r->entries[i].generation > generation) {
			generation = r->entries[i].generation;
		}
	}
	return generation;
}

bool
revoked_apply(const struct revoked *r, const char *id, bool has_places,
	      struct pair *p)
{
	uint32_t generation = last_generation(r, id);
	bool changed = false;

	for (unsigned s = 0; s < SLOT_COUNT; s++) {
		struct slot *slot = &p->slots[s];

		if (!pair_is_live(slot) || !is_listed(r, id, slot->secret)) {
			continue;
		}
		pair_retire(p, s, true);
		slot->state = SLOT_REVOKED;
		slot->phase = has_places ? SLOT_REMOVING : SLOT_OPEN;
		slot->is_adopted = false;
		explicit_bzero(slot->secret, PAIR_SECRET_LEN);
		changed = true;
	}
	if (generation > p->generation) {
		p->generation = generation;
		p->is_stopped = true;
		changed = true;
	}
	return changed;
}

/*
 * Writing
 */

static bool
write_line(int fd, const char *id, uint32_t generation, const uint8_t *secret)
{
	char line[LINE_MAX], fingerprint[DERIVE_FINGERPRINT_LEN];
	int len =
	    snprintf(line, sizeof(line), "%s %u %s\n", id, (unsigned)generation,
		     derive_fingerprint(secret, fingerprint));

	return write(fd, line, (size_t)len) == len;
}

/* Was it there before, and is not now, by an operator's order? */
static bool
is_revoked_now(const struct slot *before, const struct pair *now, unsigned s)
{
	if (!pair_is_live(before)) {
		return false;
	}
	for (size_t i = 0; i < now->retired_count; i++) {
		const struct retired *r = &now->retired[i];

		if (r->slot == s && r->is_revoked &&
		    r->generation == before->generation &&
		    r->epoch == before->epoch) {
			return true;
		}
	}
	return false;
}

/* At the end of the last whole line; -1: errno says why. */
static int
open_end(const char *path)
{
	int fd =
	    open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK,
		 S_IRUSR | S_IWUSR);
	off_t end = fd >= 0 ? lseek(fd, 0, SEEK_END) : -1;
	char c = '\n';

	while (end > 0 && pread(fd, &c, 1, end - 1) == 1 && c != '\n') {
		end--;
	}
	if (end >= 0 && (c == '\n' || end == 0) && ftruncate(fd, end) == 0 &&
	    lseek(fd, end, SEEK_SET) == end) {
		return fd;
	}
	if (fd >= 0) {
		close(fd);
	}
	return -1;
}

int
revoked_add(const char *path, const char *id, const struct pair *before,
	    const struct pair *now, char *reason)
{
	bool works = true;
	int fd = -1;

	for (unsigned s = 0; s < SLOT_COUNT && works; s++) {
		if (!is_revoked_now(&before->slots[s], now, s)) {
			continue;
		}
		if (fd < 0) {
			fd = open_end(path);
		}
		works = fd >= 0 && write_line(fd, id, now->generation,
					      before->slots[s].secret);
	}
	if (fd >= 0) {
		works = works && fsync(fd) == 0;
		works = close(fd) == 0 && works;
		works = works && dir_sync_name(path) == SECD_OK;
	}
	if (works) {
		return SECD_OK;
	}
	snprintf(reason, REVOKED_REASON_MAX, "%.300s cannot be written: %s",
		 path, strerrordesc_np(errno));
	return errno == ENOSPC ? SECD_ENOSPC : SECD_EIO;
}
