/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/clients.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/error.h"
#include "server/condense.h"
#include "server/listen.h"
#include "server/tcp.h"
#include "server/udp.h"

/* Whoever wants transfers to end does not know when clients are stopped. */
static pthread_mutex_t cutting = PTHREAD_MUTEX_INITIALIZER;

struct clients {
	struct frontend *frontend;
	struct udp_worker **udp;
	struct tcp_worker **tcp;
	unsigned udp_count, tcp_count; /* started */
	atomic_uint connections;
};

static int
start_udp(struct clients *c, const struct listeners *l, struct frontend *f)
{
	for (; c->udp_count < l->udp_workers; c->udp_count++) {
		int rc = udp_start(&l->udp[c->udp_count * l->address_count],
				   l->address_count, f, &c->udp[c->udp_count]);

		if (rc != SECD_OK) {
			return rc;
		}
	}
	return SECD_OK;
}

static int
start_tcp(struct clients *c, const struct listeners *l, struct frontend *f)
{
	for (; c->tcp_count < l->tcp_workers; c->tcp_count++) {
		int rc = tcp_start(&l->tcp[c->tcp_count * l->address_count],
				   l->address_count, f, &c->connections,
				   &c->tcp[c->tcp_count]);

		if (rc != SECD_OK) {
			return rc;
		}
	}
	return SECD_OK;
}

static void
set_clients(struct frontend *f, struct clients *c)
{
	pthread_mutex_lock(&cutting);
	f->clients = c;
	pthread_mutex_unlock(&cutting);
}

void
clients_cut(struct frontend *f)
{
	pthread_mutex_lock(&cutting);
	for (unsigned i = 0; f->clients != NULL && i < f->clients->tcp_count;
	     i++) {
		tcp_cut(f->clients->tcp[i]);
	}
	pthread_mutex_unlock(&cutting);
}

int
clients_start(struct listeners *l, struct frontend *f, struct clients **out)
{
	struct clients *c = calloc(1, sizeof(*c));
	int rc = SECD_ENOMEM;

	if (c == NULL) {
		return rc;
	}
	c->frontend = f;
	c->udp = calloc(l->udp_workers, sizeof(struct udp_worker *));
	c->tcp = calloc(l->tcp_workers, sizeof(struct tcp_worker *));
	if (c->udp != NULL && c->tcp != NULL) {
		rc = condenser_start(&f->condenser);
	}
	if (rc == SECD_OK) {
		rc = start_udp(c, l, f);
	}
	if (rc == SECD_OK) {
		rc = start_tcp(c, l, f);
	}
	if (rc != SECD_OK) {
		clients_stop(c);
		return rc;
	}
	set_clients(f, c);
	*out = c;
	return SECD_OK;
}

void
clients_stop(struct clients *c)
{
	if (c == NULL) {
		return;
	}
	set_clients(c->frontend, NULL);
	for (unsigned i = 0; i < c->udp_count; i++) {
		udp_stop(c->udp[i]);
	}
	for (unsigned i = 0; i < c->tcp_count; i++) {
		tcp_stop(c->tcp[i]);
	}
	/* It has letters for them, which belong to it. */
	condenser_stop(c->frontend->condenser);
	for (unsigned i = 0; i < c->tcp_count; i++) {
		tcp_free(c->tcp[i]);
	}
	condenser_free(c->frontend->condenser);
	c->frontend->condenser = NULL;
	free(c->udp);
	free(c->tcp);
	free(c);
}

static uint64_t
value(const atomic_uint_fast64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

static void
add(const struct frontend_counters *from, struct clients_count *to)
{
	for (int i = 0; i < 16; i++) {
		to->answers[i] += value(&from->answers[i]);
	}
	to->truncated += value(&from->truncated);
	to->ignored += value(&from->ignored);
	to->notifies += value(&from->notifies);
	to->transfers += value(&from->transfers);
	to->transfers_done += value(&from->transfers_done);
	to->ixfr += value(&from->ixfr);
	to->ixfr_axfr_style += value(&from->ixfr_axfr_style);
	to->ixfr_condensed += value(&from->ixfr_condensed);
	to->tcp_refused += value(&from->tcp_refused);
}

void
clients_count(const struct clients *c, struct clients_count *out)
{
	*out = (struct clients_count){0};
	for (unsigned i = 0; i < c->udp_count; i++) {
		add(udp_counters(c->udp[i]), out);
		out->queries_udp += value(&udp_counters(c->udp[i])->queries);
	}
	for (unsigned i = 0; i < c->tcp_count; i++) {
		add(tcp_counters(c->tcp[i]), out);
		out->queries_tcp += value(&tcp_counters(c->tcp[i])->queries);
	}
	out->tcp_connections = atomic_load(&c->connections);
}
