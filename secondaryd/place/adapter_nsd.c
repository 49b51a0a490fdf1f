/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * NSD: an included file, nsd-checkconf, and `reconfig` over the control socket.
 *
 * Never update_tsig, add_tsig, assoc_tsig or del_tsig: they write secrets into
 * NSD's log, and the next reconfig undoes them. And never another reconfig
 * after one that failed: in NSD 4.6.1 and 4.15.1 that is the end of the whole
 * server, since its parser keeps what the failure left there.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "place/by_file.h"
#include "place/nsd_control.h"

static const struct setting settings[] = {
    {"file", SETTING_FILE, SETTING_REQUIRED | SETTING_TARGET, NULL, NULL},
    {"group", SETTING_TEXT, 0, "nsd", NULL},
    {"config", SETTING_PATH, 0, "/etc/nsd/nsd.conf", NULL},
    {"check", SETTING_PROGRAM, 0, "/usr/sbin/nsd-checkconf", NULL},
    {"control", SETTING_PATH, SETTING_SERVER | SETTING_TARGET,
     "/run/nsd/nsd.ctl", NULL},
    {.name = NULL},
};

static enum by_file_outcome
say_restart(struct adapter_work *w)
{
	w->result->needs_restart = 1;
	adapter_say(w, SECD_EBUSY,
		    "nsd must be restarted: it failed to read its "
		    "configuration once and would not survive to be told "
		    "again; the keys are in its file");
	return BY_FILE_LEFT;
}

/* Its configuration passed the check a moment ago, so it is fit for a start. */
static enum by_file_outcome
note_refusal(struct adapter_work *w, const char *server, char *line)
{
	char reason[MARK_REASON_MAX];

	snprintf(w->mark->refused, sizeof(w->mark->refused), "%s", server);
	w->result->needs_restart = 1;
	if (mark_write(w->mark, reason) != SECD_OK) {
		adapter_say(w, SECD_EIO,
			    "nsd must be restarted, and this must not be "
			    "forgotten, but %.250s",
			    reason);
	} else {
		adapter_say(w, SECD_EBUSY,
			    "nsd must be restarted: it cannot read its "
			    "configuration (%.200s); the keys are in its file",
			    adapter_unquote(line));
	}
	return BY_FILE_LEFT;
}

static enum by_file_outcome
say_unasked(struct adapter_work *w, int rc, const char *socket)
{
	if (rc == SECD_ENOTFOUND) {
		adapter_say(w, SECD_ECLOSED,
			    "nsd is not reached at %.150s (%s); it has the "
			    "keys when it starts",
			    socket, strerror(errno));
	} else if (rc == SECD_EIO) {
		adapter_say(w, rc, "nsd cannot be asked: %s", strerror(errno));
	} else {
		adapter_say(w, rc,
			    "nsd does not say whether it has taken the keys: "
			    "%s",
			    rc == SECD_ETIMEOUT ? "no answer in time"
						: "it hung up");
	}
	return BY_FILE_LEFT;
}

static enum by_file_outcome
tell(struct adapter_work *w)
{
	const char *socket = settings_get(&w->settings, "control");
	struct nsd_control_answer answer;
	char server[MARK_ID_MAX];
	int rc;

	mark_run(socket, server);
	if (server[0] != '\0' && strcmp(server, w->mark->refused) == 0) {
		return say_restart(w);
	}
	rc = nsd_control_ask(socket, "reconfig", &w->limit, &answer);
	if (rc != SECD_OK) {
		return say_unasked(w, rc, socket);
	}
	return answer.is_ok ? BY_FILE_TAKEN
			    : note_refusal(w, server, answer.last);
}

static void
place(struct adapter_work *w)
{
	static const struct by_file how = {
	    .format = KEYTEXT_NSD,
	    .server = "nsd",
	    .check_args = {"%"},
	    .tell = tell,
	};

	by_file_place(w, &how);
}

const struct adapter adapter_nsd = {"nsd", settings, place};
