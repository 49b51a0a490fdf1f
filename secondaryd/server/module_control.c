/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What modules say to the operator. The control thread waits while the commit
 * thread asks them.
 */

#include <string.h>

#include "base/error.h"
#include "server/module_reply.h"
#include "server/modules_internal.h"

/* One question, for the commit thread. */
struct question {
	struct modules *modules;
	struct control_reply *reply;
	struct secd_command command;
	const char *word;
	int rc;
};

static void
put_status(struct module_instance *i, struct control_reply *reply)
{
	char id[CONFIG_MODULE_ID_MAX + 8] = "module ";
	struct module_reply r;

	strcat(id, i->id);
	module_reply_init(&r, reply, id);
	control_reply_text(reply, NULL, id, "name", "%s", i->files.code->name);
	control_reply_text(reply, NULL, id, "version", "%s",
			   i->files.code->version);
	control_reply_text(reply, NULL, id, "state", "%s",
			   i->self == NULL ? "given up"
			   : i->is_failing ? "failing"
					   : "running");
	control_reply_number(reply, NULL, id, "failures", i->failures);
	if (i->failures > 0) {
		control_reply_text(reply, NULL, id, "last-failure", "%s",
				   i->last_failure);
	}
	if (i->self != NULL && i->files.code->status != NULL) {
		i->files.code->status(i->self, &r.api);
	}
}

static void
ask_status(void *arg)
{
	struct question *q = arg;

	modules_flush(q->modules);
	for (size_t n = 0; n < q->modules->count; n++) {
		put_status(&q->modules->list[n], q->reply);
	}
}

void
modules_status(struct modules *m, struct control_reply *reply)
{
	struct question q = {.modules = m, .reply = reply};

	if (m != NULL) {
		commit_run(m->commit, ask_status, &q);
	}
}

/* Words are found without a lock: they never change. */
static struct module_instance *
find_word(struct modules *m, const char *word)
{
	for (size_t n = 0; m != NULL && n < m->count; n++) {
		const struct secd_module *code = m->list[n].files.code;

		if (code->word != NULL && code->command != NULL &&
		    strcmp(code->word, word) == 0) {
			return &m->list[n];
		}
	}
	return NULL;
}

static void
ask_command(void *arg)
{
	struct question *q = arg;
	struct module_instance *i = find_word(q->modules, q->word);

	modules_flush(q->modules);
	if (i->self == NULL) {
		q->rc = SECD_ECLOSED;
		control_reply_error(q->reply, "module %s has given up: %s",
				    i->id, i->last_failure);
		return;
	}
	q->rc =
	    module_reply_command(i->files.code, i->self, &q->command, q->reply);
	i->is_touched = true;
	if (q->rc == SECD_ECLOSED) {
		modules_judge(i, q->rc, "a command failed");
	}
}

int
modules_command(struct modules *m, const char *const *words, size_t count,
		uint8_t *position, struct control_reply *reply)
{
	struct question q = {
	    .modules = m,
	    .reply = reply,
	    .command = {.size = sizeof(q.command),
			.argc = (uint32_t)(count - 1),
			.argv = words + 1,
			.position = position},
	    .word = words[0],
	};

	if (find_word(m, words[0]) == NULL) {
		return SECD_ENOTFOUND;
	}
	commit_run(m->commit, ask_command, &q);
	/* The module's own "not found" is not "no such word". */
	return q.rc == SECD_ENOTFOUND ? SECD_EINVAL : q.rc;
}
