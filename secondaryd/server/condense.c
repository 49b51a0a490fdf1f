/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/condense.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/error.h"
#include "server/jobs.h"
#include "wire/net.h"

/* Queries are answered first. */
#define CONDENSE_NICE 5
/* Of what is put, net_cancel needs as much again. */
#define MEMORY_FACTOR 2

struct condenser {
	struct jobs *jobs;
	atomic_uint_fast64_t held; /* octets, of all */
};

struct condense {
	struct job job;              /* first */
	struct condenser *condenser; /* NULL: it was done on the spot */
	struct history *history;
	uint64_t max;
	uint64_t held; /* of the condenser's */
	void (*ready)(void *arg);
	void *arg;
	atomic_bool is_left; /* nobody waits for it any more */
	bool is_back;        /* the job is ours again */
	bool is_given;       /* by condense_next */
	int rc;
	uint8_t *step;
	size_t len;
};

int
condenser_start(struct condenser **out)
{
	struct condenser *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		return SECD_ENOMEM;
	}
	if (jobs_start("condense", CONDENSE_NICE, &c->jobs) != SECD_OK) {
		free(c);
		return SECD_ENOMEM;
	}
	*out = c;
	return SECD_OK;
}

void
condenser_stop(struct condenser *c)
{
	if (c != NULL) {
		jobs_stop(c->jobs);
		c->jobs = NULL;
	}
}

void
condenser_free(struct condenser *c)
{
	free(c);
}

/* Hold so many octets from now on; false: that would be too many. */
static bool
hold(struct condense *c, uint64_t octets)
{
	atomic_uint_fast64_t *all = &c->condenser->held;

	if (octets <= c->held) {
		atomic_fetch_sub(all, c->held - octets);
	} else if (atomic_fetch_add(all, octets - c->held) + octets - c->held >
		   c->max) {
		atomic_fetch_sub(all, octets - c->held);
		return false;
	}
	c->held = octets;
	return true;
}

/* What the net comes to is the result. */
static int
take_step(struct condense *c, struct net *net)
{
	int rc;

	net_cancel(net);
	c->len = net_step_len(net);
	c->step = malloc(c->len > 0 ? c->len : 1);
	if (c->step == NULL) {
		return SECD_ENOMEM;
	}
	rc = net_write_step(net, c->step);
	if (rc != SECD_OK) {
		free(c->step);
		c->step = NULL;
	}
	return rc;
}

int
condense_now(const uint8_t *octets, size_t len, struct condense **out)
{
	struct condense *c = calloc(1, sizeof(*c));
	struct net net = {.count = 0};
	int rc;

	if (c == NULL) {
		return SECD_ENOMEM;
	}
	c->is_back = true;
	rc = net_put(&net, octets, len, false);
	if (rc == SECD_OK) {
		rc = take_step(c, &net);
	}
	net_fini(&net);
	if (rc != SECD_OK) {
		free(c);
		return rc;
	}
	*out = c;
	return SECD_OK;
}

/* The whole history, into the net. */
static int
collect(struct condense *c, struct net *net)
{
	const uint8_t *octets;
	size_t len;
	int rc = history_next(c->history, &octets, &len);

	while (rc == SECD_OK && len > 0) {
		if (atomic_load_explicit(&c->is_left, memory_order_relaxed)) {
			return SECD_ECLOSED;
		}
		rc = net_put(net, octets, len, false);
		if (rc == SECD_OK &&
		    !hold(c, MEMORY_FACTOR * net_memory(net))) {
			rc = SECD_ELIMIT;
		}
		if (rc == SECD_OK) {
			rc = history_next(c->history, &octets, &len);
		}
	}
	return rc;
}

static void
work(struct job *job)
{
	struct condense *c = (struct condense *)job;
	struct net net = {.count = 0};

	c->rc = collect(c, &net);
	if (c->rc == SECD_OK) {
		c->rc = take_step(c, &net);
	}
	net_fini(&net);
	history_close(c->history);
	c->history = NULL;
	hold(c, c->step == NULL ? 0 : c->len); /* less than before */
}

static void
condense_free(struct condense *c)
{
	if (c->condenser != NULL) {
		hold(c, 0);
	}
	history_close(c->history);
	free(c->step);
	free(c);
}

static void
done(struct job *job)
{
	struct condense *c = (struct condense *)job;

	c->is_back = true;
	if (atomic_load_explicit(&c->is_left, memory_order_relaxed)) {
		condense_free(c);
	} else {
		c->ready(c->arg);
	}
}

int
condense_begin(struct condenser *condenser, struct history *h, uint64_t max,
	       struct mailbox *reply, void (*ready)(void *arg), void *arg,
	       struct condense **out)
{
	struct history_size size;
	struct condense *c;

	history_size(h, &size);
	if (size.octets > max / MEMORY_FACTOR) {
		return SECD_ELIMIT; /* known before any work */
	}
	c = calloc(1, sizeof(*c));
	if (c == NULL) {
		return SECD_ENOMEM;
	}
	c->job = (struct job){.work = work, .done = done, .reply = reply};
	c->condenser = condenser;
	c->history = h;
	c->max = max;
	c->ready = ready;
	c->arg = arg;
	*out = c;
	jobs_post(condenser->jobs, &c->job);
	return SECD_OK;
}

bool
condense_is_ready(const struct condense *c)
{
	return c->is_back;
}

int
condense_result(const struct condense *c, const uint8_t **octets, size_t *len)
{
	if (c->rc == SECD_OK) {
		*octets = c->step;
		*len = c->len;
	}
	return c->rc;
}

int
condense_next(void *ctx, const uint8_t **octets, size_t *len)
{
	struct condense *c = ctx;

	*octets = c->step;
	*len = c->is_given ? 0 : c->len;
	c->is_given = true;
	return SECD_OK;
}

void
condense_end(struct condense *c)
{
	if (c == NULL) {
		return;
	}
	if (c->is_back) {
		condense_free(c);
	} else {
		atomic_store_explicit(&c->is_left, true, memory_order_relaxed);
	}
}
