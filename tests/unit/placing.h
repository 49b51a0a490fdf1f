/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * placing -- an adapter at work in a directory of its own, with two keys, of
 * which one changes; and what stands in for another server: shell scripts, and
 * a control socket that answers as it is told.
 */

#ifndef TESTS_PLACING_H
#define TESTS_PLACING_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "place/adapter.h"
#include "temp_dir.h"

struct placing {
	char dir[TEMP_DIR_MAX];
	struct secd_option options[12];
	size_t option_count;
	int64_t timeout_ms;
	struct adapter_result result;
};

extern struct placing placing;

/** cmocka's setup and teardown. */
int placing_setup(void **state);
int placing_teardown(void **state);

/** A path in the directory; good for as long as the test. */
const char *placing_path(const char *name);

/** Say a setting, in place of what was said before. */
void placing_set(const char *key, const char *value);

/** Make a shell script; it runs in the directory. Returns its path. */
const char *placing_script(const char *name, const char *body);

/** What a file of the directory holds; "(none)" when there is none. */
const char *placing_contents(const char *name);

/** Is there such a file? */
bool placing_has(const char *name);

/** Place the keys. `secret` is that of p1-a., of 16 characters; p1-b. has
 * "bbbbbbbbbbbbbbbb", which is PLACING_B in base64. */
#define PLACING_B "YmJiYmJiYmJiYmJiYmJiYg=="
void placing_place(const struct adapter *a, const char *secret);

/** Place them, and expect this. */
void placing_expect(const struct adapter *a, const char *secret, int rc,
		    const char *text);

/* A server at a control socket, one connection after the other. */
enum placing_manner {
	PLACING_ANSWERS,
	PLACING_HANGS, /* after its reply, until the client goes */
};

struct placing_server {
	const char *path;
	int listener;
	pthread_t thread;
	const char *reply;
	enum placing_manner manner;
	atomic_uint asked; /* how often */
	char got[1024];    /* what came last, in one read */
};

/** reply  text, then it hangs up or hangs; may be changed between requests */
void placing_server_start(struct placing_server *s, const char *path,
			  const char *reply);
void placing_server_stop(struct placing_server *s);

#endif
