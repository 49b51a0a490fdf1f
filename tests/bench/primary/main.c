/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * primary -- the primary of every measurement: the same zones for everybody.
 *
 *     primary PORT KEY-FILE FLAT-NAMES DELEGATIONS SMALL-ZONES
 *
 * It makes its zones by formula, listens on 127.0.0.1, says "ready", and takes
 * commands on standard input, one a line, each answered with a line:
 *
 *     change WIDTH COUNT   flat.test. changes COUNT times, WIDTH names each
 *     forget               IXFR of flat.test. is answered with the whole zone
 *     shuffle              flat.test. is sent in no order
 *     small FIRST COUNT STEP   COUNT small zones, every STEPth, change
 *     refresh SECONDS      how often secondaries have to ask, by all SOAs
 *     count                AXFRs and IXFRs of flat.test. that were sent
 *
 * It ends with its standard input. Why not a real one: none sends a million
 * names as quickly as the secondaries can take them.
 */

#include <arpa/inet.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "primary/serve.h"
#include "primary/wire.h"

#define BACKLOG      4096
#define STACK        (256 * 1024)
#define UDP_BUFFER   (4 << 20)
#define UDP_QUERY    4096
#define IDLE_SECONDS 60

static struct zones zones;
static int udp_fd, tcp_fd;

static _Noreturn void
fail(const char *what)
{
	perror(what);
	exit(1);
}

static bool
receive(int fd, uint8_t *p, size_t len)
{
	return recv(fd, p, len, MSG_WAITALL) == (ssize_t)len;
}

static void *
connection(void *arg)
{
	int fd = (int)(intptr_t)arg;
	struct timeval idle = {.tv_sec = IDLE_SECONDS};
	struct stream *s = malloc(sizeof(*s));
	uint8_t *query = malloc(65536), prefix[2];

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &idle, sizeof(idle));
	while (s != NULL && query != NULL && receive(fd, prefix, 2)) {
		size_t len = (size_t)prefix[0] << 8 | prefix[1];

		if (!receive(fd, query, len)) {
			break;
		}
		serve(&zones, s, fd, NULL, query, len);
	}
	close(fd);
	free(query);
	free(s);
	return NULL;
}

static void *
tcp_main(void *arg)
{
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	for (;;) {
		int fd = accept(tcp_fd, NULL, NULL);
		pthread_t thread;

		if (fd >= 0 && pthread_create(&thread, &attr, connection,
					      (void *)(intptr_t)fd) != 0) {
			close(fd);
		}
	}
	return arg;
}

static void *
udp_main(void *arg)
{
	struct stream *s = malloc(sizeof(*s));
	uint8_t query[UDP_QUERY];

	while (s != NULL) {
		struct sockaddr_in peer;
		socklen_t peer_len = sizeof(peer);
		ssize_t len = recvfrom(udp_fd, query, sizeof(query), 0,
				       (struct sockaddr *)&peer, &peer_len);

		if (len > 0) {
			serve(&zones, s, udp_fd, &peer, query, (size_t)len);
		}
	}
	return arg;
}

static int
open_socket(int type, uint16_t port)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_port = htons(port),
				.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0), on = 1;
	int buffer = UDP_BUFFER;

	if (fd < 0) {
		fail("socket");
	}
	if (type == SOCK_STREAM) {
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	} else {
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
	}
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) != 0 ||
	    (type == SOCK_STREAM && listen(fd, BACKLOG) != 0)) {
		fail("bind");
	}
	return fd;
}

static void
start_thread(void *(*run)(void *))
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, run, NULL) != 0) {
		fail("pthread_create");
	}
}

static void
command(const char *line)
{
	unsigned a = 0, b = 0, c = 0;

	if (sscanf(line, "change %u %u", &a, &b) == 2) {
		while (b-- > 0) {
			flat_change(zones.flat, a);
		}
	} else if (sscanf(line, "small %u %u %u", &a, &b, &c) == 3) {
		for (; b-- > 0; a += c) {
			small_change(zones.small, a);
		}
	} else if (sscanf(line, "refresh %u", &a) == 1) {
		stream_set_refresh(a);
	} else if (strcmp(line, "forget\n") == 0) {
		flat_forget(zones.flat);
	} else if (strcmp(line, "shuffle\n") == 0) {
		flat_shuffle(zones.flat);
	} else if (strcmp(line, "count\n") == 0) {
		printf("%u %u\n", zones.axfr_count, zones.ixfr_count);
		return;
	} else {
		printf("what?\n");
		return;
	}
	printf("ok\n");
}

int
main(int argc, char **argv)
{
	char line[256];
	uint16_t port;

	if (argc != 6) {
		fprintf(stderr, "usage: primary PORT KEY-FILE FLAT-NAMES "
				"DELEGATIONS SMALL-ZONES\n");
		return 2;
	}
	port = (uint16_t)strtoul(argv[1], NULL, 10);
	if (knot_tsig_key_init_file(&zones.key, argv[2]) != KNOT_EOK) {
		fprintf(stderr, "primary: no key in %s\n", argv[2]);
		return 1;
	}
	zones.flat = flat_new((uint32_t)strtoul(argv[3], NULL, 10));
	zones.nsec = signed_new((uint32_t)strtoul(argv[4], NULL, 10), false);
	zones.nsec3 = signed_new((uint32_t)strtoul(argv[4], NULL, 10), true);
	zones.small = small_new((uint32_t)strtoul(argv[5], NULL, 10));
	if (zones.flat == NULL || zones.nsec == NULL || zones.nsec3 == NULL ||
	    zones.small == NULL) {
		fail("memory");
	}
	udp_fd = open_socket(SOCK_DGRAM, port);
	tcp_fd = open_socket(SOCK_STREAM, port);
	start_thread(udp_main);
	start_thread(tcp_main);
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("ready\n");
	while (fgets(line, sizeof(line), stdin) != NULL) {
		command(line);
	}
	return 0;
}
