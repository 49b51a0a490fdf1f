/* SPDX-License-Identifier: BSD-2-Clause */

#include "disk_internal.h"

#include <stdlib.h>
#include <string.h>

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

void
disk_set_len(struct content *c, size_t len)
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

void
disk_put(struct content *c, size_t at, const uint8_t *octets, size_t len)
{
	if (at + len > c->len) {
		disk_set_len(c, at + len);
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
	disk_put(&f->cached, (size_t)at, octets, len);
	while (len > 0) {
		unsigned in_page = (unsigned)(at % DISK_PAGE);
		size_t n =
		    DISK_PAGE - in_page < len ? DISK_PAGE - in_page : len;

		f->pieces =
		    grow(f->pieces, f->count, &f->cap, sizeof(*f->pieces));
		f->pieces[f->count++] = (struct piece){.page = at / DISK_PAGE,
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
	size_t at = (size_t)page * DISK_PAGE, len = f->cached.len - at,
	       kept = 0;

	disk_put(&f->lasting, at, f->cached.octets + at,
		 len < DISK_PAGE ? len : DISK_PAGE);
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
	disk_set_len(&f->lasting, f->cached.len);
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
	disk_set_len(&f->cached, len);
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

void
disk_set_name(struct names *n, const char *path, struct disk_file *file)
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

void
disk_free_names(struct names *n)
{
	for (size_t i = 0; i < n->count; i++) {
		free(n->list[i].path);
	}
	free(n->list);
}

void
disk_do_naming(struct names *n, const struct naming *g)
{
	switch (g->op) {
	case TRACE_RENAME:
		drop_name(n, g->path);
		disk_set_name(n, g->other, g->file);
		break;
	case TRACE_LINK:
		disk_set_name(n, g->other, g->file);
		break;
	case TRACE_UNLINK:
		drop_name(n, g->path);
		break;
	default:
		disk_set_name(n, g->path, g->file);
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
	disk_do_naming(&d->cached, &g);
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
		disk_do_naming(&d->lasting, g);
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
	disk_free_names(&d->cached);
	disk_free_names(&d->lasting);
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
		for (uint64_t p = head->at / DISK_PAGE;
		     p <= (head->at + head->len - 1) / DISK_PAGE; p++) {
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
