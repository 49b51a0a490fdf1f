/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/placer.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "server/thread.h"

#define RUNNING_MAX 8    /* processes at a time */
#define WAITING_MAX 1024 /* placements that were not told of yet */
#define TARGETS_MAX 1024

struct job {
	struct letter letter; /* first */
	struct placer *placer;
	struct target *target;
	struct buf ids; /* uint64_t: of those that it replaced, too */
	bool is_urgent;
	uint8_t *octets; /* secret; NULL when they are handed over */
	size_t len;
	int64_t timeout_ms;
	int fd;
	pthread_t thread;
	bool has_thread;
	struct adapter_result result;
};

/* Where keys are put. */
struct target {
	struct target *next;
	void *owner;
	char *name;
	int64_t interval_ms, not_before_ms; /* clock_boot_ms */
	struct job *waiting, *running;
};

struct placer {
	struct helper *helper;
	void (*done)(void *owner, uint64_t id,
		     const struct adapter_result *result);
	struct commit *commit;
	struct target *targets;
	size_t target_count, running_count, id_count;
	bool is_ending;
};

int
placer_new(struct helper *helper,
	   void (*done)(void *owner, uint64_t id,
			const struct adapter_result *result),
	   struct placer **out)
{
	struct placer *p = calloc(1, sizeof(*p));

	if (p == NULL) {
		return SECD_ENOMEM;
	}
	p->helper = helper;
	p->done = done;
	*out = p;
	return SECD_OK;
}

void
placer_attach(struct placer *p, struct commit *commit)
{
	p->commit = commit;
}

static void
job_free(struct job *job)
{
	if (job != NULL) {
		secret_free(job->octets, job->len);
		buf_fini(&job->ids);
		free(job);
	}
}

static struct target *
find_target(struct placer *p, void *owner, const char *name)
{
	struct target *t = p->targets;

	while (t != NULL && (t->owner != owner || strcmp(t->name, name) != 0)) {
		t = t->next;
	}
	return t;
}

/* `name` becomes ours. */
static int
get_target(struct placer *p, void *owner, char *name, struct target **out)
{
	struct target *t = name == NULL ? NULL : find_target(p, owner, name);

	if (t == NULL && name != NULL && p->target_count == TARGETS_MAX) {
		free(name);
		return SECD_EBUSY;
	}
	if (t == NULL && name != NULL) {
		t = calloc(1, sizeof(*t));
	}
	if (t == NULL) {
		free(name);
		return SECD_ENOMEM;
	}
	if (t->name != NULL) {
		free(name);
	} else {
		t->owner = owner;
		t->name = name;
		t->not_before_ms = INT64_MIN;
		t->next = p->targets;
		p->targets = t;
		p->target_count++;
	}
	*out = t;
	return SECD_OK;
}

static int
job_new(const struct request *request, uint64_t id, struct job **out)
{
	struct job *job = calloc(1, sizeof(*job));
	int rc;

	if (job == NULL) {
		return SECD_ENOMEM;
	}
	job->timeout_ms = request->timeout_ms;
	rc = buf_put(&job->ids, &id, sizeof(id));
	if (rc == SECD_OK) {
		rc = request_write(request, &job->octets, &job->len);
	}
	if (rc != SECD_OK) {
		job_free(job);
		return rc;
	}
	*out = job;
	return SECD_OK;
}

/* The later one tells those who wait for the earlier one. */
static int
replace(struct target *t, struct job *job)
{
	struct job *old = t->waiting;

	if (old != NULL) {
		int rc = buf_put(&job->ids, old->ids.data, old->ids.len);

		if (rc != SECD_OK) {
			return rc;
		}
		job->is_urgent |= old->is_urgent;
		job_free(old);
	}
	t->waiting = job;
	return SECD_OK;
}

int
placer_add(struct placer *p, void *owner, uint64_t id,
	   const struct request *request, bool is_urgent)
{
	struct target *t;
	struct job *job;
	int rc;

	if (p->is_ending || p->id_count == WAITING_MAX) {
		return SECD_EBUSY;
	}
	rc = get_target(p, owner,
			settings_line(&request->settings, SETTING_TARGET), &t);
	if (rc == SECD_OK) {
		rc = job_new(request, id, &job);
	}
	if (rc != SECD_OK) {
		return rc;
	}
	job->placer = p;
	job->target = t;
	job->is_urgent = is_urgent;
	rc = replace(t, job);
	if (rc != SECD_OK) {
		job_free(job);
		return rc;
	}
	t->interval_ms = settings_time_ms(&request->settings, "interval");
	p->id_count++;
	return SECD_OK;
}

/* On the commit thread: it is over. */
static void
finish(struct job *job)
{
	struct placer *p = job->placer;
	struct target *t = job->target;
	size_t count = job->ids.len / sizeof(uint64_t);

	t->running = NULL;
	p->running_count--;
	p->id_count -= count;
	if (job->result.was_asked) {
		t->not_before_ms = clock_boot_ms() + t->interval_ms;
	}
	/* The first id is that of the newest. */
	for (size_t i = count; i-- > 0;) {
		uint64_t id;

		memcpy(&id, job->ids.data + i * sizeof(id), sizeof(id));
		p->done(t->owner, id, &job->result);
	}
	job_free(job);
}

static void
join(struct job *job)
{
	if (job->has_thread) {
		pthread_join(job->thread, NULL);
		close(job->fd);
		job->has_thread = false;
	}
}

static void
on_end(struct letter *letter)
{
	struct job *job = (struct job *)letter;

	join(job);
	finish(job);
}

/* In a thread of its own: nothing but waiting. */
static void *
run(void *arg)
{
	struct job *job = arg;

	helper_place(job->fd, job->octets, job->len, job->timeout_ms,
		     &job->result);
	secret_free(job->octets, job->len);
	job->octets = NULL;
	commit_call(job->placer->commit, &job->letter);
	return NULL;
}

static void
start(struct placer *p, struct target *t)
{
	struct job *job = t->waiting;
	int rc = helper_begin(p->helper, &job->fd);

	t->waiting = NULL;
	t->running = job;
	p->running_count++;
	job->letter.run = on_end;
	if (rc == SECD_OK) {
		rc = thread_start("placement", run, job, &job->thread);
		job->has_thread = rc == SECD_OK;
		if (rc != SECD_OK) {
			close(job->fd);
		}
	}
	if (rc != SECD_OK) {
		job->result.rc = rc;
		snprintf(job->result.text, sizeof(job->result.text), "%s",
			 rc == SECD_ECLOSED
			     ? "the helper process is gone"
			     : "no process can be started for it");
		commit_call(p->commit, &job->letter);
	}
}

/* When it may begin; INT64_MAX: not before another one ends. */
static int64_t
due_of(const struct placer *p, const struct target *t)
{
	if (t->waiting == NULL || t->running != NULL ||
	    p->running_count == RUNNING_MAX || p->is_ending ||
	    p->commit == NULL) {
		return INT64_MAX;
	}
	return t->waiting->is_urgent ? INT64_MIN : t->not_before_ms;
}

int64_t
placer_turn(struct placer *p)
{
	int64_t now = clock_boot_ms(), next = INT64_MAX;

	for (struct target *t = p->targets; t != NULL; t = t->next) {
		if (due_of(p, t) <= now) {
			start(p, t);
		}
	}
	for (struct target *t = p->targets; t != NULL; t = t->next) {
		int64_t due = due_of(p, t);

		next = due < next ? due : next;
	}
	if (next == INT64_MAX) {
		return -1;
	}
	return next <= now ? 0 : next - now;
}

void
placer_end(struct placer *p)
{
	p->is_ending = true;
	for (struct target *t = p->targets; t != NULL; t = t->next) {
		if (t->running != NULL && t->running->has_thread) {
			shutdown(t->running->fd, SHUT_RDWR);
			join(t->running);
		}
	}
}

void
placer_free(struct placer *p)
{
	if (p == NULL) {
		return;
	}
	while (p->targets != NULL) {
		struct target *t = p->targets;

		p->targets = t->next;
		job_free(t->waiting);
		free(t->name);
		free(t);
	}
	free(p);
}
