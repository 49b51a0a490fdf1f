/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/pool.h"

#include <stdlib.h>

#include "base/address.h"
#include "base/error.h"

/* Primaries close idle connections after some seconds (BIND 30, Knot 10); a
 * link that we close first is never found dead by the next request. */
#define IDLE_S        5.0
#define IDLE_PER_HOST 2

struct idle_link {
	struct idle_link *next;
	struct pool_host *host;
	struct link *link;
	ev_timer timer;
};

struct pool_host {
	struct pool_host *next;
	struct pool *pool;
	struct sockaddr_storage to, via; /* via.ss_family AF_UNSPEC: any */
	unsigned in_use;
	struct pool_request *first, **end;
	struct idle_link *idle;
	unsigned idle_count;
};

struct pool {
	struct ev_loop *loop;
	unsigned total, per_host, in_use;
	struct pool_host *hosts; /* in the order of their turns */
	ev_timer turn; /* runs at once: requests are served from the loop */
};

/* One scan serves every request that the limits allow now. */
static void
schedule(struct pool *p)
{
	if (!ev_is_active(&p->turn)) {
		ev_timer_set(&p->turn, 0.0, 0.0);
		ev_timer_start(p->loop, &p->turn);
	}
}

static void
forget_idle(struct idle_link *idle)
{
	struct pool_host *h = idle->host;
	struct idle_link **at = &h->idle;

	while (*at != idle) {
		at = &(*at)->next;
	}
	*at = idle->next;
	h->idle_count--;
	ev_timer_stop(h->pool->loop, &idle->timer);
	free(idle);
}

static void
close_idle(struct idle_link *idle)
{
	struct link *l = idle->link;

	forget_idle(idle);
	link_close(l);
}

/* Hosts are few (addresses of primaries); the unused ones go. */
static void
drop_unused(struct pool *p)
{
	struct pool_host **at = &p->hosts;

	while (*at != NULL) {
		struct pool_host *h = *at;

		if (h->in_use == 0 && h->first == NULL && h->idle == NULL) {
			*at = h->next;
			free(h);
		} else {
			at = &h->next;
		}
	}
}

static void
on_idle_timer(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct idle_link *idle = timer->data;

	(void)loop;
	(void)events;
	close_idle(idle);
}

static void
on_idle_message(void *arg, uint8_t *msg, size_t len)
{
	(void)msg;
	(void)len;
	close_idle(arg); /* nobody asked */
}

static void
on_idle_failed(void *arg, enum link_failure why, const char *reason)
{
	(void)why;
	(void)reason;
	close_idle(arg); /* closed by the other side, as it may */
}

static void
keep_idle(struct pool_host *h, struct link *l)
{
	struct link_user user = {on_idle_message, on_idle_failed, NULL};
	struct idle_link *idle = calloc(1, sizeof(*idle));

	if (idle == NULL) {
		link_close(l);
		return;
	}
	idle->host = h;
	idle->link = l;
	idle->next = h->idle;
	h->idle = idle;
	h->idle_count++;
	ev_timer_init(&idle->timer, on_idle_timer, IDLE_S, 0.0);
	idle->timer.data = idle;
	ev_timer_start(h->pool->loop, &idle->timer);
	user.arg = idle;
	link_rest(l, &user);
}

static struct link *
take_idle(struct pool_host *h)
{
	struct link *l;

	if (h->idle == NULL) {
		return NULL;
	}
	l = h->idle->link;
	forget_idle(h->idle);
	return l;
}

static void
unqueue(struct pool_request *r)
{
	*r->prev = r->next;
	if (r->next != NULL) {
		r->next->prev = r->prev;
	} else {
		r->host->end = r->prev;
	}
	r->prev = NULL;
	r->next = NULL;
}

static void
serve_first(struct pool_host *h)
{
	struct pool *p = h->pool;
	struct pool_request *r = h->first;
	struct link *l = take_idle(h);
	const char *reason;

	unqueue(r);
	if (l == NULL &&
	    link_open(p->loop, &h->to,
		      h->via.ss_family == AF_UNSPEC ? NULL : &h->via, &l,
		      &reason) != SECD_OK) {
		r->host = NULL;
		r->failed(r, reason);
		return;
	}
	h->in_use++;
	p->in_use++;
	r->ready(r, l);
}

/* The first host that has a request and room for it, moved behind the others;
 * NULL: there is none. */
static struct pool_host *
next_host(struct pool *p)
{
	struct pool_host **at = &p->hosts;
	struct pool_host *h;

	while (*at != NULL &&
	       ((*at)->first == NULL || (*at)->in_use >= p->per_host)) {
		at = &(*at)->next;
	}
	h = *at;
	if (h != NULL) {
		*at = h->next;
		while (*at != NULL) {
			at = &(*at)->next;
		}
		*at = h;
		h->next = NULL;
	}
	return h;
}

static void
on_turn(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct pool *p = timer->data;

	(void)loop;
	(void)events;
	while (p->in_use < p->total) {
		struct pool_host *h = next_host(p);

		if (h == NULL) {
			break;
		}
		serve_first(h);
	}
	drop_unused(p);
}

int
pool_new(struct ev_loop *loop, unsigned total, unsigned per_host,
	 struct pool **out)
{
	struct pool *p = calloc(1, sizeof(*p));

	if (p == NULL) {
		return SECD_ENOMEM;
	}
	p->loop = loop;
	p->total = total;
	p->per_host = per_host;
	ev_init(&p->turn, on_turn);
	p->turn.data = p;
	*out = p;
	return SECD_OK;
}

void
pool_free(struct pool *p)
{
	if (p == NULL) {
		return;
	}
	ev_timer_stop(p->loop, &p->turn);
	for (struct pool_host *h = p->hosts; h != NULL; h = h->next) {
		while (h->idle != NULL) {
			close_idle(h->idle);
		}
	}
	drop_unused(p);
	free(p);
}

void
pool_set_limits(struct pool *p, unsigned total, unsigned per_host)
{
	p->total = total;
	p->per_host = per_host;
	schedule(p);
}

static struct pool_host *
host_for(struct pool *p, const struct sockaddr_storage *to,
	 const struct sockaddr_storage *via)
{
	static const struct sockaddr_storage any = {.ss_family = AF_UNSPEC};
	struct pool_host **at = &p->hosts;

	via = via == NULL ? &any : via;
	for (; *at != NULL; at = &(*at)->next) {
		if (address_equal(&(*at)->to, to) &&
		    address_equal(&(*at)->via, via)) {
			return *at;
		}
	}
	*at = calloc(1, sizeof(**at));
	if (*at != NULL) {
		(*at)->pool = p;
		(*at)->to = *to;
		(*at)->via = *via;
		(*at)->end = &(*at)->first;
	}
	return *at;
}

int
pool_ask(struct pool *p, struct pool_request *r,
	 const struct sockaddr_storage *to, const struct sockaddr_storage *via)
{
	struct pool_host *h = host_for(p, to, via);

	if (h == NULL) {
		return SECD_ENOMEM;
	}
	r->host = h;
	r->next = NULL;
	r->prev = h->end;
	*h->end = r;
	h->end = &r->next;
	schedule(p);
	return SECD_OK;
}

void
pool_cancel(struct pool *p, struct pool_request *r)
{
	(void)p;
	if (r->prev != NULL) {
		unqueue(r);
		r->host = NULL;
	}
}

void
pool_release(struct pool *p, struct pool_request *r, struct link *l,
	     bool reusable)
{
	struct pool_host *h = r->host;

	r->host = NULL;
	h->in_use--;
	p->in_use--;
	/* In a burst as many end in one turn as are waited for in the next. */
	if (reusable && (h->first != NULL || h->idle_count < IDLE_PER_HOST)) {
		keep_idle(h, l);
	} else {
		link_close(l);
	}
	schedule(p);
}
