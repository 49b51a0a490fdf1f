/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The witness has keys put into other servers:
 *
 *     place ID FILE [urgent]
 *
 * FILE has lines of a name, a blank and a secret of plain characters. Which
 * server it is says the configuration:
 *
 *     place:
 *       - id: ID
 *         adapter: nsd
 *         file: ...
 */

#include "witness.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char *
copy_text(char **to, const char *text)
{
	char *copy = strcpy(*to, text);

	*to += strlen(text) + 1;
	return copy;
}

/* Keep the section `place`: it is lent to open alone. */
int
witness_place_open(struct witness *w, const struct secd_options *options)
{
	size_t len = options->count * sizeof(*w->places);
	char *text;

	for (size_t i = 0; i < options->count; i++) {
		const struct secd_option *o = &options->items[i];

		len += strlen(o->section) + strlen(o->id) + strlen(o->key) +
		       strlen(o->value) + 4;
	}
	w->places = calloc(1, len + 1);
	if (w->places == NULL) {
		return SECD_ENOMEM;
	}
	text = (char *)(w->places + options->count);
	for (size_t i = 0; i < options->count; i++) {
		const struct secd_option *o = &options->items[i];

		if (strcmp(o->section, "place") == 0) {
			w->places[w->place_count++] = (struct secd_option){
			    .line = o->line,
			    .section = copy_text(&text, o->section),
			    .id = copy_text(&text, o->id),
			    .key = copy_text(&text, o->key),
			    .value = copy_text(&text, o->value),
			};
		}
	}
	return SECD_OK;
}

#define KEYS_MAX 64

struct keys {
	struct secd_key list[KEYS_MAX];
	const struct secd_key *pointers[KEYS_MAX];
	uint8_t names[KEYS_MAX][256];
	char secrets[KEYS_MAX][80];
	size_t count;
};

static int
read_keys(const char *path, uint32_t flags, struct keys *k)
{
	FILE *f = fopen(path, "re");
	char name[200];

	if (f == NULL) {
		return SECD_ENOTFOUND;
	}
	while (k->count < KEYS_MAX &&
	       fscanf(f, "%199s %79s", name, k->secrets[k->count]) == 2) {
		k->list[k->count] = (struct secd_key){
		    .size = sizeof(struct secd_key),
		    .flags = flags,
		    .name = witness_name(name, k->names[k->count]),
		    .algorithm = "hmac-sha256",
		    .secret = (const uint8_t *)k->secrets[k->count],
		    .secret_len = strlen(k->secrets[k->count]),
		    .tag = 1,
		};
		k->pointers[k->count] = &k->list[k->count];
		k->count++;
	}
	fclose(f);
	return SECD_OK;
}

/* The entry of that id, without its first two keys: id and adapter. */
static void
find_place(const struct witness *w, const char *id, struct secd_placement *out)
{
	for (size_t i = 0; i < w->place_count; i++) {
		const struct secd_option *o = &w->places[i];

		if (strcmp(o->id, id) != 0 || strcmp(o->key, "id") == 0) {
			continue;
		}
		if (strcmp(o->key, "adapter") == 0) {
			out->adapter = o->value;
			out->settings = o + 1;
		} else {
			out->setting_count++;
		}
	}
}

static int
place(struct witness *w, const struct secd_command *c, struct secd_reply *reply)
{
	static const uint32_t urgent = SECD_KEY_CUT;
	char reason[SECD_REASON_LEN] = "";
	struct secd_placement p = {.size = sizeof(p),
				   .id = ++w->placements,
				   .timeout_ms = 20000,
				   .reason = reason};
	struct keys keys = {.count = 0};
	int rc = w->host->place == NULL
		     ? SECD_ENOTSUP
		     : read_keys(c->argv[2], c->argc > 3 ? urgent : 0, &keys);

	find_place(w, c->argv[1], &p);
	if (rc == SECD_OK && p.adapter == NULL) {
		rc = SECD_ENOTFOUND;
	}
	if (rc == SECD_OK) {
		p.keys = keys.pointers;
		p.key_count = keys.count;
		rc = w->host->place(w->host->ctx, &p);
	}
	if (rc == SECD_OK) {
		reply->number(reply->ctx, NULL, NULL, "placement", p.id);
	} else if (reason[0] != '\0') {
		reply->error(reply->ctx, reason);
	}
	memset(&keys, 0, sizeof(keys));
	return rc;
}

bool
witness_place_command(struct witness *w, const struct secd_command *c,
		      struct secd_reply *reply, int *rc)
{
	if (c->argc < 3 || strcmp(c->argv[0], "place") != 0) {
		return false;
	}
	*rc = place(w, c, reply);
	return true;
}

bool
witness_place_event(struct witness *w, const struct secd_event *e)
{
	if (e->type != SECD_EVENT_PLACED) {
		return false;
	}
	witness_note(w, "placed %" PRIu64 " %d restart %u: %s", e->placed->id,
		     (int)e->placed->rc, (unsigned)e->placed->needs_restart,
		     e->placed->text);
	return true;
}
