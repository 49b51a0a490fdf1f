/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pull -- one AXFR as a client, as fast as it comes.
 *
 *     pull PORT KEY-FILE ZONE
 *
 * The request is signed. The records are read only as far as it takes to find
 * the end; the signatures are counted, not verified. Prints one line of JSON.
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

struct pull {
	int fd;
	uint8_t buffer[BUFFER];
	size_t at, end;

	uint8_t message[65536];
	size_t len;
	uint64_t messages, is_signed, records, octets;
	unsigned soas;
	uint32_t serial;
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
	p->octets += 2 + p->len;
	p->messages++;
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

static void
note_soa(struct pull *p, size_t rdata)
{
	size_t at = skip_name(p, skip_name(p, rdata));

	if (at + 4 <= p->len) {
		p->serial = get_u16(p->message + at) << 16 |
			    get_u16(p->message + at + 2);
		p->soas++;
	}
}

/* False: not a message of a transfer. */
static bool
count_records(struct pull *p)
{
	const uint8_t *m = p->message;
	unsigned questions = get_u16(m + 4), answers = get_u16(m + 6);
	size_t at = HEADER_LEN;

	if ((m[3] & 15) != 0) {
		return false;
	}
	p->is_signed += get_u16(m + 10) > 0;
	while (questions-- > 0) {
		at = skip_name(p, at) + 4;
	}
	while (answers-- > 0) {
		at = skip_name(p, at);
		if (at + 10 > p->len) {
			return false;
		}
		if (get_u16(m + at) == KNOT_RRTYPE_SOA) {
			note_soa(p, at + 10);
		}
		at += 10 + get_u16(m + at + 8);
		p->records++;
	}
	return at <= p->len;
}

static bool
send_query(int fd, const char *zone, const knot_tsig_key_t *key)
{
	knot_dname_t *apex = knot_dname_from_str_alloc(zone);
	knot_pkt_t *query = knot_pkt_new(NULL, 512, NULL);
	uint8_t mac[64], prefix[2];
	size_t mac_len = sizeof(mac), len;
	bool sent = false;

	if (apex != NULL && query != NULL &&
	    knot_pkt_put_question(query, apex, KNOT_CLASS_IN,
				  KNOT_RRTYPE_AXFR) == KNOT_EOK) {
		len = query->size;
		if (knot_tsig_sign(query->wire, &len, 512, NULL, 0, mac,
				   &mac_len, key, 0, 0) == KNOT_EOK) {
			prefix[0] = (uint8_t)(len >> 8);
			prefix[1] = (uint8_t)len;
			sent = send(fd, prefix, 2, MSG_MORE) == 2 &&
			       send(fd, query->wire, len, 0) == (ssize_t)len;
		}
	}
	knot_pkt_free(query);
	knot_dname_free(apex, NULL);
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

int
main(int argc, char **argv)
{
	static struct pull p;
	knot_tsig_key_t key;
	double began;
	bool whole;

	if (argc != 4 || knot_tsig_key_init_file(&key, argv[2]) != KNOT_EOK) {
		fprintf(stderr, "usage: pull PORT KEY-FILE ZONE\n");
		return 2;
	}
	began = now();
	p.fd = connect_to((uint16_t)strtoul(argv[1], NULL, 10));
	whole = p.fd >= 0 && send_query(p.fd, argv[3], &key);
	while (whole && p.soas < 2) {
		whole = read_message(&p) && count_records(&p);
	}
	printf("{\"whole\": %s, \"seconds\": %.6f, \"messages\": %" PRIu64
	       ", \"signed\": %" PRIu64 ", \"records\": %" PRIu64
	       ", \"octets\": %" PRIu64 ", \"serial\": %" PRIu32 "}\n",
	       whole ? "true" : "false", now() - began, p.messages, p.is_signed,
	       p.records, p.octets, p.serial);
	return whole ? 0 : 1;
}
