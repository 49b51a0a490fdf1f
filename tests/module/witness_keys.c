/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the witness does with keys, by command:
 *
 *     key-put NAME ALGORITHM FILE TAG [compare] [cut]
 *     key-drop NAME TAG [compare] [cut]
 *     key-use CONFIGURED KEY
 *     probe ID ADDRESS PORT ZONE KEY TIMEOUT-MS [tcp] [from ADDRESS]
 *         [with ALGORITHM FILE]
 *     zone-keys ZONE
 *
 * FILE has the secret as it is. Each says "rc" and the host's code. The option
 * `put` of its configuration does what the first one does, in open.
 */

#include "witness.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 16

/* Words behind those that must be there. */
struct rest {
	const char *const *words;
	uint32_t count;
};

static struct rest
rest_of(const struct secd_command *c, uint32_t fixed)
{
	return (struct rest){c->argv + fixed,
			     c->argc > fixed ? c->argc - fixed : 0};
}

/* Where a word is among them, or how many there are. */
static uint32_t
find(const struct rest *r, const char *word)
{
	uint32_t i = 0;

	while (i < r->count && strcmp(r->words[i], word) != 0) {
		i++;
	}
	return i;
}

static bool
has(const struct rest *r, const char *word)
{
	return find(r, word) < r->count;
}

struct secret {
	uint8_t octets[1024];
	size_t len;
};

static void
read_secret(const char *path, struct secret *out)
{
	FILE *f = fopen(path, "re");

	out->len = 0;
	if (f != NULL) {
		out->len = fread(out->octets, 1, sizeof(out->octets), f);
		fclose(f);
	}
}

static uint32_t
flags_of(const struct rest *r)
{
	return (has(r, "compare") ? (uint32_t)SECD_KEY_COMPARE : 0) |
	       (has(r, "cut") ? (uint32_t)SECD_KEY_CUT : 0) |
	       (has(r, "odd") ? UINT32_C(1) << 31 : 0);
}

static int
put(struct witness *w, const struct secd_command *c)
{
	const struct rest r = rest_of(c, 5);
	struct secret secret;
	uint8_t name[256];
	struct secd_key key = {
	    .size = sizeof(key),
	    .flags = flags_of(&r),
	    .name = witness_name(c->argv[1], name),
	    .algorithm = c->argv[2],
	    .secret = secret.octets,
	    .tag = strtoull(c->argv[4], NULL, 10),
	};

	read_secret(c->argv[3], &secret);
	key.secret_len = secret.len;
	return w->host->key_put(w->host->ctx, &key);
}

static int
drop(struct witness *w, const struct secd_command *c)
{
	const struct rest r = rest_of(c, 3);
	uint8_t name[256];
	const struct secd_key key = {
	    .size = sizeof(key),
	    .flags = flags_of(&r),
	    .name = witness_name(c->argv[1], name),
	    .tag = strtoull(c->argv[2], NULL, 10),
	};

	return w->host->key_drop(w->host->ctx, &key);
}

static int
use(struct witness *w, const struct secd_command *c)
{
	uint8_t configured[256], key[256];

	return w->host->key_use(w->host->ctx,
				witness_name(c->argv[1], configured),
				witness_name(c->argv[2], key));
}

static struct secd_address
address_of(const char *text, uint16_t port)
{
	struct secd_address a = {.port = port};

	if (inet_pton(AF_INET, text, a.octets) == 1) {
		a.family = 4;
	} else if (inet_pton(AF_INET6, text, a.octets) == 1) {
		a.family = 6;
	}
	return a;
}

static int
probe(struct witness *w, const struct secd_command *c)
{
	const struct rest r = rest_of(c, 7);
	uint32_t from = find(&r, "from"), with = find(&r, "with");
	uint8_t zone[256], key[256];
	struct secret secret;
	struct secd_probe p = {
	    .size = sizeof(p),
	    .flags = has(&r, "tcp") ? (uint32_t)SECD_PROBE_TCP : 0,
	    .id = strtoull(c->argv[1], NULL, 10),
	    .to =
		address_of(c->argv[2], (uint16_t)strtoul(c->argv[3], NULL, 10)),
	    .zone = witness_name(c->argv[4], zone),
	    .key = witness_name(c->argv[5], key),
	    .timeout_ms = (uint32_t)strtoul(c->argv[6], NULL, 10),
	};

	if (from + 1 < r.count) {
		p.from = address_of(r.words[from + 1], 0);
	}
	if (with + 2 < r.count) {
		read_secret(r.words[with + 2], &secret);
		p.algorithm = r.words[with + 1];
		p.secret = secret.octets;
		p.secret_len = secret.len;
	}
	return w->host->probe(w->host->ctx, &p);
}

static void
say_zone(struct witness *w, const char *name, struct secd_reply *reply)
{
	struct secd_zone zone = {.size = sizeof(zone)};
	uint8_t apex[256];
	char text[256];

	if (w->host->zone_get(w->host->ctx, witness_name(name, apex), &zone) !=
	    SECD_OK) {
		return;
	}
	reply->boolean(reply->ctx, NULL, NULL, "expired",
		       (zone.flags & SECD_ZONE_EXPIRED) != 0);
	reply->time(reply->ctx, NULL, NULL, "expires-at", zone.expires_at_ms);
	for (size_t i = 0; i < zone.key_count; i++) {
		reply->text(reply->ctx, NULL, NULL, "key",
			    witness_text(zone.keys[i], text));
	}
}

static const struct {
	const char *word;
	uint32_t argc_min;
	int (*run)(struct witness *w, const struct secd_command *c);
} commands[] = {
    {"key-put", 5, put},
    {"key-drop", 3, drop},
    {"key-use", 3, use},
    {"probe", 7, probe},
};

bool
witness_keys_command(struct witness *w, const struct secd_command *c,
		     struct secd_reply *reply)
{
	char text[32];

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (c->argc >= commands[i].argc_min &&
		    strcmp(c->argv[0], commands[i].word) == 0) {
			snprintf(text, sizeof(text), "rc %d",
				 commands[i].run(w, c));
			reply->line(reply->ctx, text);
			return true;
		}
	}
	if (c->argc == 2 && strcmp(c->argv[0], "zone-keys") == 0) {
		say_zone(w, c->argv[1], reply);
		return true;
	}
	return false;
}

int
witness_keys_open(struct witness *w, const struct secd_options *options)
{
	for (size_t i = 0; i < options->count; i++) {
		const char *argv[WORDS_MAX] = {"key-put"};
		struct secd_command c = {.argc = 1, .argv = argv};
		char value[1024], *save, *word;
		int rc;

		if (strcmp(options->items[i].key, "put") != 0) {
			continue;
		}
		snprintf(value, sizeof(value), "%s", options->items[i].value);
		word = strtok_r(value, " ", &save);
		while (word != NULL && c.argc < WORDS_MAX) {
			argv[c.argc++] = word;
			word = strtok_r(NULL, " ", &save);
		}
		rc = c.argc < 5 ? SECD_EINVAL : put(w, &c);
		if (rc != SECD_OK) {
			return rc;
		}
	}
	return SECD_OK;
}

static void
note_used(struct witness *w, const struct secd_key_used *u)
{
	char name[256];

	witness_note(w,
		     "key-used %s %s error %" PRIu32 " tag %" PRIu64
		     " count %" PRIu32 " peer %u.%u.%u.%u@%u skew %" PRId64,
		     u->way == SECD_WAY_IN ? "in" : "out",
		     witness_text(u->name, name), u->tsig_error, u->tag,
		     u->count, u->peer.octets[0], u->peer.octets[1],
		     u->peer.octets[2], u->peer.octets[3],
		     (unsigned)u->peer.port, u->skew_ms);
}

static void
note_probed(struct witness *w, const struct secd_probe_result *p)
{
	static const char *const outcomes[] = {
	    [SECD_PROBE_VERIFIED] = "verified",
	    [SECD_PROBE_REFUSED] = "refused",
	    [SECD_PROBE_UNSIGNED] = "unsigned",
	    [SECD_PROBE_WRONG] = "wrong",
	    [SECD_PROBE_SILENT] = "silent",
	    [SECD_PROBE_UNREACHABLE] = "unreachable",
	    [SECD_PROBE_FAILED] = "failed",
	};

	witness_note(
	    w,
	    "probe-done %" PRIu64 " %s rcode %" PRIu32 " error %" PRIu32
	    " serial %" PRId64 " skew %" PRId64 " took %" PRId64,
	    p->id, outcomes[p->outcome], p->rcode, p->tsig_error,
	    p->has_serial ? (int64_t)p->serial : -1, p->skew_ms, p->took_ms);
}

bool
witness_keys_event(struct witness *w, const struct secd_event *e)
{
	if (e->type == SECD_EVENT_KEY_USED) {
		note_used(w, e->key_used);
	} else if (e->type == SECD_EVENT_PROBE_DONE) {
		note_probed(w, e->probe);
	} else {
		return false;
	}
	return true;
}
