/* SPDX-License-Identifier: BSD-2-Clause */

#include "place/worker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "place/request.h"

/* A request is there at once: the server has nothing to wait for. */
#define READ_MS  10000
#define ROOM_MIN 4096

/* Beyond its limit a placement may still undo things; that it hangs in spite
 * of all limits is for the kernel to end. */
#define GRACE_S 10

/* Octets in locked memory that is given up for a larger one as they come. */
struct input {
	uint8_t *octets;
	size_t len, cap;
};

static int
make_room(struct input *in)
{
	size_t cap = in->cap == 0 ? ROOM_MIN : in->cap * 2;
	uint8_t *more;

	if (in->len < in->cap) {
		return SECD_OK;
	}
	if (cap > 2 * REQUEST_OCTETS_MAX) {
		return SECD_ELIMIT;
	}
	more = secret_new(cap);
	if (more == NULL) {
		return SECD_ENOMEM;
	}
	if (in->len > 0) {
		memcpy(more, in->octets, in->len);
	}
	secret_free(in->octets, in->cap);
	in->octets = more;
	in->cap = cap;
	return SECD_OK;
}

static int
read_request(int fd, struct input *in)
{
	const struct limit l = {.until_ms = clock_awake_ms() + READ_MS,
				.asker = fd};
	int rc = SECD_OK;

	while (rc == SECD_OK) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		ssize_t got;

		rc = limit_poll(&l, &p, 1, -1);
		if (rc == SECD_OK) {
			rc = make_room(in);
		}
		if (rc != SECD_OK) {
			break;
		}
		got = recv(fd, in->octets + in->len, in->cap - in->len,
			   MSG_DONTWAIT);
		if (got == 0) {
			return SECD_OK;
		}
		if (got < 0 && errno != EINTR && errno != EAGAIN) {
			return SECD_EIO;
		}
		in->len += got > 0 ? (size_t)got : 0;
	}
	return rc;
}

static void
work(const struct request *r, int fd, struct adapter_result *result)
{
	char reason[MARK_REASON_MAX];
	struct mark mark;
	struct adapter_work w = {
	    .settings = r->settings,
	    .keys = r->keys,
	    .key_count = r->key_count,
	    .mark = &mark,
	    .limit = {.until_ms = clock_awake_ms() + r->timeout_ms,
		      .asker = fd},
	    .result = result,
	};
	char *server = settings_line(&r->settings, SETTING_SERVER);
	int rc;

	if (server == NULL) {
		adapter_say(&w, SECD_ENOMEM, "no memory");
		return;
	}
	rc = mark_open(&mark, r->dir, server, &w.limit, reason);
	if (rc == SECD_OK) {
		r->adapter->place(&w);
		mark_close(&mark);
	} else {
		adapter_say(&w, rc, "%s", reason);
	}
	free(server);
	adapter_mask(r->keys, r->key_count, result->text);
}

void
worker_run(int fd)
{
	struct adapter_result result = {.rc = SECD_EIO};
	struct input in = {.octets = NULL};
	struct request r;
	int rc = read_request(fd, &in);

	if (rc == SECD_OK) {
		rc = request_read(in.octets, in.len, &r);
	}
	if (rc == SECD_OK) {
		alarm((unsigned)(r.timeout_ms / 1000) + GRACE_S);
		work(&r, fd, &result);
		alarm(0);
		request_fini(&r);
	} else {
		result.rc = rc;
		strcpy(result.text, "the request did not get through whole");
	}
	secret_free(in.octets, in.cap);
	(void)!send(fd, &result, sizeof(result), MSG_NOSIGNAL);
	close(fd);
}
