/* SPDX-License-Identifier: BSD-2-Clause */

#include "placing.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/error.h"

#define PATHS_MAX 64

struct placing placing;
static char *paths[PATHS_MAX];
static size_t path_count;

int
placing_setup(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN); /* as in the helper */
	placing = (struct placing){.timeout_ms = 20000};
	temp_dir_make(placing.dir);
	return 0;
}

int
placing_teardown(void **state)
{
	(void)state;
	temp_dir_remove(placing.dir);
	while (path_count > 0) {
		free(paths[--path_count]);
	}
	return 0;
}

const char *
placing_path(const char *name)
{
	char text[512];

	snprintf(text, sizeof(text), "%s/%s", placing.dir, name);
	for (size_t i = 0; i < path_count; i++) {
		if (strcmp(paths[i], text) == 0) {
			return paths[i];
		}
	}
	assert_true(path_count < PATHS_MAX);
	paths[path_count] = strdup(text);
	assert_non_null(paths[path_count]);
	return paths[path_count++];
}

void
placing_set(const char *key, const char *value)
{
	struct secd_option *o = placing.options;

	while (o < placing.options + placing.option_count &&
	       strcmp(o->key, key) != 0) {
		o++;
	}
	if (o == placing.options + placing.option_count) {
		placing.option_count++;
	}
	*o = (struct secd_option){.line = 1, .key = key, .value = value};
}

const char *
placing_script(const char *name, const char *body)
{
	const char *path = placing_path(name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fprintf(f, "#!/bin/sh\ncd '%s'\n%s\n", placing.dir, body);
	fclose(f);
	assert_int_equal(chmod(path, 0700), 0);
	return path;
}

const char *
placing_contents(const char *name)
{
	static char text[16384];
	FILE *f = fopen(placing_path(name), "r");

	if (f == NULL) {
		return "(none)";
	}
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	return text;
}

bool
placing_has(const char *name)
{
	return access(placing_path(name), F_OK) == 0;
}

void
placing_place(const struct adapter *a, const char *secret)
{
	const struct keytext_key keys[] = {
	    {"p1-a.", "hmac-sha256", (const uint8_t *)secret, 16},
	    {"p1-b.", "hmac-sha256", (const uint8_t *)"bbbbbbbbbbbbbbbb", 16},
	};
	struct mark mark;
	struct adapter_work w = {
	    .settings = {.adapter = a->name,
			 .known = a->settings,
			 .said = placing.options,
			 .count = placing.option_count},
	    .keys = keys,
	    .key_count = 2,
	    .mark = &mark,
	    .limit = {.until_ms = clock_awake_ms() + placing.timeout_ms,
		      .asker = -1},
	    .result = &placing.result,
	};
	char reason[SECD_REASON_LEN];
	char *server = settings_line(&w.settings, SETTING_SERVER);

	assert_non_null(server);
	if (settings_check(&w.settings, "", reason) != SECD_OK ||
	    mark_open(&mark, placing_path("marks"), server, &w.limit, reason) !=
		SECD_OK) {
		fail_msg("%s", reason);
	}
	placing.result = (struct adapter_result){.rc = 1};
	a->place(&w);
	mark_close(&mark);
	free(server);
	adapter_mask(keys, 2, placing.result.text);
}

void
placing_expect(const struct adapter *a, const char *secret, int rc,
	       const char *text)
{
	placing_place(a, secret);
	assert_string_equal(placing.result.text, text);
	assert_int_equal(placing.result.rc, rc);
}

static void
serve(struct placing_server *s, int fd)
{
	ssize_t len = recv(fd, s->got, sizeof(s->got) - 1, 0);
	char more;

	if (len < 0) {
		return;
	}
	s->got[len] = '\0';
	atomic_fetch_add(&s->asked, 1);
	(void)!send(fd, s->reply, strlen(s->reply), MSG_NOSIGNAL);
	while (s->manner == PLACING_HANGS && recv(fd, &more, 1, 0) > 0) {
	}
}

static void *
server_main(void *arg)
{
	struct placing_server *s = arg;
	int fd;

	while ((fd = accept(s->listener, NULL, NULL)) >= 0) {
		serve(s, fd);
		close(fd);
	}
	return NULL;
}

void
placing_server_start(struct placing_server *s, const char *path,
		     const char *reply)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};

	*s = (struct placing_server){.path = path, .reply = reply};
	assert_true(strlen(path) < sizeof(at.sun_path));
	strcpy(at.sun_path, path);
	unlink(path);
	s->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(
	    bind(s->listener, (const struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(s->listener, 4), 0);
	assert_int_equal(pthread_create(&s->thread, NULL, server_main, s), 0);
}

void
placing_server_stop(struct placing_server *s)
{
	shutdown(s->listener, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->listener);
}
