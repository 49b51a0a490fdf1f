/* SPDX-License-Identifier: BSD-2-Clause */

#include "config/config.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "config/config_build.h"

/* The configuration and what it is made of. */
struct whole {
	struct config c; /* first: a config pointer is one to this */
	atomic_size_t count;
	struct arena *arena;
};

static struct whole *
whole_new(void)
{
	struct whole *w = calloc(1, sizeof(*w));

	if (w == NULL) {
		return NULL;
	}
	atomic_init(&w->count, 1);
	w->arena = arena_new();
	if (w->arena == NULL) {
		free(w);
		return NULL;
	}
	return w;
}

struct config *
config_ref(struct config *c)
{
	struct whole *w = (struct whole *)c;

	atomic_fetch_add_explicit(&w->count, 1, memory_order_relaxed);
	return c;
}

void
config_unref(struct config *c)
{
	struct whole *w = (struct whole *)c;

	if (w == NULL || atomic_fetch_sub(&w->count, 1) != 1) {
		return;
	}
	for (size_t i = 0; i < c->key_count; i++) {
		tsig_key_unref(c->keys[i].key);
	}
	arena_free(w->arena);
	free(w);
}

static int
take_warnings(struct config_build *b)
{
	const void *list;

	list = arena_copy(b->arena, b->warnings.data, b->warnings.len);
	if (list == NULL) {
		return SECD_ENOMEM;
	}
	b->c->warnings = list;
	b->c->warning_count = b->warnings.len / sizeof(char *);
	return SECD_OK;
}

static int
build_all(struct config_build *b)
{
	static int (*const steps[])(struct config_build *) = {
	    config_build_server,  config_build_logs,    config_build_keys,
	    config_build_remotes, config_build_acls,    config_build_templates,
	    config_build_zones,   config_build_modules, take_warnings,
	};

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		int rc = steps[i](b);

		if (config_build_ends(b, rc)) {
			return rc;
		}
	}
	return b->tree.told == 0 ? SECD_OK : SECD_EMALF;
}

/* What is to be loaded, and who hears what is wrong with it. */
struct order {
	const char *path;
	const char *text; /* NULL: read the file */
	size_t len;
	struct config_error *err;
	void (*tell)(void *arg, const char *text); /* NULL: the first is all */
	void *arg;
};

static int
read_tree(const struct order *o, struct config_tree *t)
{
	int rc;

	t->tell = o->tell;
	t->tell_arg = o->arg;
	rc = o->text == NULL
		 ? config_tree_read(t, o->path, o->err)
		 : config_tree_read_text(t, o->path, o->text, o->len, o->err);
	return rc == SECD_OK && t->told > 0 ? SECD_EMALF : rc;
}

static void
tell_how_many(const struct order *o, size_t told)
{
	if (o->tell != NULL && told > CONFIG_TOLD_MAX) {
		snprintf(o->err->text, sizeof(o->err->text),
			 "%.512s: and %zu more errors", o->path,
			 told - CONFIG_TOLD_MAX);
		o->tell(o->arg, o->err->text);
	}
}

static int
load(const struct order *o, struct config **out)
{
	struct config_build b = {.err = o->err, .closed = o->text != NULL};
	struct whole *w = whole_new();
	int rc = SECD_ENOMEM;

	if (w == NULL) {
		goto done;
	}
	b.c = &w->c;
	b.arena = w->arena;
	rc = read_tree(o, &b.tree);
	if (rc == SECD_OK) {
		rc = build_all(&b);
	}
	tell_how_many(o, b.tree.told);
	config_tree_fini(&b.tree);
	buf_fini(&b.warnings);
done:
	if (rc == SECD_OK) {
		*out = &w->c;
		return SECD_OK;
	}
	if (rc == SECD_ENOMEM) {
		snprintf(o->err->text, sizeof(o->err->text), "%.512s: %s",
			 o->path, secd_strerror(rc));
		if (o->tell != NULL) {
			o->tell(o->arg, o->err->text);
		}
	}
	config_unref(w == NULL ? NULL : &w->c);
	return rc;
}

int
config_load(const char *path, struct config **out, struct config_error *err)
{
	return load(&(struct order){.path = path, .err = err}, out);
}

int
config_check(const char *path, struct config **out,
	     void (*tell)(void *arg, const char *text), void *arg)
{
	struct config_error err;

	return load(
	    &(struct order){
		.path = path, .err = &err, .tell = tell, .arg = arg},
	    out);
}

int
config_load_text(const char *path, const char *text, size_t len,
		 struct config **out, struct config_error *err)
{
	return load(
	    &(struct order){.path = path, .text = text, .len = len, .err = err},
	    out);
}

int
config_check_text(const char *path, const char *text, size_t len,
		  struct config **out,
		  void (*tell)(void *arg, const char *text), void *arg)
{
	struct config_error err;

	return load(&(struct order){.path = path,
				    .text = text,
				    .len = len,
				    .err = &err,
				    .tell = tell,
				    .arg = arg},
		    out);
}

static int
compare_zone(const void *apex, const void *zone)
{
	return name_compare(apex, ((const struct config_zone *)zone)->apex);
}

const struct config_zone *
config_zone_find(const struct config *c, const uint8_t *apex)
{
	if (c->zone_count == 0) {
		return NULL;
	}
	return bsearch(apex, c->zones, c->zone_count, sizeof(c->zones[0]),
		       compare_zone);
}

static int
compare_key(const void *name, const void *key)
{
	return name_compare(name, ((const struct config_key *)key)->name);
}

const struct config_key *
config_key_find(const struct config *c, const uint8_t *name)
{
	if (c->key_count == 0) {
		return NULL;
	}
	return bsearch(name, c->keys, c->key_count, sizeof(c->keys[0]),
		       compare_key);
}

int
config_control_path(const char *path, char *out, size_t cap,
		    struct config_error *err)
{
	struct config_tree tree = {0};
	const char *rundir = SECD_RUNDIR;
	const struct config_entry *e;
	int rc, n;

	rc = config_tree_read_lenient(&tree, path, err);
	if (rc != SECD_OK) {
		goto done;
	}
	e = tree.sections[CONFIG_SERVER].first;
	for (const struct config_item *it = e == NULL ? NULL : e->first;
	     it != NULL; it = it->next) {
		if (strcmp(it->keyword->name, "rundir") == 0) {
			rundir = config_tree_path(&tree, it->place, tree.arena,
						  it->value);
		}
	}
	if (rundir == NULL) {
		rc = SECD_ENOMEM;
		goto done;
	}
	n = snprintf(out, cap, "%s/" CONFIG_SOCKET, rundir);
	if (n < 0 || (size_t)n >= cap) {
		snprintf(err->text, sizeof(err->text),
			 "%.512s: \"rundir\" is too long", path);
		rc = SECD_ENOSPC;
	}
done:
	config_tree_fini(&tree);
	return rc;
}
