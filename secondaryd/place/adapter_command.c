/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Anything else: a program of the operator's. It has the keys as lines on
 * descriptor 3, each "NAME ALGORITHM SECRET" with the name absolute and the
 * secret in base64, and a line "end" behind the last: without that it has not
 * heard everything. Exit code 0 says that they are in force.
 */

#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/error.h"
#include "base/secret.h"
#include "place/adapter.h"
#include "place/program.h"

static const char end_line[] = "end\n";
#define END_LEN (sizeof(end_line) - 1)

static const struct setting settings[] = {
    {"program", SETTING_PROGRAM,
     SETTING_REQUIRED | SETTING_SERVER | SETTING_TARGET, NULL, NULL},
    {"argument", SETTING_TEXT, SETTING_LIST | SETTING_SERVER | SETTING_TARGET,
     NULL, NULL},
    {.name = NULL},
};

static size_t
lines_len(const struct adapter_work *w)
{
	size_t len = END_LEN;

	for (size_t i = 0; i < w->key_count; i++) {
		/* Two blanks and an end of line. */
		len += strlen(w->keys[i].name) + strlen(w->keys[i].algorithm) +
		       BASE64_LEN(w->keys[i].secret_len) + 3;
	}
	return len;
}

static char *
put(char *to, const char *text, char behind)
{
	to = stpcpy(to, text);
	*to++ = behind;
	return to;
}

static void
write_lines(const struct adapter_work *w, char *to)
{
	for (size_t i = 0; i < w->key_count; i++) {
		const struct keytext_key *k = &w->keys[i];

		to = put(to, k->name, ' ');
		to = put(to, k->algorithm, ' ');
		to += base64_encode(k->secret, k->secret_len, to);
		*to++ = '\n';
	}
	memcpy(to, end_line, END_LEN);
}

/* To be freed; NULL: no memory. */
static const char **
make_argv(const struct settings *s)
{
	const char **argv = calloc(s->count + 2, sizeof(*argv));
	size_t count = 1;

	if (argv == NULL) {
		return NULL;
	}
	argv[0] = settings_get(s, "program");
	for (size_t i = 0; i < s->count; i++) {
		if (strcmp(s->said[i].key, "argument") == 0) {
			argv[count++] = s->said[i].value;
		}
	}
	return argv;
}

static void
judge(struct adapter_work *w, int rc, const char *program,
      const struct program_result *r)
{
	if (rc != SECD_OK) {
		adapter_say_program(w, rc, program);
	} else if (r->status != 0) {
		adapter_say(
		    w, SECD_EIO, "%.200s: exit code %d: %s", program, r->status,
		    r->last[0] == '\0' ? "it does not say why" : r->last);
	} else if (r->last[0] == '\0') {
		adapter_say(w, SECD_OK, "%.200s has taken %zu %s", program,
			    w->key_count, w->key_count == 1 ? "key" : "keys");
	} else {
		adapter_say(w, SECD_OK, "%.200s: %s", program, r->last);
	}
}

static void
place(struct adapter_work *w)
{
	const char **argv = make_argv(&w->settings);
	struct program_result r;
	size_t len = lines_len(w);
	char *lines = secret_new(len);

	if (argv == NULL || lines == NULL) {
		adapter_say(w, SECD_ENOMEM, "no memory for the keys");
	} else {
		write_lines(w, lines);
		w->result->was_asked = 1;
		judge(w, program_run(argv, lines, len, &w->limit, &r), argv[0],
		      &r);
		explicit_bzero(&r, sizeof(r));
	}
	secret_free(lines, len);
	free(argv);
}

const struct adapter adapter_command = {"command", settings, place};
