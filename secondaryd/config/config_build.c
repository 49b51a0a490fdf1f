/* SPDX-License-Identifier: BSD-2-Clause */

#include "config/config_build.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

const struct config_section config_sections[CONFIG_SECTION_COUNT] = {
    [CONFIG_SERVER] = {"server", NULL, config_server_keywords},
    [CONFIG_LOG] = {"log", "target", config_log_keywords},
    [CONFIG_KEY] = {"key", "id", config_key_keywords},
    [CONFIG_REMOTE] = {"remote", "id", config_remote_keywords},
    [CONFIG_ACL] = {"acl", "id", config_acl_keywords},
    [CONFIG_TEMPLATE] = {"template", "id", config_template_keywords},
    [CONFIG_ZONE] = {"zone", "domain", config_zone_keywords},
    [CONFIG_MODULE] = {"module", "id", config_module_keywords},
};

int
config_build_fail(struct config_build *b, struct config_place place,
		  const char *format, ...)
{
	char text[CONFIG_ERROR_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return config_tree_fail(&b->tree, place, b->err, "%s", text);
}

int
config_build_bad(struct config_build *b, const struct config_item *it,
		 const char *expected)
{
	return config_build_fail(b, it->place,
				 "bad value \"%.64s\" for \"%s\": expected %s",
				 it->value, it->keyword->name, expected);
}

int
config_build_warn(struct config_build *b, struct config_place place,
		  const char *format, ...)
{
	struct config_error line;
	va_list args;
	char *copy;

	va_start(args, format);
	config_tree_describe(&b->tree, place, &line, format, args);
	va_end(args);
	copy = arena_printf(b->arena, "%s", line.text);
	if (copy == NULL) {
		return SECD_ENOMEM;
	}
	return buf_put(&b->warnings, &copy, sizeof(copy));
}

struct config_place
config_build_place(const struct config_entry *e, const char *keyword)
{
	for (const struct config_item *it = e->first; it != NULL;
	     it = it->next) {
		if (strcmp(it->keyword->name, keyword) == 0) {
			return it->place;
		}
	}
	return e->place;
}

int
config_build_apply(struct config_build *b, const struct config_entry *e,
		   const struct config_keyword *keywords, void *object)
{
	uint32_t done = 0;
	int first = SECD_OK;

	for (const struct config_item *it = e->first; it != NULL;
	     it = it->next) {
		const struct config_keyword *k = it->keyword;
		uint32_t bit = UINT32_C(1) << (k - keywords);
		int rc;

		if ((done & bit) != 0) {
			continue; /* of a list that was read as a whole */
		}
		done |= bit;
		rc = k->kind == CONFIG_SPECIAL
			 ? k->set(b, it, object)
			 : config_build_value(b, it, object);
		if (config_build_ends(b, rc)) {
			return rc;
		}
		first = first == SECD_OK ? rc : first;
	}
	return first;
}

static int
compare_names(const void *a, const void *b)
{
	const struct config_name *x = a, *y = b;

	return strcmp(x->id, y->id);
}

/* The later one of two entries with that id is the one to complain about. */
static int
fail_twice(struct config_build *b, enum config_section_id section,
	   const char *id)
{
	const struct config_entry *e, *last = NULL;

	for (e = b->tree.sections[section].first; e != NULL; e = e->next) {
		if (strcmp(e->id, id) == 0) {
			last = e;
		}
	}
	return config_build_fail(b, last->place, "%s \"%.128s\" is there twice",
				 config_sections[section].name, id);
}

int
config_index_make(struct config_build *b, enum config_section_id section,
		  void *objects, size_t size, struct config_index *out)
{
	const struct config_entries *list = &b->tree.sections[section];
	const struct config_entry *e;
	struct config_name *names;
	size_t i = 0;
	int rc = SECD_OK;

	names = arena_alloc(b->tree.arena, (list->count + 1) * sizeof(*names));
	if (names == NULL) {
		return SECD_ENOMEM;
	}
	for (e = list->first; e != NULL; e = e->next, i++) {
		names[i].id = e->id;
		names[i].object = (uint8_t *)objects + i * size;
	}
	qsort(names, list->count, sizeof(*names), compare_names);
	for (i = 1; i < list->count; i++) {
		if (strcmp(names[i - 1].id, names[i].id) != 0) {
			continue;
		}
		rc = fail_twice(b, section, names[i].id);
		if (config_build_ends(b, rc)) {
			return rc;
		}
	}
	*out = (struct config_index){names, list->count};
	return rc;
}

void *
config_index_find(const struct config_index *ix, const char *id)
{
	struct config_name wanted = {id, NULL};
	const struct config_name *found;

	if (ix->count == 0) {
		return NULL;
	}
	found = bsearch(&wanted, ix->names, ix->count, sizeof(wanted),
			compare_names);
	return found == NULL ? NULL : found->object;
}

/* `notify:` and nothing: not those of the template, none. */
static bool
is_empty_list(const struct config_item *it)
{
	return it->len == 0 && config_item_next(it) == NULL;
}

int
config_index_list(struct config_build *b, const struct config_index *ix,
		  const struct config_item *it, const char *what,
		  const void **out, size_t *count)
{
	struct buf list = {0};
	const void *array;
	int rc = SECD_OK;

	if (is_empty_list(it)) {
		*out = NULL;
		*count = 0;
		return SECD_OK;
	}
	for (; it != NULL && rc == SECD_OK; it = config_item_next(it)) {
		const void *object = config_index_find(ix, it->value);

		rc = object != NULL
			 ? buf_put(&list, &object, sizeof(object))
			 : config_build_fail(b, it->place,
					     "%s \"%.128s\" is not defined",
					     what, it->value);
	}
	if (rc != SECD_OK) {
		goto done;
	}
	array = config_build_share(b, list.data, list.len);
	if (array == NULL) {
		rc = SECD_ENOMEM;
		goto done;
	}
	*out = array;
	*count = list.len / sizeof(void *);
done:
	buf_fini(&list);
	return rc;
}
