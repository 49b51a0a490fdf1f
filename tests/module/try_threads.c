/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * changes_since from other threads, while changes are taken in.
 */

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "try_module.h"

struct asker {
	const struct fake_host *host;
	struct model_zone zones[FAKE_ZONES];
	uint64_t to[FAKE_ZONES];
	int ending;
	unsigned asked;
};

static void
ask_once(struct asker *a, unsigned i, struct rnd *r)
{
	const struct model_version *to = model_find(&a->zones[i], a->to[i]);
	const struct model_version *from =
	    to == NULL ? NULL : model_find(&a->zones[i], to->from_seq);
	uint8_t *buffer = malloc(SECD_CHUNK_MAX);
	uint64_t position[SECD_POSITION_LEN / 8] = {0};
	struct model_version v;
	struct secd_since s = {
	    .size = sizeof(s),
	    .apex = a->zones[i].apex,
	    .to_seq = a->to[i],
	    .position = (uint8_t *)position,
	    .buffer = buffer,
	    .cap = SECD_CHUNK_MAX,
	};
	struct buf steps = {0};
	const char *wrong = NULL;
	int rc = SECD_ENOTFOUND;

	(void)r;
	if (from != NULL && buffer != NULL) {
		v = *from;
		s.from = from->serial;
		s.from_seq = from->seq;
		do {
			s.len = 0;
			rc = a->host->module->changes_since(a->host->m, &s);
			if (rc >= 0) {
				buf_put(&steps, buffer, s.len);
			}
		} while (rc == SECD_MORE);
	}
	if (rc == SECD_OK) {
		wrong = model_apply(&a->zones[i], &v, steps.data, steps.len);
		if (wrong == NULL && v.serial != to->serial) {
			wrong = "leads to another serial";
		}
		__atomic_fetch_add(&a->asked, 1, __ATOMIC_RELAXED);
	}
	if (wrong != NULL) {
		fake_wrong("changes_since: %s", wrong);
	}
	buf_fini(&steps);
	free(buffer);
}

static void *
ask(void *arg)
{
	struct asker *a = arg;
	struct rnd r = {(uint64_t)(uintptr_t)&r};

	while (!__atomic_load_n(&a->ending, __ATOMIC_RELAXED)) {
		ask_once(a, rnd_below(&r, FAKE_ZONES), &r);
	}
	return NULL;
}

void
changes_since_comes_from_any_thread(const struct trial *t)
{
	struct fake_host *h = trial_open(t, 8);
	struct asker *a = calloc(1, sizeof(*a));
	pthread_t threads[3];

	if (a == NULL) {
		fake_wrong("no memory");
	}
	for (int i = 0; i < 30; i++) {
		fake_host_group(h, 3);
		fake_host_settle(h);
	}
	a->host = h;
	memcpy(a->zones, h->zones, sizeof(a->zones));
	memcpy(a->to, h->expected, sizeof(a->to));
	for (int i = 0; i < 3 && t->module->changes_since != NULL; i++) {
		pthread_create(&threads[i], NULL, ask, a);
	}
	for (unsigned i = 0; i < 20 * t->rounds; i++) {
		fake_host_group(h, 2);
	}
	__atomic_store_n(&a->ending, 1, __ATOMIC_RELAXED);
	for (int i = 0; i < 3 && t->module->changes_since != NULL; i++) {
		pthread_join(threads[i], NULL);
	}
	if (t->module->changes_since != NULL && a->asked == 0) {
		fake_wrong("never an answer");
	}
	trial_end(h);
	free(a);
}
