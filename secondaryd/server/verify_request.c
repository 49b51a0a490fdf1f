/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/verify_request.h"

#include "base/clock.h"
#include "server/evidence.h"
#include "server/module_sockaddr.h"

/* The tag of the secret that would have fitted, of those that are compared; 0:
 * none, or there was no time to look. */
static uint64_t
find_secret(struct evidence *e, const struct keyring *ring,
	    const struct secd_address *peer, const uint8_t *msg, size_t len,
	    const struct tsig_place *place, int64_t second)
{
	const struct keyring_key *keys;
	size_t count = keyring_compared(ring, place->key, &keys);

	if (count == 0 || !evidence_may_compare(e, peer, count, second)) {
		return 0;
	}
	for (size_t i = 0; i < count; i++) {
		if (tsig_request_fits(keys[i].key, msg, len, place)) {
			return tsig_key_tag(keys[i].key);
		}
	}
	return 0;
}

enum tsig_verdict
verify_request(const struct frontend *f, const struct config *c,
	       struct tsig_transaction *t, uint8_t *msg, size_t *len,
	       const struct tsig_place *place,
	       const struct sockaddr_storage *from)
{
	const struct keyring *ring = keys_ring(&f->keys);
	struct tsig_key *key = keys_verifier(c, ring, place->key);
	int64_t now_ms = clock_wall_ms();
	enum tsig_verdict verdict =
	    tsig_verify_request(t, key, msg, len, place, now_ms / 1000);
	struct secd_key_used used = {.way = SECD_WAY_IN,
				     .count = 1,
				     .name = place->key,
				     .peer = module_sockaddr_host(from),
				     .at_ms = now_ms};
	enum tsig_error error;

	if (f->evidence == NULL || keys_module(c, ring, place->key) == NULL ||
	    !tsig_verdict_error(verdict, &error)) {
		return verdict;
	}
	used.tsig_error = error;
	if (t->key != NULL) { /* its MAC is good, whatever else is not */
		used.tag = tsig_key_tag(t->key);
		used.skew_ms = t->skew_s * 1000;
	} else {
		used.tag = find_secret(f->evidence, ring, &used.peer, msg, *len,
				       place, now_ms / 1000);
	}
	evidence_add(f->evidence, &used);
	return verdict;
}
