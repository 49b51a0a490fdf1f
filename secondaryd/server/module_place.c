/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a module asks to be put into other servers.
 */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/log.h"
#include "server/modules_internal.h"
#include "wire/tsig.h"

/* The module says why to whoever has to know; one that cannot be told does
 * not. */
static int __attribute__((format(printf, 4, 5)))
refuse(const struct module_instance *i, const struct secd_placement *p, int rc,
       const char *format, ...)
{
	char text[SECD_REASON_LEN];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (SECD_HAS(p, reason) && p->reason != NULL) {
		memcpy(p->reason, text, sizeof(text));
	} else {
		log_error("module %s: %s", i->id, text);
	}
	return rc;
}

static int
check_settings(const struct module_instance *i, const struct secd_placement *p,
	       struct request *r)
{
	const struct secd_options *options = options_get(i->files.options);
	char why[SECD_REASON_LEN];

	r->adapter = adapter_find(p->adapter);
	if (r->adapter == NULL) {
		return refuse(i, p, SECD_ENOTSUP,
			      "there is no adapter \"%.128s\"", p->adapter);
	}
	r->settings = (struct settings){
	    .adapter = r->adapter->name,
	    .known = r->adapter->settings,
	    .said = p->settings,
	    .count = p->setting_count,
	};
	return settings_check(&r->settings, options->path, why) == SECD_OK
		   ? SECD_OK
		   : refuse(i, p, SECD_EINVAL, "%s", why);
}

static int
take_key(const struct module_instance *i, const struct secd_placement *p,
	 const struct secd_key *key, struct arena *arena,
	 struct keytext_key *out)
{
	enum tsig_algorithm algorithm;
	char name[NAME_TEXT_MAX];

	name_to_text(key->name, name);
	if (key->algorithm == NULL ||
	    tsig_algorithm_from_text(key->algorithm, &algorithm) != SECD_OK ||
	    key->secret == NULL || key->secret_len == 0 ||
	    (key->flags & SECD_KEY_COMPARE) != 0) {
		return refuse(i, p, SECD_EINVAL,
			      "key %.256s is none that can be placed", name);
	}
	*out = (struct keytext_key){
	    .name = arena_copy_octets(arena, name, strlen(name)),
	    .algorithm = key->algorithm,
	    .secret = key->secret,
	    .secret_len = key->secret_len,
	};
	return out->name == NULL ? SECD_ENOMEM : SECD_OK;
}

static int
take_keys(const struct module_instance *i, const struct secd_placement *p,
	  struct arena *arena, struct request *r, bool *is_urgent)
{
	struct keytext_key *keys =
	    arena_alloc(arena, p->key_count * sizeof(*keys));
	int rc = keys == NULL ? SECD_ENOMEM : SECD_OK;

	*is_urgent = false;
	for (size_t n = 0; n < p->key_count && rc == SECD_OK; n++) {
		rc = take_key(i, p, p->keys[n], arena, &keys[n]);
		*is_urgent |= (p->keys[n]->flags & SECD_KEY_CUT) != 0;
	}
	r->keys = keys;
	r->key_count = p->key_count;
	return rc;
}

int
modules_place(void *ctx, const struct secd_placement *p)
{
	struct module_instance *i = ctx;
	struct request r = {
	    .dir = i->modules->placed_dir,
	    .timeout_ms = p->timeout_ms,
	};
	struct arena *arena = arena_new();
	bool is_urgent;
	int rc = SECD_ENOMEM;

	if (p->timeout_ms == 0) {
		rc = refuse(i, p, SECD_EINVAL, "a placement has a timeout");
	} else if (arena != NULL) {
		rc = check_settings(i, p, &r);
	}
	if (rc == SECD_OK) {
		rc = take_keys(i, p, arena, &r, &is_urgent);
	}
	if (rc == SECD_OK) {
		rc = placer_add(i->modules->placer, i, p->id, &r, is_urgent);
	}
	arena_free(arena);
	return rc;
}

void
modules_placed(void *owner, uint64_t id, const struct adapter_result *result)
{
	struct module_instance *i = owner;
	const struct secd_placed placed = {
	    .size = sizeof(placed),
	    .rc = result->rc,
	    .id = id,
	    .needs_restart = result->needs_restart,
	    .text = result->text,
	};
	const struct secd_event e = {
	    .size = sizeof(e), .type = SECD_EVENT_PLACED, .placed = &placed};

	modules_flush(i->modules);
	if (i->self != NULL && i->files.code->event != NULL) {
		i->is_touched = true;
		i->files.code->event(i->self, &e);
	}
}

static void
end_placing(void *arg)
{
	placer_end(((struct modules *)arg)->placer);
}

void
modules_end_placing(struct modules *m)
{
	if (m != NULL && m->placer != NULL && m->commit != NULL) {
		commit_run(m->commit, end_placing, m);
	}
}
