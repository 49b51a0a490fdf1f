/* SPDX-License-Identifier: BSD-2-Clause */

#include "host.h"

#include <errno.h>
#include <glob.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "server/control_reply.h"
#include "server/module_basics.h"
#include "server/module_code.h"
#include "server/module_reply.h"
#include "show.h"

#define PAUSE_MAX_MS 500 /* between two turns of a command */

struct host {
	struct secd_host api;
	void *object;
	const struct secd_module *code;
	void *self;
	char *dir;
};

static int
fail(char *reason, int rc, const char *what, const char *why)
{
	snprintf(reason, HOST_REASON_LEN, "%s: %s", what, why);
	return rc;
}

/*
 * The directory
 */

static int
become_owner(const struct stat *st)
{
	if (geteuid() != 0 || st->st_uid == 0) {
		return 0;
	}
	return setgroups(0, NULL) != 0 ||
		       setresgid(st->st_gid, st->st_gid, st->st_gid) != 0 ||
		       setresuid(st->st_uid, st->st_uid, st->st_uid) != 0
		   ? -1
		   : 0;
}

static int
enter(struct host *h, const char *dir, char *reason)
{
	struct stat st;

	h->dir = realpath(dir, NULL);
	if (h->dir == NULL || stat(h->dir, &st) != 0) {
		return fail(reason, SECD_ENOTFOUND, dir, strerror(errno));
	}
	if (!S_ISDIR(st.st_mode)) {
		return fail(reason, SECD_EINVAL, dir, strerror(ENOTDIR));
	}
	if (become_owner(&st) != 0) {
		return fail(reason, SECD_EPERM, "cannot become its owner",
			    strerror(errno));
	}
	return access(h->dir, X_OK) == 0
		   ? SECD_OK
		   : fail(reason, SECD_EPERM, dir, strerror(errno));
}

/*
 * The module
 */

static bool
has_word(const struct secd_module *code, const char *word)
{
	return code->word != NULL && code->command != NULL &&
	       strcmp(code->word, word) == 0;
}

static int
load_file(struct host *h, const char *word, const char *file, char *reason)
{
	char why[SECD_REASON_LEN];
	int rc = module_code_load(file, &h->object, &h->code, why);

	if (rc != SECD_OK) {
		/* What the linker says begins with the file. */
		return strncmp(why, file, strlen(file)) == 0
			   ? fail(reason, rc, "cannot load", why)
			   : fail(reason, rc, file, why);
	}
	if (!has_word(h->code, word)) {
		module_code_unload(h->object);
		h->object = NULL;
		snprintf(why, sizeof(why), "has no command \"%.64s\"", word);
		return fail(reason, SECD_EMISMATCH, file, why);
	}
	return SECD_OK;
}

/* The one that has the word. What cannot be loaded is not in the way, but may
 * be the one that is meant. */
static int
load_from(struct host *h, const char *word, const char *dir, char *reason)
{
	char pattern[4096], why[HOST_REASON_LEN], broken[SECD_REASON_LEN] = "";
	int rc = SECD_ENOTFOUND;
	glob_t found = {.gl_pathc = 0};

	snprintf(pattern, sizeof(pattern), "%s/*.so", dir);
	glob(pattern, 0, NULL, &found);
	for (size_t i = 0; i < found.gl_pathc && rc != SECD_OK; i++) {
		rc = load_file(h, word, found.gl_pathv[i], why);
		if (rc != SECD_OK && rc != SECD_EMISMATCH) {
			snprintf(broken, sizeof(broken), "; %.500s", why);
		}
	}
	globfree(&found);
	if (rc != SECD_OK) {
		snprintf(reason, HOST_REASON_LEN,
			 "%.300s: no module there has the command \"%.64s\"%s",
			 dir, word, broken);
		rc = SECD_ENOTFOUND;
	}
	return rc;
}

static int
load(struct host *h, const char *word, const char *file, char *reason)
{
	char *path = realpath(file, NULL);
	struct stat st;
	int rc;

	if (path == NULL || stat(path, &st) != 0) {
		rc = fail(reason, SECD_ENOTFOUND, file, strerror(errno));
	} else if (S_ISDIR(st.st_mode)) {
		rc = load_from(h, word, path, reason);
	} else {
		rc = load_file(h, word, path, reason);
	}
	free(path);
	return rc;
}

static void
on_log(void *ctx, int level, const char *text)
{
	const struct host *h = ctx;

	if (level <= SECD_WARNING) {
		fprintf(stderr, "secondaryctl: %s: ", h->code->word);
		show_text(stderr, text);
		putc('\n', stderr);
	}
}

static int
open_module(struct host *h, char *reason)
{
	static const struct secd_options no_options = {
	    .size = sizeof(no_options), .path = ""};
	int rc;

	h->api = (struct secd_host){
	    .size = sizeof(h->api),
	    .abi_major = SECD_ABI_MAJOR,
	    .abi_minor = SECD_ABI_MINOR,
	    .flags = SECD_HOST_READ_ONLY,
	    .name = "secondaryctl " SECD_VERSION,
	    .state_dir = h->dir,
	    .ctx = h,
	    .log = on_log,
	    .clock = module_basics_clock,
	    .record_text = module_basics_record_text,
	    .secret_new = module_basics_secret_new,
	    .secret_free = module_basics_secret_free,
	};
	snprintf(reason, SECD_REASON_LEN, "it does not say why");
	rc = h->code->open(&h->api, &no_options, &h->self, reason);
	reason[SECD_REASON_LEN - 1] = '\0';
	if (rc != SECD_OK) {
		h->self = NULL;
	}
	return rc;
}

int
host_open(const char *word, const char *file, const char *dir,
	  struct host **out, char *reason)
{
	struct host *h = calloc(1, sizeof(*h));
	int rc;

	if (h == NULL) {
		snprintf(reason, HOST_REASON_LEN, "no memory");
		return SECD_ENOMEM;
	}
	/* Code is the caller's choice; what it reads is another's. */
	rc = load(h, word, file, reason);
	if (rc == SECD_OK) {
		rc = enter(h, dir, reason);
	}
	if (rc == SECD_OK) {
		rc = open_module(h, reason);
	}
	if (rc != SECD_OK) {
		host_close(h);
		return rc;
	}
	*out = h;
	return SECD_OK;
}

void
host_close(struct host *h)
{
	if (h == NULL) {
		return;
	}
	if (h->self != NULL) {
		h->code->close(h->self);
	}
	module_code_unload(h->object);
	free(h->dir);
	free(h);
}

/*
 * A command
 */

static int
take_row(void *ctx, const struct control_row *row)
{
	return output_row(ctx, row);
}

/* As long as the module wants, which only says what there is no need for. */
static void
pause_turns(struct control_reply *r)
{
	long ms = r->pause_ms < PAUSE_MAX_MS ? r->pause_ms : PAUSE_MAX_MS;
	const struct timespec t = {0, ms * 1000000};

	r->pause_ms = 0;
	if (ms > 0) {
		nanosleep(&t, NULL);
	}
}

void
host_command(struct host *h, const char *const *argv, size_t argc,
	     struct output *out)
{
	uint64_t position[SECD_POSITION_LEN / sizeof(uint64_t)] = {0};
	const struct secd_command c = {.size = sizeof(c),
				       .argc = (uint32_t)argc,
				       .argv = argv,
				       .position = (uint8_t *)position};
	struct control_reply reply = {.error = ""};
	struct control_row failed = {.error = reply.error};
	int rc, shown;

	do {
		pause_turns(&reply);
		rc = module_reply_command(h->code, h->self, &c, &reply);
		shown = control_reply_drain(&reply, take_row, out);
	} while (rc == SECD_MORE && shown == SECD_OK);
	if (shown != SECD_OK) {
		failed.error = secd_strerror(shown);
	}
	if (failed.error[0] != '\0') {
		output_row(out, &failed);
	}
	control_reply_fini(&reply);
}
