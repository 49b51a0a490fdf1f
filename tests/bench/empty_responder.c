/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * empty_responder -- what answering costs when there is nothing to look up.
 *
 * It reads and sends in batches as secondaryd does, and gives every query one
 * and the same address: the kernel's share, which no server gets below.
 *
 *     empty_responder ADDRESS PORT
 *
 * It ends with SIGTERM.
 */

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define BATCH      32
#define BUFFER     (1 << 20)
#define PACKET_MAX 512
#define HEADER_LEN 12

/* Pointer to the QNAME, A, IN, TTL 3600, four octets: 192.0.2.1. */
static const uint8_t record[] = {0xc0, 12,   0, 1, 0,   1, 0, 0,
				 0x0e, 0x10, 0, 4, 192, 0, 2, 1};

static struct mmsghdr in[BATCH], out[BATCH];
static struct iovec in_vec[BATCH], out_vec[BATCH];
static struct sockaddr_in from[BATCH];
static uint8_t packets[BATCH][PACKET_MAX + sizeof(record)];

/* Make a query its own answer; 0 when it is none. */
static size_t
answer(uint8_t *p, size_t len)
{
	size_t end = HEADER_LEN;

	while (end < len && p[end] != 0) {
		end += p[end] + 1u;
	}
	end += 5; /* the root label, QTYPE, QCLASS */
	if (end > len) {
		return 0;
	}
	p[2] |= 0x84; /* QR, AA */
	memset(p + 6, 0, 6);
	p[7] = 1;
	memcpy(p + end, record, sizeof(record));
	return end + sizeof(record);
}

static unsigned
answer_batch(unsigned count)
{
	unsigned answers = 0;

	for (unsigned i = 0; i < count; i++) {
		size_t len = answer(packets[i], in[i].msg_len);

		if (len == 0) {
			continue;
		}
		out_vec[answers] = (struct iovec){packets[i], len};
		out[answers].msg_hdr = (struct msghdr){
		    .msg_name = &from[i],
		    .msg_namelen = in[i].msg_hdr.msg_namelen,
		    .msg_iov = &out_vec[answers],
		    .msg_iovlen = 1,
		};
		answers++;
	}
	return answers;
}

static void
serve(int fd)
{
	for (;;) {
		int count;

		for (unsigned i = 0; i < BATCH; i++) {
			in_vec[i] = (struct iovec){packets[i], PACKET_MAX};
			in[i].msg_hdr = (struct msghdr){
			    .msg_name = &from[i],
			    .msg_namelen = sizeof(from[i]),
			    .msg_iov = &in_vec[i],
			    .msg_iovlen = 1,
			};
		}
		count = recvmmsg(fd, in, BATCH, MSG_WAITFORONE, NULL);
		if (count > 0) {
			sendmmsg(fd, out, answer_batch((unsigned)count), 0);
		}
	}
}

int
main(int argc, char **argv)
{
	struct sockaddr_in to = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int size = BUFFER;

	if (argc != 3 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1) {
		fprintf(stderr, "usage: empty_responder ADDRESS PORT\n");
		return 2;
	}
	to.sin_port = htons((uint16_t)strtoul(argv[2], NULL, 10));
	if (fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)) != 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)) != 0 ||
	    bind(fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
		perror("empty_responder");
		return 1;
	}
	serve(fd);
}
