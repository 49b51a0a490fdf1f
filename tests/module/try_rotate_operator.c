/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What operators order, what they are told, and what is refused.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/options.h"
#include "try_rotate.h"

/* A key that somebody kept. */
static struct fake_key
keep(struct net *n, unsigned i)
{
	return *net_signer(n, i, KEY_A);
}

static void
expect_refused(struct net *n, unsigned node, const struct fake_key *key,
	       uint32_t error)
{
	struct secd_address from = net_address("198.51.100.1");
	uint32_t is = net_request(n, &from, node, key);

	if (is != error) {
		fake_wrong("an old key: TSIG error %u", (unsigned)is);
	}
}

/*
 * Revocation
 */

static void
what_is_revoked_is_refused_at_once_and_for_good(const struct trial *t)
{
	struct net *n = rotate_two_nodes(t);
	struct fake_key old;
	size_t from;

	net_pass(n, 30 * SECOND_MS);
	old = keep(n, 0);
	from = n->said.len;
	rotate_do(n, 0, "revoke p1");
	expect_refused(n, 0, &old, 16);
	if (n->nodes[0].host->keys.cuts != 1) {
		fake_wrong("transfers go on under it");
	}
	rotate_expect(n, from, "p1-a.example.: refused here from now on");
	rotate_expect(n, from,
		      "192.0.2.2@53: run \"key revoke p1\" there, too");
	rotate_expect(n, from, "192.0.2.1@53 was asked, and refuses it");
	/* The peer hears of it with the new key. */
	net_pass(n, 2 * MINUTE_MS);
	rotate_expect_order(n);
	expect_refused(n, 1, &old, 16);
	for (unsigned i = 0; i < 2; i++) {
		net_close(n, i);
		net_reopen(n, i);
		expect_refused(n, i, &old, 16);
	}
	net_pass(n, 5 * EPOCH_MS);
	rotate_expect_order(n);
	net_free(n);
}

static void
the_follower_may_revoke_as_well(const struct trial *t)
{
	struct net *n = rotate_two_nodes(t);
	struct fake_key old;

	net_pass(n, 30 * SECOND_MS);
	old = keep(n, 1);
	rotate_do(n, 1, "revoke p1 --slot a");
	expect_refused(n, 1, &old, 16);
	rotate_do_not(n, 1, "revoke p1 --slot a", "nothing is in that slot");
	net_pass(n, 2 * MINUTE_MS);
	rotate_expect_order(n);
	expect_refused(n, 0, &old, 16);
	net_pass(n, 3 * EPOCH_MS);
	rotate_expect_order(n);
	net_free(n);
}

static void
with_a_key_in_reserve_nothing_stops(const struct trial *t)
{
	struct net *n = rotate_server(t, true, "    pre-stage: on\n");
	struct fake_key old;
	size_t from;

	net_pass(n, 30 * SECOND_MS);
	old = keep(n, 0);
	net_command(n, 0, "status", &from);
	rotate_expect(n, from, "CONFIRMED");
	from = n->said.len;
	rotate_do(n, 0, "revoke p1 --slot a");
	rotate_expect(n, from, "place edge: it is being taken out");
	rotate_expect_order(n); /* at once */
	expect_refused(n, 0, &old, 16);
	net_pass(n, 5 * SECOND_MS);
	{
		uint64_t tag;

		if (fake_keys_verify(&n->servers[0].keys, old.name, old.secret,
				     old.len, &tag) == 0) {
			fake_wrong("the server still accepts it");
		}
	}
	net_free(n);
}

static void
a_revoked_root_gives_no_key_any_more(const struct trial *t)
{
	struct net *n = rotate_two_nodes(t);
	size_t from;

	net_pass(n, 30 * SECOND_MS);
	from = n->said.len;
	rotate_do(n, 0, "revoke p1 --root");
	rotate_expect(n, from, "run \"key revoke p1 --root\" there, too");
	rotate_do(n, 1, "revoke p1 --root");
	net_pass(n, EPOCH_MS);
	if (fake_keys_find(&n->nodes[0].host->keys,
			   net_signer(n, 0, KEY_A)->name) == NULL ||
	    n->nodes[0].host->keys.use_count == 0) {
		fake_wrong("the names are gone");
	}
	net_command(n, 0, "status", &from);
	rotate_expect(n, from, "no key is in use");
	rotate_expect(n, from, "the root was revoked");
	rotate_do_not(n, 0, "adopt p1", "was revoked: a new one belongs there");
	/* Over a restart, too. */
	net_close(n, 0);
	net_reopen(n, 0);
	rotate_do_not(n, 0, "adopt p1", "was revoked: a new one belongs there");
	rotate_write_root(t, 'y');
	rotate_do(n, 0, "adopt p1");
	rotate_do(n, 1, "adopt p1");
	net_pass(n, MINUTE_MS);
	rotate_expect_order(n);
	net_pass(n, 3 * EPOCH_MS);
	rotate_expect_order(n);
	net_free(n);
}

static void
copy(const char *from, const char *to)
{
	char octets[8192];
	FILE *in = fopen(from, "r"), *out = fopen(to, "w");
	size_t len = in != NULL ? fread(octets, 1, sizeof(octets), in) : 0;

	if (in == NULL || out == NULL || fwrite(octets, 1, len, out) != len ||
	    fclose(out) != 0 || chmod(to, 0600) != 0) {
		fake_wrong("cannot copy %s to %s", from, to);
	}
	fclose(in);
}

static void
a_backup_does_not_bring_it_back(const struct trial *t)
{
	struct net *n =
	    rotate_server(t, true, "    revocations: revoked.list\n");
	struct fake_key old;
	char state[300], backup[300];
	size_t from;

	net_pass(n, 30 * SECOND_MS);
	old = keep(n, 0);
	snprintf(state, sizeof(state), "%s/p1.state", n->nodes[0].trial.dir);
	snprintf(backup, sizeof(backup), "%s/backup", t->dir);
	copy(state, backup);
	rotate_do(n, 0, "revoke p1");
	net_pass(n, MINUTE_MS);
	rotate_expect_order(n);
	net_close(n, 0);
	copy(backup, state);
	net_reopen(n, 0);
	expect_refused(n, 0, &old, 16);
	net_pass(n, MINUTE_MS);
	net_command(n, 0, "status", &from);
	rotate_expect(n, from, "older than the list of revocations");
	rotate_do_not(n, 0, "rotate p1", "stopped");
	rotate_do(n, 0, "adopt p1");
	net_pass(n, MINUTE_MS);
	rotate_expect_order(n);
	expect_refused(n, 0, &old, 16);
	net_command(n, 0, "status", &from);
	rotate_expect_not(n, from, "revocations");
	net_free(n);
}

/*
 * Who uses what
 */

static void
an_old_key_in_use_is_an_alarm(const struct trial *t)
{
	struct net *n = rotate_server(t, true, "");
	struct secd_address peer = net_address("192.0.2.11@4444");
	struct secd_address elsewhere = net_address("203.0.113.9@5");
	struct fake_key old, tombstone;
	size_t from;

	net_pass(n, 30 * SECOND_MS);
	old = keep(n, 0);
	net_pass(n, EPOCH_MS + 10 * MINUTE_MS);
	/* A server that tries its first slot has nothing that we know. */
	tombstone = *fake_keys_find(&n->servers[0].keys, old.name);
	for (int i = 0; i < 100; i++) {
		net_request(n, &peer, 0, &tombstone);
		net_request(n, &elsewhere, 0, &tombstone);
	}
	net_command(n, 0, "status", &from);
	rotate_expect_not(n, from, "ALARM");
	from = n->said.len;
	net_status(n, 0);
	rotate_expect(n, from, "pair p1: strangers: 100");
	rotate_expect(n, from, "pair p1 slot a: badsig: 200");
	net_request(n, &elsewhere, 0, &old);
	net_command(n, 0, "status", &from);
	rotate_expect(n, from,
		      "ALARM 203.0.113.9@5 signed with a retired secret (slot "
		      "a, generation 1, epoch 1)");
	from = n->said.len;
	net_status(n, 0);
	rotate_expect(n, from,
		      "alarm p1 retired-secret: says: 203.0.113.9@5 signed "
		      "with");
	net_pass(n, 25 * HOUR_MS);
	net_command(n, 0, "status", &from);
	rotate_expect_not(n, from, "ALARM");
	net_free(n);
}

static void
a_revoked_key_has_to_be_revoked_at_the_peer_too(const struct trial *t)
{
	struct net *n = rotate_two_nodes(t);
	struct secd_address peer = net_address("192.0.2.2@4711");
	struct secd_address elsewhere = net_address("203.0.113.9@5");
	struct fake_key old;
	size_t from;

	net_pass(n, 30 * SECOND_MS);
	old = keep(n, 1);
	from = n->said.len;
	rotate_do(n, 0, "revoke p1 --slot a");
	rotate_expect(n, from, "run \"key revoke p1 --slot a\" there, too");
	net_request(n, &peer, 0, &old);
	net_command(n, 0, "status", &from);
	rotate_expect(n, from, "it was revoked here, and has to be there, too");
	net_request(n, &elsewhere, 0, &old);
	net_command(n, 0, "status", &from);
	rotate_expect(n, from, "203.0.113.9@5 signed with a retired secret");
	rotate_expect(n, from, "it leaked, or that node was restored");
	net_free(n);
}

static void
a_key_from_elsewhere_is_an_alarm(const struct trial *t)
{
	struct net *n = rotate_two_nodes(t);
	struct secd_address elsewhere = net_address("203.0.113.9@5");
	struct secd_address peer = net_address("192.0.2.2@4711");
	size_t from;

	net_pass(n, 30 * SECOND_MS);
	net_request(n, &peer, 0, net_signer(n, 1, KEY_A));
	net_command(n, 0, "status", &from);
	rotate_expect_not(n, from, "ALARM");
	net_request(n, &elsewhere, 0, net_signer(n, 1, KEY_A));
	net_command(n, 0, "status", &from);
	rotate_expect(n, from, "203.0.113.9@5 signed with our key");
	rotate_expect(n, from, "it leaked, or the address is missing");
	net_pass(n, SECOND_MS);
	rotate_expect(n, 0, "pair p1: 203.0.113.9@5 signed with our key");
	net_free(n);
}

static void
a_late_user_keeps_a_key_alive_and_is_told(const struct trial *t)
{
	struct net *n = rotate_two_nodes(t);
	struct secd_address peer = net_address("192.0.2.2@4711");
	struct fake_key old;
	size_t from;

	net_pass(n, 30 * SECOND_MS);
	old = keep(n, 1);
	rotate_do(n, 0, "rotate p1");
	net_pass(n, 15 * SECOND_MS);
	for (int i = 0; i < 4; i++) {
		if (net_request(n, &peer, 0, &old) != 0) {
			fake_wrong("it was refused after %d uses", i);
		}
		net_pass(n, 50 * SECOND_MS);
	}
	net_command(n, 0, "status", &from);
	rotate_expect(n, from, "192.0.2.2@4711 still uses slot a");
	net_pass(n, 2 * MINUTE_MS);
	expect_refused(n, 0, &old, 16);
	net_free(n);
}

/* Nor for ever. */
static void
a_user_that_never_ends_is_cut_off(const struct trial *t)
{
	struct net *n = rotate_two_nodes(t);
	struct secd_address peer = net_address("192.0.2.2@4711");
	struct fake_key old;
	int uses = 0;

	net_pass(n, 30 * SECOND_MS);
	old = keep(n, 1);
	rotate_do(n, 0, "rotate p1");
	net_pass(n, 15 * SECOND_MS);
	while (net_request(n, &peer, 0, &old) == 0) {
		net_pass(n, 10 * SECOND_MS);
		if (++uses > 100) {
			fake_wrong("it goes on and on");
		}
	}
	if (uses < 40) {
		fake_wrong("it was cut off after %d uses", uses);
	}
	net_free(n);
}

/*
 * Words
 */

static void
status_is_a_table(const struct trial *t)
{
	struct net *n = rotate_two_nodes(t);
	size_t from;

	net_pass(n, 3 * MINUTE_MS);
	net_command(n, 0, "status", &from);
	rotate_expect(n, from,
		      "pair slot state     gen epoch fp       age    "
		      "last-ok-in last-ok-out peers note");
	rotate_expect(n, from, "p1   a    ACTIVE      1     1 ");
	rotate_expect(n, from, "1/1   next in 1h57m");
	rotate_expect(n, from, "     b    EMPTY       0     0 -");
	net_command(n, 1, "status p1", &from);
	rotate_expect(n, from, "p1   a    ACTIVE      1     1 ");
	from = n->said.len;
	net_status(n, 1);
	rotate_expect(n, from, "pair p1 slot a: state: ACTIVE");
	rotate_expect(n, from, "pair p1 slot a: generation: 1");
	rotate_expect(n, from, "pair p1 slot b: state: EMPTY");
	rotate_expect(n, from, ": pairs: 1");
	rotate_expect(n, from, ": alarms: 0");
	net_free(n);
}

static void
each_step_is_one_line_with_its_evidence(const struct trial *t)
{
	struct net *n = rotate_server(t, true, "");

	net_pass(n, EPOCH_MS + 10 * MINUTE_MS);
	rotate_expect(n, 0,
		      "pair p1 slot a: EMPTY -> GENERATED, generation 1, epoch "
		      "1, fingerprint ");
	rotate_expect(n, 0, ": there is none");
	rotate_expect(n, 0,
		      "pair p1 slot a: GENERATED -> STAGED, generation 1, "
		      "epoch 1, fingerprint ");
	rotate_expect(n, 0,
		      "pair p1 slot a: STAGED -> CONFIRMED, generation 1");
	rotate_expect(n, 0, "of 192.0.2.11@53: verified");
	rotate_expect(n, 0, "pair p1 slot a: CONFIRMED -> ACTIVE");
	rotate_expect(n, 0,
		      "pair p1 slot b: EMPTY -> GENERATED, generation 1, "
		      "epoch 2");
	rotate_expect(n, 0, ": timer: the epoch is over");
	rotate_expect(n, 0, "pair p1 slot a: ACTIVE -> DRAINING");
	rotate_expect(n, 0, "pair p1 slot a: DRAINING -> EMPTY");
	rotate_expect(n, 0, "of 192.0.2.11@53: BADSIG");
	rotate_expect_not(n, 0, "fingerprint ????????");
	net_free(n);
}

static void
commands_say_what_they_want(const struct trial *t)
{
	struct net *n = rotate_two_nodes(t);
	size_t from;

	net_command(n, 0, "", &from);
	rotate_expect(n, from, "revoke  PAIR [--slot a|b | --root]");
	net_command(n, 0, "help", &from);
	rotate_expect(n, from, "export  PAIR --for named|nsd|knot");
	rotate_do_not(n, 0, "rotat p1", "there is no command \"rotat\"");
	rotate_do_not(n, 0, "rotate", "it is: key rotate PAIR");
	rotate_do_not(n, 0, "rotate p2", "there is no pair \"p2\"");
	rotate_do_not(n, 0, "rotate p1 now", "it is: key rotate PAIR");
	rotate_do_not(n, 0, "rotate p1 --force", "it is: key rotate PAIR");
	rotate_do_not(n, 0, "rotate p1 --force 192.0.2.77", "does not probe");
	rotate_do_not(n, 0, "status p1 p2", "it is: key status [PAIR]");
	rotate_do_not(n, 0, "revoke p1 --slot c", "--slot a, --slot b");
	rotate_do_not(n, 0, "revoke p1 --slot a --root", "--slot a, --slot b");
	rotate_do_not(n, 0, "adopt p1 --epoch soon", "are numbers");
	rotate_do_not(n, 0, "adopt p1 --generation 4294967296", "are numbers");
	net_free(n);
	n = rotate_server(t, true, "");
	rotate_do_not(n, 0, "revoke p1 --root", "its secrets are random");
	net_free(n);
}

static void
an_operator_can_do_without_a_peer(const struct trial *t)
{
	struct net *n = rotate_server(t, true, "");

	net_pass(n, 30 * SECOND_MS);
	n->servers[0].is_cut = true;
	rotate_do(n, 0, "rotate p1");
	net_pass(n, MINUTE_MS);
	if (rotate_slot(n, 0) != 0) {
		fake_wrong("it was rotated");
	}
	rotate_do(n, 0, "rotate p1 --force 192.0.2.11");
	net_pass(n, 5 * SECOND_MS);
	if (rotate_slot(n, 0) != 1) {
		fake_wrong("it was not rotated");
	}
	rotate_expect(n, 0,
		      "an operator does without the answer of 192.0.2.11");
	net_free(n);
}

/*
 * What is refused
 */

static int
open_quietly(struct net *n, unsigned i, char *reason)
{
	struct fake_host *h = n->nodes[i].host;
	void *m = NULL;
	int rc;

	h->in_call = h->in_open = true;
	rc = h->module->open(&h->api, h->options, &m, reason);
	h->in_call = h->in_open = false;
	if (rc == SECD_OK) {
		h->module->close(m);
		fake_keys_forget(&h->keys);
	}
	return rc;
}

static void
expect_no_open(struct net *n, const char *says)
{
	char reason[SECD_REASON_LEN] = "";

	if (open_quietly(n, 0, reason) == SECD_OK) {
		fake_wrong("opened, in spite of: %s", says);
	}
	if (strstr(reason, says) == NULL) {
		fake_wrong("\"%s\", not: %s", reason, says);
	}
	if (n->nodes[0].host->keys.memory_count != 0) {
		fake_wrong("secrets are left");
	}
}

static void
files_that_others_may_touch_are_refused(const struct trial *t)
{
	struct net *n = rotate_two_nodes(t);
	char root[300], state[300], path[300], other[300];

	net_pass(n, MINUTE_MS);
	net_close(n, 0);
	snprintf(root, sizeof(root), "%s/p1.root", t->dir);
	snprintf(state, sizeof(state), "%s/p1.state", n->nodes[0].trial.dir);
	chmod(state, 0640);
	expect_no_open(n, "chmod 0600");
	chmod(state, 0600);
	snprintf(other, sizeof(other), "%s/other", t->dir);
	rename(state, other);
	if (symlink(other, state) != 0) {
		fake_wrong("no link");
	}
	expect_no_open(n, "symbolic link");
	unlink(state);
	rotate_write(t, "node0/p1.state", "tsig-rotate 9\n", path);
	expect_no_open(n, "is no state of this version");
	unlink(state);
	/* Without a state there has to be a root; with one it can wait. */
	chmod(root, 0644);
	expect_no_open(n, "chmod 0600");
	chmod(root, 0600);
	rotate_write(t, "p1.root", "correct horse battery staple\n", path);
	expect_no_open(n, "openssl rand -base64 32");
	rotate_write(t, "p1.root",
		     "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQQ==\n", path);
	expect_no_open(n, "openssl rand -base64 32"); /* 31 octets */
	rotate_write(t, "p1.root", "", path);
	expect_no_open(n, "openssl rand -base64 32");
	unlink(root);
	expect_no_open(n, "does not exist");
	rename(other, state);
	net_reopen(n, 0);
	net_pass(n, MINUTE_MS);
	rotate_expect_order(n);
	{
		size_t from;

		net_command(n, 0, "status", &from);
		rotate_expect(n, from, "no further key can be derived");
	}
	net_free(n);
}

static void
a_key_that_is_configured_otherwise_is_refused(const struct trial *t)
{
	struct net *n = rotate_two_nodes(t);
	struct fake_host *h = n->nodes[0].host;
	char reason[SECD_REASON_LEN] = "";

	net_pass(n, MINUTE_MS);
	net_close(n, 0);
	fake_host_take(h, FAKE_PROBE);
	expect_no_open(n, "can ask a peer, signed");
	h->api.probe = n->nodes[1].host->api.probe;
	if (open_quietly(n, 0, reason) != SECD_OK) {
		fake_wrong("%s", reason);
	}
	fake_host_take(h, FAKE_SECRET_NEW);
	expect_no_open(n, "can keep secrets");
	n->nodes[0].is_up = false;
	net_free(n);
}

/* A host without a configuration, which only reads. */
static void
files_can_be_looked_into_without_a_server(const struct trial *t)
{
	struct net *n = rotate_two_nodes(t);
	struct fake_host *h = n->nodes[0].host;
	static const struct secd_options none = {.size = sizeof(none),
						 .path = ""};
	size_t from;

	net_pass(n, 3 * MINUTE_MS);
	net_close(n, 0);
	for (unsigned f = 0; f < FAKE_FUNCTION_COUNT; f++) {
		if (f != FAKE_SECRET_NEW) {
			fake_host_take(h, (enum fake_function)f);
		}
	}
	h->api.flags = SECD_HOST_READ_ONLY;
	h->options = &none;
	if (fake_host_open(h) != SECD_OK) {
		fake_wrong("not opened");
	}
	net_command(n, 0, "status", &from);
	rotate_expect(n, from, "p1   a    ACTIVE      1     1 ");
	rotate_expect_not(n, from, "ALARM");
	from = n->said.len;
	net_status(n, 0);
	rotate_expect(n, from, "pair p1 slot a: state: ACTIVE");
	rotate_do_not(n, 0, "revoke p1", "only the running server");
	fake_host_close(h);
	net_free(n);
}

const struct trial_test trial_rotate_operator_tests[] = {
    TRIAL(what_is_revoked_is_refused_at_once_and_for_good),
    TRIAL(the_follower_may_revoke_as_well),
    TRIAL(with_a_key_in_reserve_nothing_stops),
    TRIAL(a_revoked_root_gives_no_key_any_more),
    TRIAL(a_backup_does_not_bring_it_back),
    TRIAL(an_old_key_in_use_is_an_alarm),
    TRIAL(a_revoked_key_has_to_be_revoked_at_the_peer_too),
    TRIAL(a_key_from_elsewhere_is_an_alarm),
    TRIAL(a_late_user_keeps_a_key_alive_and_is_told),
    TRIAL(a_user_that_never_ends_is_cut_off),
    TRIAL(status_is_a_table),
    TRIAL(each_step_is_one_line_with_its_evidence),
    TRIAL(commands_say_what_they_want),
    TRIAL(an_operator_can_do_without_a_peer),
    TRIAL(files_that_others_may_touch_are_refused),
    TRIAL(a_key_that_is_configured_otherwise_is_refused),
    TRIAL(files_can_be_looked_into_without_a_server),
    {NULL, NULL},
};
