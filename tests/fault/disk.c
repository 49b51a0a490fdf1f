/* SPDX-License-Identifier: BSD-2-Clause */

#include "disk.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE 4096u

/* A part of a page that was written, and is on the disk or not. */
struct piece {
	uint64_t page;
	unsigned at, len; /* in the page */
	const uint8_t *octets;
	bool is_lost; /* a sync failed: the next one does not write it */
};

struct content {
	uint8_t *octets;
	size_t len, cap;
};

struct disk_file {
	struct disk_file *next;
	uint64_t ino;
	struct content cached;  /* what the program sees */
	struct content lasting; /* what is on the disk for sure */
	struct piece *pieces;   /* since; in order */
	size_t count, cap;
	bool has_new_len;
};

struct name {
	char *path;
	struct disk_file *file; /* NULL: a directory */
};

struct names {
	struct name *list;
	size_t count, cap;
};

/* A change to names that may have reached the disk. */
struct naming {
	enum trace_op op;
	char *path, *other;
	struct disk_file *file;
};

struct disk {
	struct disk_file *files; /* the newest of an inode number is first */
	struct names cached, lasting;
	struct naming *namings;
	size_t naming_count, naming_cap;
};

static void *
grow(void *list, size_t count, size_t *cap, size_t size)
{
	if (count < *cap) {
		return list;
	}
	*cap = *cap == 0 ? 64 : 2 * *cap;
	list = realloc(list, *cap * size);
	if (list == NULL) {
		abort();
	}
	return list;
}

static char *
copy_text(const uint8_t *octets, size_t len)
{
	char *text = strndup((const char *)octets, len);

	if (text == NULL) {
		abort();
	}
	return text;
}

/*
 * Contents
 */

static void
set_len(struct content *c, size_t len)
{
	if (len > c->cap) {
		c->cap = len < 65536 ? 65536 : 2 * len;
		c->octets = realloc(c->octets, c->cap);
		if (c->octets == NULL) {
			abort();
		}
	}
	if (len > c->len) {
		memset(c->octets + c->len, 0, len - c->len);
	}
	c->len = len;
}

static void
put(struct content *c, size_t at, const uint8_t *octets, size_t len)
{
	if (at + len > c->len) {
		set_len(c, at + len);
	}
	memcpy(c->octets + at, octets, len);
}

static struct disk_file *
find_file(struct disk *d, uint64_t ino)
{
	struct disk_file *f = d->files;

	while (f != NULL && f->ino != ino) {
		f = f->next;
	}
	return f;
}

static struct disk_file *
new_file(struct disk *d, uint64_t ino)
{
	struct disk_file *f = calloc(1, sizeof(*f));

	if (f == NULL) {
		abort();
	}
	f->ino = ino;
	f->next = d->files;
	d->files = f;
	return f;
}

static void
write_file(struct disk_file *f, uint64_t at, const uint8_t *octets, size_t len,
	   bool is_lost)
{
	put(&f->cached, (size_t)at, octets, len);
	while (len > 0) {
		unsigned in_page = (unsigned)(at % PAGE);
		size_t n = PAGE - in_page < len ? PAGE - in_page : len;

		f->pieces =
		    grow(f->pieces, f->count, &f->cap, sizeof(*f->pieces));
		f->pieces[f->count++] = (struct piece){.page = at / PAGE,
						       .at = in_page,
						       .len = (unsigned)n,
						       .octets = octets,
						       .is_lost = is_lost};
		at += n;
		octets += n;
		len -= n;
	}
}

/* The kernel writes this page as the program sees it. */
static void
write_back(struct disk_file *f, uint64_t page)
{
	size_t at = (size_t)page * PAGE, len = f->cached.len - at, kept = 0;

	put(&f->lasting, at, f->cached.octets + at, len < PAGE ? len : PAGE);
	for (size_t i = 0; i < f->count; i++) {
		if (f->pieces[i].page != page) {
			f->pieces[kept++] = f->pieces[i];
		}
	}
	f->count = kept;
}

static void
sync_file(struct disk_file *f)
{
	size_t i = 0;

	while (i < f->count) {
		if (f->pieces[i].is_lost) {
			i++;
			continue;
		}
		write_back(f, f->pieces[i].page);
		i = 0;
	}
	set_len(&f->lasting, f->cached.len);
	f->has_new_len = false;
}

static void
lose(struct disk_file *f)
{
	for (size_t i = 0; i < f->count; i++) {
		f->pieces[i].is_lost = true;
	}
}

static void
resize(struct disk_file *f, size_t len)
{
	set_len(&f->cached, len);
	f->has_new_len = true;
}

/*
 * Names
 */

static struct name *
find_name(const struct names *n, const char *path)
{
	for (size_t i = 0; i < n->count; i++) {
		if (strcmp(n->list[i].path, path) == 0) {
			return &n->list[i];
		}
	}
	return NULL;
}

static void
set_name(struct names *n, const char *path, struct disk_file *file)
{
	struct name *old = find_name(n, path);

	if (old != NULL) {
		old->file = file;
		return;
	}
	n->list = grow(n->list, n->count, &n->cap, sizeof(*n->list));
	n->list[n->count++] =
	    (struct name){copy_text((const uint8_t *)path, strlen(path)), file};
}

static void
drop_name(struct names *n, const char *path)
{
	struct name *old = find_name(n, path);

	if (old != NULL) {
		free(old->path);
		*old = n->list[--n->count];
	}
}

static void
free_names(struct names *n)
{
	for (size_t i = 0; i < n->count; i++) {
		free(n->list[i].path);
	}
	free(n->list);
}

static void
do_naming(struct names *n, const struct naming *g)
{
	switch (g->op) {
	case TRACE_RENAME:
		drop_name(n, g->path);
		set_name(n, g->other, g->file);
		break;
	case TRACE_LINK:
		set_name(n, g->other, g->file);
		break;
	case TRACE_UNLINK:
		drop_name(n, g->path);
		break;
	default:
		set_name(n, g->path, g->file);
		break;
	}
}

static void
take_naming(struct disk *d, const struct trace_head *head,
	    const uint8_t *octets)
{
	struct naming g = {.op = (enum trace_op)head->op,
			   .path = copy_text(octets, head->len)};
	size_t len = strlen(g.path);
	const struct name *known = find_name(&d->cached, g.path);

	if (len < head->len) {
		g.other = copy_text(octets + len + 1, head->len - len - 1);
	}
	if (g.op == TRACE_CREATE) {
		g.file = new_file(d, head->ino);
	} else if (known != NULL) {
		g.file = known->file;
	}
	do_naming(&d->cached, &g);
	d->namings = grow(d->namings, d->naming_count, &d->naming_cap,
			  sizeof(*d->namings));
	d->namings[d->naming_count++] = g;
}

/* Is this path right in this directory? */
static bool
is_in(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	if (len > 0 && (strncmp(path, dir, len) != 0 || path[len++] != '/')) {
		return false;
	}
	return strchr(path + len, '/') == NULL;
}

static void
sync_names(struct disk *d, const char *dir)
{
	size_t kept = 0;

	for (size_t i = 0; i < d->naming_count; i++) {
		struct naming *g = &d->namings[i];

		if (!is_in(g->other != NULL ? g->other : g->path, dir)) {
			d->namings[kept++] = *g;
			continue;
		}
		do_naming(&d->lasting, g);
		free(g->path);
		free(g->other);
	}
	d->naming_count = kept;
}

/*
 * The disk
 */

struct disk *
disk_new(void)
{
	struct disk *d = calloc(1, sizeof(*d));

	if (d == NULL) {
		abort();
	}
	return d;
}

void
disk_free(struct disk *d)
{
	while (d->files != NULL) {
		struct disk_file *f = d->files;

		d->files = f->next;
		free(f->cached.octets);
		free(f->lasting.octets);
		free(f->pieces);
		free(f);
	}
	for (size_t i = 0; i < d->naming_count; i++) {
		free(d->namings[i].path);
		free(d->namings[i].other);
	}
	free(d->namings);
	free_names(&d->cached);
	free_names(&d->lasting);
	free(d);
}

static void
do_in_file(struct disk *d, const struct trace_head *head, const uint8_t *octets)
{
	struct disk_file *f = find_file(d, head->ino);

	if (f == NULL) {
		f = new_file(d, head->ino); /* it never has a name */
	}
	switch (head->op) {
	case TRACE_WRITE:
	case TRACE_WRITE_THROUGH:
	case TRACE_WRITE_FAILED:
		write_file(f, head->at, octets, head->len,
			   head->op == TRACE_WRITE_FAILED);
		break;
	case TRACE_SIZE:
		resize(f, (size_t)head->at);
		break;
	case TRACE_SYNC:
		sync_file(f);
		break;
	default:
		lose(f);
		break;
	}
	if (head->op == TRACE_WRITE_THROUGH) {
		for (uint64_t p = head->at / PAGE;
		     p <= (head->at + head->len - 1) / PAGE; p++) {
			write_back(f, p);
		}
	}
}

void
disk_do(struct disk *d, const struct trace_head *head, const uint8_t *octets)
{
	char *dir;

	switch (head->op) {
	case TRACE_MARK:
		break;
	case TRACE_CREATE:
	case TRACE_MKDIR:
	case TRACE_LINK:
	case TRACE_RENAME:
	case TRACE_UNLINK:
		take_naming(d, head, octets);
		break;
	case TRACE_SYNC_NAMES:
		dir = copy_text(octets, head->len);
		sync_names(d, dir);
		free(dir);
		break;
	default:
		do_in_file(d, head, octets);
		break;
	}
}

bool
disk_is_settled(const struct disk *d)
{
	const struct disk_file *f = d->files;

	while (f != NULL && f->count == 0 && !f->has_new_len) {
		f = f->next;
	}
	return f == NULL && d->naming_count == 0;
}

/*
 * A state
 */

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
	size_t at = (size_t)p->page * PAGE + p->at;
	const uint8_t *octets = p->octets;
	size_t left = p->len;

	if (c->way != SECTORS) {
		put(out, at, octets, left);
		return;
	}
	while (left > 0) {
		size_t n = c->sector - at % c->sector;

		n = n < left ? n : left;
		if (rnd_below(c->r, 2) == 0) {
			put(out, at, octets, n);
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
		set_len(out, f->cached.len);
	}
	set_len(out, out->len > f->lasting.len ? out->len : f->lasting.len);
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
		set_name(out, d->lasting.list[i].path, d->lasting.list[i].file);
	}
	for (size_t i = 0; i < count; i++) {
		do_naming(out, &d->namings[i]);
	}
}

void
disk_make(const struct disk *d, struct rnd *r, unsigned sector, const char *dir)
{
	struct choice c = {.way = (enum way)rnd_below(r, WAYS),
			   .r = r,
			   .sector = sector};
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
	free_names(&names);
}
