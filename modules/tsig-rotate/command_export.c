/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * export -- both keys of a pair as another server's configuration has them, in
 * a file that only its owner may read. They are shown nowhere.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/keytext.h"
#include "tsig-rotate/command.h"
#include "tsig-rotate/derive.h"

#define TEXT_CAP (2 * (NAME_TEXT_MAX * 4 + 512))

static bool
read_format(const char *text, enum keytext_format *out)
{
	static const struct {
		const char *text;
		enum keytext_format format;
	} formats[] = {{"named", KEYTEXT_BIND},
		       {"nsd", KEYTEXT_NSD},
		       {"knot", KEYTEXT_KNOT}};

	for (size_t i = 0; text != NULL && i < 3; i++) {
		if (strcmp(text, formats[i].text) == 0) {
			*out = formats[i].format;
			return true;
		}
	}
	return false;
}

/* A slot that is empty has a secret all the same: one that fits nowhere. */
static int
write_slot(const struct rotate_pair *p, unsigned s, enum keytext_format format,
	   char *text, size_t *len)
{
	const struct slot *slot = &p->secrets->pair.slots[s];
	char name[NAME_TEXT_MAX];
	struct keytext_key key = {
	    .name = name_to_text(p->config.names[s], name),
	    .algorithm = "hmac-sha256",
	    .secret = slot->secret,
	    .secret_len = PAIR_SECRET_LEN,
	};
	size_t written = 0;
	int rc;

	if (!pair_has_secret(slot)) {
		if (!derive_random(p->secrets->scratch, PAIR_SECRET_LEN)) {
			return SECD_EAGAIN;
		}
		key.secret = p->secrets->scratch;
	}
	rc =
	    keytext_write(format, &key, text + *len, TEXT_CAP - *len, &written);
	*len += written;
	return rc;
}

static int
make_text(const struct rotate_pair *p, enum keytext_format format, char *text,
	  size_t *len)
{
	int rc = SECD_OK;

	*len = (size_t)snprintf(text, TEXT_CAP,
				"# pair %s, for the peer: both keys stay in "
				"all its lists, for ever\n",
				p->file.id);
	for (unsigned s = 0; s < SLOT_COUNT && rc == SECD_OK; s++) {
		rc = write_slot(p, s, format, text, len);
	}
	return rc;
}

static bool
write_out(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n <= 0) {
			return false;
		}
		text += n;
		len -= (size_t)n;
	}
	return fsync(fd) == 0;
}

/* Returns what went wrong, or NULL. */
static const char *
write_file(const char *path, const char *text, size_t len)
{
	int fd =
	    open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		 S_IRUSR | S_IWUSR);
	bool works;
	int error;

	if (fd < 0) {
		return strerrordesc_np(errno);
	}
	works = write_out(fd, text, len);
	error = errno;
	if (close(fd) != 0 && works) {
		works = false;
		error = errno;
	}
	if (!works) {
		unlink(path);
	}
	return works ? NULL : strerrordesc_np(error);
}

int
command_export(struct command *c)
{
	const struct secd_host *host = c->rotate->host;
	const char *path = command_option(c, "--file"), *why = NULL;
	enum keytext_format format;
	size_t len = 0;
	char *text;
	int rc;

	if (!read_format(command_option(c, "--for"), &format)) {
		return command_fail(c, SECD_EINVAL,
				    "it is: --for named, nsd or knot");
	}
	if (path == NULL || path[0] != '/') {
		return command_fail(c, SECD_EINVAL,
				    "--file takes an absolute path: the server "
				    "writes it");
	}
	text = host->secret_new(host->ctx, TEXT_CAP);
	if (text == NULL) {
		return command_fail(c, SECD_ENOMEM, "no memory");
	}
	rc = make_text(c->pair, format, text, &len);
	if (rc == SECD_OK) {
		why = write_file(path, text, len);
	}
	host->secret_free(host->ctx, text, TEXT_CAP);
	explicit_bzero(c->pair->secrets->scratch, MACHINE_SCRATCH_LEN);
	if (rc != SECD_OK) {
		return command_fail(c, rc, "%s", secd_strerror(rc));
	}
	if (why != NULL) {
		return command_fail(c, SECD_EIO, "%.300s: %s", path, why);
	}
	command_line(c,
		     "%.300s, mode 0600: move it to the peer, and remove it "
		     "here",
		     path);
	return SECD_OK;
}
