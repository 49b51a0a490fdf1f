/* SPDX-License-Identifier: BSD-2-Clause */

#include "primary.h"

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/octets.h"
#include "primary_keys.h"
#include "wire/rr.h"

#define CONNECTIONS_MAX 200
#define FILLING         500u /* records */

struct primary {
	struct peer peer;
	int orders[2]; /* a pipe: an octet when a mood passes */
	pthread_t thread;
	atomic_uint serial, questions, refusals;
	struct primary_keys keys;
	atomic_int mood;
	int fds[CONNECTIONS_MAX];
	unsigned fd_count;
};

/* An answer that is being written; every owner is the question's name. */
struct answer {
	struct tsig_transaction *tsig; /* signs each message, if it has a key */
	uint8_t octets[16000 + 200];
	size_t len;
};

static uint8_t *
put_record(struct answer *a, uint16_t type, size_t rdlen)
{
	uint8_t *p = a->octets + a->len;

	put_u16(p, 0xc00c);
	put_u16(p + 2, type);
	put_u16(p + 4, RR_CLASS_IN);
	put_u32(p + 6, 300);
	put_u16(p + 10, (uint16_t)rdlen);
	a->len += 12 + rdlen;
	put_u16(a->octets + 6, (uint16_t)(get_u16(a->octets + 6) + 1));
	return p + 12;
}

static void
put_soa(struct answer *a, uint32_t serial)
{
	uint8_t *p = put_record(a, RR_TYPE_SOA, 22);

	p[0] = p[1] = 0; /* the root twice */
	put_u32(p + 2, serial);
	put_u32(p + 6, 3600);
	put_u32(p + 10, 600);
	put_u32(p + 14, 86400);
	put_u32(p + 18, 300);
}

/* Its RDATA has the serial in it. */
static void
put_a(struct answer *a, uint32_t serial)
{
	put_u32(put_record(a, RR_TYPE_A, 4), 0x0a000000 | (serial & 0xffffff));
}

/* A secondary that is gone notices nothing of it. */
static void
send_answer(int fd, struct answer *a)
{
	size_t len = a->len;
	uint8_t prefix[2];

	if (a->tsig != NULL) {
		tsig_sign_answer(a->tsig, a->octets, &len, sizeof(a->octets),
				 clock_wall_s());
	}
	put_u16(prefix, (uint16_t)len);
	(void)!send(fd, prefix, 2, MSG_NOSIGNAL | MSG_MORE);
	(void)!send(fd, a->octets, len, MSG_NOSIGNAL);
}

/* Messages full of records that never change, up to the last one. */
static void
send_filling(int fd, struct answer *a, size_t question_end)
{
	for (unsigned i = 0; i < FILLING; i++) {
		uint8_t *p = a->octets + a->len;

		/* One label before the question's name. */
		*p++ = 4;
		put_u32(p, 0x61616161 + (i / 26 % 26 << 8) + i % 26);
		a->len += 5;
		p = put_record(a, RR_TYPE_TXT, 201);
		p[0] = 200;
		memset(p + 1, 'x', 200);
		if (a->len > 16000 - 300) {
			send_answer(fd, a);
			a->len = question_end;
			put_u16(a->octets + 6, 0);
			put_u16(a->octets + 10, 0);
		}
	}
}

static void
put_whole(int fd, struct answer *a, uint32_t serial, bool is_lie)
{
	size_t question_end = a->len;

	put_soa(a, serial);
	if (!is_lie) {
		memcpy(put_record(a, RR_TYPE_NS, 4), "\2ns", 4);
	}
	put_a(a, serial);
	if (a->octets[13] == 'x') {
		send_filling(fd, a, question_end);
	}
	put_soa(a, serial);
}

static void
put_difference(struct answer *a, uint32_t serial)
{
	put_soa(a, serial);
	put_soa(a, serial - 1);
	put_a(a, serial - 1);
	put_soa(a, serial);
	put_a(a, serial);
	put_soa(a, serial);
}

/* The client's serial stands in the authority section, behind two names. */
static uint32_t
serial_of(const uint8_t *msg, size_t question_end)
{
	return get_u32(msg + question_end + 12 + 2);
}

static void
reply(struct primary *p, int fd, const uint8_t *msg,
      struct tsig_transaction *tsig)
{
	uint32_t serial = atomic_load(&p->serial);
	int mood = atomic_load(&p->mood);
	struct answer a = {.len = 12, .tsig = tsig};
	size_t end = 12;
	uint16_t type;

	while (msg[end] != 0) {
		end += 1u + msg[end];
	}
	end += 5;
	type = get_u16(msg + end - 4);
	memcpy(a.octets, msg, end);
	memset(a.octets + 6, 0, 6);
	a.len = end;
	a.octets[2] = 0x84;
	if (mood == PRIMARY_REFUSES) {
		a.octets[3] = 5;
	} else if (type == RR_TYPE_SOA ||
		   (type == RR_TYPE_IXFR && serial_of(msg, end) == serial)) {
		put_soa(&a, serial);
	} else if (type == RR_TYPE_IXFR && serial_of(msg, end) == serial - 1) {
		put_difference(&a, serial);
	} else {
		put_whole(fd, &a, serial, mood == PRIMARY_LIES);
	}
	send_answer(fd, &a);
}

static void
refuse_key(struct primary *p, int fd, const uint8_t *msg)
{
	struct answer a = {.len = 12};

	atomic_fetch_add(&p->refusals, 1);
	memcpy(a.octets, msg, 2);
	a.octets[2] = 0x80;
	a.octets[3] = 9; /* NOTAUTH */
	send_answer(fd, &a);
}

/* With keys, or without any. */
static void
reply_if_signed(struct primary *p, int fd, uint8_t *msg, size_t len)
{
	struct tsig_transaction t = {0};
	struct tsig_place place;
	struct tsig_key *key;

	if (!primary_keys_wanted(&p->keys)) {
		reply(p, fd, msg, NULL);
		return;
	}
	if (tsig_find(msg, len, &place) != SECD_OK) {
		return;
	}
	key = primary_keys_take(&p->keys, &place);
	if (tsig_verify_request(&t, key, msg, &len, &place, clock_wall_s()) ==
	    TSIG_GOOD) {
		reply(p, fd, msg, &t);
	} else {
		refuse_key(p, fd, msg);
	}
	tsig_transaction_fini(&t);
	tsig_key_unref(key);
}

/* Its length; 0: there is none. */
static size_t
read_question(int fd, uint8_t msg[65535])
{
	uint8_t prefix[2];
	size_t len;

	if (recv(fd, prefix, 2, MSG_WAITALL) != 2) {
		return 0;
	}
	len = get_u16(prefix);
	return recv(fd, msg, len, MSG_WAITALL) == (ssize_t)len ? len : 0;
}

/* False: close the connection. */
static bool
serve(struct primary *p, int fd)
{
	static _Thread_local uint8_t msg[65535];
	size_t len = read_question(fd, msg);
	char order;

	if (len == 0) {
		return false;
	}
	atomic_fetch_add(&p->questions, 1);
	switch (atomic_load(&p->mood)) {
	case PRIMARY_IS_SILENT:
		return true;
	case PRIMARY_CLOSES:
		return false;
	case PRIMARY_WAITS:
		if (read(p->orders[0], &order, 1) != 1) {
			return false;
		}
		/* fall through */
	default:
		reply_if_signed(p, fd, msg, len);
		return true;
	}
}

static void
drop_all(struct primary *p)
{
	for (unsigned i = 0; i < p->fd_count; i++) {
		close(p->fds[i]);
	}
	p->fd_count = 0;
}

static void *
primary_main(void *arg)
{
	struct pollfd fds[2 + CONNECTIONS_MAX];
	struct primary *p = arg;
	char order;

	for (;;) {
		fds[0] = (struct pollfd){p->orders[0], POLLIN, 0};
		fds[1] = (struct pollfd){p->peer.listener, POLLIN, 0};
		for (unsigned i = 0; i < p->fd_count; i++) {
			fds[2 + i] = (struct pollfd){p->fds[i], POLLIN, 0};
		}
		poll(fds, 2 + p->fd_count, -1);
		if (fds[0].revents != 0 && read(p->orders[0], &order, 1) != 1) {
			return NULL;
		}
		if (fds[0].revents != 0) {
			drop_all(p);
			continue;
		}
		for (unsigned i = p->fd_count; i-- > 0;) {
			if (fds[2 + i].revents != 0 && !serve(p, p->fds[i])) {
				close(p->fds[i]);
				p->fds[i] = p->fds[--p->fd_count];
			}
		}
		if (fds[1].revents != 0 && p->fd_count < CONNECTIONS_MAX) {
			p->fds[p->fd_count++] = peer_accept(&p->peer);
		}
	}
}

struct primary *
primary_new(void)
{
	struct primary *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	peer_open(&p->peer, 100);
	assert_int_equal(pipe(p->orders), 0);
	atomic_init(&p->serial, 1);
	primary_keys_init(&p->keys);
	assert_int_equal(pthread_create(&p->thread, NULL, primary_main, p), 0);
	return p;
}

void
primary_free(struct primary *p)
{
	close(p->orders[1]);
	pthread_join(p->thread, NULL);
	close(p->orders[0]);
	drop_all(p);
	peer_close(&p->peer);
	primary_keys_fini(&p->keys);
	free(p);
}

void
primary_set_keys(struct primary *p, struct tsig_key *a, struct tsig_key *b)
{
	primary_keys_set(&p->keys, a, b);
}

unsigned
primary_refusals(struct primary *p)
{
	return atomic_load(&p->refusals);
}

const struct sockaddr_storage *
primary_address(const struct primary *p)
{
	return &p->peer.address;
}

void
primary_set_serial(struct primary *p, uint32_t serial)
{
	atomic_store(&p->serial, serial);
}

uint32_t
primary_serial(struct primary *p)
{
	return atomic_load(&p->serial);
}

void
primary_set_mood(struct primary *p, enum primary_mood mood)
{
	int before = atomic_exchange(&p->mood, mood);

	if (before == PRIMARY_IS_SILENT || before == PRIMARY_WAITS) {
		assert_int_equal(write(p->orders[1], "", 1), 1);
	}
}

unsigned
primary_questions(struct primary *p)
{
	return atomic_load(&p->questions);
}
