/* SPDX-License-Identifier: BSD-2-Clause */

#include <string.h>

#include "base/error.h"
#include "config/config_build.h"

/* A name that is looked up in the module directory, or an absolute path. */
static int
set_file(struct config_build *b, const struct config_item *it, void *object)
{
	struct config_module *m = object;

	if (it->len == 0 || (it->value[0] != '/' && strchr(it->value, '/'))) {
		return config_build_bad(b, it,
					"the name of a file in " SECD_MODULEDIR
					", or an absolute path");
	}
	m->file = it->value[0] == '/'
		      ? arena_printf(b->arena, "%s", it->value)
		      : arena_printf(b->arena, SECD_MODULEDIR "/%s", it->value);
	return m->file == NULL ? SECD_ENOMEM : SECD_OK;
}

const struct config_keyword config_module_keywords[] = {
    {"file", .kind = CONFIG_SPECIAL, .set = set_file},
    {"config", .kind = CONFIG_FILE,
     .offset = offsetof(struct config_module, config), .min = 1, .max = 4096},
    {.name = NULL},
};

/* It names a directory. */
static bool
is_id(const char *id)
{
	return id[0] != '-' && strlen(id) <= CONFIG_MODULE_ID_MAX &&
	       strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789-") ==
		   strlen(id);
}

static int
build_module(struct config_build *b, const struct config_entry *e,
	     struct config_module *m)
{
	int rc;

	if (!is_id(e->id)) {
		return config_build_fail(
		    b, e->place,
		    "bad module id \"%.128s\": expected at most %d lower-case "
		    "letters, digits and hyphens",
		    e->id, CONFIG_MODULE_ID_MAX);
	}
	m->id = arena_copy_octets(b->arena, e->id, strlen(e->id));
	if (m->id == NULL) {
		return SECD_ENOMEM;
	}
	rc = config_build_apply(b, e, config_module_keywords, m);
	if (rc == SECD_OK && m->file == NULL) {
		m->file =
		    arena_printf(b->arena, SECD_MODULEDIR "/%s.so", m->id);
		rc = m->file == NULL ? SECD_ENOMEM : SECD_OK;
	}
	return rc;
}

int
config_build_modules(struct config_build *b)
{
	const struct config_entries *list = &b->tree.sections[CONFIG_MODULE];
	const struct config_entry *e;
	struct config_module *modules;
	struct config_index index;
	size_t i = 0;
	int rc;

	modules = arena_alloc(b->arena, list->count * sizeof(*modules));
	if (modules == NULL) {
		return SECD_ENOMEM;
	}
	for (e = list->first; e != NULL; e = e->next) {
		rc = build_module(b, e, &modules[i++]);
		if (config_build_ends(b, rc)) {
			return rc;
		}
	}
	b->c->modules = modules;
	b->c->module_count = list->count;
	return config_index_make(b, CONFIG_MODULE, modules, sizeof(*modules),
				 &index);
}
