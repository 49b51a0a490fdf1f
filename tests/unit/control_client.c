/* SPDX-License-Identifier: BSD-2-Clause */

#include "control_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/log.h"
#include "server/zone_report.h"

static void
note(struct control_fixture *f, const char *what, const uint8_t *apex)
{
	char text[NAME_TEXT_MAX];
	size_t len;

	pthread_mutex_lock(&f->lock);
	len = strlen(f->notes);
	snprintf(f->notes + len, sizeof(f->notes) - len, "%s %s\n", what,
		 apex == NULL ? "all" : name_to_text(apex, text));
	pthread_mutex_unlock(&f->lock);
}

const char *
control_fixture_asked(struct control_fixture *f)
{
	pthread_mutex_lock(&f->lock);
	strcpy(f->asked, f->notes);
	f->notes[0] = '\0';
	pthread_mutex_unlock(&f->lock);
	return f->asked;
}

static void
fake_status(void *ctx, struct control_reply *r)
{
	note(ctx, "status", NULL);
	control_reply_text(r, NULL, NULL, "version", "%s", "1.2.3");
	control_reply_number(r, NULL, NULL, "zones", 7);
	control_reply_time(r, NULL, NULL, "started-at", 1700000000);
	control_reply_bool(r, NULL, NULL, "alarm-of-any-zone", true);
}

static void
put_zone(const uint8_t *apex, struct control_reply *r)
{
	struct zone_report z = {.has_zone = true, .serial = 7};

	name_lower(apex, z.apex);
	strcpy(z.state, "waiting");
	zone_report_put(&z, r);
}

static void
fake_zone_status(void *ctx, const uint8_t *apex, struct control_reply *r)
{
	note(ctx, "zone-status", apex);
	if (name_label_count(apex) != 1) {
		control_reply_error(r, "no such zone");
		return;
	}
	put_zone(apex, r);
}

/* zone0. zone1. and so on, three at a time. */
static bool
fake_zone_list(void *ctx, struct control_cursor *cursor,
	       struct control_reply *r)
{
	struct control_fixture *f = ctx;
	char text[NAME_TEXT_MAX];
	size_t i = 0, end;

	note(f, "zone-list", cursor->is_started ? cursor->last : NULL);
	if (cursor->is_started) {
		sscanf(name_to_text(cursor->last, text), "zone%zu.", &i);
		i++;
	}
	for (end = i + 3; i < end && i < f->zone_count; i++) {
		snprintf(text, sizeof(text), "zone%zu.", i);
		name_from_text(text, cursor->last);
		cursor->is_started = true;
		put_zone(cursor->last, r);
	}
	return i < f->zone_count;
}

static void
fake_refresh(void *ctx, const uint8_t *apex, struct control_reply *r)
{
	note(ctx, "refresh", apex);
	control_reply_text(r, "example.", NULL, "done", "%s", "");
}

static void
fake_retransfer(void *ctx, const uint8_t *apex, bool force,
		struct control_reply *r)
{
	(void)r;
	note(ctx, force ? "retransfer by force" : "retransfer", apex);
}

static void
fake_notify(void *ctx, const uint8_t *apex, struct control_reply *r)
{
	(void)r;
	note(ctx, "notify", apex);
}

static void
fake_reload(void *ctx, struct control_reply *r)
{
	note(ctx, "reload", NULL);
	control_reply_error(r, "x.conf:%d: syntax error", 7);
	control_reply_error(r, "never shown");
}

static void
fake_module_status(void *ctx, struct control_reply *r)
{
	note(ctx, "module-status", NULL);
	control_reply_text(r, NULL, "module x", "state", "running");
}

/* It has the word "tell", which says its words, one a turn. */
static int
fake_module_command(void *ctx, const char *const *words, size_t count,
		    uint8_t *position, struct control_reply *r)
{
	(void)ctx;
	if (strcmp(words[0], "tell") != 0) {
		return SECD_ENOTFOUND;
	}
	if (++position[0] == count) {
		return SECD_OK;
	}
	control_reply_line(r, words[position[0]]);
	return SECD_MORE;
}

static void
fake_stop(void *ctx, struct control_reply *r)
{
	(void)r;
	note(ctx, "stop", NULL);
}

int
control_fixture_setup(void **state)
{
	struct control_fixture *f = calloc(1, sizeof(*f));
	char reason[256];

	assert_non_null(f);
	assert_int_equal(pthread_mutex_init(&f->lock, NULL), 0);
	log_set_target(LOG_TARGET_STDERR, LOG_LEVEL_NONE);
	temp_dir_make(f->dir);
	snprintf(f->path, sizeof(f->path), "%s/secondaryd.sock", f->dir);
	f->handler = (struct control_handler){
	    .ctx = f,
	    .status = fake_status,
	    .zone_status = fake_zone_status,
	    .zone_list = fake_zone_list,
	    .refresh = fake_refresh,
	    .retransfer = fake_retransfer,
	    .notify = fake_notify,
	    .reload = fake_reload,
	    .module_status = fake_module_status,
	    .module_command = fake_module_command,
	    .stop = fake_stop,
	};
	assert_int_equal(control_open(f->path, &f->control, reason), SECD_OK);
	assert_int_equal(control_start(f->control, &f->handler), SECD_OK);
	*state = f;
	return 0;
}

int
control_fixture_teardown(void **state)
{
	struct control_fixture *f = *state;

	control_stop(f->control);
	control_close(f->control);
	assert_int_equal(access(f->path, F_OK), -1);
	assert_int_equal(rmdir(f->dir), 0);
	pthread_mutex_destroy(&f->lock);
	free(f);
	return 0;
}

static void
note_row(struct control_fixture *f, const struct control_row *row)
{
	size_t len = strlen(f->reply);

	if (row->error != NULL) {
		snprintf(f->reply + len, sizeof(f->reply) - len, "error %s\n",
			 row->error);
		return;
	}
	snprintf(f->reply + len, sizeof(f->reply) - len, "%s|%s|%s|%c|%s\n",
		 row->zone == NULL ? "" : row->zone,
		 row->id == NULL ? "" : row->id,
		 row->item == NULL ? "" : row->item, row->type,
		 row->value == NULL ? "" : row->value);
}

int
control_fixture_ask(struct control_fixture *f, const char *command, bool force,
		    const char *const *args)
{
	knot_ctl_t *ctl = knot_ctl_alloc();
	struct control_request q = {.force = force};
	struct control_row row;
	int rc;

	assert_non_null(ctl);
	f->reply[0] = '\0';
	control_fixture_asked(f);
	q.command = strdup(command);
	for (; args != NULL && args[q.arg_count] != NULL; q.arg_count++) {
		q.args = realloc(q.args, (q.arg_count + 1) * sizeof(*q.args));
		q.args[q.arg_count] = strdup(args[q.arg_count]);
	}
	assert_int_equal(knot_ctl_connect(ctl, f->path), 0);
	assert_int_equal(control_request_send(ctl, &q), SECD_OK);
	control_request_fini(&q);
	while ((rc = control_row_receive(ctl, &row)) == SECD_OK) {
		note_row(f, &row);
	}
	knot_ctl_close(ctl);
	knot_ctl_free(ctl);
	control_fixture_asked(f);
	return rc;
}
