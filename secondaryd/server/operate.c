/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/operate.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "server/control.h"
#include "server/modules.h"
#include "server/notifier.h"
#include "server/ready.h"
#include "server/transfer.h"
#include "server/zone_downstream.h"
#include "server/zone_refresh.h"
#include "server/zone_status.h"

/* Zones in one turn of the transfer thread, which has other things to do. */
#define ZONES_PER_TURN 256

struct operate {
	struct server *server;
	const struct clients *clients;
	struct control *control;
	pthread_mutex_t reloading; /* one at a time: signal or command */
};

void
operate_set_logs(const struct config *c)
{
	enum log_level levels[LOG_TARGET_COUNT] = {LOG_LEVEL_NONE};

	for (size_t i = 0; i < c->log_count; i++) {
		levels[c->logs[i].target] = c->logs[i].level;
	}
	for (int target = 0; target < LOG_TARGET_COUNT; target++) {
		log_set_target((enum log_target)target, levels[target]);
	}
}

/* ---- reload ---- */

struct reload {
	struct config *config;
	int rc;
	char reason[256];
};

static void
adopt(struct server *s, void *arg)
{
	struct reload *r = arg;

	r->rc = transfer_reload(s, r->config, r->reason);
}

/* As `secondaryd -t` would: what it finds would keep the next start from
 * succeeding. */
static int
load(struct operate *o, struct config **out, char *reason, size_t cap)
{
	char why[MODULES_REASON_LEN];
	struct config_error err;
	int rc = config_load(o->server->config_path, out, &err);

	if (rc != SECD_OK) {
		snprintf(reason, cap, "%s", err.text);
		return rc;
	}
	rc = modules_check(*out, why);
	if (rc != SECD_OK) {
		snprintf(reason, cap, "%s", why);
		config_unref(*out);
	}
	return rc;
}

static int
load_and_adopt(struct operate *o, char *reason, size_t cap)
{
	struct reload r = {0};

	r.rc = load(o, &r.config, reason, cap);
	if (r.rc != SECD_OK) {
		return r.rc;
	}
	transfer_call(o->server, adopt, &r);
	if (r.rc != SECD_OK) {
		snprintf(reason, cap, "%s", r.reason);
	} else {
		for (size_t i = 0; i < r.config->warning_count; i++) {
			log_warning("%s", r.config->warnings[i]);
		}
		operate_set_logs(r.config);
		log_notice("reloaded: serving %zu zones", r.config->zone_count);
	}
	config_unref(r.config);
	return r.rc;
}

int
operate_reload(struct operate *o, char *reason, size_t cap)
{
	char text[CONFIG_ERROR_MAX];
	int rc;

	pthread_mutex_lock(&o->reloading);
	ready_reloading();
	rc = load_and_adopt(o, text, sizeof(text));
	ready_serving();
	pthread_mutex_unlock(&o->reloading);
	if (rc != SECD_OK) {
		log_error("not reloaded, the old configuration stays: %s",
			  text);
		if (reason != NULL) {
			snprintf(reason, cap, "%s", text);
		}
	}
	return rc;
}

/* ---- commands ---- */

/* A command on its way to the transfer thread, where zones are. */
struct command {
	struct control_reply *reply;
	const uint8_t *apex; /* NULL: all zones */
	enum refresh_command refresh;
	struct control_cursor *cursor;
	bool has_more;
};

static void
run(struct operate *o, void (*there)(struct server *s, void *arg),
    struct command *c)
{
	transfer_call(o->server, there, c);
}

static struct zone_entry *
find_zone(struct server *s, struct command *c)
{
	struct zone_entry *e = zone_list_find(&s->zones, c->apex);
	char apex[NAME_TEXT_MAX];

	if (e == NULL) {
		control_reply_error(c->reply, "%s: no such zone",
				    name_to_text(c->apex, apex));
	}
	return e;
}

/* Call for the command's zone, or for all of them. */
static void
for_zones(struct server *s, struct command *c,
	  void (*each)(struct zone_entry *e, struct command *c))
{
	struct zone_entry *e;

	if (c->apex != NULL) {
		e = find_zone(s, c);
		if (e != NULL) {
			each(e, c);
		}
		return;
	}
	for (size_t i = 0; i < s->zones.count; i++) {
		each(s->zones.entries[i], c);
	}
}

static void
put_zone(struct zone_entry *e, struct command *c)
{
	struct zone_report report;

	zone_status_take(e, &report);
	zone_report_put(&report, c->reply);
	zone_status_put_notify(e, c->reply);
	zone_downstream_put(e, c->reply);
}

static void
zone_status_there(struct server *s, void *arg)
{
	for_zones(s, arg, put_zone);
}

static void
on_zone_status(void *ctx, const uint8_t *apex, struct control_reply *r)
{
	struct command c = {.reply = r, .apex = apex};

	run(ctx, zone_status_there, &c);
}

/* The first zone behind the cursor. */
static size_t
list_position(const struct zone_list *list, const struct control_cursor *cursor)
{
	size_t low = 0, high = list->count;

	while (cursor->is_started && low < high) {
		size_t mid = low + (high - low) / 2;

		if (name_compare(list->entries[mid]->zone.apex, cursor->last) <=
		    0) {
			low = mid + 1;
		} else {
			high = mid;
		}
	}
	return low;
}

static void
zone_list_there(struct server *s, void *arg)
{
	struct command *c = arg;
	size_t i = list_position(&s->zones, c->cursor);
	size_t end = i + ZONES_PER_TURN;

	for (; i < s->zones.count && i < end; i++) {
		struct zone_entry *e = s->zones.entries[i];

		put_zone(e, c);
		memcpy(c->cursor->last, e->zone.apex, e->zone.apex_len);
		c->cursor->is_started = true;
	}
	c->has_more = i < s->zones.count;
}

static bool
on_zone_list(void *ctx, struct control_cursor *cursor, struct control_reply *r)
{
	struct command c = {.reply = r, .cursor = cursor};

	run(ctx, zone_list_there, &c);
	return c.has_more;
}

static void
command_zone(struct zone_entry *e, struct command *c)
{
	zone_command(e, c->refresh);
}

static void
command_there(struct server *s, void *arg)
{
	for_zones(s, arg, command_zone);
}

static void
on_refresh(void *ctx, const uint8_t *apex, struct control_reply *r)
{
	struct command c = {
	    .reply = r, .apex = apex, .refresh = REFRESH_COMMAND_REFRESH};

	run(ctx, command_there, &c);
}

static void
on_retransfer(void *ctx, const uint8_t *apex, bool force,
	      struct control_reply *r)
{
	struct command c = {.reply = r,
			    .apex = apex,
			    .refresh = force ? REFRESH_COMMAND_FORCE
					     : REFRESH_COMMAND_RETRANSFER};

	run(ctx, command_there, &c);
}

static void
notify_zone(struct zone_entry *e, struct command *c)
{
	char apex[NAME_TEXT_MAX];

	if (e->newest != NULL) {
		notifier_announce(e->server->notifier, e);
	} else if (c->apex != NULL) {
		control_reply_error(c->reply, "%s: nothing to tell of yet",
				    name_to_text(c->apex, apex));
	}
}

static void
notify_there(struct server *s, void *arg)
{
	for_zones(s, arg, notify_zone);
}

static void
on_notify(void *ctx, const uint8_t *apex, struct control_reply *r)
{
	struct command c = {.reply = r, .apex = apex};

	run(ctx, notify_there, &c);
}

static void
on_reload(void *ctx, struct control_reply *r)
{
	char reason[CONFIG_ERROR_MAX];

	if (operate_reload(ctx, reason, sizeof(reason)) != SECD_OK) {
		control_reply_error(r, "%s", reason);
	}
}

static void
on_stop(void *ctx, struct control_reply *r)
{
	(void)ctx;
	(void)r;
	/* main waits for it; the reply goes out while it winds up. */
	kill(getpid(), SIGTERM);
}

static void
on_module_status(void *ctx, struct control_reply *r)
{
	const struct operate *o = ctx;

	modules_status(o->server->modules, r);
}

static int
on_module_command(void *ctx, const char *const *words, size_t count,
		  uint8_t *position, struct control_reply *r)
{
	const struct operate *o = ctx;

	return modules_command(o->server->modules, words, count, position, r);
}

/* ---- status ---- */

struct zone_totals {
	uint64_t held, expired, waiting, pinned, not_durable, alarms;
	int64_t started_ms;
};

static void
count_there(struct server *s, void *arg)
{
	struct zone_totals *t = arg;

	t->started_ms = s->started_ms;
	for (size_t i = 0; i < s->zones.count; i++) {
		const struct zone_entry *e = s->zones.entries[i];
		struct refresh_status status;

		refresh_status(e->refresh, &status);
		t->held += e->newest != NULL;
		t->waiting += e->newest == NULL;
		t->expired += status.expired;
		t->not_durable += e->newest != NULL && !zone_is_durable(e);
		t->alarms += status.alarm || zone_has_alarm(e);
		t->pinned += zone_is_pinned(e);
	}
}

static void
put_totals(struct operate *o, struct control_reply *r)
{
	struct modules_count modules = modules_count(o->server->modules);
	struct zone_totals t = {0};
	int64_t now = clock_boot_ms();

	transfer_call(o->server, count_there, &t);
	control_reply_text(r, NULL, NULL, "version", "%s", SECD_VERSION);
	control_reply_number(r, NULL, NULL, "pid", (uint64_t)getpid());
	control_reply_time(r, NULL, NULL, "started-at",
			   clock_wall_s() - (now - t.started_ms) / 1000);
	control_reply_number(r, NULL, NULL, "zones", t.held + t.waiting);
	control_reply_number(r, NULL, NULL, "zones-served", t.held - t.expired);
	control_reply_number(r, NULL, NULL, "zones-awaited", t.waiting);
	control_reply_number(r, NULL, NULL, "zones-expired", t.expired);
	control_reply_number(r, NULL, NULL, "zones-pinned", t.pinned);
	control_reply_number(r, NULL, NULL, "zones-not-durable", t.not_durable);
	control_reply_number(r, NULL, NULL, "alarms", t.alarms);
	if (modules.all > 0) {
		control_reply_number(r, NULL, NULL, "modules", modules.all);
		control_reply_number(r, NULL, NULL, "modules-failing",
				     modules.failing);
	}
	if (store_is_poisoned(o->server->store)) {
		control_reply_text(r, NULL, NULL, "storage",
				   "an earlier write failed: nothing is stored "
				   "until a restart");
	}
}

static void
put_counters(const struct operate *o, struct control_reply *r)
{
	static const char *const rcodes[] = {"noerror",  "formerr", "servfail",
					     "nxdomain", "notimp",  "refused"};
	struct clients_count n;
	uint64_t other = 0;

	clients_count(o->clients, &n);
	control_reply_number(r, NULL, NULL, "queries-udp", n.queries_udp);
	control_reply_number(r, NULL, NULL, "queries-tcp", n.queries_tcp);
	for (size_t i = 0; i < 16; i++) {
		char item[32];

		if (i < sizeof(rcodes) / sizeof(rcodes[0])) {
			snprintf(item, sizeof(item), "answers-%s", rcodes[i]);
			control_reply_number(r, NULL, NULL, item, n.answers[i]);
		} else {
			other += n.answers[i];
		}
	}
	control_reply_number(r, NULL, NULL, "answers-other", other);
	control_reply_number(r, NULL, NULL, "truncated", n.truncated);
	control_reply_number(r, NULL, NULL, "ignored", n.ignored);
	control_reply_number(r, NULL, NULL, "notifies-in", n.notifies);
	control_reply_number(r, NULL, NULL, "transfers-out", n.transfers);
	control_reply_number(r, NULL, NULL, "transfers-out-whole",
			     n.transfers_done);
	control_reply_number(r, NULL, NULL, "ixfr-out", n.ixfr);
	control_reply_number(r, NULL, NULL, "ixfr-out-condensed",
			     n.ixfr_condensed);
	control_reply_number(r, NULL, NULL, "ixfr-out-axfr-style",
			     n.ixfr_axfr_style);
	control_reply_number(r, NULL, NULL, "tcp-connections",
			     n.tcp_connections);
	control_reply_number(r, NULL, NULL, "tcp-refused", n.tcp_refused);
}

static void
on_status(void *ctx, struct control_reply *r)
{
	put_totals(ctx, r);
	put_counters(ctx, r);
}

/* ---- start and end ---- */

static int
take_commands(struct operate *o)
{
	const struct control_handler handler = {
	    .ctx = o,
	    .status = on_status,
	    .zone_status = on_zone_status,
	    .zone_list = on_zone_list,
	    .refresh = on_refresh,
	    .retransfer = on_retransfer,
	    .notify = on_notify,
	    .reload = on_reload,
	    .module_status = on_module_status,
	    .module_command = on_module_command,
	    .stop = on_stop,
	};

	return control_start(o->control, &handler);
}

int
operate_start(struct server *s, const struct clients *clients,
	      struct control *control, struct operate **out)
{
	struct operate *o = calloc(1, sizeof(*o));
	int rc;

	if (o == NULL) {
		return SECD_ENOMEM;
	}
	o->server = s;
	o->clients = clients;
	o->control = control;
	pthread_mutex_init(&o->reloading, NULL);
	rc = take_commands(o);
	if (rc != SECD_OK) {
		operate_stop(o);
		return rc;
	}
	*out = o;
	return SECD_OK;
}

void
operate_stop(struct operate *o)
{
	if (o != NULL) {
		control_stop(o->control);
		pthread_mutex_destroy(&o->reloading);
		free(o);
	}
}
