/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * BIND: an included file, named-checkconf, and `rndc reconfig`. That reads all
 * of the configuration again, which takes long where there are many zones; so
 * there is at most one in `interval`, which whoever asks us keeps.
 */

#include <string.h>

#include "base/error.h"
#include "place/by_file.h"
#include "place/program.h"

static const struct setting settings[] = {
    {"file", SETTING_FILE, SETTING_REQUIRED | SETTING_SERVER | SETTING_TARGET,
     NULL, NULL},
    {"group", SETTING_TEXT, 0, "bind", NULL},
    {"config", SETTING_PATH, 0, "/etc/bind/named.conf", NULL},
    {"check", SETTING_PROGRAM, 0, "/usr/bin/named-checkconf", NULL},
    {"rndc", SETTING_PROGRAM, 0, "/usr/sbin/rndc", NULL},
    {"rndc-config", SETTING_PATH, 0, NULL, NULL},
    {"rndc-key", SETTING_PATH, 0, NULL, NULL},
    {"interval", SETTING_TIME, 0, "60", NULL},
    {.name = NULL},
};

/* What rndc says when named does not run; it has one exit code for all. Warnings
 * come before. */
static bool
is_down(const char *line)
{
	return strstr(line, "connect failed") != NULL;
}

static enum by_file_outcome
judge(struct adapter_work *w, int rc, struct program_result *r)
{
	if (rc == SECD_ETIMEOUT) {
		adapter_say(w, rc,
			    "named does not say whether it has taken the keys: "
			    "rndc did not end in time");
		return BY_FILE_LEFT;
	}
	if (rc != SECD_OK) {
		adapter_say_program(w, rc, settings_get(&w->settings, "rndc"));
		return BY_FILE_REFUSED;
	}
	if (r->status == 0) {
		return BY_FILE_TAKEN;
	}
	if (is_down(r->last)) {
		w->result->was_asked = 0; /* nothing was read */
		adapter_say(w, SECD_ECLOSED,
			    "named is not reached (%s); it has the keys when "
			    "it starts",
			    adapter_unquote(r->last));
		return BY_FILE_LEFT;
	}
	adapter_say(w, SECD_EIO, "named has not taken the keys: %s",
		    r->last[0] == '\0' ? "rndc does not say why"
				       : adapter_unquote(r->last));
	return BY_FILE_REFUSED;
}

static enum by_file_outcome
tell(struct adapter_work *w)
{
	const char *config = settings_get(&w->settings, "rndc-config");
	const char *key = settings_get(&w->settings, "rndc-key");
	const char *argv[8] = {settings_get(&w->settings, "rndc")};
	struct program_result r;
	enum by_file_outcome outcome;
	size_t count = 1;
	int rc;

	if (config != NULL) {
		argv[count++] = "-c";
		argv[count++] = config;
	}
	if (key != NULL) {
		argv[count++] = "-k";
		argv[count++] = key;
	}
	argv[count] = "reconfig";
	rc = program_run(argv, NULL, 0, &w->limit, &r);
	outcome = judge(w, rc, &r);
	explicit_bzero(&r, sizeof(r));
	return outcome;
}

static void
place(struct adapter_work *w)
{
	static const struct by_file how = {
	    .format = KEYTEXT_BIND,
	    .server = "named",
	    .check_args = {"%"},
	    .tell = tell,
	};

	by_file_place(w, &how);
}

const struct adapter adapter_bind = {"bind", settings, place};
