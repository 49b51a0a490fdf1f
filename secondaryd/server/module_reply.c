/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/module_reply.h"

#include "base/error.h"
#include "server/control_reply.h"

static const char *
id_of(const struct module_reply *r, const char *id)
{
	return id == NULL && r->id != NULL ? r->id : id;
}

static void
on_text(void *ctx, const char *zone, const char *id, const char *item,
	const char *value)
{
	const struct module_reply *r = ctx;

	control_reply_text(r->to, zone, id_of(r, id), item, "%s", value);
}

static void
on_number(void *ctx, const char *zone, const char *id, const char *item,
	  uint64_t value)
{
	const struct module_reply *r = ctx;

	control_reply_number(r->to, zone, id_of(r, id), item, value);
}

static void
on_time(void *ctx, const char *zone, const char *id, const char *item,
	int64_t at_ms)
{
	const struct module_reply *r = ctx;

	control_reply_time(r->to, zone, id_of(r, id), item, at_ms / 1000);
}

static void
on_boolean(void *ctx, const char *zone, const char *id, const char *item,
	   int value)
{
	const struct module_reply *r = ctx;

	control_reply_bool(r->to, zone, id_of(r, id), item, value != 0);
}

static void
on_line(void *ctx, const char *text)
{
	const struct module_reply *r = ctx;

	control_reply_line(r->to, text);
}

static void
on_error(void *ctx, const char *text)
{
	struct module_reply *r = ctx;

	r->has_failed = true;
	control_reply_error(r->to, "%s", text);
}

static void
on_pause(void *ctx, uint32_t ms)
{
	const struct module_reply *r = ctx;

	control_reply_pause(r->to, ms);
}

void
module_reply_init(struct module_reply *r, struct control_reply *to,
		  const char *id)
{
	*r = (struct module_reply){
	    .to = to,
	    .id = id,
	    .api = {.size = sizeof(r->api),
		    .ctx = r,
		    .text = on_text,
		    .number = on_number,
		    .time = on_time,
		    .boolean = on_boolean,
		    .line = on_line,
		    .error = on_error,
		    .pause = on_pause},
	};
}

int
module_reply_command(const struct secd_module *code, void *self,
		     const struct secd_command *c, struct control_reply *to)
{
	struct module_reply r;
	int rc;

	module_reply_init(&r, to, NULL);
	rc = code->command(self, c, &r.api);
	if (rc < SECD_OK && !r.has_failed) {
		control_reply_error(to, "%s", secd_strerror(rc));
	}
	return rc;
}
