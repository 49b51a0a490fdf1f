/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/evidence.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/error.h"
#include "server/module_sockaddr.h"

#define BUCKETS    256 /* by hash, a power of two */
#define PEER_SLOTS 256

struct bucket {
	struct evidence_item *first;
};

struct evidence {
	pthread_mutex_t lock;
	struct bucket buckets[BUCKETS];
	unsigned count, unproved_count;
	uint64_t left_out;
	uint64_t seed; /* strangers know not who shares a bucket */
	void (*wake)(void *arg);
	void *wake_arg;
	bool is_told;
	/* Of this second; peers share slots. */
	int64_t second;
	size_t compared;
	uint8_t compared_of[PEER_SLOTS];
};

int
evidence_new(struct evidence **out)
{
	struct evidence *e = calloc(1, sizeof(*e));

	if (e == NULL) {
		return SECD_ENOMEM;
	}
	if (pthread_mutex_init(&e->lock, NULL) != 0) {
		free(e);
		return SECD_ENOMEM;
	}
	/* Without randomness it works all the same. */
	(void)!getrandom(&e->seed, sizeof(e->seed), 0);
	*out = e;
	return SECD_OK;
}

void
evidence_free(struct evidence *e)
{
	uint64_t left_out;

	if (e != NULL) {
		evidence_items_free(evidence_take(e, &left_out));
		pthread_mutex_destroy(&e->lock);
		free(e);
	}
}

void
evidence_items_free(struct evidence_item *first)
{
	while (first != NULL) {
		struct evidence_item *next = first->next;

		free(first);
		first = next;
	}
}

/* FNV-1a. */
static uint64_t
hash_octets(uint64_t h, const uint8_t *octets, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		h = (h ^ octets[i]) * UINT64_C(0x100000001b3);
	}
	return h;
}

static uint64_t
hash_peer(const struct evidence *e, const struct secd_address *peer)
{
	return hash_octets(e->seed ^ peer->family, peer->octets,
			   sizeof(peer->octets));
}

/* Of one name and peer there are few. */
static struct bucket *
bucket_of(struct evidence *e, const struct secd_key_used *u)
{
	uint64_t h =
	    hash_octets(hash_peer(e, &u->peer), u->name, name_len(u->name));

	return &e->buckets[(h ^ h >> 32) % BUCKETS];
}

static bool
is_same_peer(const struct secd_address *a, const struct secd_address *b)
{
	return a->family == b->family && a->port == b->port &&
	       a->scope == b->scope &&
	       memcmp(a->octets, b->octets, sizeof(a->octets)) == 0;
}

static bool
is_same(const struct secd_key_used *a, const struct secd_key_used *b)
{
	return a->way == b->way && a->tsig_error == b->tsig_error &&
	       a->tag == b->tag && is_same_peer(&a->peer, &b->peer) &&
	       name_equal(a->name, b->name);
}

/* Only who has a secret of that name can have made it. */
static bool
is_proved(const struct secd_key_used *u)
{
	return u->tag != 0 || (u->tsig_error != TSIG_ERROR_BADSIG &&
			       u->tsig_error != TSIG_ERROR_BADKEY);
}

/* NULL: there is no room. */
static struct evidence_item *
item_new(struct evidence *e, struct bucket *bucket,
	 const struct secd_key_used *u)
{
	size_t len = name_len(u->name);
	bool is_unproved = !is_proved(u);
	struct evidence_item *item;

	if (e->count == EVIDENCE_MAX ||
	    (is_unproved && e->unproved_count == EVIDENCE_UNPROVED_MAX)) {
		return NULL;
	}
	item = calloc(1, sizeof(*item) + len);
	if (item == NULL) {
		return NULL;
	}
	item->used = *u;
	item->used.size = sizeof(item->used);
	item->used.count = 0;
	memcpy(item->name, u->name, len);
	item->used.name = item->name;
	item->next = bucket->first;
	bucket->first = item;
	e->count++;
	e->unproved_count += is_unproved;
	return item;
}

static void
add(struct evidence *e, const struct secd_key_used *u)
{
	struct bucket *bucket = bucket_of(e, u);
	struct evidence_item *item = bucket->first;

	while (item != NULL && !is_same(&item->used, u)) {
		item = item->next;
	}
	if (item == NULL) {
		item = item_new(e, bucket, u);
	}
	if (item == NULL) {
		e->left_out += u->count;
		return;
	}
	item->used.at_ms = u->at_ms;
	item->used.skew_ms = u->skew_ms;
	item->used.count = u->count > UINT32_MAX - item->used.count
			       ? UINT32_MAX
			       : item->used.count + u->count;
}

static void
tell(struct evidence *e)
{
	if (!e->is_told && e->wake != NULL &&
	    (e->count > 0 || e->left_out > 0)) {
		e->is_told = true;
		e->wake(e->wake_arg);
	}
}

void
evidence_add(struct evidence *e, const struct secd_key_used *used)
{
	pthread_mutex_lock(&e->lock);
	add(e, used);
	tell(e);
	pthread_mutex_unlock(&e->lock);
}

/* Is the MAC one of our key, whatever else is wrong? */
static bool
is_good_mac(enum tsig_verdict verdict)
{
	return verdict == TSIG_GOOD || verdict == TSIG_BADTIME ||
	       verdict == TSIG_BADTRUNC;
}

void
evidence_add_answer(struct evidence *e, const struct tsig_key *key,
		    enum tsig_verdict verdict,
		    const struct sockaddr_storage *peer, int64_t skew_s)
{
	enum tsig_error error;
	struct secd_key_used used = {
	    .way = SECD_WAY_OUT,
	    .count = 1,
	    .peer = module_sockaddr_of(peer),
	    .at_ms = clock_wall_ms(),
	    .skew_ms = skew_s * 1000,
	};

	if (e == NULL || key == NULL || tsig_key_tag(key) == 0 ||
	    !tsig_verdict_error(verdict, &error)) {
		return;
	}
	used.name = tsig_key_name(key);
	used.tsig_error = error;
	used.tag = is_good_mac(verdict) ? tsig_key_tag(key) : 0;
	evidence_add(e, &used);
}

void
evidence_set_wake(struct evidence *e, void (*wake)(void *arg), void *arg)
{
	pthread_mutex_lock(&e->lock);
	e->wake = wake;
	e->wake_arg = arg;
	e->is_told = false;
	tell(e);
	pthread_mutex_unlock(&e->lock);
}

void
evidence_expect(struct evidence *e)
{
	pthread_mutex_lock(&e->lock);
	e->is_told = false;
	pthread_mutex_unlock(&e->lock);
}

bool
evidence_may_compare(struct evidence *e, const struct secd_address *peer,
		     size_t count, int64_t second)
{
	uint8_t *of_peer;
	bool may;

	pthread_mutex_lock(&e->lock);
	if (e->second != second) {
		e->second = second;
		e->compared = 0;
		memset(e->compared_of, 0, sizeof(e->compared_of));
	}
	of_peer = &e->compared_of[hash_peer(e, peer) % PEER_SLOTS];
	may = *of_peer < EVIDENCE_COMPARED_PEER_MAX &&
	      e->compared < EVIDENCE_COMPARED_MAX;
	if (may) {
		*of_peer += 1;
		e->compared += count;
	}
	pthread_mutex_unlock(&e->lock);
	return may;
}

struct evidence_item *
evidence_take(struct evidence *e, uint64_t *left_out)
{
	struct evidence_item *all = NULL;

	pthread_mutex_lock(&e->lock);
	for (unsigned i = 0; i < BUCKETS; i++) {
		while (e->buckets[i].first != NULL) {
			struct evidence_item *item = e->buckets[i].first;

			e->buckets[i].first = item->next;
			item->next = all;
			all = item;
		}
	}
	e->count = e->unproved_count = 0;
	*left_out = e->left_out;
	e->left_out = 0;
	pthread_mutex_unlock(&e->lock);
	return all;
}
