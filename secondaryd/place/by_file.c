/* SPDX-License-Identifier: BSD-2-Clause */

#include "place/by_file.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/secret.h"
#include "place/include_file.h"
#include "place/program.h"

/* The file's text; secret_free(*text, *cap) ends it. */
static int
compose(const struct adapter_work *w, enum keytext_format format, char **text,
	size_t *cap, size_t *len)
{
	const size_t head_len = sizeof(KEYTEXT_HEAD) - 1;
	int rc = SECD_OK;

	*cap = *len = head_len;
	for (size_t i = 0; i < w->key_count; i++) {
		*cap += keytext_len_max(&w->keys[i]);
	}
	*text = secret_new(*cap);
	if (*text == NULL) {
		return SECD_ENOMEM;
	}
	memcpy(*text, KEYTEXT_HEAD, head_len);
	for (size_t i = 0; i < w->key_count && rc == SECD_OK; i++) {
		size_t more;

		rc = keytext_write(format, &w->keys[i], *text + *len,
				   *cap - *len, &more);
		*len += rc == SECD_OK ? more : 0;
	}
	if (rc != SECD_OK) {
		secret_free(*text, *cap);
	}
	return rc;
}

/* The first line may be a warning, the last one a summary. */
static int
say_check(struct adapter_work *w, const struct by_file *how,
	  const char *program, struct program_result *r)
{
	bool has_both = strcmp(r->first, r->last) != 0;

	return adapter_say(
	    w, SECD_EMALF,
	    "%.100s refuses %.100s, so %s was not asked: "
	    "%.120s%s%.120s",
	    program, settings_get(&w->settings, "config"), how->server,
	    r->first[0] == '\0' ? "it does not say why"
				: adapter_unquote(r->first),
	    has_both ? " ... " : "", has_both ? adapter_unquote(r->last) : "");
}

/* Does the server's own program accept its configuration? */
static int
check(struct adapter_work *w, const struct by_file *how)
{
	const char *program = settings_get(&w->settings, "check");
	const char *argv[BY_FILE_ARGS_MAX + 2] = {program};
	struct program_result r;
	int rc;

	for (size_t i = 0; how->check_args[i] != NULL; i++) {
		argv[i + 1] = strcmp(how->check_args[i], "%") == 0
				  ? settings_get(&w->settings, "config")
				  : how->check_args[i];
	}
	rc = program_run(argv, NULL, 0, &w->limit, &r);
	if (rc != SECD_OK) {
		rc = adapter_say_program(w, rc, program);
	} else if (r.status != 0) {
		rc = say_check(w, how, program, &r);
	}
	explicit_bzero(&r, sizeof(r));
	return rc;
}

/* The server has it: remember that, for those who ask again. */
static void
note_taken(struct adapter_work *w, const struct by_file *how,
	   struct include_file *f)
{
	char reason[INCLUDE_FILE_REASON_MAX];

	adapter_say(w, SECD_OK, "%s has taken %zu %s", how->server,
		    w->key_count, w->key_count == 1 ? "key" : "keys");
	include_file_id(f, w->mark->applied);
	/* If that fails it is asked once more than it would have to be. */
	(void)mark_write(w->mark, reason);
}

/* Put the file before back. What is wrong with that matters more. */
static void
put_back(struct adapter_work *w, struct include_file *f)
{
	char reason[INCLUDE_FILE_REASON_MAX];

	if (include_file_restore(f, reason) != SECD_OK) {
		adapter_say(w, SECD_EIO, "%s", reason);
	}
}

/* The new file is there. */
static void
check_and_tell(struct adapter_work *w, const struct by_file *how,
	       struct include_file *f)
{
	char reason[INCLUDE_FILE_REASON_MAX];
	enum by_file_outcome outcome = BY_FILE_REFUSED;

	if (check(w, how) == SECD_OK) {
		w->result->was_asked = 1;
		outcome = how->tell(w);
	}
	if (outcome == BY_FILE_REFUSED) {
		put_back(w, f);
		return;
	}
	if (include_file_accept(f, reason) != SECD_OK) {
		adapter_say(w, SECD_EIO, "%s", reason);
	} else if (outcome == BY_FILE_TAKEN) {
		note_taken(w, how, f);
	}
}

static void
place_text(struct adapter_work *w, const struct by_file *how,
	   struct include_file *f, const char *text, size_t len)
{
	char reason[INCLUDE_FILE_REASON_MAX], id[INCLUDE_FILE_ID_MAX];
	bool is_there = include_file_is(f, text, len);
	int rc = SECD_OK;

	include_file_id(f, id);
	if (is_there && strcmp(id, w->mark->applied) == 0) {
		adapter_say(w, SECD_OK, "%s has %zu %s already", how->server,
			    w->key_count, w->key_count == 1 ? "key" : "keys");
		return;
	}
	if (!is_there) {
		rc = include_file_replace(f, text, len, reason);
	}
	if (rc != SECD_OK) {
		adapter_say(w, rc, "%s", reason);
		return;
	}
	check_and_tell(w, how, f);
}

void
by_file_place(struct adapter_work *w, const struct by_file *how)
{
	char reason[INCLUDE_FILE_REASON_MAX];
	struct include_file f;
	size_t cap, len;
	char *text;
	int rc = compose(w, how->format, &text, &cap, &len);

	if (rc != SECD_OK) {
		adapter_say(w, rc, "the keys cannot be written down: %s",
			    secd_strerror(rc));
		return;
	}
	rc = include_file_open(&f, settings_get(&w->settings, "file"),
			       settings_get(&w->settings, "group"), reason);
	if (rc == SECD_OK) {
		place_text(w, how, &f, text, len);
		include_file_close(&f);
	} else {
		adapter_say(w, rc, "%s", reason);
	}
	secret_free(text, cap);
}
