/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One of the states that a disk may be in.
 */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "disk_internal.h"

enum way {
	NOTHING,    /* of what is in doubt is there */
	EVERYTHING, /* is */
	SECTORS,    /* each one or not */
	PIECES,     /* what was written at once is there or not */
	ALL_BUT_ONE,
	ONE,
	WAYS,
};

struct choice {
	enum way way;
	struct rnd *r;
	unsigned sector;
	size_t one; /* a piece */
};

static bool
is_there(const struct choice *c, size_t piece)
{
	switch (c->way) {
	case NOTHING:
		return false;
	case EVERYTHING:
		return true;
	case ALL_BUT_ONE:
		return piece != c->one;
	case ONE:
		return piece == c->one;
	case SECTORS:
	case PIECES:
	case WAYS:
	default:
		return rnd_below(c->r, 2) == 0;
	}
}

static void
put_piece(const struct choice *c, const struct piece *p, struct content *out)
{
	size_t at = (size_t)p->page * DISK_PAGE + p->at;
	const uint8_t *octets = p->octets;
	size_t left = p->len;

	if (c->way != SECTORS) {
		disk_put(out, at, octets, left);
		return;
	}
	while (left > 0) {
		size_t n = c->sector - at % c->sector;

		n = n < left ? n : left;
		if (rnd_below(c->r, 2) == 0) {
			disk_put(out, at, octets, n);
		}
		at += n;
		octets += n;
		left -= n;
	}
}

static void
make_content(const struct disk_file *f, struct choice *c, struct content *out)
{
	if (f->has_new_len && rnd_below(c->r, 2) == 0) {
		disk_set_len(out, f->cached.len);
	}
	disk_set_len(out,
		     out->len > f->lasting.len ? out->len : f->lasting.len);
	if (f->lasting.len > 0) {
		memcpy(out->octets, f->lasting.octets, f->lasting.len);
	}
	c->one = f->count == 0 ? 0 : rnd_below(c->r, (unsigned)f->count);
	for (size_t i = 0; i < f->count; i++) {
		if (c->way == SECTORS || is_there(c, i)) {
			put_piece(c, &f->pieces[i], out);
		}
	}
}

static void
make_file(const char *path, const struct disk_file *f, struct choice *c)
{
	struct content content = {.len = 0};
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0) {
		return; /* its directory is not there */
	}
	make_content(f, c, &content);
	if (content.len > 0 && pwrite(fd, content.octets, content.len, 0) !=
				   (ssize_t)content.len) {
		perror(path);
		abort();
	}
	free(content.octets);
	close(fd);
}

/* The first so many changes of names count. */
static void
choose_names(const struct disk *d, const struct choice *c, struct names *out)
{
	size_t count = d->naming_count;

	if (c->way == NOTHING) {
		count = 0;
	} else if (c->way != EVERYTHING) {
		count = rnd_below(c->r, (unsigned)count + 1);
	}
	for (size_t i = 0; i < d->lasting.count; i++) {
		disk_set_name(out, d->lasting.list[i].path,
			      d->lasting.list[i].file);
	}
	for (size_t i = 0; i < count; i++) {
		disk_do_naming(out, &d->namings[i]);
	}
}

void
disk_make(const struct disk *d, struct rnd *r, unsigned sector, const char *dir)
{
	struct choice c = {
	    .way = (enum way)rnd_below(r, WAYS), .r = r, .sector = sector};
	struct names names = {.count = 0};
	char path[4096];

	choose_names(d, &c, &names);
	for (size_t i = 0; i < names.count; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names.list[i].path);
		if (names.list[i].file == NULL) {
			mkdir(path, 0700);
		}
	}
	for (size_t i = 0; i < names.count; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names.list[i].path);
		if (names.list[i].file != NULL) {
			make_file(path, names.list[i].file, &c);
		}
	}
	disk_free_names(&names);
}
