/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Knot DNS, in one of two ways:
 *
 * With `file`: an included file, `knotc conf-check`, and `reload` over the
 * control socket.
 *
 * Without: one transaction in its configuration database over the control
 * socket. knotd has one transaction, which belongs to nobody: whoever begins
 * and goes away leaves it open, others' changes get into it, and anybody's
 * commit takes all of them. So ours is marked durably before it begins. What
 * is found open later is ended only if it was marked and holds nothing but our
 * keys.
 */

#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "base/error.h"
#include "base/secret.h"
#include "place/by_file.h"
#include "place/knot_control.h"
#include "wire/name.h"

/* For undoing when the time for doing is over. */
#define ABORT_MS 2000

static const struct setting settings[] = {
    {"control", SETTING_PATH, SETTING_SERVER | SETTING_TARGET,
     "/run/knot/knot.sock", NULL},
    {"file", SETTING_FILE, SETTING_TARGET, NULL, NULL},
    {"group", SETTING_TEXT, 0, "knot", "file"},
    {"config", SETTING_PATH, 0, "/etc/knot/knot.conf", "file"},
    {"check", SETTING_PROGRAM, 0, "/usr/sbin/knotc", "file"},
    {.name = NULL},
};

static const struct knot_control_command begin = {.name = "conf-begin"},
					 commit = {.name = "conf-commit"},
					 undo = {.name = "conf-abort"},
					 show = {.name = "conf-diff"};

static int
say(struct adapter_work *w, int rc, const char *why)
{
	switch (rc) {
	case SECD_ENOTFOUND:
		return adapter_say(w, SECD_ECLOSED,
				   "knotd is not reached at %.150s (%s)%s",
				   settings_get(&w->settings, "control"), why,
				   settings_has(&w->settings, "file")
				       ? "; it has the keys when it starts"
				       : "");
	case SECD_EBUSY:
		return adapter_say(w, rc,
				   "knotd has a configuration transaction open "
				   "that is not ours: end it with knotc "
				   "conf-commit or conf-abort");
	case SECD_EINVAL:
		return adapter_say(w, SECD_EIO, "knotd refuses: %s", why);
	case SECD_ETIMEOUT:
	case SECD_ECLOSED:
		return adapter_say(w, rc,
				   "knotd does not say whether it has taken "
				   "the keys: %s",
				   why);
	default:
		return adapter_say(w, rc, "%s", why);
	}
}

/*
 * By transaction
 */

/* Is everything in it about our keys? */
struct ownership {
	const struct adapter_work *w;
	bool is_ours;
};

static bool
is_key_of_ours(const struct adapter_work *w, const char *text)
{
	uint8_t name[NAME_LEN_MAX], own[NAME_LEN_MAX];

	if (text == NULL || name_from_text(text, name) != SECD_OK) {
		return false;
	}
	for (size_t i = 0; i < w->key_count; i++) {
		if (name_from_text(w->keys[i].name, own) == SECD_OK &&
		    name_equal(name, own)) {
			return true;
		}
	}
	return false;
}

static void
look_at_line(void *ctx, const struct knot_control_line *line)
{
	struct ownership *o = ctx;
	const char *id = line->id;

	if (line->section == NULL) {
		return;
	}
	/* A key that comes or goes is an item without an id of its own. */
	if (id == NULL && line->item != NULL && strcmp(line->item, "id") == 0) {
		id = line->data;
	}
	if (strcmp(line->section, "key") != 0 || !is_key_of_ours(o->w, id)) {
		o->is_ours = false;
	}
}

/* What is open was marked as ours: is it still? Then it ends here. */
static int
end_old(struct adapter_work *w, struct knot_control *k, char *why)
{
	struct ownership o = {.w = w, .is_ours = true};
	int rc = knot_control_ask(k, &show, look_at_line, &o, why);

	if (rc != SECD_OK) {
		return rc;
	}
	return o.is_ours ? knot_control_ask(k, &undo, NULL, NULL, why)
			 : SECD_EBUSY;
}

static int
mark_transaction(struct adapter_work *w, const char *server, char *why)
{
	char reason[MARK_REASON_MAX];

	snprintf(w->mark->transaction, sizeof(w->mark->transaction), "%s",
		 server);
	if (mark_write(w->mark, reason) != SECD_OK) {
		snprintf(why, KNOT_CONTROL_WHY_MAX, "%.150s", reason);
		return SECD_EIO;
	}
	return SECD_OK;
}

static int
begin_transaction(struct adapter_work *w, struct knot_control *k,
		  const char *server, char *why)
{
	bool was_ours = strcmp(w->mark->transaction, server) == 0;
	int rc = was_ours ? SECD_OK : mark_transaction(w, server, why);

	if (rc == SECD_OK) {
		rc = knot_control_ask(k, &begin, NULL, NULL, why);
	}
	if (rc == SECD_EBUSY && was_ours) {
		rc = end_old(w, k, why);
		if (rc == SECD_OK) {
			rc = knot_control_ask(k, &begin, NULL, NULL, why);
		}
	}
	return rc;
}

static int
set_item(struct knot_control *k, const struct keytext_key *key,
	 const char *item, const char *data, char *why)
{
	const struct knot_control_command c = {.name = "conf-set",
					       .section = "key",
					       .item = item,
					       .id = key->name,
					       .data = data};

	return knot_control_ask(k, &c, NULL, NULL, why);
}

static int
set_key(struct knot_control *k, const struct keytext_key *key, char *why)
{
	size_t len = BASE64_LEN(key->secret_len);
	char *secret = secret_new(len + 1);
	int rc;

	if (secret == NULL) {
		snprintf(why, KNOT_CONTROL_WHY_MAX, "no memory");
		return SECD_ENOMEM;
	}
	base64_encode(key->secret, key->secret_len, secret);
	/* It refuses one that is there already: the next item tells. */
	rc = set_item(k, key, NULL, NULL, why);
	if (rc == SECD_OK || rc == SECD_EINVAL) {
		rc = set_item(k, key, "algorithm", key->algorithm, why);
	}
	if (rc == SECD_OK) {
		rc = set_item(k, key, "secret", secret, why);
	}
	secret_free(secret, len + 1);
	return rc;
}

static int
change(struct adapter_work *w, struct knot_control *k, char *why)
{
	int rc = SECD_OK;

	for (size_t i = 0; i < w->key_count && rc == SECD_OK; i++) {
		rc = set_key(k, &w->keys[i], why);
	}
	return rc == SECD_OK ? knot_control_ask(k, &commit, NULL, NULL, why)
			     : rc;
}

/* The transaction that we began did not end well. Is there none any more? */
static bool
give_up(struct adapter_work *w, struct knot_control **k, bool is_lost)
{
	const struct limit forever = {.until_ms = INT64_MAX, .asker = -1};
	const struct limit l = limit_within(&forever, ABORT_MS);
	char why[KNOT_CONTROL_WHY_MAX];
	int rc;

	if (!is_lost) {
		return knot_control_ask(*k, &undo, NULL, NULL, why) == SECD_OK;
	}
	/* It may have ended before its answer was lost, and the next one be
	 * somebody else's. */
	knot_control_close(*k);
	*k = NULL;
	rc = knot_control_open(settings_get(&w->settings, "control"), &l, k,
			       why);
	if (rc == SECD_OK) {
		rc = end_old(w, *k, why);
	}
	return rc == SECD_OK || rc == SECD_EINVAL; /* EINVAL: there is none */
}

static void
transact(struct adapter_work *w, struct knot_control **k, const char *server)
{
	char why[KNOT_CONTROL_WHY_MAX], reason[MARK_REASON_MAX];
	bool was_ours = strcmp(w->mark->transaction, server) == 0;
	bool is_open = was_ours;
	int rc = begin_transaction(w, *k, server, why);

	if (rc == SECD_OK) {
		rc = change(w, *k, why);
		is_open =
		    rc != SECD_OK &&
		    !give_up(w, k, rc == SECD_ETIMEOUT || rc == SECD_ECLOSED);
	} else if (rc == SECD_ETIMEOUT || rc == SECD_ECLOSED) {
		is_open = true; /* who knows */
	}
	if (!is_open) {
		w->mark->transaction[0] = '\0';
		/* If that fails it is looked at once more next time. */
		(void)mark_write(w->mark, reason);
	}
	if (rc == SECD_OK) {
		adapter_say(w, rc, "knotd has taken %zu %s", w->key_count,
			    w->key_count == 1 ? "key" : "keys");
	} else {
		say(w, rc, why);
	}
}

static void
place_by_transaction(struct adapter_work *w)
{
	const char *socket = settings_get(&w->settings, "control");
	char why[KNOT_CONTROL_WHY_MAX], server[MARK_ID_MAX];
	struct knot_control *k;
	int rc;

	mark_run(socket, server);
	rc = knot_control_open(socket, &w->limit, &k, why);
	if (rc != SECD_OK) {
		say(w, rc, why);
		return;
	}
	w->result->was_asked = 1;
	transact(w, &k, server);
	knot_control_close(k);
}

/*
 * By file
 */

static enum by_file_outcome
tell(struct adapter_work *w)
{
	static const struct knot_control_command reload = {.name = "reload"};
	char why[KNOT_CONTROL_WHY_MAX];
	struct knot_control *k;
	int rc = knot_control_open(settings_get(&w->settings, "control"),
				   &w->limit, &k, why);

	if (rc == SECD_OK) {
		rc = knot_control_ask(k, &reload, NULL, NULL, why);
		knot_control_close(k);
	}
	if (rc == SECD_OK) {
		return BY_FILE_TAKEN;
	}
	say(w, rc, why);
	return rc == SECD_EINVAL || rc == SECD_EBUSY ? BY_FILE_REFUSED
						     : BY_FILE_LEFT;
}

static void
place(struct adapter_work *w)
{
	static const struct by_file how = {
	    .format = KEYTEXT_KNOT,
	    .server = "knotd",
	    .check_args = {"-c", "%", "conf-check"},
	    .tell = tell,
	};

	if (settings_has(&w->settings, "file")) {
		by_file_place(w, &how);
	} else {
		place_by_transaction(w);
	}
}

const struct adapter adapter_knot = {"knot", settings, place};
