/* SPDX-License-Identifier: BSD-2-Clause */

#include "replay.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "disk.h"
#include "scratch.h"

#define CHECK_S 60 /* a check that takes longer hangs */
#define TOLD    5  /* of what is bad, the rest is counted */

struct replay {
	uint8_t *octets;
	size_t len;
};

struct replay *
replay_read(const char *file)
{
	struct replay *r = calloc(1, sizeof(*r));
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (r == NULL || fd < 0 || fstat(fd, &st) != 0 || st.st_size == 0) {
		perror(file);
		exit(EXIT_FAILURE);
	}
	r->len = (size_t)st.st_size;
	r->octets = mmap(NULL, r->len, PROT_READ, MAP_PRIVATE, fd, 0);
	if (r->octets == MAP_FAILED) {
		perror(file);
		exit(EXIT_FAILURE);
	}
	close(fd);
	return r;
}

void
replay_free(struct replay *r)
{
	munmap(r->octets, r->len);
	free(r);
}

/* The next record; the octets behind it. NULL: the end. A process that was
 * killed may have left a part of one. */
static const uint8_t *
next(const struct replay *r, size_t *at, struct trace_head *head)
{
	const uint8_t *octets;

	if (r->len - *at < sizeof(*head)) {
		return NULL;
	}
	memcpy(head, r->octets + *at, sizeof(*head));
	octets = r->octets + *at + sizeof(*head);
	if (r->len - *at - sizeof(*head) < head->len) {
		return NULL;
	}
	*at += sizeof(*head) + head->len;
	return octets;
}

static void
take_mark(const uint8_t *octets, size_t len, struct replay_moment *at)
{
	char text[64];
	unsigned n;

	snprintf(text, sizeof(text), "%.*s", (int)len, (const char *)octets);
	if (sscanf(text, "started %u", &n) == 1) {
		at->started = n;
	} else if (sscanf(text, "committed %u", &n) == 1) {
		at->committed = n;
	}
}

/* One that goes through to the disk is first on its way. */
static const uint8_t *
first_half(const uint8_t *octets, struct trace_head *head, bool *has_second)
{
	*has_second = head->op == TRACE_WRITE_THROUGH;
	if (*has_second) {
		head->op = TRACE_WRITE;
	}
	return octets;
}

static bool
is_well(const struct replay_params *p, const struct replay_moment *at,
	bool is_quiet)
{
	pid_t child;
	int status = -1;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		alarm(CHECK_S);
		if (is_quiet && (freopen("/dev/null", "w", stdout) == NULL ||
				 freopen("/dev/null", "w", stderr) == NULL)) {
			_Exit(EXIT_FAILURE);
		}
		p->check(p->arg, p->dir, at);
		_Exit(EXIT_SUCCESS);
	}
	if (child > 0) {
		waitpid(child, &status, 0);
	}
	if (!is_quiet && status != 0) {
		if (WIFSIGNALED(status)) {
			printf("       %s\n", strsignal(WTERMSIG(status)));
		}
		printf("       between %u and %u\n", at->committed,
		       at->started);
	}
	return status == 0;
}

static void
look(const struct disk *d, const struct replay_params *p, struct rnd *r,
     const struct replay_moment *at, struct replay_result *out)
{
	scratch_remove(p->dir);
	if (mkdir(p->dir, 0700) != 0) {
		perror(p->dir);
		exit(EXIT_FAILURE);
	}
	disk_make(d, r, p->sector, p->dir);
	out->states++;
	out->bad += !is_well(p, at, p->is_control || out->bad >= TOLD);
}

/* How many moments there are at which something is in doubt. */
static unsigned
count_doubts(const struct replay *r, unsigned *operations)
{
	struct disk *d = disk_new();
	struct trace_head head;
	const uint8_t *octets;
	unsigned count = 0;
	size_t at = 0;

	*operations = 0;
	while ((octets = next(r, &at, &head)) != NULL) {
		bool has_second;

		octets = first_half(octets, &head, &has_second);
		disk_do(d, &head, octets);
		count += head.op != TRACE_MARK && !disk_is_settled(d);
		if (has_second) {
			head.op = TRACE_WRITE_THROUGH;
			disk_do(d, &head, octets);
		}
		*operations += head.op != TRACE_MARK;
	}
	disk_free(d);
	return count;
}

struct replay_result
replay_run(struct replay *r, const struct replay_params *p)
{
	struct replay_result out = {.states = 0};
	unsigned doubts = count_doubts(r, &out.operations), passed = 0;
	struct replay_moment moment = {0, 0};
	struct rnd rnd = {p->seed};
	struct disk *d = disk_new();
	struct trace_head head;
	const uint8_t *octets;
	size_t at = 0;

	while ((octets = next(r, &at, &head)) != NULL) {
		bool has_second;

		octets = first_half(octets, &head, &has_second);
		if (head.op == TRACE_MARK) {
			take_mark(octets, head.len, &moment);
		}
		disk_do(d, &head, octets);
		passed += head.op != TRACE_MARK && !disk_is_settled(d);
		while ((uint64_t)out.states * doubts <
		       (uint64_t)p->states * passed) {
			look(d, p, &rnd, &moment, &out);
		}
		if (has_second) {
			head.op = TRACE_WRITE_THROUGH;
			disk_do(d, &head, octets);
		}
	}
	disk_free(d);
	scratch_remove(p->dir);
	return out;
}
