/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * probe -- ask a server a thousand times a second, and say when it was slow.
 *
 *     probe PORT ZONE [NAMES-FILE]
 *
 * Every second query is for the SOA of the zone, the others are for A records
 * of the names in the file, a name a line. Until its standard input ends it
 * prints, with times of CLOCK_MONOTONIC:
 *
 *     serial TIME SERIAL    an answer has another serial than the one before
 *     wait TIME MS          the answer to a query of TIME took over a ms
 *     lost TIME             the query of TIME got no answer within a second
 *     end QUERIES ANSWERS   at last
 *
 * The kernel notes when an answer arrives, so what is measured is the wait for
 * the server, not for this program to be scheduled.
 */

#include <arpa/inet.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PERIOD_NS 1000000
#define SECOND_NS 1000000000
#define IDS       65536
#define NAMES_MAX 100000
#define TYPE_A    1
#define TYPE_SOA  6

struct name {
	uint8_t wire[256];
	size_t len;
};

static int fd;
static int64_t to_monotonic; /* to be added to the time of day */
static struct name zone;
static struct name *names;
static size_t name_count;
static int64_t sent_at[IDS]; /* 0: answered, or never asked */
static uint32_t last_serial;
static uint64_t queries, answers;

static int64_t
clock_ns(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * SECOND_NS + t.tv_nsec;
}

static double
seconds(int64_t real_ns)
{
	return (double)(real_ns + to_monotonic) / 1e9;
}

/* Presentation format without escapes. */
static void
parse_name(const char *text, struct name *out)
{
	out->len = 0;
	while (*text != '\0' && *text != '.') {
		size_t len = strcspn(text, ".");

		if (len > 63 || out->len + len + 2 > sizeof(out->wire)) {
			break;
		}
		out->wire[out->len] = (uint8_t)len;
		memcpy(out->wire + out->len + 1, text, len);
		out->len += len + 1;
		text += len + (text[len] == '.');
	}
	out->wire[out->len++] = 0;
}

static bool
read_names(const char *path)
{
	char line[300];
	FILE *f = fopen(path, "r");

	names = calloc(NAMES_MAX, sizeof(*names));
	if (f == NULL || names == NULL) {
		return false;
	}
	while (name_count < NAMES_MAX && fgets(line, sizeof(line), f)) {
		line[strcspn(line, " \n")] = '\0';
		parse_name(line, &names[name_count++]);
	}
	fclose(f);
	return name_count > 0;
}

static void
ask(void)
{
	uint16_t id = (uint16_t)(queries % IDS);
	bool soa = queries % 2 == 0 || name_count == 0;
	const struct name *n = soa ? &zone : &names[queries / 2 % name_count];
	uint8_t q[12 + sizeof(n->wire) + 4] = {(uint8_t)(id >> 8), (uint8_t)id};
	size_t len = 12 + n->len;

	q[5] = 1; /* one question */
	memcpy(q + 12, n->wire, n->len);
	q[len + 1] = soa ? TYPE_SOA : TYPE_A;
	q[len + 3] = 1; /* IN */
	queries++;
	sent_at[id] = clock_ns(CLOCK_REALTIME);
	if (send(fd, q, len + 4, 0) < 0) {
		sent_at[id] = 0;
	}
}

static size_t
skip_name(const uint8_t *m, size_t len, size_t at)
{
	while (at < len && m[at] != 0 && m[at] < 0xc0) {
		at += m[at] + 1u;
	}
	return at < len && m[at] >= 0xc0 ? at + 2 : at + 1;
}

static void
note_serial(const uint8_t *m, size_t len, int64_t at_ns)
{
	size_t at = skip_name(m, len, 12) + 4;
	uint32_t serial;

	at = skip_name(m, len, at);
	if (m[7] == 0 || at + 10 > len || m[at + 1] != TYPE_SOA) {
		return;
	}
	at = skip_name(m, len, skip_name(m, len, at + 10));
	if (at + 4 > len) {
		return;
	}
	serial = (uint32_t)m[at] << 24 | (uint32_t)m[at + 1] << 16 |
		 (uint32_t)m[at + 2] << 8 | m[at + 3];
	if (serial != last_serial) {
		printf("serial %.6f %" PRIu32 "\n", seconds(at_ns), serial);
		last_serial = serial;
	}
}

static void
note_answer(const uint8_t *m, size_t len, int64_t at_ns)
{
	uint16_t id;

	if (len < 12) {
		return;
	}
	id = (uint16_t)(m[0] << 8 | m[1]);
	if (sent_at[id] == 0) {
		return;
	}
	answers++;
	if (at_ns - sent_at[id] > PERIOD_NS) {
		printf("wait %.6f %.3f\n", seconds(sent_at[id]),
		       (double)(at_ns - sent_at[id]) / 1e6);
	}
	sent_at[id] = 0;
	note_serial(m, len, at_ns);
}

/* What arrived, and when the kernel took it. */
static void
receive(void)
{
	uint8_t m[4096];
	union {
		struct cmsghdr align;
		uint8_t room[CMSG_SPACE(sizeof(struct timespec))];
	} control;
	struct iovec vec = {.iov_base = m, .iov_len = sizeof(m)};

	for (;;) {
		struct msghdr h = {.msg_iov = &vec,
				   .msg_iovlen = 1,
				   .msg_control = &control,
				   .msg_controllen = sizeof(control)};
		ssize_t len = recvmsg(fd, &h, MSG_DONTWAIT);
		struct cmsghdr *c = len < 0 ? NULL : CMSG_FIRSTHDR(&h);
		struct timespec t;

		if (len < 0) {
			return;
		}
		if (c != NULL && c->cmsg_type == SCM_TIMESTAMPNS) {
			memcpy(&t, CMSG_DATA(c), sizeof(t));
			note_answer(m, (size_t)len,
				    (int64_t)t.tv_sec * SECOND_NS + t.tv_nsec);
		}
	}
}

static void
note_lost(uint64_t query)
{
	int64_t *sent = &sent_at[query % IDS];

	if (*sent != 0) {
		printf("lost %.6f\n", seconds(*sent));
		*sent = 0;
	}
}

/* Wait until a moment of CLOCK_MONOTONIC; false when standard input ended. */
static bool
receive_until(int64_t when)
{
	struct pollfd p[2] = {{.fd = fd, .events = POLLIN},
			      {.fd = STDIN_FILENO, .events = POLLIN}};
	int64_t left;

	while ((left = when - clock_ns(CLOCK_MONOTONIC)) > 0) {
		struct timespec t = {.tv_nsec = left};

		ppoll(p, 2, &t, NULL);
		if (p[1].revents != 0) {
			return false;
		}
		receive();
	}
	return true;
}

static void
run(void)
{
	int64_t next = clock_ns(CLOCK_MONOTONIC);

	while (receive_until(next)) {
		if (queries >= 1000) {
			note_lost(queries - 1000);
		}
		ask();
		next += PERIOD_NS;
		/* After a pause of its own it goes on, it does not catch up. */
		if (clock_ns(CLOCK_MONOTONIC) > next + PERIOD_NS) {
			next = clock_ns(CLOCK_MONOTONIC);
		}
	}
}

int
main(int argc, char **argv)
{
	const struct sched_param first = {.sched_priority = 1};
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int on = 1;

	if (argc < 3 || (argc > 3 && !read_names(argv[3]))) {
		fprintf(stderr, "usage: probe PORT ZONE [NAMES-FILE]\n");
		return 2;
	}
	a.sin_port = htons((uint16_t)strtoul(argv[1], NULL, 10));
	parse_name(argv[2], &zone);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) != 0 ||
	    connect(fd, (struct sockaddr *)&a, sizeof(a)) != 0) {
		perror("probe");
		return 1;
	}
	/* It must not wait for the servers to let it run; not vital. */
	sched_setscheduler(0, SCHED_FIFO, &first);
	setvbuf(stdout, NULL, _IOLBF, 0);
	to_monotonic = clock_ns(CLOCK_MONOTONIC) - clock_ns(CLOCK_REALTIME);
	run();
	printf("end %" PRIu64 " %" PRIu64 "\n", queries, answers);
	return 0;
}
