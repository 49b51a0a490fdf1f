/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/modules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/gate.h"
#include "base/log.h"
#include "server/modules_internal.h"

#define WAIT_MAX_MS 60000

/*
 * Open and close
 */

static int
open_one(struct modules *m, const struct config_module *c, const char *storage,
	 char *reason)
{
	struct module_instance *i = &m->list[m->count];
	char why[SECD_REASON_LEN] = "it does not say why";
	void *self = NULL;
	int rc;

	*i = (struct module_instance){.modules = m, .due_ms = INT64_MIN};
	i->id = strdup(c->id);
	rc = i->id == NULL ? SECD_ENOMEM
			   : module_files_load(c, storage, &i->files, why);
	if (rc == SECD_OK) {
		modules_host_init(i);
		rc = i->files.code->open(
		    &i->host, options_get(i->files.options), &self, why);
	}
	if (rc != SECD_OK) {
		why[sizeof(why) - 1] = '\0';
		snprintf(reason, MODULES_REASON_LEN, "module %s: %s", c->id,
			 why);
		module_files_unload(&i->files);
		free(i->id);
		return rc;
	}
	i->self = self;
	m->count++;
	log_notice("module %s: %s %s", i->id, i->files.code->name,
		   i->files.code->version);
	return SECD_OK;
}

static int
make_placer(struct modules *m, struct helper *helper, const char *storage)
{
	if (asprintf(&m->placed_dir, "%s/placed", storage) < 0) {
		m->placed_dir = NULL;
		return SECD_ENOMEM;
	}
	return helper == NULL ? SECD_OK
			      : placer_new(helper, modules_placed, &m->placer);
}

int
modules_open(struct config *c, struct frontend *f, struct helper *helper,
	     struct modules **out, char *reason)
{
	struct modules *m;
	int rc;

	*out = NULL;
	if (c->module_count == 0) {
		return SECD_OK;
	}
	snprintf(reason, MODULES_REASON_LEN, "no memory");
	m = calloc(1, sizeof(*m));
	if (m == NULL) {
		return SECD_ENOMEM;
	}
	gate_init(&m->closing);
	m->config = config_ref(c);
	m->frontend = f;
	m->list = calloc(c->module_count, sizeof(*m->list));
	rc = m->list == NULL ? SECD_ENOMEM : modules_evidence_init(m);
	if (rc == SECD_OK) {
		rc = make_placer(m, helper, c->server.storage);
	}
	for (size_t i = 0; i < c->module_count && rc == SECD_OK; i++) {
		rc = open_one(m, &c->modules[i], c->server.storage, reason);
	}
	if (rc != SECD_OK) {
		modules_close(m);
		return rc;
	}
	*out = m;
	return SECD_OK;
}

static void
close_one(struct module_instance *i)
{
	void *self = i->self;

	pthread_rwlock_wrlock(&i->modules->closing);
	i->self = NULL;
	pthread_rwlock_unlock(&i->modules->closing);
	if (self != NULL) {
		i->files.code->close(self);
	}
	if (i->walks > 0) {
		log_error("module %s: left %u walks open", i->id, i->walks);
	}
}

void
modules_close(struct modules *m)
{
	if (m == NULL) {
		return;
	}
	while (m->count > 0) {
		struct module_instance *i = &m->list[--m->count];

		close_one(i);
		module_files_unload(&i->files);
		free(i->id);
	}
	placer_free(m->placer);
	free(m->placed_dir);
	module_zones_fini(&m->zones);
	modules_evidence_fini(m);
	keys_fini(&m->frontend->keys);
	config_unref(m->config);
	pthread_rwlock_destroy(&m->closing);
	free(m->list);
	free(m);
}

int
modules_check(const struct config *c, char *reason)
{
	char why[SECD_REASON_LEN];
	int rc = SECD_OK;

	for (size_t i = 0; i < c->module_count && rc == SECD_OK; i++) {
		rc = module_files_check(&c->modules[i], why);
		if (rc != SECD_OK) {
			snprintf(reason, MODULES_REASON_LEN, "module %s: %s",
				 c->modules[i].id, why);
		}
	}
	return rc;
}

void
modules_set_notify(struct modules *m,
		   void (*notify)(void *ctx, const uint8_t *apex), void *ctx)
{
	if (m != NULL) {
		m->notify = notify;
		m->notify_ctx = ctx;
	}
}

void
modules_set_pin(struct modules *m,
		void (*pin)(void *ctx, struct modules_pin *order), void *ctx)
{
	if (m != NULL) {
		m->pin = pin;
		m->pin_ctx = ctx;
	}
}

void
modules_set_probe(struct modules *m,
		  void (*probe)(void *ctx, struct modules_probe *order),
		  void *ctx)
{
	if (m != NULL) {
		m->probe = probe;
		m->probe_ctx = ctx;
	}
}

void
modules_set_rekey(struct modules *m, void (*rekey)(void *ctx, bool is_cut),
		  void *ctx)
{
	if (m != NULL) {
		m->rekey = rekey;
		m->rekey_ctx = ctx;
	}
}

/* There: what was asked for before begins. */
static void
attach_placer(void *arg)
{
	struct modules *m = arg;

	placer_attach(m->placer, m->commit);
}

void
modules_attach(struct modules *m, struct commit *commit)
{
	if (m == NULL) {
		return;
	}
	if (commit == NULL) {
		modules_evidence_detach(m);
	}
	m->commit = commit;
	if (commit != NULL) {
		modules_evidence_attach(m);
	}
	if (m->placer != NULL && commit != NULL) {
		commit_run(commit, attach_placer, m);
	} else if (m->placer != NULL) {
		placer_attach(m->placer, NULL);
	}
}

/*
 * Calls
 */

void
modules_judge(struct module_instance *i, int rc, const char *what)
{
	if (rc >= SECD_OK) {
		return;
	}
	i->failures++;
	snprintf(i->last_failure, sizeof(i->last_failure), "%s: %s", what,
		 secd_strerror(rc));
	if (!i->is_failing || rc == SECD_ECLOSED) {
		log_error("module %s: %s%s", i->id, i->last_failure,
			  rc == SECD_ECLOSED ? "; it has given up"
					     : "; serving goes on");
	}
	i->is_failing = true;
	if (rc == SECD_ECLOSED) {
		close_one(i);
	}
}

/* A commit of nothing, since no change was taken, is no success. */
static void
judge_commit(struct module_instance *i, int rc, bool has_lost)
{
	modules_judge(i, rc, "changes are not kept");
	if (rc == SECD_OK && i->is_failing && !has_lost) {
		log_notice("module %s: works again", i->id);
		i->is_failing = false;
	}
}

void
modules_flush(struct modules *m)
{
	for (size_t n = 0; n < m->count; n++) {
		struct module_instance *i = &m->list[n];

		if (i->has_changes && i->self != NULL) {
			bool has_lost = i->has_lost;

			i->has_changes = i->has_lost = false;
			i->is_touched = true;
			judge_commit(i,
				     i->files.code->commit == NULL
					 ? SECD_OK
					 : i->files.code->commit(i->self),
				     has_lost);
		}
	}
}

static void
flush(void *ctx)
{
	modules_flush(ctx);
}

/* The boot_ms at which a tick is due; INT64_MAX: none is. */
static int64_t
tick_all(struct modules *m)
{
	int64_t next = INT64_MAX;

	for (size_t n = 0; n < m->count; n++) {
		struct module_instance *i = &m->list[n];
		struct secd_time t;

		if (i->self == NULL || i->files.code->tick == NULL) {
			continue;
		}
		i->host.clock(i, &t);
		if (i->is_touched || i->due_ms <= t.boot_ms) {
			i->is_touched = false;
			i->due_ms = i->files.code->tick(i->self, &t);
		}
		next = i->due_ms < next ? i->due_ms : next;
	}
	return next;
}

/* Milliseconds until the next call is due; -1: none is. */
static int64_t
turn(void *ctx)
{
	struct modules *m = ctx;
	int64_t evidence = modules_evidence_turn(m, clock_boot_ms());
	int64_t next = tick_all(m);
	int64_t place_ms = m->placer == NULL ? -1 : placer_turn(m->placer);
	int64_t now = clock_boot_ms();

	next = evidence < next ? evidence : next;
	if (place_ms >= 0 && place_ms < next - now) {
		next = now + place_ms;
	}
	if (next == INT64_MAX) {
		return -1;
	}
	/* Others have a turn, too; and a machine that slept is noticed. */
	return next <= now                ? 1
	       : next - now < WAIT_MAX_MS ? next - now
					  : WAIT_MAX_MS;
}

struct commit_hooks
modules_hooks(struct modules *m)
{
	return m == NULL ? (struct commit_hooks){.flush = NULL}
			 : (struct commit_hooks){
			       .ctx = m, .flush = flush, .turn = turn};
}

uint64_t
modules_newest_seq(struct modules *m, const uint8_t *apex)
{
	uint64_t newest = 0;

	for (size_t n = 0; m != NULL && n < m->count; n++) {
		const struct module_instance *i = &m->list[n];
		struct secd_version v = {.size = sizeof(v)};

		if (i->self != NULL && i->files.code->newest != NULL &&
		    i->files.code->newest(i->self, apex, &v) == SECD_OK &&
		    v.seq > newest) {
			newest = v.seq;
		}
	}
	return newest;
}

struct modules_count
modules_count(const struct modules *m)
{
	struct modules_count n = {.all = 0};

	for (; m != NULL && n.all < m->count; n.all++) {
		n.failing += atomic_load(&m->list[n.all].is_failing);
	}
	return n;
}

static void
on_newest_answered(struct letter *letter)
{
	struct modules_newest *q = (struct modules_newest *)letter;

	q->done(q);
}

static void
on_newest_asked(struct letter *letter)
{
	struct modules_newest *q = (struct modules_newest *)letter;

	modules_flush(q->modules);
	q->seq = modules_newest_seq(q->modules, q->apex);
	q->letter.run = on_newest_answered;
	if (!mailbox_post(q->reply, &q->letter)) {
		free(q); /* who asked is ending */
	}
}

void
modules_ask_newest(struct modules *m, struct modules_newest *q)
{
	q->letter.run = on_newest_asked;
	q->modules = m;
	commit_call(m->commit, &q->letter);
}

int
modules_changes_since(struct modules *m, struct secd_since *s)
{
	int rc = SECD_ENOTSUP;

	if (m == NULL) {
		return rc;
	}
	pthread_rwlock_rdlock(&m->closing);
	for (size_t n = 0; n < m->count && rc == SECD_ENOTSUP; n++) {
		const struct module_instance *i = &m->list[n];

		if (i->self != NULL && i->files.code->changes_since != NULL) {
			rc = i->files.code->changes_since(i->self, s);
		}
	}
	pthread_rwlock_unlock(&m->closing);
	return rc;
}
