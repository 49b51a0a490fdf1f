/* SPDX-License-Identifier: BSD-2-Clause */

#include "base/error.h"
#include "tsig-rotate/options_internal.h"

#define HOUR_MS INT64_C(3600000)

#define EPOCH_MIN_MS   (24 * HOUR_MS)
#define PROBE_MIN_MS   1000
#define CHECK_MIN_MS   60000
#define TIMEOUT_MIN_MS 1000

static int
check_times(const struct reader *r, const struct pair_options *p)
{
	const struct machine_config *c = &p->config;
	static const char hint[] =
	    "less is for tests, with unsafe-timing: on in rotation";

	if (r->is_unsafe) {
		return SECD_OK;
	}
	if (c->epoch_ms < EPOCH_MIN_MS) {
		return options_fail(r, p->line,
				    "pair %s: an epoch takes a day at "
				    "least; %s",
				    p->id, hint);
	}
	if (c->drain_ms < OPTIONS_DRAIN_MIN_MS) {
		return options_fail(
		    r, p->line,
		    "pair %s: a drain takes 130 minutes at least, "
		    "clocks, a transfer and a retry; %s",
		    p->id, hint);
	}
	if (c->epoch_ms < 2 * c->drain_ms + HOUR_MS) {
		return options_fail(r, p->line,
				    "pair %s: an epoch takes two drains "
				    "and an hour at least; %s",
				    p->id, hint);
	}
	if (c->probe_ms < PROBE_MIN_MS || c->check_ms < CHECK_MIN_MS ||
	    p->timeout_ms < TIMEOUT_MIN_MS) {
		return options_fail(
		    r, p->line,
		    "pair %s: probe-interval and probe-timeout are "
		    "1s, check-interval 1m at least; %s",
		    p->id, hint);
	}
	return SECD_OK;
}

/* Both nodes have the module: they agree on their own. */
static int
check_module_pair(const struct reader *r, struct pair_options *p, unsigned said)
{
	if ((said & SAID_ROLE) == 0) {
		return options_fail(r, p->line,
				    "pair %s: one of the two nodes has role: "
				    "initiator, the other one role: follower",
				    p->id);
	}
	if ((said & SAID_SECRETS) != 0 && !p->config.is_derived) {
		return options_fail(
		    r, p->line,
		    "pair %s: random secrets do not come to a node by "
		    "themselves: peer: module has secrets: derived",
		    p->id);
	}
	if (p->config.places > 0) {
		return options_fail(
		    r, p->line,
		    "pair %s: a peer with the module has its own keys: "
		    "no place",
		    p->id);
	}
	p->config.is_derived = true;
	return SECD_OK;
}

static int
check_other_pair(const struct reader *r, struct pair_options *p, unsigned said)
{
	if ((said & SAID_ROLE) != 0 && !p->config.is_initiator) {
		return options_fail(
		    r, p->line,
		    "pair %s: another server proposes nothing: no "
		    "role: follower",
		    p->id);
	}
	p->config.is_initiator = true;
	return SECD_OK;
}

int
options_check_pair(const struct reader *r, struct pair_options *p,
		   unsigned said)
{
	int rc;

	if (p->names[SLOT_A][0] == 0) {
		return options_fail(r, p->line, "pair %s: key is missing",
				    p->id);
	}
	if (p->config.peers == 0) {
		return options_fail(
		    r, p->line,
		    "pair %s: probe is missing: the address at which "
		    "the peer is asked",
		    p->id);
	}
	if ((said & SAID_ZONE) == 0) {
		return options_fail(
		    r, p->line,
		    "pair %s: zone is missing: one that both servers "
		    "have",
		    p->id);
	}
	if ((said & SAID_PEER) == 0) {
		return options_fail(r, p->line,
				    "pair %s: peer is missing: module or other",
				    p->id);
	}
	rc = p->config.has_module ? check_module_pair(r, p, said)
				  : check_other_pair(r, p, said);
	if (rc != SECD_OK) {
		return rc;
	}
	if (p->config.is_derived != (p->root_file != NULL)) {
		return options_fail(r, p->line, "pair %s: %s", p->id,
				    p->config.is_derived
					? "root-file is missing"
					: "root-file is for secrets: derived");
	}
	return check_times(r, p);
}

static bool
share_a_name(const struct pair_options *a, const struct pair_options *b)
{
	for (unsigned i = 0; i < SLOT_COUNT; i++) {
		for (unsigned j = 0; j < SLOT_COUNT; j++) {
			if (name_equal(a->names[i], b->names[j])) {
				return true;
			}
		}
	}
	return false;
}

int
options_check_all(const struct reader *r)
{
	const struct rotate_options *o = r->o;

	for (size_t i = 0; i < o->place_count; i++) {
		if (o->places[i].adapter == NULL) {
			return options_fail(r, o->places[i].line,
					    "place %s: adapter is missing",
					    o->places[i].id);
		}
	}
	for (size_t i = 0; i < o->pair_count; i++) {
		for (size_t j = 0; j < i; j++) {
			if (share_a_name(&o->pairs[i], &o->pairs[j])) {
				return options_fail(
				    r, o->pairs[i].line,
				    "pair %s has a key of pair %s: a "
				    "key is for two servers only",
				    o->pairs[i].id, o->pairs[j].id);
			}
		}
	}
	return SECD_OK;
}
