/* SPDX-License-Identifier: BSD-2-Clause */

#include "config/config_tree.h"

#include <errno.h>
#include <glob.h>
#include <inttypes.h>
#include <libknot/errcode.h>
#include <libknot/yparser/yparser.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/syntax.h"
#include "base/textfile.h"

/* One file while it is read. */
struct reader {
	struct config_tree *tree;
	struct config_error *err;
	yp_parser_t *yp;
	unsigned depth;
	bool closed;   /* other files are out of bounds */
	uint32_t file; /* index of this one */
	const struct config_section *section; /* NULL: none is open */
	struct config_entry *entry;           /* NULL: none is open */
	/* What was to be open is wrong, and that was told. */
	bool is_lost;
};

static int read_file(struct config_tree *t, const char *path, unsigned depth,
		     const struct config_place *from, struct config_error *err);

void
config_tree_describe(const struct config_tree *t, struct config_place place,
		     struct config_error *out, const char *format, va_list args)
{
	int n = snprintf(out->text, sizeof(out->text), "%.512s:%" PRIu32 ": ",
			 t->files[place.file].path, place.line);

	vsnprintf(out->text + n, sizeof(out->text) - (size_t)n, format, args);
}

static void
tell(struct config_tree *t, const struct config_error *err)
{
	if (t->tell != NULL && t->told++ < CONFIG_TOLD_MAX) {
		t->tell(t->tell_arg, err->text);
	}
}

int
config_tree_fail(struct config_tree *t, struct config_place place,
		 struct config_error *err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	config_tree_describe(t, place, err, format, args);
	va_end(args);
	tell(t, err);
	return SECD_EMALF;
}

static struct config_place
here(const struct reader *r)
{
	return (struct config_place){r->file, (uint32_t)r->yp->line_count};
}

/* A path beside the file `beside`, when it is relative. */
static char *
path_beside(struct arena *arena, const char *beside, const char *path)
{
	const char *slash = strrchr(beside, '/');

	if (path[0] == '/' || slash == NULL) {
		return arena_printf(arena, "%s", path);
	}
	return arena_printf(arena, "%.*s/%s", (int)(slash - beside), beside,
			    path);
}

char *
config_tree_path(const struct config_tree *t, struct config_place place,
		 struct arena *arena, const char *path)
{
	char *beside = path_beside(arena, t->files[place.file].path, path);
	char *cwd, *whole;

	if (beside == NULL || beside[0] == '/') {
		return beside;
	}
	cwd = getcwd(NULL, 0);
	if (cwd == NULL) {
		return errno == ENOMEM ? NULL : beside;
	}
	whole = arena_printf(arena, "%s/%s", cwd, beside);
	free(cwd);
	return whole;
}

static int
add_file(struct config_tree *t, const char *path, bool others, uint32_t *index)
{
	if (t->file_count == t->file_cap) {
		size_t cap = t->file_cap == 0 ? 16 : 2 * t->file_cap;
		struct config_file *files;

		files = realloc(t->files, cap * sizeof(*files));
		if (files == NULL) {
			return SECD_ENOMEM;
		}
		t->files = files;
		t->file_cap = cap;
	}
	path = arena_printf(t->arena, "%s", path);
	if (path == NULL) {
		return SECD_ENOMEM;
	}
	*index = (uint32_t)t->file_count;
	t->files[t->file_count++] = (struct config_file){path, others};
	return SECD_OK;
}

const struct config_item *
config_item_next(const struct config_item *it)
{
	const struct config_keyword *k = it->keyword;

	do {
		it = it->next;
	} while (it != NULL && it->keyword != k);
	return it;
}

void
config_tree_fini(struct config_tree *t)
{
	arena_free(t->arena);
	free(t->files);
	*t = (struct config_tree){0};
}

static struct config_entry *
add_entry(struct reader *r, const char *id)
{
	struct config_tree *t = r->tree;
	struct config_entries *list =
	    &t->sections[r->section - config_sections];
	struct config_entry *e = arena_alloc(t->arena, sizeof(*e));

	if (e == NULL) {
		return NULL;
	}
	if (id != NULL) {
		e->id = arena_copy_octets(t->arena, id, strlen(id));
		if (e->id == NULL) {
			return NULL;
		}
	}
	e->place = here(r);
	if (list->last == NULL) {
		list->first = e;
	} else {
		list->last->next = e;
	}
	list->last = e;
	list->count++;
	return e;
}

static int
include_files(struct reader *r, const char *pattern)
{
	struct config_place place = here(r);
	glob_t found;
	int rc, g;

	g = glob(pattern, GLOB_ERR, NULL, &found);
	if (g == GLOB_NOSPACE) {
		return SECD_ENOMEM;
	}
	if (g == GLOB_ABORTED && errno != ENOENT) {
		config_tree_fail(r->tree, place, r->err,
				 "cannot read the directory of \"%.128s\": %s",
				 pattern, strerror(errno));
		return SECD_EIO;
	}
	if (g != 0) {
		return SECD_OK; /* a pattern may match nothing */
	}
	rc = SECD_OK;
	for (size_t i = 0; i < found.gl_pathc && rc == SECD_OK; i++) {
		rc = read_file(r->tree, found.gl_pathv[i], r->depth + 1, &place,
			       r->err);
	}
	globfree(&found);
	return rc;
}

/* The directory is a name, not a pattern, whatever characters it has. */
static char *
escape_pattern(struct arena *arena, const char *beside, const char *pattern)
{
	const char *slash = strrchr(beside, '/');
	char *out, *p;

	if (pattern[0] == '/' || slash == NULL) {
		return arena_printf(arena, "%s", pattern);
	}
	out = arena_alloc(arena, 2 * strlen(beside) + strlen(pattern) + 2);
	if (out == NULL) {
		return NULL;
	}
	p = out;
	for (const char *c = beside; c <= slash; c++) {
		if (strchr("*?[]\\", *c) != NULL) {
			*p++ = '\\';
		}
		*p++ = *c;
	}
	strcpy(p, pattern);
	return out;
}

static int
include(struct reader *r)
{
	struct config_tree *t = r->tree;
	struct config_place place = here(r);
	const char *beside = t->files[r->file].path;
	char value[YP_MAX_TXT_DATA_LEN + 1];
	char *path;

	if (r->closed) {
		return config_tree_fail(t, place, r->err,
					"\"include\" is not possible here");
	}
	if (r->yp->data_len == 0) {
		return config_tree_fail(t, place, r->err,
					"\"include\" names no file");
	}
	memcpy(value, r->yp->data, r->yp->data_len);
	value[r->yp->data_len] = '\0';
	if (strpbrk(value, "*?[") != NULL) {
		path = escape_pattern(t->arena, beside, value);
		return path == NULL ? SECD_ENOMEM : include_files(r, path);
	}
	path = path_beside(t->arena, beside, value);
	return path == NULL ? SECD_ENOMEM
			    : read_file(t, path, r->depth + 1, &place, r->err);
}

static int
take_section(struct reader *r)
{
	const char *key = r->yp->key;

	r->section = NULL;
	r->entry = NULL;
	r->is_lost = false;
	if (strcmp(key, "include") == 0) {
		return include(r);
	}
	r->is_lost = true;
	for (size_t i = 0; i < CONFIG_SECTION_COUNT; i++) {
		if (strcmp(key, config_sections[i].name) == 0) {
			r->section = &config_sections[i];
		}
	}
	if (r->section == NULL) {
		return config_tree_fail(r->tree, here(r), r->err,
					"unknown section \"%s\"", key);
	}
	if (r->yp->data_len != 0) {
		return config_tree_fail(r->tree, here(r), r->err,
					"section \"%s\" takes no value", key);
	}
	r->is_lost = false;
	if (r->section->id != NULL) {
		return SECD_OK;
	}
	/* Said again, perhaps in another file: goes on with the same. */
	r->entry = r->tree->sections[r->section - config_sections].first;
	if (r->entry == NULL) {
		r->entry = add_entry(r, NULL);
	}
	return r->entry == NULL ? SECD_ENOMEM : SECD_OK;
}

static int
take_id(struct reader *r)
{
	const struct config_section *s = r->section;
	yp_parser_t *yp = r->yp;

	if (r->is_lost && s == NULL) {
		return SECD_OK; /* of a section that is wrong */
	}
	r->entry = NULL;
	r->is_lost = true;
	if (s == NULL) {
		return config_tree_fail(r->tree, here(r), r->err,
					"\"- %s\" is outside of a section",
					yp->key);
	}
	if (s->id == NULL) {
		return config_tree_fail(r->tree, here(r), r->err,
					"section \"%s\" is no list", s->name);
	}
	if (strcmp(yp->key, s->id) != 0) {
		return config_tree_fail(r->tree, here(r), r->err,
					"an entry of \"%s\" starts with "
					"\"- %s:\", not with \"- %s:\"",
					s->name, s->id, yp->key);
	}
	if (yp->data_len == 0) {
		return config_tree_fail(r->tree, here(r), r->err,
					"\"%s\" is empty", s->id);
	}
	yp->data[yp->data_len] = '\0';
	r->is_lost = false;
	r->entry = add_entry(r, yp->data);
	return r->entry == NULL ? SECD_ENOMEM : SECD_OK;
}

static const struct config_keyword *
find_keyword(struct reader *r)
{
	const struct config_section *s = r->section;

	for (const struct config_keyword *k = s->keywords; k->name != NULL;
	     k++) {
		if (strcmp(k->name, r->yp->key) == 0) {
			return k;
		}
	}
	config_tree_fail(r->tree, here(r), r->err,
			 "unknown item \"%s\" in \"%s\"", r->yp->key, s->name);
	return NULL;
}

static int
add_item(struct reader *r, const struct config_keyword *k)
{
	struct config_entry *e = r->entry;
	size_t len = r->yp->data_len;
	struct config_item *it;

	it = arena_alloc(r->tree->arena, sizeof(*it) + len + 1);
	if (it == NULL) {
		return SECD_ENOMEM;
	}
	memcpy(it->value, r->yp->data, len);
	it->len = (uint32_t)len;
	it->keyword = k;
	it->place = here(r);
	if (e->last == NULL) {
		e->first = it;
	} else {
		e->last->next = it;
	}
	e->last = it;
	return SECD_OK;
}

static int
take_item(struct reader *r)
{
	const struct config_keyword *k;
	uint32_t bit;

	if (r->is_lost) {
		return SECD_OK;
	}
	if (r->section == NULL) {
		return config_tree_fail(r->tree, here(r), r->err,
					"\"%s\" is outside of a section",
					r->yp->key);
	}
	if (r->entry == NULL) {
		return config_tree_fail(
		    r->tree, here(r), r->err,
		    "\"%s\" comes before the first \"- %s:\"", r->yp->key,
		    r->section->id);
	}
	k = find_keyword(r);
	if (k == NULL) {
		return SECD_EMALF;
	}
	bit = UINT32_C(1) << (k - r->section->keywords);
	if (!k->multi && (r->entry->seen & bit) != 0) {
		return config_tree_fail(r->tree, here(r), r->err,
					"\"%s\" takes one value, once",
					k->name);
	}
	r->entry->seen |= bit;
	return add_item(r, k);
}

static int
take_event(struct reader *r)
{
	switch (r->yp->event) {
	case YP_EKEY0:
		return take_section(r);
	case YP_EID:
		return take_id(r);
	case YP_EKEY1:
		return take_item(r);
	case YP_ENULL:
		break;
	}
	return SECD_OK;
}

static const char *
syntax_text(int rc)
{
	switch (rc) {
	case KNOT_YP_EINVAL_INDENT:
		return "wrong indentation";
	case KNOT_YP_ECHAR_TAB:
		return "a tab where spaces are required";
	default:
		return "syntax error: ";
	}
}

/* The parser's last word: at the file's end, or where it gave up. */
static int
end_of(const struct reader *r, int rc, const char *text, size_t len)
{
	const char *hint = "";

	if (rc == KNOT_EOF) {
		return SECD_OK;
	}
	if (rc != KNOT_YP_EINVAL_INDENT && rc != KNOT_YP_ECHAR_TAB) {
		hint = syntax_hint(text, len, r->yp->line_count);
	}
	return config_tree_fail(r->tree, here(r), r->err, "%s%s",
				syntax_text(rc), hint);
}

/* Is it worth going on? */
static bool
is_passed_over(const struct config_tree *t, int rc)
{
	return (t->is_lenient || t->tell != NULL) &&
	       (rc == SECD_EMALF || rc == SECD_EIO);
}

/* Behind `count` lines. */
static size_t
skip_lines(const char *text, size_t len, size_t count)
{
	const char *p = text;

	for (; count > 0 && p != NULL; count--) {
		p = memchr(p, '\n', len - (size_t)(p - text));
		p = p == NULL ? NULL : p + 1;
	}
	return p == NULL ? len : (size_t)(p - text);
}

/* Up to the end, or to the first thing that is wrong. */
static int
parse_some(struct reader *r, const char *text, size_t len)
{
	int rc = yp_set_input_string(r->yp, text, len);

	while (rc == KNOT_EOK) {
		int result;

		rc = yp_parse(r->yp);
		if (rc != KNOT_EOK) {
			break;
		}
		result = take_event(r);
		if (result != SECD_OK && !is_passed_over(r->tree, result)) {
			return result;
		}
	}
	return end_of(r, rc, text, len);
}

/* A line that is passed over is the parser's end: it begins anew. Only a
 * lenient reader does: what follows such a line is often wrong because of it. */
static int
parse_all(struct reader *r, const char *text, size_t len)
{
	bool is_lenient = r->tree->is_lenient;
	int rc;

	do {
		size_t done;

		yp_init(r->yp);
		rc = parse_some(r, text, len);
		done = skip_lines(text, len, r->yp->line_count);
		yp_deinit(r->yp);
		text += done;
		len -= done;
	} while (is_lenient && is_passed_over(r->tree, rc) && len > 0);
	return is_lenient && is_passed_over(r->tree, rc) ? SECD_OK : rc;
}

/* The file is in the tree already, as number `file`. */
static int
parse(struct config_tree *t, uint32_t file, const char *text, size_t len,
      unsigned depth, bool closed, struct config_error *err)
{
	struct reader r = {.tree = t, .err = err, .file = file};
	int rc;

	r.depth = depth;
	r.closed = closed;
	r.yp = malloc(sizeof(*r.yp)); /* 33 KiB */
	if (r.yp == NULL) {
		return SECD_ENOMEM;
	}
	rc = parse_all(&r, text, len);
	explicit_bzero(r.yp, sizeof(*r.yp)); /* its last value: a secret? */
	free(r.yp);
	return rc;
}

/* Is it one of those that led here? Else it is one from now on. */
static bool
is_open(struct config_tree *t, unsigned depth, const struct stat *st)
{
	for (unsigned i = 0; i < depth; i++) {
		if (t->open[i].dev == st->st_dev &&
		    t->open[i].ino == st->st_ino) {
			return true;
		}
	}
	t->open[depth] = (struct config_open){st->st_dev, st->st_ino};
	return false;
}

/* Where nothing was read yet there is no line. */
static int
cannot_read(struct config_tree *t, const char *path,
	    const struct config_place *from, const char *why,
	    struct config_error *err)
{
	if (from != NULL) {
		config_tree_fail(t, *from, err, "cannot read \"%.256s\": %s",
				 path, why);
	} else {
		snprintf(err->text, sizeof(err->text), "%.512s: %s", path, why);
		tell(t, err);
	}
	return SECD_EIO;
}

static int
read_open(struct config_tree *t, const char *path, int fd,
	  const struct stat *st, unsigned depth,
	  const struct config_place *from, struct config_error *err)
{
	size_t size = (size_t)st->st_size, len = size;
	uint32_t file;
	char *text;
	int rc;

	if (size > CONFIG_OCTETS_MAX - t->octets) {
		return cannot_read(t, path, from,
				   "the configuration is too large", err);
	}
	t->octets += size;
	text = malloc(size + 1);
	if (text == NULL) {
		return SECD_ENOMEM;
	}
	rc = textfile_read(fd, text, &len);
	if (rc != SECD_OK) {
		rc = cannot_read(t, path, from, strerror(errno), err);
		goto done;
	}
	rc = add_file(t, path, (st->st_mode & 044) != 0, &file);
	if (rc == SECD_OK) {
		rc = parse(t, file, text, len, depth, false, err);
	}
done:
	explicit_bzero(text, size);
	free(text);
	return rc;
}

static int
read_file(struct config_tree *t, const char *path, unsigned depth,
	  const struct config_place *from, struct config_error *err)
{
	const char *why = NULL;
	struct stat st;
	int fd, rc;

	if (depth > CONFIG_DEPTH_MAX) {
		return config_tree_fail(t, *from, err,
					"\"include\" goes deeper than %d files",
					CONFIG_DEPTH_MAX);
	}
	fd = textfile_open(path, CONFIG_OCTETS_MAX, &st, &why);
	if (fd < 0) {
		return cannot_read(t, path, from, why, err);
	}
	rc = is_open(t, depth, &st)
		 ? config_tree_fail(t, *from, err, "\"%.256s\" includes itself",
				    path)
		 : read_open(t, path, fd, &st, depth, from, err);
	close(fd);
	return rc;
}

int
config_tree_read(struct config_tree *t, const char *path,
		 struct config_error *err)
{
	t->arena = arena_new();
	if (t->arena == NULL) {
		return SECD_ENOMEM;
	}
	return read_file(t, path, 0, NULL, err);
}

int
config_tree_read_lenient(struct config_tree *t, const char *path,
			 struct config_error *err)
{
	t->is_lenient = true;
	return config_tree_read(t, path, err);
}

int
config_tree_read_text(struct config_tree *t, const char *path, const char *text,
		      size_t len, struct config_error *err)
{
	uint32_t file;
	int rc;

	t->arena = arena_new();
	if (t->arena == NULL) {
		return SECD_ENOMEM;
	}
	rc = add_file(t, path, false, &file);
	return rc == SECD_OK ? parse(t, file, text, len, 0, true, err) : rc;
}
