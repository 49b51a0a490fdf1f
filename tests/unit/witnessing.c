/* SPDX-License-Identifier: BSD-2-Clause */

#include "witnessing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/log.h"
#include "server/control_reply.h"
#include "zonefile.h"

#define LIMIT 10000 /* looks, a millisecond apart */

static const char settings[] =
    CONF_SERVER "  storage: %s\n"
		"%s"
		"module:\n"
		"  - id: witness\n    file: %s\n    config: witness.conf\n"
		"  - id: second\n    file: %s\n    config: second.conf\n"
		"key:\n"
		"  - id: slot\n    module: witness\n"
		"  - id: other\n    module: second\n"
		"  - id: fixed\n    secret: " CONF_SECRET "\n"
		"remote:\n"
		"  - id: hidden\n    address: 192.0.2.1\n    key: slot\n"
		"acl:\n"
		"  - id: out\n    key: [ fixed, slot ]\n    action: transfer\n"
		"zone:\n"
		"  - domain: example.\n    primary: hidden\n    acl: out\n";

struct witnessing witnessing;

struct config *
witnessing_load(const char *server)
{
	snprintf(witnessing.text, sizeof(witnessing.text), settings,
		 witnessing.store->path, server, getenv("SECD_WITNESS"),
		 getenv("SECD_WITNESS"));
	conf_dir_accept(witnessing.conf, witnessing.text);
	return witnessing.conf->c;
}

/* What is in the file by which a secret is known. */
static void
write_secret(const char *name, size_t len)
{
	char secret[1024];

	memset(secret, name[0], sizeof(secret));
	secret[len] = '\0';
	conf_dir_write(witnessing.conf, name, 0600, secret);
}

void
witnessing_begin(const char *server, const char *options)
{
	struct commit_hooks hooks;
	char reason[MODULES_REASON_LEN];

	conf_dir_write(witnessing.conf, "witness.conf", 0600, options);
	if (modules_open(witnessing_load(server), &witnessing.frontend, NULL,
			 &witnessing.modules, reason) != SECD_OK) {
		fail_msg("%s", reason);
	}
	hooks = modules_hooks(witnessing.modules);
	assert_int_equal(commit_start(witnessing.store->store, 0, &hooks,
				      &witnessing.commit),
			 SECD_OK);
	modules_attach(witnessing.modules, witnessing.commit);
}

void
witnessing_end(void)
{
	commit_stop(witnessing.commit);
	witnessing.commit = NULL;
	modules_attach(witnessing.modules, NULL);
	modules_close(witnessing.modules);
	witnessing.modules = NULL;
}

/* It gives a key that is in no configuration. */
static void
write_second(void)
{
	char options[700];

	snprintf(options, sizeof(options),
		 "witness:\n  put: [ \"theirs. hmac-sha256 %s/a 3\" ]\n",
		 witnessing.conf->path);
	conf_dir_write(witnessing.conf, "second.conf", 0600, options);
}

int
witnessing_start(void **state)
{
	void *dir;
	int rc = conf_dir_setup(&dir);

	witnessing.conf = dir;
	rc |= store_dir_setup(state);
	witnessing.store = *state;
	log_set_target(LOG_TARGET_STDERR, LOG_LEVEL_NONE);
	zonefile_name("example.", witnessing.apex);
	write_secret("a", 32);
	write_secret("b", 32);
	write_secret("short", 15);
	write_secret("long", 513);
	write_second();
	return rc;
}

int
witnessing_stop(void **state)
{
	void *dir = witnessing.conf;

	if (witnessing.modules != NULL) {
		witnessing_end();
	}
	conf_dir_teardown(&dir);
	return store_dir_teardown(state);
}

/* The lines and values of a reply. */
static const char *
rows_of(struct control_reply *r)
{
	const char *p = (const char *)r->rows.data;
	const char *e = p + r->rows.len;

	witnessing.text[0] = '\0';
	for (int field = 0; p < e; p += strlen(p) + 1, field++) {
		if (field % 5 == 3 && strcmp(p, "line") != 0) {
			strcat(strcat(witnessing.text, p), " ");
		} else if (field % 5 == 4) {
			strcat(strcat(witnessing.text, p), "\n");
		}
	}
	return witnessing.text;
}

/* A command; a word that begins with a slash is a file in the directory. */
const char *
witnessing_command(const char *line)
{
	uint64_t position[SECD_POSITION_LEN / 8] = {0};
	struct control_reply r = {.error = ""};
	char copy[512], paths[4][600], *save, *word;
	const char *words[16];
	size_t count = 0, path = 0;

	snprintf(copy, sizeof(copy), "%s", line);
	for (word = strtok_r(copy, " ", &save); word != NULL;
	     word = strtok_r(NULL, " ", &save)) {
		if (word[0] == '/') {
			sprintf(paths[path], "%s%s", witnessing.conf->path,
				word);
			word = paths[path++];
		}
		words[count++] = word;
	}
	while (modules_command(witnessing.modules, words, count,
			       (uint8_t *)position, &r) == SECD_MORE) {
	}
	rows_of(&r);
	control_reply_fini(&r);
	return witnessing.text;
}

/* The command of the first module ends with this code. */
void
witnessing_expect(int rc, const char *line)
{
	char whole[512], expected[32];

	snprintf(whole, sizeof(whole), "witness %s", line);
	snprintf(expected, sizeof(expected), "rc %d\n", rc);
	assert_string_equal(witnessing_command(whole), expected);
}

/* On the thread that changes keys nothing changes meanwhile. */
struct look {
	const uint8_t *name;
	struct tsig_key *key; /* a reference, or NULL */
};

static void
look_there(void *arg)
{
	struct look *l = arg;

	l->key = keys_find(witnessing.conf->c,
			   keys_ring(&witnessing.frontend.keys), l->name);
	if (l->key != NULL) {
		tsig_key_ref(l->key);
	}
}

struct tsig_key *
witnessing_key(const char *name)
{
	uint8_t wire[NAME_LEN_MAX];
	struct look l = {.name = wire};

	assert_int_equal(name_from_text(name, wire), SECD_OK);
	commit_run(witnessing.commit, look_there, &l);
	return l.key;
}

const char *
witnessing_calls(const char *id)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/modules/%s/calls",
		 witnessing.store->path, id);
	f = fopen(path, "r");
	assert_non_null(f);
	witnessing
	    .text[fread(witnessing.text, 1, sizeof(witnessing.text) - 1, f)] =
	    '\0';
	fclose(f);
	return witnessing.text;
}

void
witnessing_wait(const char *id, const char *what)
{
	const struct timespec moment = {0, 1000000};

	for (int i = 0; i < LIMIT && strstr(witnessing_calls(id), what) == NULL;
	     i++) {
		nanosleep(&moment, NULL);
	}
	if (strstr(witnessing_calls(id), what) == NULL) {
		fail_msg("no \"%s\" in \"%s\"", what, witnessing.text);
	}
}
