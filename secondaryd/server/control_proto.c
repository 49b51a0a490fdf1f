/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/control_proto.h"

#include <libknot/errcode.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#define FLAG_FORCE "F"
#define PART_LEN   16384 /* octets */

static int
code_of(int knot_rc)
{
	switch (knot_rc) {
	case KNOT_EOK:
		return SECD_OK;
	case KNOT_ETIMEOUT:
		return SECD_ETIMEOUT;
	case KNOT_ENOMEM:
		return SECD_ENOMEM;
	case KNOT_EINVAL:
	case KNOT_ERANGE:
		return SECD_EINVAL;
	case KNOT_EMALF:
		return SECD_EMALF;
	default:
		return SECD_ECLOSED;
	}
}

static bool
is_there(const char *text)
{
	return text != NULL && text[0] != '\0';
}

int
control_request_send(knot_ctl_t *ctl, const struct control_request *q)
{
	knot_ctl_data_t unit = {
	    [KNOT_CTL_IDX_CMD] = q->command,
	    [KNOT_CTL_IDX_FLAGS] = q->force ? FLAG_FORCE : NULL,
	};
	int rc;

	if (q->arg_count > CONTROL_ARG_COUNT_MAX) {
		return SECD_EINVAL;
	}
	for (size_t i = 0; i < q->arg_count; i++) {
		if (strlen(q->args[i]) >= CONTROL_ARG_LEN_MAX) {
			return SECD_EINVAL;
		}
	}
	rc = knot_ctl_send(ctl, KNOT_CTL_TYPE_DATA, &unit);
	for (size_t i = 0; i < q->arg_count && rc == KNOT_EOK; i++) {
		knot_ctl_data_t arg = {[KNOT_CTL_IDX_DATA] = q->args[i]};

		rc = knot_ctl_send(ctl, KNOT_CTL_TYPE_DATA, &arg);
	}
	if (rc == KNOT_EOK) {
		rc = knot_ctl_send(ctl, KNOT_CTL_TYPE_BLOCK, NULL);
	}
	return code_of(rc);
}

void
control_request_fini(struct control_request *q)
{
	for (size_t i = 0; i < q->arg_count; i++) {
		free(q->args[i]);
	}
	free(q->args);
	free(q->command);
	*q = (struct control_request){0};
}

static int
add_arg(struct control_request *q, const char *text)
{
	char *copy;

	if (q->arg_count == CONTROL_ARG_COUNT_MAX ||
	    strlen(text) >= CONTROL_ARG_LEN_MAX) {
		return SECD_ELIMIT;
	}
	if ((q->arg_count & (q->arg_count - 1)) == 0) {
		size_t cap = q->arg_count == 0 ? 1 : 2 * q->arg_count;
		char **args = realloc(q->args, cap * sizeof(*args));

		if (args == NULL) {
			return SECD_ENOMEM;
		}
		q->args = args;
	}
	copy = strdup(text);
	if (copy == NULL) {
		return SECD_ENOMEM;
	}
	q->args[q->arg_count++] = copy;
	return SECD_OK;
}

static int
add_unit(struct control_request *q, knot_ctl_data_t *unit)
{
	const char *command = (*unit)[KNOT_CTL_IDX_CMD];
	const char *flags = (*unit)[KNOT_CTL_IDX_FLAGS];
	const char *arg = (*unit)[KNOT_CTL_IDX_DATA];

	/* The command comes first and once. */
	if (is_there(command) != (q->command == NULL)) {
		return SECD_EMALF;
	}
	if (q->command == NULL) {
		if (strlen(command) >= CONTROL_ARG_LEN_MAX) {
			return SECD_ELIMIT;
		}
		q->command = strdup(command);
		if (q->command == NULL) {
			return SECD_ENOMEM;
		}
	}
	if (is_there(flags) && strcmp(flags, FLAG_FORCE) != 0) {
		return SECD_EMALF; /* what we do not know we may not ignore */
	}
	q->force = q->force || is_there(flags);
	return is_there(arg) ? add_arg(q, arg) : SECD_OK;
}

int
control_request_receive(knot_ctl_t *ctl, struct control_request *out)
{
	struct control_request q = {0};
	int rc = SECD_OK;

	while (rc == SECD_OK) {
		knot_ctl_type_t type;
		knot_ctl_data_t unit = {NULL};

		rc = code_of(knot_ctl_receive(ctl, &type, &unit));
		if (rc != SECD_OK) {
			break;
		}
		if (type == KNOT_CTL_TYPE_BLOCK && q.command != NULL) {
			*out = q;
			return SECD_OK;
		}
		rc = type == KNOT_CTL_TYPE_DATA ? add_unit(&q, &unit)
						: SECD_EMALF;
	}
	control_request_fini(&q);
	return rc;
}

static int
send_row(knot_ctl_t *ctl, const struct control_row *row)
{
	const char type[2] = {(char)row->type, '\0'};
	knot_ctl_data_t unit = {
	    [KNOT_CTL_IDX_ZONE] = row->zone, [KNOT_CTL_IDX_ID] = row->id,
	    [KNOT_CTL_IDX_ITEM] = row->item, [KNOT_CTL_IDX_DATA] = row->value,
	    [KNOT_CTL_IDX_TYPE] = type,      [KNOT_CTL_IDX_ERROR] = row->error,
	};

	return code_of(knot_ctl_send(ctl, KNOT_CTL_TYPE_DATA, &unit));
}

/* The front of a long line; *line is moved behind it. */
static int
send_part(knot_ctl_t *ctl, const char **line)
{
	char text[PART_LEN + 1];
	const struct control_row part = {
	    .item = "line", .value = text, .type = CONTROL_PART};

	memcpy(text, *line, PART_LEN);
	text[PART_LEN] = '\0';
	*line += PART_LEN;
	return send_row(ctl, &part);
}

int
control_row_send(knot_ctl_t *ctl, const struct control_row *row)
{
	struct control_row rest = *row;

	while (rest.type == CONTROL_LINE && rest.value != NULL &&
	       strlen(rest.value) > PART_LEN) {
		int rc = send_part(ctl, &rest.value);

		if (rc != SECD_OK) {
			return rc;
		}
	}
	return send_row(ctl, &rest);
}

int
control_row_send_end(knot_ctl_t *ctl)
{
	return code_of(knot_ctl_send(ctl, KNOT_CTL_TYPE_BLOCK, NULL));
}

static enum control_type
type_of(const char *text)
{
	switch (text == NULL ? '\0' : text[0]) {
	case CONTROL_NUMBER:
		return CONTROL_NUMBER;
	case CONTROL_TIME:
		return CONTROL_TIME;
	case CONTROL_BOOL:
		return CONTROL_BOOL;
	case CONTROL_LINE:
		return CONTROL_LINE;
	case CONTROL_PART:
		return CONTROL_PART;
	default:
		return CONTROL_TEXT; /* also what is newer than we are */
	}
}

int
control_row_receive(knot_ctl_t *ctl, struct control_row *out)
{
	knot_ctl_type_t type;
	knot_ctl_data_t unit = {NULL};
	int rc = code_of(knot_ctl_receive(ctl, &type, &unit));

	if (rc != SECD_OK) {
		return rc;
	}
	if (type == KNOT_CTL_TYPE_BLOCK) {
		return SECD_ENOTFOUND;
	}
	if (type != KNOT_CTL_TYPE_DATA) {
		return type == KNOT_CTL_TYPE_END ? SECD_ECLOSED : SECD_EMALF;
	}
	*out = (struct control_row){
	    .zone = unit[KNOT_CTL_IDX_ZONE],
	    .id = unit[KNOT_CTL_IDX_ID],
	    .item = unit[KNOT_CTL_IDX_ITEM],
	    .value = unit[KNOT_CTL_IDX_DATA],
	    .error = unit[KNOT_CTL_IDX_ERROR],
	    .type = type_of(unit[KNOT_CTL_IDX_TYPE]),
	};
	return SECD_OK;
}
