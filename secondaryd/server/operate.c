/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/operate.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/log.h"
#include "server/ready.h"
#include "server/transfer.h"

struct operate {
	struct server *server;
	const struct clients *clients;
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

static int
load_and_adopt(struct operate *o, char *reason, size_t cap)
{
	struct config_error err;
	struct reload r = {0};

	r.rc = config_load(o->server->config_path, &r.config, &err);
	if (r.rc != SECD_OK) {
		snprintf(reason, cap, "%s", err.text);
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
	if (rc == SECD_OK) {
		log_notice("reloaded: serving %zu zones",
		           o->server->zones.count);
	} else {
		log_error("not reloaded, the old configuration stays: %s",
		          text);
		if (reason != NULL) {
			snprintf(reason, cap, "%s", text);
		}
	}
	return rc;
}

int
operate_start(struct server *s, const struct clients *clients,
              struct operate **out)
{
	struct operate *o = calloc(1, sizeof(*o));

	if (o == NULL) {
		return SECD_ENOMEM;
	}
	o->server = s;
	o->clients = clients;
	pthread_mutex_init(&o->reloading, NULL);
	*out = o;
	return SECD_OK;
}

void
operate_stop(struct operate *o)
{
	if (o != NULL) {
		pthread_mutex_destroy(&o->reloading);
		free(o);
	}
}
