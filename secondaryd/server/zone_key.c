/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/zone_key.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/address.h"
#include "base/error.h"
#include "base/log.h"

/* The key that is to be used in place of one of them, if it is there. */
static struct tsig_key *
wanted_key(const struct server *s, const struct keyring *ring,
	   const struct config_target *t)
{
	struct tsig_key *key = NULL;

	for (size_t i = 0; i < t->key_count && key == NULL; i++) {
		const struct config_key *k = t->keys[i];
		const uint8_t *used =
		    k == NULL ? NULL : keyring_used(ring, k->name);

		if (k != NULL && !name_equal(used, k->name)) {
			key = keys_find(s->config, ring, used);
		}
	}
	return key;
}

/* Choice n, if there are so many. Returns how many there are up to it. */
static unsigned
find_choice(const struct server *s, const struct keyring *ring,
	    const struct config_target *t, unsigned n, struct tsig_key **out)
{
	struct tsig_key *wanted = wanted_key(s, ring, t);
	unsigned count = 0;

	if (wanted != NULL) {
		*out = wanted;
		count++;
	}
	for (size_t i = 0; i < t->key_count && count <= n; i++) {
		const struct config_key *k = t->keys[i];
		struct tsig_key *key = k == NULL ? NULL : keys_of(k, ring);

		if (k == NULL || (key != NULL && key != wanted)) {
			*out = key;
			count++;
		}
	}
	return count;
}

unsigned
zone_key_count(const struct server *s, const struct config_target *t)
{
	struct tsig_key *last;
	unsigned count;

	rcu_thread_online();
	count =
	    find_choice(s, keys_ring(&s->frontend.keys), t, UINT_MAX, &last);
	rcu_thread_offline();
	return count;
}

int
zone_key_take(const struct server *s, const struct config_target *t, unsigned n,
	      struct tsig_key **out)
{
	const struct keyring *ring;
	struct tsig_key *key = NULL;
	unsigned count;

	rcu_thread_online();
	ring = keys_ring(&s->frontend.keys);
	count = find_choice(s, ring, t, UINT_MAX, &key);
	if (count > 0) {
		find_choice(s, ring, t, n % count, &key);
		*out = key == NULL ? NULL : tsig_key_ref(key);
	}
	rcu_thread_offline();
	return count > 0 ? SECD_OK : SECD_ENOTFOUND;
}

char *
zone_key_missing(const struct config_target *t, char *text, size_t cap)
{
	const struct config_key *k = t->keys[0];
	char name[NAME_TEXT_MAX];

	name_to_text(k->name, name);
	if (t->key_count == 1) {
		snprintf(text, cap, "key %s is not there: module %s gives none",
			 name, k->module);
	} else {
		snprintf(text, cap,
			 "none of %zu keys is there, as %s: module %s gives "
			 "none",
			 t->key_count, name, k->module);
	}
	return text;
}

static unsigned
choice_of(const struct zone_entry *e, unsigned primary)
{
	return e->key_choice == NULL ? 0 : e->key_choice[primary];
}

int
zone_key_of_primary(const struct zone_entry *e, unsigned primary,
		    struct tsig_key **out)
{
	return zone_key_take(e->server, zone_primary(e->policy, primary),
			     choice_of(e, primary), out);
}

int
zone_key_of_action(const struct zone_entry *e, struct tsig_key **out)
{
	return zone_key_take(
	    e->server, zone_primary(e->policy, e->action.primary),
	    choice_of(e, e->action.primary) + e->key_tries, out);
}

/* Would the step be asked with this key now? If not, keys have changed since. */
static bool
is_key_of_action(const struct zone_entry *e, const struct tsig_key *key)
{
	struct tsig_key *now;
	bool is_same;

	if (zone_key_of_action(e, &now) != SECD_OK) {
		return false;
	}
	is_same = now == key ||
		  (now != NULL && key != NULL && tsig_key_equal(now, key));
	tsig_key_unref(now);
	return is_same;
}

bool
zone_key_refused(struct zone_entry *e, const struct tsig_key *key)
{
	if (!is_key_of_action(e, key)) {
		e->key_tries = 0;
		return true;
	}
	if (e->key_tries + 1 >=
	    zone_key_count(e->server,
			   zone_primary(e->policy, e->action.primary))) {
		return false;
	}
	e->key_tries++;
	return true;
}

static const char *
text_of(const struct config_target *t, const struct server *s, unsigned n,
	char text[NAME_TEXT_MAX])
{
	struct tsig_key *key = NULL;

	if (zone_key_take(s, t, n, &key) != SECD_OK || key == NULL) {
		return "none";
	}
	name_to_text(tsig_key_name(key), text);
	tsig_key_unref(key);
	return text;
}

void
zone_key_taken(struct zone_entry *e, const struct tsig_key *key)
{
	const struct config_target *t =
	    zone_primary(e->policy, e->action.primary);
	unsigned before = choice_of(e, e->action.primary);
	unsigned now = before + e->key_tries;
	char apex[NAME_TEXT_MAX], refused[NAME_TEXT_MAX], taken[NAME_TEXT_MAX];
	char to[ADDRESS_TEXT_MAX];

	if (e->key_tries == 0 || !is_key_of_action(e, key)) {
		e->key_tries = 0;
		return;
	}
	log_info("zone %s: %s refused key %s and takes key %s",
		 name_to_text(e->zone.apex, apex),
		 address_text(t->to, to, sizeof(to)),
		 text_of(t, e->server, before, refused),
		 text_of(t, e->server, now, taken));
	e->key_tries = 0;
	if (e->key_choice == NULL) {
		e->key_choice =
		    calloc(REFRESH_PRIMARY_MAX, sizeof(*e->key_choice));
	}
	/* Without memory it is refused again the next time. */
	if (e->key_choice != NULL) {
		e->key_choice[e->action.primary] = now;
	}
}

void
zone_key_forget(struct zone_entry *e)
{
	free(e->key_choice);
	e->key_choice = NULL;
}
