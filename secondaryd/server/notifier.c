/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/notifier.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/address.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "server/evidence.h"
#include "server/zone_key.h"
#include "transfer/notify_out.h"

#define DATAGRAM_MAX   4096
#define READS_PER_TURN 64
#define PAUSE_S        1.0  /* after a failure of our own */
#define START_STEP_MS  10   /* between two zones at the start */
#define ASKED_BUCKETS  1024 /* by message id */

/* One zone's word to one address. */
struct notify_target {
	struct notify_out out;
	struct zone_entry *entry;
	const struct config_target *target;
	struct sockaddr_storage to;
	unsigned key_choice; /* zone_key.h */
	unsigned key_tries;  /* keys that were refused, of this version */
	bool lacks_key;      /* the last try was none for this reason */
	ev_timer timer;
	/* Of the message that awaits an answer. */
	struct notify_target *next_asked, **prev_asked;
};

struct notify_socket {
	int fd; /* -1: this family is not available */
	ev_io readable;
};

struct notifier {
	struct ev_loop *loop;
	struct notify_socket v4, v6;
	struct notify_target *asked[ASKED_BUCKETS];
	int64_t start_turn_ms; /* when the next zone is told of at the start */
};

static void
forget_asked(struct notify_target *t)
{
	if (t->prev_asked != NULL) {
		*t->prev_asked = t->next_asked;
		if (t->next_asked != NULL) {
			t->next_asked->prev_asked = t->prev_asked;
		}
		t->prev_asked = NULL;
	}
}

static void
remember_asked(struct notifier *n, struct notify_target *t, uint16_t id)
{
	struct notify_target **bucket = &n->asked[id % ASKED_BUCKETS];

	forget_asked(t);
	t->next_asked = *bucket;
	t->prev_asked = bucket;
	if (*bucket != NULL) {
		(*bucket)->prev_asked = &t->next_asked;
	}
	*bucket = t;
}

static void
set_timer(struct notify_target *t)
{
	struct ev_loop *loop = t->entry->server->loop;
	int64_t wait_ms;

	ev_timer_stop(loop, &t->timer);
	if (t->out.state != NOTIFY_OUT_SENDING) {
		forget_asked(t);
		return;
	}
	wait_ms = t->out.due_ms - clock_boot_ms();
	ev_timer_set(&t->timer, wait_ms < 0 ? 0.0 : (double)wait_ms / 1000.0,
		     0.0);
	ev_timer_start(loop, &t->timer);
}

/* Nothing could be sent and no try was counted: not again at once. */
static void
pause_target(struct notify_target *t)
{
	ev_timer_set(&t->timer, PAUSE_S, 0.0);
	ev_timer_start(t->entry->server->loop, &t->timer);
}

/* The outcome, once there is one. */
static void
report(const struct notify_target *t)
{
	char apex[NAME_TEXT_MAX], to[ADDRESS_TEXT_MAX];

	name_to_text(t->entry->zone.apex, apex);
	address_text(&t->to, to, sizeof(to));
	if (t->out.state == NOTIFY_OUT_HEARD) {
		log_info("zone %s: NOTIFY of serial %u heard by %s", apex,
			 t->out.serial, to);
	} else if (t->out.state != NOTIFY_OUT_SENDING) {
		log_warning("zone %s: NOTIFY of serial %u to %s: %s%s%s", apex,
			    t->out.serial, to,
			    notify_out_state_text(t->out.state),
			    t->out.error[0] == '\0' ? "" : ": ", t->out.error);
	}
}

/* The answer is to come to the address that the remote's `via` names. */
static void
send_datagram(int fd, const struct notify_target *t, uint8_t *msg, size_t len)
{
	_Alignas(struct cmsghdr)
	    uint8_t control[CMSG_SPACE(sizeof(struct in6_pktinfo))] = {0};
	struct iovec iov = {msg, len};
	struct msghdr h = {
	    .msg_name = (void *)(uintptr_t)&t->to,
	    .msg_namelen = address_len(&t->to),
	    .msg_iov = &iov,
	    .msg_iovlen = 1,
	};

	if (t->target->via != NULL) {
		h.msg_control = control;
		h.msg_controllen = sizeof(control);
		h.msg_controllen =
		    address_put_source(t->target->via, CMSG_FIRSTHDR(&h));
	}
	/* A datagram that is lost here is sent again like any other. */
	(void)sendmsg(fd, &h, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static bool
find_soa(const struct version *v, struct node_reader *reader, struct rr *soa)
{
	node_reader_init(reader, version_apex(v));
	while (node_reader_next(reader, soa)) {
		if (soa->type == RR_TYPE_SOA) {
			return true;
		}
	}
	return false;
}

/* False: nothing was done, and it is due still. */
static bool
send_signed(struct notifier *n, struct notify_target *t, struct tsig_key *key)
{
	const struct notify_socket *s =
	    t->to.ss_family == AF_INET6 ? &n->v6 : &n->v4;
	uint8_t msg[NOTIFY_OUT_MESSAGE_MAX];
	struct node_reader *reader;
	struct rr soa;
	uint16_t id;
	size_t len;
	int rc;

	if (getrandom(&id, sizeof(id), 0) != sizeof(id)) {
		return false;
	}
	reader = malloc(sizeof(*reader));
	if (reader == NULL || t->entry->told == NULL ||
	    !find_soa(t->entry->told, reader, &soa)) {
		free(reader);
		return false;
	}
	rc = notify_out_message(&t->out, &soa, key, id, msg, sizeof(msg), &len,
				clock_boot_ms(), clock_wall_s());
	free(reader);
	if (rc == SECD_OK && s->fd >= 0) {
		remember_asked(n, t, id);
		send_datagram(s->fd, t, msg, len);
	}
	return true;
}

/* As send_signed; without a key it is a try that was none. */
static bool
send_message(struct notifier *n, struct notify_target *t)
{
	char why[FAILURE_TEXT_MAX];
	struct tsig_key *key;
	bool is_done;

	t->lacks_key =
	    zone_key_take(t->entry->server, t->target,
			  t->key_choice + t->key_tries, &key) != SECD_OK;
	if (t->lacks_key) {
		notify_out_miss(&t->out,
				zone_key_missing(t->target, why, sizeof(why)),
				clock_boot_ms());
		return true;
	}
	is_done = send_signed(n, t, key);
	tsig_key_unref(key);
	return is_done;
}

static void
on_timer(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct notify_target *t = timer->data;

	(void)loop;
	(void)events;
	if (notify_out_is_due(&t->out, clock_boot_ms()) &&
	    !send_message(t->entry->server->notifier, t)) {
		pause_target(t);
		return;
	}
	report(t);
	set_timer(t);
}

/* Another key may be the right one: at once, and for the next version too. */
static void
try_other_key(struct notify_target *t)
{
	if ((t->out.verdict == TSIG_REFUSED_BADKEY ||
	     t->out.verdict == TSIG_REFUSED_BADSIG) &&
	    t->key_tries + 1 < zone_key_count(t->entry->server, t->target)) {
		t->key_tries++;
		notify_out_hasten(&t->out, clock_boot_ms());
		set_timer(t);
	}
}

/* False: it was not the answer that is waited for. */
static bool
take_answer(struct notify_target *t, uint8_t *msg, size_t len)
{
	bool is_answer = notify_out_answer(&t->out, msg, len, clock_wall_s());

	if (t->out.is_judged) {
		evidence_add_answer(t->entry->server->frontend.evidence,
				    notify_out_key(&t->out), t->out.verdict,
				    &t->to, notify_out_skew(&t->out));
	}
	if (is_answer) {
		t->key_choice += t->key_tries;
		t->key_tries = 0;
		report(t);
		set_timer(t);
	} else if (t->out.is_judged) {
		try_other_key(t);
	}
	return is_answer;
}

static void
take_datagram(struct notifier *n, const struct sockaddr_storage *from,
	      uint8_t *msg, size_t len)
{
	struct notify_target *t, *next;
	uint16_t id;

	if (len < 2) {
		return;
	}
	id = (uint16_t)(msg[0] << 8 | msg[1]);
	for (t = n->asked[id % ASKED_BUCKETS]; t != NULL; t = next) {
		next = t->next_asked;
		if (address_equal(&t->to, from) && take_answer(t, msg, len)) {
			return;
		}
	}
}

static void
on_readable(struct ev_loop *loop, ev_io *io, int events)
{
	struct notifier *n = io->data;
	struct sockaddr_storage from;
	uint8_t msg[DATAGRAM_MAX];

	(void)loop;
	(void)events;
	for (int i = 0; i < READS_PER_TURN; i++) {
		socklen_t from_len = sizeof(from);
		ssize_t len = recvfrom(io->fd, msg, sizeof(msg), MSG_DONTWAIT,
				       (struct sockaddr *)&from, &from_len);

		if (len < 0) {
			return;
		}
		take_datagram(n, &from, msg, (size_t)len);
	}
}

static void
open_socket(struct notifier *n, struct notify_socket *s, int family)
{
	int one = 1;

	s->fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->fd < 0) {
		return;
	}
	if (family == AF_INET6) {
		setsockopt(s->fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	}
	ev_io_init(&s->readable, on_readable, s->fd, EV_READ);
	s->readable.data = n;
	ev_io_start(n->loop, &s->readable);
}

static void
close_socket(struct notifier *n, struct notify_socket *s)
{
	if (s->fd >= 0) {
		ev_io_stop(n->loop, &s->readable);
		close(s->fd);
	}
}

int
notifier_new(struct ev_loop *loop, struct notifier **out)
{
	struct notifier *n = calloc(1, sizeof(*n));

	if (n == NULL) {
		return SECD_ENOMEM;
	}
	n->loop = loop;
	open_socket(n, &n->v4, AF_INET);
	open_socket(n, &n->v6, AF_INET6);
	if (n->v4.fd < 0 && n->v6.fd < 0) {
		free(n);
		return SECD_EIO;
	}
	*out = n;
	return SECD_OK;
}

void
notifier_free(struct notifier *n)
{
	if (n != NULL) {
		close_socket(n, &n->v4);
		close_socket(n, &n->v6);
		free(n);
	}
}

static void
init_target(struct notify_target *t, struct zone_entry *e,
	    const struct config_target *target)
{
	t->entry = e;
	t->target = target;
	t->to = *target->to;
	notify_out_init(&t->out, e->zone.apex);
	ev_init(&t->timer, on_timer);
	t->timer.data = t;
}

/* A reload while a NOTIFY is under way does not lose it; one that waits for
 * its turn goes on waiting. */
static void
inherit_progress(struct notify_target *t, const struct zone_entry *e)
{
	for (size_t i = 0; i < e->target_count; i++) {
		const struct notify_target *old = &e->targets[i];

		if (address_equal(&old->to, &t->to) &&
		    old->out.state == NOTIFY_OUT_SENDING) {
			notify_out_announce(&t->out, old->out.serial,
					    old->out.tries == 0
						? old->out.due_ms
						: clock_boot_ms());
			set_timer(t);
		}
	}
}

int
notifier_set_targets(struct notifier *n, struct zone_entry *e,
		     const struct config_policy *p)
{
	size_t count = p->notify_target_count;
	struct notify_target *targets = NULL;

	if (count > 0) {
		targets = calloc(count, sizeof(*targets));
		if (targets == NULL) {
			return SECD_ENOMEM;
		}
	}
	for (size_t i = 0; i < count; i++) {
		init_target(&targets[i], e, &p->notify_targets[i]);
		inherit_progress(&targets[i], e);
	}
	notifier_drop_targets(n, e);
	e->targets = targets;
	e->target_count = count;
	return SECD_OK;
}

void
notifier_drop_targets(struct notifier *n, struct zone_entry *e)
{
	for (size_t i = 0; i < e->target_count; i++) {
		forget_asked(&e->targets[i]);
		ev_timer_stop(n->loop, &e->targets[i].timer);
		notify_out_fini(&e->targets[i].out);
	}
	free(e->targets);
	e->targets = NULL;
	e->target_count = 0;
}

static void
announce(struct notify_target *t, uint32_t serial, int64_t at_ms)
{
	t->key_tries = 0;
	notify_out_announce(&t->out, serial, at_ms);
	set_timer(t);
}

static void
announce_at(struct zone_entry *e, int64_t at_ms)
{
	for (size_t i = 0; i < e->target_count && e->told != NULL; i++) {
		announce(&e->targets[i], version_serial(e->told), at_ms);
	}
}

void
notifier_announce(struct notifier *n, struct zone_entry *e)
{
	(void)n;
	announce_at(e, clock_boot_ms());
}

void
notifier_announce_stored(struct notifier *n, struct zone_entry *e)
{
	int64_t now = clock_boot_ms();

	if (e->target_count == 0 || e->told == NULL) {
		return;
	}
	if (n->start_turn_ms < now) {
		n->start_turn_ms = now;
	}
	announce_at(e, n->start_turn_ms);
	n->start_turn_ms += START_STEP_MS;
}

void
notifier_rekey(struct notifier *n, struct zone_entry *e)
{
	(void)n;
	for (size_t i = 0; i < e->target_count; i++) {
		struct notify_target *t = &e->targets[i];

		t->key_choice = t->key_tries = 0;
		if (t->lacks_key) {
			t->lacks_key = false;
			announce(t, t->out.serial, clock_boot_ms());
		}
	}
}

char *
notifier_describe(const struct zone_entry *e, size_t index, char *text,
		  size_t cap)
{
	const struct notify_target *t = &e->targets[index];
	char to[ADDRESS_TEXT_MAX];

	address_text(&t->to, to, sizeof(to));
	if (t->out.state == NOTIFY_OUT_IDLE) {
		snprintf(text, cap, "%s %s: nothing announced yet",
			 t->target->remote->id, to);
	} else {
		snprintf(text, cap, "%s %s: serial %u %s after %u tries%s%s",
			 t->target->remote->id, to, t->out.serial,
			 notify_out_state_text(t->out.state), t->out.tries,
			 t->out.error[0] == '\0' ? "" : ": ", t->out.error);
	}
	return text;
}
