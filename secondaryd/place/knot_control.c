/* SPDX-License-Identifier: BSD-2-Clause */

#include "place/knot_control.h"

#include <libknot/control/control.h>
#include <libknot/error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"

/* knotd's own limit for a client: who is slower holds up all others. */
#define ANSWER_MS 5000

struct knot_control {
	knot_ctl_t *ctl;
	struct limit limit;
};

static int
fail(int error, char *why)
{
	snprintf(why, KNOT_CONTROL_WHY_MAX, "%s", knot_strerror(error));
	switch (error) {
	case KNOT_EOK:
		return SECD_OK;
	case KNOT_ENOMEM:
		return SECD_ENOMEM;
	case KNOT_ETIMEOUT:
	case KNOT_NET_ETIMEOUT:
		return SECD_ETIMEOUT;
	default:
		return SECD_ECLOSED;
	}
}

/* No longer than the limit. False: that is over. */
static bool
set_timeout(struct knot_control *k)
{
	int64_t left = k->limit.until_ms - clock_awake_ms();

	if (left <= 0) {
		return false;
	}
	knot_ctl_set_timeout(k->ctl, left < ANSWER_MS ? (int)left : ANSWER_MS);
	return true;
}

int
knot_control_open(const char *socket, const struct limit *l,
		  struct knot_control **out, char *why)
{
	struct knot_control *k = calloc(1, sizeof(*k));
	int rc;

	if (k == NULL) {
		return fail(KNOT_ENOMEM, why);
	}
	k->limit = *l;
	k->ctl = knot_ctl_alloc();
	if (k->ctl == NULL) {
		rc = KNOT_ENOMEM;
	} else {
		rc = set_timeout(k) ? knot_ctl_connect(k->ctl, socket)
				    : KNOT_ETIMEOUT;
	}
	if (rc != KNOT_EOK) {
		rc = fail(rc, why);
		knot_ctl_free(k->ctl);
		free(k);
		return rc == SECD_ECLOSED ? SECD_ENOTFOUND : rc;
	}
	*out = k;
	return SECD_OK;
}

void
knot_control_close(struct knot_control *k)
{
	if (k == NULL) {
		return;
	}
	if (set_timeout(k)) {
		knot_ctl_send(k->ctl, KNOT_CTL_TYPE_END, NULL);
	}
	knot_ctl_close(k->ctl);
	knot_ctl_free(k->ctl);
	free(k);
}

static int
send_command(struct knot_control *k, const struct knot_control_command *c)
{
	knot_ctl_data_t data = {
	    [KNOT_CTL_IDX_CMD] = c->name,  [KNOT_CTL_IDX_SECTION] = c->section,
	    [KNOT_CTL_IDX_ITEM] = c->item, [KNOT_CTL_IDX_ID] = c->id,
	    [KNOT_CTL_IDX_DATA] = c->data,
	};
	int rc = set_timeout(k) ? KNOT_EOK : KNOT_ETIMEOUT;

	if (rc == KNOT_EOK) {
		rc = knot_ctl_send(k->ctl, KNOT_CTL_TYPE_DATA, &data);
	}
	/* Both leave together: until a block ends they are only buffered. */
	return rc == KNOT_EOK ? knot_ctl_send(k->ctl, KNOT_CTL_TYPE_BLOCK, NULL)
			      : rc;
}

static int
judge_refusal(const char *error, char *why)
{
	snprintf(why, KNOT_CONTROL_WHY_MAX, "%s", error);
	return strcmp(error, knot_strerror(KNOT_TXN_EEXISTS)) == 0
		   ? SECD_EBUSY
		   : SECD_EINVAL;
}

int
knot_control_ask(struct knot_control *k, const struct knot_control_command *c,
		 void (*on_line)(void *ctx,
				 const struct knot_control_line *line),
		 void *ctx, char *why)
{
	int rc = send_command(k, c), refusal = SECD_OK;

	while (rc == KNOT_EOK) {
		knot_ctl_type_t type;
		knot_ctl_data_t data;

		rc = set_timeout(k) ? knot_ctl_receive(k->ctl, &type, &data)
				    : KNOT_ETIMEOUT;
		if (rc != KNOT_EOK || type == KNOT_CTL_TYPE_BLOCK) {
			break;
		}
		if (type == KNOT_CTL_TYPE_END) {
			rc = KNOT_ECONN;
			break;
		}
		if (data[KNOT_CTL_IDX_ERROR] != NULL) {
			refusal = judge_refusal(data[KNOT_CTL_IDX_ERROR], why);
		} else if (on_line != NULL) {
			const struct knot_control_line line = {
			    .section = data[KNOT_CTL_IDX_SECTION],
			    .item = data[KNOT_CTL_IDX_ITEM],
			    .id = data[KNOT_CTL_IDX_ID],
			    .data = data[KNOT_CTL_IDX_DATA],
			};

			on_line(ctx, &line);
		}
	}
	return rc != KNOT_EOK ? fail(rc, why) : refusal;
}
