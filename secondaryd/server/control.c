/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/control.h"

#include <errno.h>
#include <libknot/error.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "secondaryd/module.h"
#include "server/control_command.h"
#include "server/control_reply.h"
#include "server/thread.h"

/* Between two turns of a module's command, whatever it wants. */
#define PAUSE_MAX_MS 500u

struct control {
	knot_ctl_t *ctl;
	char *path;
	struct control_handler handler;
	pthread_t thread;
	bool is_started;
	atomic_bool is_ending;
};

/* Connected descriptor, or -1 and errno. */
static int
reach(const char *path)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd, saved;

	if (strlen(path) >= sizeof(sun.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(sun.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		return -1;
	}
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0) {
		return fd;
	}
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

/* libknot replaces whatever has the name: see that it is a dead socket. */
static int
check_place(const char *path, char reason[256])
{
	struct stat st;
	int fd;

	if (lstat(path, &st) != 0) {
		if (errno == ENOENT) {
			return SECD_OK;
		}
		snprintf(reason, 256, "cannot look at %s: %s", path,
			 strerror(errno));
		return SECD_EIO;
	}
	if (!S_ISSOCK(st.st_mode)) {
		snprintf(reason, 256, "%s is in the way, and no socket", path);
		return SECD_EEXIST;
	}
	fd = reach(path);
	if (fd >= 0 || errno == EAGAIN) { /* EAGAIN: its queue is full */
		if (fd >= 0) {
			close(fd);
		}
		snprintf(reason, 256, "another process listens at %s", path);
		return SECD_EBUSY;
	}
	return SECD_OK;
}

/* libknot makes the socket 0220. */
static int
set_access(const char *path, char reason[256])
{
	const char *slash = strrchr(path, '/');
	char *dir = slash == NULL ? strdup(".")
				  : strndup(path, (size_t)(slash - path) + 1);
	struct stat st;
	int rc = SECD_OK;

	if (dir == NULL) {
		return SECD_ENOMEM;
	}
	/* As root: whoever we become has to be able to remove it. */
	if (stat(dir, &st) != 0 ||
	    (geteuid() == 0 && lchown(path, st.st_uid, st.st_gid) != 0) ||
	    chmod(path, 0660) != 0) {
		snprintf(reason, 256, "cannot set the access to %s: %s", path,
			 strerror(errno));
		rc = SECD_EIO;
	}
	free(dir);
	return rc;
}

int
control_open(const char *path, struct control **out, char reason[256])
{
	struct control *c = calloc(1, sizeof(*c));
	int rc;

	snprintf(reason, 256, "no memory");
	if (c == NULL) {
		return SECD_ENOMEM;
	}
	c->path = strdup(path);
	c->ctl = knot_ctl_alloc();
	if (c->path == NULL || c->ctl == NULL) {
		rc = SECD_ENOMEM;
		goto fail;
	}
	rc = check_place(path, reason);
	if (rc != SECD_OK) {
		goto fail;
	}
	rc = knot_ctl_bind(c->ctl, path);
	if (rc != KNOT_EOK) {
		snprintf(reason, 256, "cannot listen at %s: %s", path,
			 knot_strerror(rc));
		rc = SECD_EIO;
		goto fail;
	}
	rc = set_access(path, reason);
	if (rc != SECD_OK) {
		goto fail_unbind;
	}
	knot_ctl_set_timeout(c->ctl, CONTROL_TIMEOUT_MS);
	*out = c;
	return SECD_OK;

fail_unbind:
	knot_ctl_unbind(c->ctl);
fail:
	knot_ctl_free(c->ctl);
	free(c->path);
	free(c);
	return rc;
}

/* One command while it runs. */
struct call {
	const struct control_handler *h;
	const struct control_request *q;
	knot_ctl_t *ctl;
	const atomic_bool *is_ending;
	struct control_reply reply;
};

static bool
has_failed(const struct call *call)
{
	return call->reply.error[0] != '\0';
}

static void
run_status(struct call *call)
{
	call->h->status(call->h->ctx, &call->reply);
}

static void
run_reload(struct call *call)
{
	call->h->reload(call->h->ctx, &call->reply);
}

static void
run_stop(struct call *call)
{
	call->h->stop(call->h->ctx, &call->reply);
}

static void
run_module_status(struct call *call)
{
	call->h->module_status(call->h->ctx, &call->reply);
}

static void
status_of(struct call *call, const uint8_t *apex)
{
	struct control_cursor cursor = {0};
	bool more = true;

	if (apex != NULL) {
		call->h->zone_status(call->h->ctx, apex, &call->reply);
		return;
	}
	while (more && !has_failed(call)) {
		more = call->h->zone_list(call->h->ctx, &cursor, &call->reply);
		if (control_reply_flush(&call->reply, call->ctl) != SECD_OK) {
			break; /* the client is gone, as serve will see */
		}
	}
}

static void
refresh(struct call *call, const uint8_t *apex)
{
	call->h->refresh(call->h->ctx, apex, &call->reply);
}

static void
retransfer(struct call *call, const uint8_t *apex)
{
	call->h->retransfer(call->h->ctx, apex, call->q->force, &call->reply);
}

static void
notify(struct call *call, const uint8_t *apex)
{
	call->h->notify(call->h->ctx, apex, &call->reply);
}

/* As long as the module wants. False: the end has come. */
static bool
pause_turns(struct call *call)
{
	uint32_t ms = call->reply.pause_ms;
	struct timespec t;

	ms = ms < PAUSE_MAX_MS ? ms : PAUSE_MAX_MS;
	t = (struct timespec){0, (long)ms * 1000000};
	call->reply.pause_ms = 0;
	if (ms > 0) {
		nanosleep(&t, NULL);
	}
	return ms == 0 || !atomic_load(call->is_ending);
}

/* All turns of it, as long as somebody listens. */
static int
run_turns(struct call *call, const char *const *words, size_t count)
{
	uint64_t position[SECD_POSITION_LEN / sizeof(uint64_t)] = {0};
	int rc;

	do {
		rc = call->h->module_command(call->h->ctx, words, count,
					     (uint8_t *)position, &call->reply);
		if (control_reply_flush(&call->reply, call->ctl) != SECD_OK) {
			break; /* the client is gone, as serve will see */
		}
		if (rc == SECD_MORE && !pause_turns(call)) {
			control_reply_error(&call->reply,
					    "the server is ending");
			return SECD_ECLOSED;
		}
	} while (rc == SECD_MORE);
	return rc;
}

/* A word that is not ours may be a module's. */
static void
run_module(struct call *call)
{
	const struct control_request *q = call->q;
	const char **words = calloc(q->arg_count + 1, sizeof(const char *));

	if (words == NULL) {
		control_reply_error(&call->reply, "no memory");
		return;
	}
	words[0] = q->command;
	for (size_t i = 0; i < q->arg_count; i++) {
		words[i + 1] = q->args[i];
	}
	if (run_turns(call, words, q->arg_count + 1) == SECD_ENOTFOUND) {
		control_reply_error(&call->reply, "unknown command \"%.64s\"",
				    q->command);
	}
	free(words);
}

/* What runs for the whole, or for each zone that is named. */
static const struct {
	void (*run)(struct call *call);
	void (*run_zone)(struct call *call, const uint8_t *apex);
} actions[CONTROL_VERB_COUNT] = {
    [CONTROL_STATUS] = {.run = run_status},
    [CONTROL_ZONE_STATUS] = {.run_zone = status_of},
    [CONTROL_REFRESH] = {.run_zone = refresh},
    [CONTROL_RETRANSFER] = {.run_zone = retransfer},
    [CONTROL_NOTIFY] = {.run_zone = notify},
    [CONTROL_RELOAD] = {.run = run_reload},
    [CONTROL_STOP] = {.run = run_stop},
    [CONTROL_MODULE_STATUS] = {.run = run_module_status},
    [CONTROL_MODULE] = {.run = run_module},
};

static void
run_zones(struct call *call, enum control_verb verb)
{
	if (call->q->arg_count == 0) {
		actions[verb].run_zone(call, NULL);
	}
	for (size_t i = 0; i < call->q->arg_count; i++) {
		uint8_t apex[NAME_LEN_MAX];

		name_from_text(call->q->args[i], apex);
		name_lower(apex, apex);
		actions[verb].run_zone(call, apex);
	}
}

/* All of the request is read before the first zone is touched. */
static void
dispatch(struct call *call)
{
	char reason[512];
	const struct control_command *c =
	    control_command_check(call->q, reason, sizeof(reason));

	if (c == NULL) {
		control_reply_error(&call->reply, "%s", reason);
	} else if (actions[c->verb].run != NULL) {
		actions[c->verb].run(call);
	} else {
		run_zones(call, c->verb);
	}
}

static int
send_error(knot_ctl_t *ctl, const char *text)
{
	const struct control_row row = {.error = text, .type = CONTROL_TEXT};

	return control_row_send(ctl, &row);
}

/* The connection is there: one request, one reply. */
static void
serve(struct control *c)
{
	struct control_request q;
	struct call call = {.h = &c->handler,
			    .q = &q,
			    .ctl = c->ctl,
			    .is_ending = &c->is_ending};
	int rc = control_request_receive(c->ctl, &q);

	if (rc == SECD_ECLOSED) {
		return; /* as control_stop and a look at the socket do */
	}
	if (rc != SECD_OK) {
		log_warning("control: no request: %s", secd_strerror(rc));
		return;
	}
	log_info("control: %s%s%s", q.command, q.arg_count > 0 ? " " : "",
		 q.arg_count > 0 ? q.args[0] : "");
	dispatch(&call);
	rc = control_reply_flush(&call.reply, c->ctl);
	if (rc == SECD_OK && has_failed(&call)) {
		rc = send_error(c->ctl, call.reply.error);
	} else if (rc == SECD_ENOMEM) {
		rc = send_error(c->ctl, "no memory for the whole reply");
	}
	if (rc == SECD_OK) {
		rc = control_row_send_end(c->ctl);
	}
	if (rc != SECD_OK) {
		log_warning("control: no reply to %s: %s", q.command,
			    secd_strerror(rc));
	}
	control_reply_fini(&call.reply);
	control_request_fini(&q);
}

static void *
run(void *arg)
{
	struct control *c = arg;

	while (!atomic_load(&c->is_ending)) {
		int rc = knot_ctl_accept(c->ctl);

		if (rc == KNOT_EOK) {
			if (!atomic_load(&c->is_ending)) {
				serve(c);
			}
			knot_ctl_close(c->ctl);
		} else if (rc != KNOT_ETIMEOUT) {
			/* No descriptors: do not spin. */
			log_error("control: %s", knot_strerror(rc));
			usleep(100000);
		}
	}
	return NULL;
}

int
control_start(struct control *c, const struct control_handler *h)
{
	int rc;

	c->handler = *h;
	atomic_store(&c->is_ending, false);
	rc = thread_start("control", run, c, &c->thread);
	c->is_started = rc == SECD_OK;
	return rc;
}

void
control_stop(struct control *c)
{
	int fd;

	if (c == NULL || !c->is_started) {
		return;
	}
	atomic_store(&c->is_ending, true);
	/* libknot waits five seconds for a client: be one. */
	fd = reach(c->path);
	pthread_join(c->thread, NULL);
	if (fd >= 0) {
		close(fd);
	}
	c->is_started = false;
}

void
control_close(struct control *c)
{
	if (c == NULL) {
		return;
	}
	knot_ctl_unbind(c->ctl);
	knot_ctl_free(c->ctl);
	free(c->path);
	free(c);
}
