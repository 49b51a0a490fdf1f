/* SPDX-License-Identifier: BSD-2-Clause */

#include "tsig-rotate/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/checksum.h"
#include "base/dir.h"
#include "base/error.h"
#include "base/octets.h"
#include "base/secretfile.h"

#define PATH_MAX_LEN 4096
#define FILE_MAX     2048 /* octets; more than any can have */

static const char magic[16] = "tsig-rotate 1\n";

enum flag {
	FLAG_WANTS_ROTATION = 1,
	FLAG_PROPOSES = 2,
	FLAG_STOPPED = 4,
	FLAG_ROOT_REVOKED = 8,
};

/* Room for the file's contents: they are secret. */
static uint8_t *
buffer_new(const struct state_file *f)
{
	return f->host->secret_new(f->host->ctx, FILE_MAX);
}

static void
buffer_free(const struct state_file *f, uint8_t *buffer)
{
	f->host->secret_free(f->host->ctx, buffer, FILE_MAX);
}

static int
make_path(const struct state_file *f, const char *suffix, char *path,
	  char *reason)
{
	int len = snprintf(path, PATH_MAX_LEN, "%s/%s.state%s",
			   f->host->state_dir, f->id, suffix);

	if (len < 0 || len >= PATH_MAX_LEN) {
		snprintf(reason, STATE_REASON_MAX,
			 "the state directory has too long a name");
		return SECD_EIO;
	}
	return SECD_OK;
}

static int
fail(int rc, char *reason, const char *path, const char *what)
{
	snprintf(reason, STATE_REASON_MAX, "%.300s %s", path, what);
	return rc;
}

static int
fail_errno(char *reason, const char *path, const char *what)
{
	int code = errno;

	snprintf(reason, STATE_REASON_MAX, "%.300s cannot be %s: %s", path,
		 what, strerrordesc_np(code));
	return code == ENOSPC || code == EDQUOT ? SECD_ENOSPC : SECD_EIO;
}

/*
 * Contents
 */

static uint8_t *
write_name(uint8_t *p, const uint8_t *name)
{
	size_t len = name_len(name);

	*p = (uint8_t)len;
	memcpy(p + 1, name, len);
	return p + 1 + len;
}

static uint8_t *
write_slot(uint8_t *p, const struct slot *s)
{
	p[0] = s->state;
	p[1] = s->phase;
	p[2] = s->is_adopted;
	put_u32(p + 3, s->generation);
	put_u64(p + 7, s->epoch);
	put_u64(p + 15, (uint64_t)s->since_ms);
	memcpy(p + 23, s->secret, PAIR_SECRET_LEN);
	return p + 23 + PAIR_SECRET_LEN;
}

static uint8_t *
write_retired(uint8_t *p, const struct retired *r)
{
	p[0] = r->slot;
	p[1] = r->is_revoked;
	put_u32(p + 2, r->generation);
	put_u64(p + 6, r->epoch);
	memcpy(p + 14, r->secret, PAIR_SECRET_LEN);
	return p + 14 + PAIR_SECRET_LEN;
}

static size_t
write_all(const struct state_file *f, const struct pair *pair, uint8_t *buffer)
{
	uint8_t *p = buffer + sizeof(magic) + 4;
	size_t len;

	memcpy(buffer, magic, sizeof(magic));
	p = write_name(p, f->names[SLOT_A]);
	p = write_name(p, f->names[SLOT_B]);
	put_u32(p, pair->generation);
	put_u64(p + 4, pair->epoch);
	p[12] = (uint8_t)((pair->wants_rotation ? FLAG_WANTS_ROTATION : 0) |
			  (pair->proposes ? FLAG_PROPOSES : 0) |
			  (pair->is_stopped ? FLAG_STOPPED : 0) |
			  (pair->is_root_revoked ? FLAG_ROOT_REVOKED : 0));
	memcpy(p + 13, pair->root_check, PAIR_CHECK_LEN);
	p += 13 + PAIR_CHECK_LEN;
	for (unsigned s = 0; s < SLOT_COUNT; s++) {
		p = write_slot(p, &pair->slots[s]);
	}
	*p++ = pair->retired_count;
	for (size_t i = 0; i < pair->retired_count; i++) {
		p = write_retired(p, &pair->retired[i]);
	}
	len = (size_t)(p - buffer) + 8;
	put_u32(buffer + sizeof(magic), (uint32_t)len);
	put_u64(p, checksum64(CHECKSUM_START, buffer, len - 8));
	return len;
}

/* What is left of the file. The checksum was right, so what does not fit was
 * written by somebody else. */
struct reader {
	const uint8_t *p;
	size_t left;
};

static const uint8_t *
take(struct reader *r, size_t len)
{
	const uint8_t *p = r->p;

	if (r->left < len) {
		return NULL;
	}
	r->p += len;
	r->left -= len;
	return p;
}

static bool
read_slot(struct reader *r, unsigned s, struct slot *out)
{
	const uint8_t *p = take(r, 23 + PAIR_SECRET_LEN);

	if (p == NULL || p[0] >= SLOT_STATE_COUNT || p[1] > SLOT_REMOVING ||
	    p[2] > 1) {
		return false;
	}
	out->state = p[0];
	out->phase = p[1];
	out->is_adopted = p[2];
	out->generation = get_u32(p + 3);
	out->epoch = get_u64(p + 7);
	out->since_ms = (int64_t)get_u64(p + 15);
	memcpy(out->secret, p + 23, PAIR_SECRET_LEN);
	return !pair_is_live(out) ||
	       (pair_slot_of(out->epoch) == s && pair_has_secret(out));
}

static bool
read_retired(struct reader *r, struct retired *out)
{
	const uint8_t *p = take(r, 14 + PAIR_SECRET_LEN);

	if (p == NULL || p[0] >= SLOT_COUNT || p[1] > 1) {
		return false;
	}
	out->slot = p[0];
	out->is_revoked = p[1];
	out->generation = get_u32(p + 2);
	out->epoch = get_u64(p + 6);
	memcpy(out->secret, p + 14, PAIR_SECRET_LEN);
	return true;
}

static bool
read_head(struct reader *r, struct pair *out)
{
	const uint8_t *p = take(r, 13 + PAIR_CHECK_LEN);

	if (p == NULL) {
		return false;
	}
	out->generation = get_u32(p);
	out->epoch = get_u64(p + 4);
	out->wants_rotation = (p[12] & FLAG_WANTS_ROTATION) != 0;
	out->proposes = (p[12] & FLAG_PROPOSES) != 0;
	out->is_stopped = (p[12] & FLAG_STOPPED) != 0;
	out->is_root_revoked = (p[12] & FLAG_ROOT_REVOKED) != 0;
	memcpy(out->root_check, p + 13, PAIR_CHECK_LEN);
	return out->generation > 0;
}

static bool
read_pair(struct reader *r, struct pair *out)
{
	const uint8_t *count;

	if (!read_head(r, out)) {
		return false;
	}
	for (unsigned s = 0; s < SLOT_COUNT; s++) {
		if (!read_slot(r, s, &out->slots[s])) {
			return false;
		}
	}
	count = take(r, 1);
	if (count == NULL || *count > PAIR_RETIRED_MAX) {
		return false;
	}
	out->retired_count = *count;
	for (size_t i = 0; i < *count; i++) {
		if (!read_retired(r, &out->retired[i])) {
			return false;
		}
	}
	return r->left == 0 && (out->slots[SLOT_A].state != SLOT_ACTIVE ||
				out->slots[SLOT_B].state != SLOT_ACTIVE);
}

/* Are these the names that the configuration has? */
static bool
read_names(struct state_file *f, struct reader *r)
{
	for (unsigned s = 0; s < SLOT_COUNT; s++) {
		const uint8_t *len = take(r, 1);
		const uint8_t *name = len != NULL ? take(r, *len) : NULL;

		if (name == NULL || name_check(name, *len) != *len) {
			return false;
		}
		if (f->names[s][0] == 0) {
			memcpy(f->names[s], name, *len);
		}
		if (memcmp(name, f->names[s], *len) != 0) {
			return false;
		}
	}
	return true;
}

static int
read_all(struct state_file *f, const uint8_t *octets, size_t len,
	 const char *path, struct pair *out, char *reason)
{
	struct reader r = {octets + sizeof(magic) + 4, 0};

	if (len < sizeof(magic) + 12 ||
	    memcmp(octets, magic, sizeof(magic)) != 0) {
		return fail(SECD_EMALF, reason, path,
			    "is no state of this version of tsig-rotate");
	}
	if (get_u32(octets + sizeof(magic)) != len ||
	    get_u64(octets + len - 8) !=
		checksum64(CHECKSUM_START, octets, len - 8)) {
		return fail(SECD_EMALF, reason, path, "is damaged");
	}
	r.left = len - sizeof(magic) - 12;
	if (!read_names(f, &r)) {
		return fail(SECD_EMISMATCH, reason, path,
			    "is of keys of another name");
	}
	return read_pair(&r, out)
		   ? SECD_OK
		   : fail(SECD_EMALF, reason, path, "does not make sense");
}

/*
 * Files
 */

/* Overwrite what a file holds, and close it. */
static void
wipe(int fd)
{
	static const uint8_t zeros[FILE_MAX];
	struct stat st;

	if (fstat(fd, &st) == 0) {
		for (off_t at = 0; at < st.st_size; at += FILE_MAX) {
			if (pwrite(fd, zeros, FILE_MAX, at) < 0) {
				break;
			}
		}
		fsync(fd);
	}
	close(fd);
}

/* -1: there is none, or nothing that is ours. */
static int
open_to_wipe(const char *path)
{
	struct stat st;

	if (lstat(path, &st) != 0 || !S_ISREG(st.st_mode)) {
		return -1;
	}
	return open(path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
}

static void
remove_file(const char *path)
{
	int fd = open_to_wipe(path);

	if (fd >= 0) {
		wipe(fd);
	}
	unlink(path);
}

int
state_load(struct state_file *f, struct pair *out, char *reason)
{
	char path[PATH_MAX_LEN], why[SECRETFILE_REASON_MAX];
	size_t len = 0;
	uint8_t *buffer;
	int fd = -1;
	int rc = make_path(f, ".new", path, reason);

	if (rc != SECD_OK) {
		return rc;
	}
	if ((f->host->flags & SECD_HOST_READ_ONLY) == 0) {
		remove_file(path);
	}
	make_path(f, "", path, reason);
	rc = secretfile_open(path, geteuid(), &fd, why);
	if (rc != SECD_OK) {
		return rc == SECD_ENOTFOUND ? rc : fail(rc, reason, path, why);
	}
	buffer = buffer_new(f);
	if (buffer == NULL) {
		close(fd);
		return fail(SECD_ENOMEM, reason, path, "needs memory");
	}
	rc = secretfile_read(fd, buffer, FILE_MAX, &len, why);
	close(fd);
	rc = rc != SECD_OK ? fail(rc, reason, path, why)
			   : read_all(f, buffer, len, path, out, reason);
	buffer_free(f, buffer);
	if (rc != SECD_OK) {
		explicit_bzero(out, sizeof(*out));
	}
	return rc;
}

static bool
write_out(int fd, const uint8_t *octets, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, octets, len);

		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n <= 0) {
			return false;
		}
		octets += n;
		len -= (size_t)n;
	}
	return fsync(fd) == 0;
}

static int
write_new(const char *path, const uint8_t *octets, size_t len, char *reason)
{
	int fd, rc = SECD_OK;

	remove_file(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		  S_IRUSR | S_IWUSR);
	if (fd < 0) {
		return fail_errno(reason, path, "made");
	}
	if (!write_out(fd, octets, len)) {
		rc = fail_errno(reason, path, "written");
	}
	if (close(fd) != 0 && rc == SECD_OK) {
		rc = fail_errno(reason, path, "written");
	}
	return rc;
}

static int
replace(const char *path, const char *new_path, char *reason)
{
	int old = open_to_wipe(path);

	if (dir_rename(new_path, path) != SECD_OK) {
		int rc = fail_errno(reason, path, "replaced");

		if (old >= 0) {
			close(old);
		}
		return rc;
	}
	if (old >= 0) {
		wipe(old);
	}
	return SECD_OK;
}

int
state_save(const struct state_file *f, const struct pair *p, char *reason)
{
	char path[PATH_MAX_LEN], new_path[PATH_MAX_LEN];
	uint8_t *buffer;
	int rc = make_path(f, ".new", new_path, reason);

	if (rc != SECD_OK) {
		return rc;
	}
	make_path(f, "", path, reason);
	buffer = buffer_new(f);
	if (buffer == NULL) {
		return fail(SECD_ENOMEM, reason, path, "needs memory");
	}
	rc = write_new(new_path, buffer, write_all(f, p, buffer), reason);
	buffer_free(f, buffer);
	if (rc == SECD_OK) {
		rc = replace(path, new_path, reason);
	}
	if (rc != SECD_OK) {
		remove_file(new_path);
	}
	return rc;
}
