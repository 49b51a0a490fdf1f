/* SPDX-License-Identifier: BSD-2-Clause */

#include "fake_host.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#define WALKS_MAX 8

const char *const fake_function_names[FAKE_FUNCTION_COUNT] = {
    [FAKE_ZONE_GET] = "zone_get",     [FAKE_ZONE_NEXT] = "zone_next",
    [FAKE_WALK_BEGIN] = "walk_begin", [FAKE_WALK_NEXT] = "walk_next",
    [FAKE_NOTIFY] = "notify",         [FAKE_ZONE_PIN] = "zone_pin",
    [FAKE_ZONE_UNPIN] = "zone_unpin", [FAKE_KEY_PUT] = "key_put",
    [FAKE_KEY_DROP] = "key_drop",     [FAKE_KEY_USE] = "key_use",
    [FAKE_PROBE] = "probe",           [FAKE_PLACE] = "place",
    [FAKE_SECRET_NEW] = "secret_new",
};

void
fake_wrong(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	printf("       ");
	vprintf(format, args);
	printf("\n");
	va_end(args);
	fflush(stdout);
	_Exit(1);
}

/* Is it this one's turn to fail? The code is one that callers must know. */
static int
luck(struct fake_host *h, enum fake_function f)
{
	static const int codes[] = {SECD_ENOMEM, SECD_EBUSY, SECD_EIO,
				    SECD_ENOTFOUND};

	if (!h->in_call) {
		fake_wrong("%s: called out of no call", fake_function_names[f]);
	}
	if (h->failing != f || h->fail_calls++ % h->fail_every != 0) {
		return SECD_OK;
	}
	return codes[rnd_below(&h->rnd, 4)];
}

static void
check_name(const uint8_t *name, const char *what)
{
	size_t at = 0;

	if (name == NULL) {
		fake_wrong("%s: no name", what);
	}
	for (; name[at] != 0; at += (size_t)1 + name[at]) {
		if (name[at] > 63 || at + name[at] > 253) {
			fake_wrong("%s: no name in wire format", what);
		}
		for (size_t i = 1; i <= name[at]; i++) {
			if (name[at + i] >= 'A' && name[at + i] <= 'Z') {
				fake_wrong("%s: a name is not lower-case",
					   what);
			}
		}
	}
}

static void
on_log(void *ctx, int level, const char *text)
{
	struct fake_host *h = ctx;

	if (level < SECD_ERROR || level > SECD_DEBUG || text[0] == '\0' ||
	    strchr(text, '\n') != NULL) {
		fake_wrong("log: level %d, \"%s\"", level, text);
	}
	__atomic_fetch_add(&h->logged, 1, __ATOMIC_RELAXED);
	if (h->watcher != NULL) {
		h->watcher->logged(h, text);
	}
}

static void
on_clock(void *ctx, struct secd_time *out)
{
	struct fake_host *h = ctx;

	*out = h->now;
}

/* -1: there is none. */
static int
find(const struct fake_host *h, const uint8_t *apex)
{
	for (int i = 0; i < FAKE_ZONES; i++) {
		if (h->configured[i] &&
		    memcmp(apex, h->zones[i].apex, 4) == 0) {
			return i;
		}
	}
	return -1;
}

static void
describe(const struct fake_host *h, int i, struct secd_zone *out)
{
	const struct model_version *v = model_newest(&h->zones[i]);

	out->flags = v != NULL ? SECD_ZONE_HELD : 0;
	out->apex = h->zones[i].apex;
	out->seq = v != NULL ? v->seq : 0;
	out->serial = v != NULL ? v->serial : 0;
	out->expires_at_ms = 0;
	out->keys = NULL;
	out->key_count = 0;
}

static int
give_zone(struct fake_host *h, int i, struct secd_zone *out)
{
	if (h->in_open) {
		fake_wrong("zones are not for open");
	}
	if (out->size < offsetof(struct secd_zone, key_count)) {
		fake_wrong("zone: size is not set");
	}
	if (i < 0 || i == FAKE_ZONES) {
		return SECD_ENOTFOUND;
	}
	describe(h, i, out);
	return SECD_OK;
}

static int
on_zone_get(void *ctx, const uint8_t *apex, struct secd_zone *out)
{
	struct fake_host *h = ctx;
	int rc = luck(h, FAKE_ZONE_GET);

	check_name(apex, "zone_get");
	return rc != SECD_OK ? rc : give_zone(h, find(h, apex), out);
}

static int
on_zone_next(void *ctx, const uint8_t *apex, struct secd_zone *out)
{
	struct fake_host *h = ctx;
	int rc = luck(h, FAKE_ZONE_NEXT), i = 0;

	while (i < FAKE_ZONES &&
	       (!h->configured[i] ||
		(apex != NULL && memcmp(h->zones[i].apex, apex, 4) <= 0))) {
		i++;
	}
	return rc != SECD_OK ? rc : give_zone(h, i, out);
}

struct secd_walk {
	struct fake_host *host;
	struct buf octets;
	size_t pos;
	uint8_t *lent; /* a copy that is gone at the next call */
};

/* Whole entries, at most as much as is allowed, often less. */
static size_t
cut(struct rnd *r, const uint8_t *octets, size_t len)
{
	size_t wanted = rnd_below(r, SECD_CHUNK_MAX), at = 0;
	struct secd_entry e;

	while (at < len) {
		size_t n = secd_entry_read(octets + at, len - at, &e);

		if (at > 0 && at + n > wanted) {
			break;
		}
		at += n;
	}
	return at;
}

static int
walk_begin(void *ctx, const uint8_t *apex, uint64_t seq, struct secd_walk **out)
{
	struct fake_host *h = ctx;
	int rc = luck(h, FAKE_WALK_BEGIN), i;
	const struct model_version *v;
	struct secd_walk *w;

	check_name(apex, "walk_begin");
	i = find(h, apex);
	if (h->in_open) {
		fake_wrong("walk_begin is not for open");
	}
	if (rc != SECD_OK || i < 0) {
		return rc != SECD_OK ? rc : SECD_ENOTFOUND;
	}
	v = seq == 0 ? model_newest(&h->zones[i])
		     : model_find(&h->zones[i], seq);
	if (v == NULL) {
		return SECD_ENOTFOUND;
	}
	if (h->walks == WALKS_MAX) {
		return SECD_EBUSY;
	}
	w = calloc(1, sizeof(*w));
	if (w == NULL) {
		return SECD_ENOMEM;
	}
	w->host = h;
	model_whole(&h->zones[i], v, &w->octets);
	h->walks++;
	*out = w;
	return SECD_OK;
}

/* The copy has no octet to spare, and does not live on. */
static int
lend(struct rnd *r, const struct buf *from, size_t *pos, uint8_t **lent,
     const uint8_t **octets, size_t *len)
{
	free(*lent);
	*lent = NULL;
	*len = cut(r, from->data + *pos, from->len - *pos);
	*octets = NULL;
	if (*len > 0) {
		*lent = malloc(*len);
		if (*lent == NULL) {
			return SECD_ENOMEM;
		}
		memcpy(*lent, from->data + *pos, *len);
		*octets = *lent;
		*pos += *len;
	}
	return SECD_OK;
}

static int
walk_next(struct secd_walk *w, const uint8_t **octets, size_t *len)
{
	int rc = luck(w->host, FAKE_WALK_NEXT);

	return rc != SECD_OK ? rc
			     : lend(&w->host->rnd, &w->octets, &w->pos,
				    &w->lent, octets, len);
}

static void
walk_end(struct secd_walk *w)
{
	if (w != NULL) {
		w->host->walks--;
		free(w->lent);
		buf_fini(&w->octets);
		free(w);
	}
}

static int
on_notify(void *ctx, const uint8_t *apex)
{
	struct fake_host *h = ctx;
	int rc = luck(h, FAKE_NOTIFY);

	check_name(apex, "notify");
	return rc != SECD_OK       ? rc
	       : find(h, apex) < 0 ? SECD_ENOTFOUND
				   : SECD_OK;
}

/* Remember to answer. */
static int
pend(struct fake_host *h, uint32_t event, uint64_t id)
{
	if (h->pending_count == FAKE_PENDING) {
		return SECD_EBUSY;
	}
	h->pending[h->pending_count++] = (struct fake_pending){event, id};
	return SECD_OK;
}

static int
on_pin(void *ctx, const uint8_t *apex, uint64_t seq, uint64_t id)
{
	struct fake_host *h = ctx;
	int rc = luck(h, FAKE_ZONE_PIN), i;

	check_name(apex, "zone_pin");
	i = find(h, apex);
	if (rc == SECD_OK && (i < 0 || seq == 0)) {
		rc = SECD_ENOTFOUND;
	}
	return rc != SECD_OK ? rc : pend(h, SECD_EVENT_PINNED, id);
}

static int
on_unpin(void *ctx, const uint8_t *apex, uint64_t id)
{
	struct fake_host *h = ctx;
	int rc = luck(h, FAKE_ZONE_UNPIN);

	check_name(apex, "zone_unpin");
	if (rc == SECD_OK && find(h, apex) < 0) {
		rc = SECD_ENOTFOUND;
	}
	return rc != SECD_OK ? rc : pend(h, SECD_EVENT_PINNED, id);
}

static void
check_secret(const struct fake_host *h, const uint8_t *secret, size_t len,
	     const char *what)
{
	if (secret == NULL || len == 0) {
		fake_wrong("%s: no secret", what);
	}
	if (!fake_keys_owns(&h->keys, secret, len)) {
		fake_wrong("%s: a secret that is not in memory for secrets",
			   what);
	}
}

static void
check_key(const struct fake_host *h, const struct secd_key *key,
	  const char *what, bool has_secret)
{
	if (key->size < offsetof(struct secd_key, tag)) {
		fake_wrong("%s: size is not set", what);
	}
	check_name(key->name, what);
	if (has_secret) {
		check_secret(h, key->secret, key->secret_len, what);
	}
	if ((has_secret && key->algorithm == NULL) || key->tag == 0) {
		fake_wrong("%s: no algorithm, or no tag", what);
	}
}

static int
on_key_put(void *ctx, const struct secd_key *key)
{
	struct fake_host *h = ctx;
	int rc = luck(h, FAKE_KEY_PUT);

	check_key(h, key, "key_put", true);
	return rc != SECD_OK ? rc : fake_keys_put(&h->keys, key);
}

static int
on_key_drop(void *ctx, const struct secd_key *key)
{
	struct fake_host *h = ctx;
	int rc = luck(h, FAKE_KEY_DROP);

	check_key(h, key, "key_drop", false);
	return rc != SECD_OK ? rc : fake_keys_drop(&h->keys, key);
}

static int
on_key_use(void *ctx, const uint8_t *configured, const uint8_t *key)
{
	struct fake_host *h = ctx;
	int rc = luck(h, FAKE_KEY_USE);

	check_name(configured, "key_use");
	check_name(key, "key_use");
	return rc != SECD_OK ? rc : fake_keys_use(&h->keys, configured, key);
}

static int
on_probe(void *ctx, const struct secd_probe *p)
{
	struct fake_host *h = ctx;
	int rc = luck(h, FAKE_PROBE);

	check_name(p->zone, "probe");
	check_name(p->key, "probe");
	if (p->size < offsetof(struct secd_probe, timeout_ms) ||
	    (p->to.family != 4 && p->to.family != 6) || p->to.port == 0 ||
	    p->timeout_ms == 0 || (p->secret != NULL && p->algorithm == NULL)) {
		fake_wrong("probe: size, address, timeout or algorithm");
	}
	if (p->secret != NULL) {
		check_secret(h, p->secret, p->secret_len, "probe");
	}
	if (rc == SECD_OK && h->watcher != NULL && h->watcher->probed(h, p)) {
		return SECD_OK;
	}
	return rc != SECD_OK ? rc : pend(h, SECD_EVENT_PROBE_DONE, p->id);
}

static int
on_place(void *ctx, const struct secd_placement *p)
{
	struct fake_host *h = ctx;
	int rc = luck(h, FAKE_PLACE);

	if (p->size < offsetof(struct secd_placement, key_count) ||
	    p->adapter == NULL || p->timeout_ms == 0) {
		fake_wrong("place: size, adapter or timeout");
	}
	for (size_t i = 0; i < p->key_count; i++) {
		check_key(h, p->keys[i], "place", true);
	}
	if (rc == SECD_OK && h->watcher != NULL && h->watcher->placed(h, p)) {
		return SECD_OK;
	}
	if (rc != SECD_OK && SECD_HAS(p, reason) && p->reason != NULL) {
		snprintf(p->reason, SECD_REASON_LEN, "it is told to refuse");
	}
	return rc != SECD_OK ? rc : pend(h, SECD_EVENT_PLACED, p->id);
}

static void *
on_secret_new(void *ctx, size_t len)
{
	struct fake_host *h = ctx;

	return luck(h, FAKE_SECRET_NEW) != SECD_OK
		   ? NULL
		   : fake_keys_memory(&h->keys, len);
}

static void
on_secret_free(void *ctx, void *secret, size_t len)
{
	struct fake_host *h = ctx;

	if (secret != NULL && !fake_keys_free(&h->keys, secret, len)) {
		fake_wrong("secret_free: of what secret_new did not give");
	}
}

void
fake_host_init(struct fake_host *h, const struct secd_module *module,
	       const char *state_dir, const struct secd_options *options,
	       uint64_t seed)
{
	*h = (struct fake_host){
	    .module = module,
	    .options = options,
	    .rnd = {seed},
	    .now = {.wall_ms = 1700000000000, .boot_ms = 5000},
	    .failing = FAKE_FUNCTION_COUNT,
	    .fail_every = 1,
	};
	h->api = (struct secd_host){
	    .size = sizeof(h->api),
	    .abi_major = SECD_ABI_MAJOR,
	    .abi_minor = SECD_ABI_MINOR,
	    .name = "fake host 1",
	    .state_dir = state_dir,
	    .ctx = h,
	    .log = on_log,
	    .clock = on_clock,
	    .zone_get = on_zone_get,
	    .zone_next = on_zone_next,
	    .walk_begin = walk_begin,
	    .walk_next = walk_next,
	    .walk_end = walk_end,
	    .notify = on_notify,
	    .zone_pin = on_pin,
	    .zone_unpin = on_unpin,
	    .key_put = on_key_put,
	    .key_drop = on_key_drop,
	    .key_use = on_key_use,
	    .probe = on_probe,
	    .place = on_place,
	    .secret_new = on_secret_new,
	    .secret_free = on_secret_free,
	};
	for (unsigned i = 0; i < FAKE_ZONES; i++) {
		model_init(&h->zones[i], i);
		h->configured[i] = true;
	}
}

void
fake_host_take(struct fake_host *h, enum fake_function f)
{
	struct secd_host *a = &h->api;

	switch (f) {
	case FAKE_ZONE_GET:
		a->zone_get = NULL;
		break;
	case FAKE_ZONE_NEXT:
		a->zone_next = NULL;
		break;
	case FAKE_WALK_BEGIN: /* these three come together */
	case FAKE_WALK_NEXT:
		a->walk_begin = NULL;
		a->walk_next = NULL;
		a->walk_end = NULL;
		break;
	case FAKE_NOTIFY:
		a->notify = NULL;
		break;
	case FAKE_ZONE_PIN:
	case FAKE_ZONE_UNPIN:
		a->zone_pin = NULL;
		a->zone_unpin = NULL;
		break;
	case FAKE_KEY_PUT:
		a->key_put = NULL;
		break;
	case FAKE_KEY_DROP:
		a->key_drop = NULL;
		break;
	case FAKE_KEY_USE:
		a->key_use = NULL;
		break;
	case FAKE_PROBE:
		a->probe = NULL;
		break;
	case FAKE_PLACE:
		a->place = NULL;
		break;
	case FAKE_SECRET_NEW:
		a->secret_new = NULL;
		a->secret_free = NULL;
		break;
	case FAKE_FUNCTION_COUNT:
		break;
	}
}

/*
 * Open and close
 */

static void
check_reason(const char *reason)
{
	if (memchr(reason, '\0', SECD_REASON_LEN) == NULL ||
	    reason[0] == '\0' || strchr(reason, '\n') != NULL) {
		fake_wrong("open or check failed without a sentence");
	}
}

int
fake_host_check_options(const struct fake_host *h,
			const struct secd_options *options)
{
	char reason[SECD_REASON_LEN] = "";
	int rc = SECD_OK;

	if (SECD_HAS(h->module, check) && h->module->check != NULL) {
		rc = h->module->check(options, reason);
	}
	if (rc != SECD_OK) {
		check_reason(reason);
	}
	return rc;
}

int
fake_host_open(struct fake_host *h)
{
	char *reason = calloc(1, SECD_REASON_LEN);
	bool may_open = true;
	int rc;

	if (reason == NULL) {
		return SECD_ENOMEM;
	}
	h->m = NULL;
	if ((h->api.flags & SECD_HOST_READ_ONLY) == 0) {
		may_open = fake_host_check_options(h, h->options) == SECD_OK;
	}
	h->in_call = h->in_open = true;
	rc = h->module->open(&h->api, h->options, &h->m, reason);
	h->in_call = h->in_open = false;
	if (rc == SECD_OK && !may_open) {
		fake_wrong("opened with options that `check` refuses");
	}
	if (rc != SECD_OK) {
		check_reason(reason);
		h->m = NULL;
	}
	free(reason);
	return rc;
}
