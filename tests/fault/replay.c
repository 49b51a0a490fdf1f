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
#define TOLD    5  /* of what is bad; the rest is counted */

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

/* On the way through a trace. */
struct course {
	const struct replay *trace;
	const struct replay_params *params;
	struct disk *disk;
	size_t at;
	struct replay_moment moment;
	bool has_failed;
	unsigned since_failure;
	unsigned operations;
	/* Of a write that goes through to the disk, which is first on its way:
	 * what is left to be done. */
	struct trace_head rest;
	const uint8_t *rest_octets; /* NULL: nothing */
};

static void
take_mark(const uint8_t *octets, size_t len, struct course *c)
{
	char text[64];
	unsigned n;

	snprintf(text, sizeof(text), "%.*s", (int)len, (const char *)octets);
	if (sscanf(text, "started %u", &n) == 1) {
		c->moment.started = n;
	} else if (sscanf(text, "committed %u", &n) == 1) {
		c->moment.committed = n;
	} else if (strcmp(text, "failed") == 0) {
		c->has_failed = true;
		c->since_failure = 0;
	}
}

/* One operation further. false: that was the end. */
static bool
go_on(struct course *c)
{
	struct trace_head head;
	const uint8_t *octets;

	if (c->rest_octets != NULL) {
		disk_do(c->disk, &c->rest, c->rest_octets);
		c->rest_octets = NULL;
	}
	while ((octets = next(c->trace, &c->at, &head)) != NULL &&
	       head.op == TRACE_MARK) {
		take_mark(octets, head.len, c);
	}
	if (octets == NULL) {
		return false;
	}
	if (head.op == TRACE_WRITE_THROUGH) {
		c->rest = head;
		c->rest_octets = octets;
		head.op = TRACE_WRITE;
	}
	disk_do(c->disk, &head, octets);
	c->operations++;
	c->since_failure++;
	return true;
}

/* Is it worth while to have the power cut here? */
static bool
is_in_doubt(const struct course *c)
{
	unsigned behind = c->params->behind_failure;

	return !disk_is_settled(c->disk) &&
	       (behind == 0 || (c->has_failed && c->since_failure <= behind));
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

static unsigned told;

static void
look(const struct course *c, struct rnd *r, struct replay_result *out)
{
	const struct replay_params *p = c->params;

	scratch_remove(p->dir);
	if (mkdir(p->dir, 0700) != 0) {
		perror(p->dir);
		exit(EXIT_FAILURE);
	}
	disk_make(c->disk, r, p->sector, p->dir);
	out->states++;
	if (!is_well(p, &c->moment, p->is_control || told == TOLD)) {
		out->bad++;
		told += !p->is_control;
	}
}

static unsigned
count_doubts(const struct course *begin, unsigned *operations)
{
	struct course c = *begin;
	unsigned count = 0;

	c.disk = disk_new();
	while (go_on(&c)) {
		count += is_in_doubt(&c);
	}
	*operations = c.operations;
	disk_free(c.disk);
	return count;
}

struct replay_result
replay_run(const struct replay *r, const struct replay_params *p)
{
	struct replay_result out = {.states = 0};
	struct course c = {.trace = r, .params = p};
	unsigned doubts = count_doubts(&c, &out.operations), passed = 0;
	struct rnd rnd = {p->seed};

	c.disk = disk_new();
	while (go_on(&c)) {
		passed += is_in_doubt(&c);
		while ((uint64_t)out.states * doubts <
		       (uint64_t)p->states * passed) {
			look(&c, &rnd, &out);
		}
	}
	disk_free(c.disk);
	scratch_remove(p->dir);
	return out;
}
