/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pull -- one transfer as a client, as fast as it comes.
 *
 *     pull PORT KEY-FILE ZONE                   AXFR
 *     pull PORT KEY-FILE ZONE SERIAL [SECONDS]  IXFR from that serial
 *
 * With SECONDS it asks again and again, for so long, until there is something
 * newer than SERIAL; it says "asking" when it has the first answer. The request
 * is signed. The records are read only as far as
 * it takes to find the end; the signatures are counted, not verified. Prints
 * one line of JSON: "kind" is what the answer is ("none": it did not come
 * whole), "at" when it ended, in seconds of CLOCK_MONOTONIC.
 */

#include <arpa/inet.h>
#include <inttypes.h>
#include <libknot/libknot.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BUFFER     (1 << 18)
#define TIMEOUT_S  60
#define HEADER_LEN 12
#define PAUSE_NS   1000000 /* between questions for something newer */

/* What an answer turns out to be (RFC 1995 section 4), and where in it. */
enum kind {
	KIND_NONE,
	KIND_WHOLE,
	KIND_INCREMENTAL,
	KIND_CURRENT, /* there is nothing newer */
};

static const char *const kinds[] = {"none", "whole", "incremental", "current"};

struct pull {
	/* What is asked. */
	uint16_t port;
	knot_tsig_key_t key;
	knot_dname_t *apex;
	bool is_ixfr;
	uint32_t since;

	int fd;
	uint8_t buffer[BUFFER];
	size_t at, end;

	uint8_t message[65536];
	size_t len;

	/* What came. */
	struct {
		uint64_t messages, is_signed, records, octets, steps;
		enum kind kind;
		uint32_t serial; /* of the first SOA */
		bool is_adding;  /* else deleting, in a step */
		bool is_whole;
	} got;
};

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static unsigned
get_u16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static bool
read_octets(struct pull *p, uint8_t *out, size_t len)
{
	while (len > 0) {
		size_t n;

		if (p->at == p->end) {
			ssize_t got = recv(p->fd, p->buffer, BUFFER, 0);

			if (got <= 0) {
				return false;
			}
			p->at = 0;
			p->end = (size_t)got;
		}
		n = p->end - p->at < len ? p->end - p->at : len;
		memcpy(out, p->buffer + p->at, n);
		p->at += n;
		out += n;
		len -= n;
	}
	return true;
}

static bool
read_message(struct pull *p)
{
	uint8_t prefix[2];

	if (!read_octets(p, prefix, 2)) {
		return false;
	}
	p->len = get_u16(prefix);
	p->got.octets += 2 + p->len;
	p->got.messages++;
	return p->len >= HEADER_LEN && read_octets(p, p->message, p->len);
}

static size_t
skip_name(const struct pull *p, size_t at)
{
	while (at < p->len && p->message[at] != 0 && p->message[at] < 0xc0) {
		at += p->message[at] + 1u;
	}
	return at < p->len && p->message[at] >= 0xc0 ? at + 2 : at + 1;
}

static bool
read_serial(const struct pull *p, size_t rdata, uint32_t *serial)
{
	size_t at = skip_name(p, skip_name(p, rdata));

	if (at + 4 > p->len) {
		return false;
	}
	*serial = (uint32_t)get_u16(p->message + at) << 16 |
		  get_u16(p->message + at + 2);
	return true;
}

/* SOAs part an answer. False: not like this. */
static bool
note_soa(struct pull *p, uint32_t serial)
{
	if (p->got.records == 0) {
		p->got.serial = serial;
	} else if (p->got.records == 1) {
		p->got.kind = KIND_INCREMENTAL;
		p->got.steps = 1;
		return p->is_ixfr && serial == p->since;
	} else if (p->got.kind == KIND_WHOLE ||
		   (p->got.is_adding && serial == p->got.serial)) {
		p->got.is_whole = true;
	} else {
		p->got.steps += p->got.is_adding;
		p->got.is_adding = !p->got.is_adding;
	}
	return true;
}

static bool
note_record(struct pull *p, unsigned type, size_t rdata)
{
	bool is_soa = type == KNOT_RRTYPE_SOA;
	uint32_t serial;

	if (p->got.is_whole || (p->got.records == 0 && !is_soa)) {
		return false;
	}
	if (is_soa &&
	    (!read_serial(p, rdata, &serial) || !note_soa(p, serial))) {
		return false;
	}
	if (p->got.records == 1 && !is_soa) {
		p->got.kind = KIND_WHOLE;
	}
	p->got.records++;
	return true;
}

/* False: not a message of a transfer. */
static bool
read_records(struct pull *p)
{
	const uint8_t *m = p->message;
	unsigned questions = get_u16(m + 4), answers = get_u16(m + 6);
	size_t at = HEADER_LEN;

	if ((m[3] & 15) != 0) {
		return false;
	}
	p->got.is_signed += get_u16(m + 10) > 0;
	while (questions-- > 0) {
		at = skip_name(p, at) + 4;
	}
	while (answers-- > 0) {
		at = skip_name(p, at);
		if (at + 10 > p->len ||
		    !note_record(p, get_u16(m + at), at + 10)) {
			return false;
		}
		at += 10u + get_u16(m + at + 8);
	}
	if (p->got.records == 1 && p->is_ixfr && p->got.serial == p->since) {
		p->got.kind = KIND_CURRENT;
		p->got.is_whole = true;
	}
	return at <= p->len;
}

/* The SOA that says what we have: all of it but the serial is 0. */
static void
put_soa(uint8_t *wire, size_t *len, uint32_t serial)
{
	uint8_t soa[12 + 22] = {
	    0xc0, HEADER_LEN, 0, KNOT_RRTYPE_SOA, 0, KNOT_CLASS_IN, 0, 0, 0,
	    0,    0,          22};

	for (int i = 0; i < 4; i++) {
		soa[14 + i] = (uint8_t)(serial >> (24 - 8 * i));
	}
	memcpy(wire + *len, soa, sizeof(soa));
	*len += sizeof(soa);
	knot_wire_set_nscount(wire, 1);
}

static bool
send_query(const struct pull *p)
{
	knot_pkt_t *query = knot_pkt_new(NULL, 512, NULL);
	uint8_t mac[64], prefix[2];
	size_t mac_len = sizeof(mac), len;
	bool sent = false;

	if (query != NULL &&
	    knot_pkt_put_question(query, p->apex, KNOT_CLASS_IN,
				  p->is_ixfr ? KNOT_RRTYPE_IXFR
					     : KNOT_RRTYPE_AXFR) == KNOT_EOK) {
		len = query->size;
		if (p->is_ixfr) {
			put_soa(query->wire, &len, p->since);
		}
		if (knot_tsig_sign(query->wire, &len, 512, NULL, 0, mac,
				   &mac_len, &p->key, 0, 0) == KNOT_EOK) {
			prefix[0] = (uint8_t)(len >> 8);
			prefix[1] = (uint8_t)len;
			sent = send(p->fd, prefix, 2, MSG_MORE) == 2 &&
			       send(p->fd, query->wire, len, 0) == (ssize_t)len;
		}
	}
	knot_pkt_free(query);
	return sent;
}

static int
connect_to(uint16_t port)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_port = htons(port),
				.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct timeval limit = {.tv_sec = TIMEOUT_S};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0) {
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
		if (connect(fd, (struct sockaddr *)&a, sizeof(a)) != 0) {
			close(fd);
			fd = -1;
		}
	}
	return fd;
}

static void
pull_once(struct pull *p)
{
	bool goes_on;

	memset(&p->got, 0, sizeof(p->got));
	p->at = p->end = 0;
	p->fd = connect_to(p->port);
	goes_on = p->fd >= 0 && send_query(p);
	while (goes_on && !p->got.is_whole) {
		goes_on = read_message(p) && read_records(p);
	}
	if (!goes_on) {
		p->got.kind = KIND_NONE;
	}
	if (p->fd >= 0) {
		close(p->fd);
	}
}

/* Is what came what was waited for? */
static bool
is_news(const struct pull *p)
{
	return p->got.kind == KIND_INCREMENTAL || p->got.kind == KIND_WHOLE;
}

static bool
read_arguments(struct pull *p, int argc, char **argv, double *patience)
{
	if (argc < 4 || argc > 6 ||
	    knot_tsig_key_init_file(&p->key, argv[2]) != KNOT_EOK) {
		return false;
	}
	p->port = (uint16_t)strtoul(argv[1], NULL, 10);
	p->apex = knot_dname_from_str_alloc(argv[3]);
	p->is_ixfr = argc > 4;
	p->since = p->is_ixfr ? (uint32_t)strtoul(argv[4], NULL, 10) : 0;
	*patience = argc > 5 ? strtod(argv[5], NULL) : 0;
	return p->apex != NULL;
}

int
main(int argc, char **argv)
{
	const struct timespec pause = {.tv_nsec = PAUSE_NS};
	static struct pull p;
	double patience, began, asked;

	if (!read_arguments(&p, argc, argv, &patience)) {
		fprintf(stderr, "usage: pull PORT KEY-FILE ZONE "
				"[SERIAL [SECONDS]]\n");
		return 2;
	}
	began = asked = now();
	pull_once(&p);
	if (patience > 0) {
		printf("asking\n");
		fflush(stdout);
	}
	while (!is_news(&p) && now() - began < patience) {
		nanosleep(&pause, NULL);
		asked = now();
		pull_once(&p);
	}
	printf("{\"kind\": \"%s\", \"seconds\": %.6f, \"at\": %.6f"
	       ", \"messages\": %" PRIu64 ", \"signed\": %" PRIu64
	       ", \"records\": %" PRIu64 ", \"octets\": %" PRIu64
	       ", \"steps\": %" PRIu64 ", \"serial\": %" PRIu32 "}\n",
	       kinds[p.got.kind], now() - asked, now(), p.got.messages,
	       p.got.is_signed, p.got.records, p.got.octets, p.got.steps,
	       p.got.serial);
	return p.got.kind == KIND_NONE;
}
