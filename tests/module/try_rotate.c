/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tsig-rotate as a whole: two nodes of it, and a server without it.
 */

#include "try_rotate.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

/*
 * Shared
 */

void
rotate_write(const struct trial *t, const char *name, const char *text,
	     char *path)
{
	FILE *file;

	snprintf(path, 300, "%s/%s", t->dir, name);
	unlink(path);
	file = fopen(path, "w");
	if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0 ||
	    chmod(path, 0600) != 0) {
		fake_wrong("cannot write %s", path);
	}
}

/* 32 octets, all digits the same. */
void
rotate_write_root(const struct trial *t, char digit)
{
	char text[46], path[300];

	memset(text, digit, 42);
	strcpy(text + 42, "A=\n");
	rotate_write(t, "p1.root", text, path);
}

void
rotate_open(struct net *n, unsigned i, const char *more)
{
	char config[2048];
	int rc;

	snprintf(config, sizeof(config),
		 ROTATE_TIMES "%s"
			      "pair:\n"
			      "  - id: p1\n"
			      "    key: p1.example.\n"
			      "    peer: module\n"
			      "    role: %s\n"
			      "    root-file: p1.root\n"
			      "    probe: 192.0.2.%u\n"
			      "    self: 192.0.2.%u\n"
			      "    zone: za.\n",
		 more, i == 0 ? "initiator" : "follower", 2 - i, i + 1);
	rc = net_open(n, i, config);
	if (rc != SECD_OK) {
		fake_wrong("node %u is not opened: %d", i, rc);
	}
}

struct net *
rotate_two_nodes(const struct trial *t)
{
	struct net *n = net_new(t);

	rotate_write_root(t, 'x');
	rotate_open(n, 0, "");
	rotate_open(n, 1, "");
	return n;
}

struct net *
rotate_server(const struct trial *t, bool has_place, const char *more)
{
	struct net *n = net_new(t);
	char config[2048];
	int rc;

	snprintf(config, sizeof(config),
		 ROTATE_TIMES "%s"
			      "%s"
			      "pair:\n"
			      "  - id: p1\n"
			      "    key: p1.example.\n"
			      "    peer: other\n"
			      "    probe: 192.0.2.11\n"
			      "    zone: za.\n"
			      "%s",
		 more,
		 has_place ? "place:\n  - id: edge\n    adapter: nsd\n"
			     "    file: server0\n"
			   : "",
		 has_place ? "    place: edge\n" : "");
	rc = net_open(n, 0, config);
	if (rc != SECD_OK) {
		fake_wrong("it is not opened: %d", rc);
	}
	return n;
}

void
rotate_do(struct net *n, unsigned i, const char *words)
{
	size_t from;
	int rc = net_command(n, i, words, &from);

	if (rc != SECD_OK) {
		net_print(n, from);
		fake_wrong("%s: %d", words, rc);
	}
}

void
rotate_do_not(struct net *n, unsigned i, const char *words, const char *says)
{
	size_t from;
	int rc = net_command(n, i, words, &from);

	if (rc >= SECD_OK) {
		fake_wrong("%s: %d", words, rc);
	}
	rotate_expect(n, from, says);
}

void
rotate_expect(struct net *n, size_t from, const char *text)
{
	if (!net_was_said(n, from, text)) {
		net_print(n, from);
		fake_wrong("not said: %s", text);
	}
}

void
rotate_expect_not(struct net *n, size_t from, const char *text)
{
	if (net_was_said(n, from, text)) {
		net_print(n, from);
		fake_wrong("said: %s", text);
	}
}

unsigned
rotate_slot(struct net *n, unsigned i)
{
	const struct fake_key *key = net_signer(n, i, KEY_A);
	uint8_t name[NAME_LEN_MAX];

	name_from_text(KEY_A, name);
	if (key == NULL) {
		fake_wrong("node %u signs with nothing", i);
	}
	return name_equal(key->name, name) ? 0 : 1;
}

void
rotate_expect_order(struct net *n)
{
	const struct fake_key *a = net_signer(n, 0, KEY_A);
	const struct fake_key *b = net_signer(n, 0, KEY_B);
	const struct fake_keys *other = n->nodes[1].host != NULL
					    ? &n->nodes[1].host->keys
					    : &n->servers[0].keys;
	uint64_t tag;

	if (a == NULL || a != b) {
		fake_wrong("node 0 signs with two keys, or none");
	}
	if (fake_keys_verify(other, a->name, a->secret, a->len, &tag) != 0) {
		fake_wrong("what node 0 signs with is not accepted");
	}
	if (n->nodes[1].host != NULL) {
		const struct fake_key *c = net_signer(n, 1, KEY_A);

		if (c == NULL ||
		    fake_keys_verify(&n->nodes[0].host->keys, c->name,
				     c->secret, c->len, &tag) != 0) {
			fake_wrong("what node 1 signs with is not accepted");
		}
	}
}

/*
 * Rotations
 */

static void
two_nodes_find_a_key_and_change_it(const struct trial *t)
{
	struct net *n = rotate_two_nodes(t);
	unsigned before;

	net_pass(n, 30 * SECOND_MS);
	rotate_expect_order(n);
	if (rotate_slot(n, 0) != 0 || rotate_slot(n, 1) != 0) {
		fake_wrong("the first key is not in slot a");
	}
	for (unsigned i = 1; i <= 20; i++) {
		net_pass(n, EPOCH_MS);
		rotate_expect_order(n);
		if (rotate_slot(n, 0) != i % 2 || rotate_slot(n, 1) != i % 2) {
			fake_wrong("rotation %u: slots %u and %u", i,
				   rotate_slot(n, 0), rotate_slot(n, 1));
		}
	}
	before = n->probed;
	net_pass(n, HOUR_MS);
	/* Twelve checks of each, and a few looks for what comes next. */
	if (n->probed - before > 2 * 12 + 8) {
		fake_wrong("%u questions in a quiet hour", n->probed - before);
	}
	net_free(n);
}

static void
a_rotation_takes_seconds_by_order(const struct trial *t)
{
	struct net *n = rotate_two_nodes(t);

	net_pass(n, 30 * SECOND_MS);
	rotate_do(n, 0, "rotate p1");
	net_pass(n, 15 * SECOND_MS);
	rotate_expect_order(n);
	if (rotate_slot(n, 0) != 1 || rotate_slot(n, 1) != 1) {
		fake_wrong("it was not rotated");
	}
	rotate_do_not(n, 0, "rotate p1", "still drains");
	rotate_do_not(n, 1, "rotate p1", "initiator");
	net_pass(n, 2 * MINUTE_MS);
	rotate_do(n, 0, "rotate p1");
	net_pass(n, 15 * SECOND_MS);
	if (rotate_slot(n, 0) != 0) {
		fake_wrong("it was not rotated again");
	}
	net_free(n);
}

/* Whatever a host cannot do. */
static void
hosts_that_tell_nothing_rotate_more_slowly(const struct trial *t)
{
	struct net *n = rotate_two_nodes(t);

	n->nodes[1].is_deaf = true;
	n->nodes[1].host->keys.cannot_compare = true;
	net_close(n, 1);
	net_reopen(n, 1);
	net_pass(n, 10 * MINUTE_MS);
	for (unsigned i = 1; i <= 6; i++) {
		net_pass(n, EPOCH_MS);
		rotate_expect_order(n);
		if (rotate_slot(n, 0) != i % 2 || rotate_slot(n, 1) != i % 2) {
			fake_wrong("rotation %u did not happen", i);
		}
	}
	net_free(n);
}

static void
a_host_that_cannot_choose_signs_as_configured(const struct trial *t)
{
	struct net *n = rotate_two_nodes(t);

	net_pass(n, 30 * SECOND_MS);
	net_close(n, 1);
	fake_host_take(n->nodes[1].host, FAKE_KEY_USE);
	net_reopen(n, 1);
	net_pass(n, EPOCH_MS);
	net_pass(n, 10 * MINUTE_MS);
	if (rotate_slot(n, 0) != 1 ||
	    fake_keys_find(&n->nodes[1].host->keys,
			   net_signer(n, 0, KEY_A)->name) == NULL) {
		fake_wrong("it was not rotated");
	}
	net_free(n);
}

static void
a_server_gets_its_keys_put_there(const struct trial *t)
{
	struct net *n = rotate_server(t, true, "");

	net_pass(n, 30 * SECOND_MS);
	rotate_expect_order(n);
	for (unsigned i = 1; i <= 10; i++) {
		net_pass(n, EPOCH_MS);
		rotate_expect_order(n);
		if (rotate_slot(n, 0) != i % 2) {
			fake_wrong("rotation %u did not happen", i);
		}
		if (n->servers[0].keys.count != 2) {
			fake_wrong("%zu keys are there",
				   n->servers[0].keys.count);
		}
	}
	net_free(n);
}

/* A slot that is not used has a secret of its own at each side. */
static void
an_idle_slot_fits_nowhere(const struct trial *t)
{
	struct net *n = rotate_server(t, true, "");
	uint8_t idle[NAME_LEN_MAX];
	const struct fake_key *here, *there;

	net_pass(n, EPOCH_MS + 30 * MINUTE_MS);
	name_from_text(rotate_slot(n, 0) == 0 ? KEY_B : KEY_A, idle);
	here = fake_keys_find(&n->nodes[0].host->keys, idle);
	there = fake_keys_find(&n->servers[0].keys, idle);
	if (here == NULL || there == NULL ||
	    memcmp(here->secret, there->secret, here->len) == 0) {
		fake_wrong("it is not there, or fits");
	}
	net_free(n);
}

static void
a_place_that_fails_is_tried_again_and_told(const struct trial *t)
{
	struct net *n = rotate_server(t, true, "");
	size_t from;

	net_pass(n, 30 * SECOND_MS);
	n->servers[0].refusals = 3;
	from = n->said.len;
	rotate_do(n, 0, "rotate p1");
	net_pass(n, 3 * SECOND_MS);
	net_command(n, 0, "status", &from);
	rotate_expect(n, from, "its checker does not like it");
	rotate_expect(n, from, "GENERATED");
	rotate_expect_order(n);
	net_pass(n, 2 * MINUTE_MS);
	rotate_expect_order(n);
	if (rotate_slot(n, 0) != 1) {
		fake_wrong("it was given up");
	}
	n->servers[0].needs_restart = true;
	net_pass(n, 5 * MINUTE_MS);
	rotate_do(n, 0, "rotate p1");
	net_pass(n, 5 * SECOND_MS);
	net_command(n, 0, "status", &from);
	rotate_expect(n, from, "started anew");
	net_free(n);
}

static void
a_server_that_lost_its_keys_gets_them_again(const struct trial *t)
{
	struct net *n = rotate_server(t, true, "");

	net_pass(n, 30 * SECOND_MS);
	fake_keys_forget(&n->servers[0].keys);
	net_pass(n, 10 * MINUTE_MS);
	rotate_expect_order(n);
	net_free(n);
}

/* Reads the secrets of an exported nsd.conf into a server. */
static void
install(struct net *n, const char *path)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	FILE *file = fopen(path, "r");
	char line[512], word[300];
	struct fake_keys *k = &n->servers[0].keys;

	if (file == NULL) {
		fake_wrong("%s is not there", path);
	}
	fake_keys_forget(k);
	while (fgets(line, sizeof(line), file) != NULL) {
		if (sscanf(line, " name: \"%299[^\"]", word) == 1) {
			name_from_text(word, k->list[k->count].name);
		} else if (sscanf(line, " secret: \"%299[^\"]", word) == 1) {
			struct fake_key *key = &k->list[k->count++];
			uint32_t bits = 0;

			key->len = 0;
			for (size_t i = 0; word[i] != '='; i++) {
				bits = bits << 6 |
				       (uint32_t)(strchr(digits, word[i]) -
						  digits);
				if (i % 4 != 0) {
					key->secret[key->len++] =
					    (uint8_t)(bits >>
						      (6 - 2 * (i % 4)));
				}
			}
		}
	}
	fclose(file);
	if (k->count != 2 || k->list[0].len != 32 || k->list[1].len != 32) {
		fake_wrong("%s has %zu keys", path, k->count);
	}
}

static void
a_server_without_an_adapter_is_configured_by_hand(const struct trial *t)
{
	struct net *n = rotate_server(t, false, "");
	char words[400], path[300];
	struct stat st;
	size_t from;

	net_pass(n, 10 * SECOND_MS);
	for (unsigned i = 0; i < 4; i++) {
		net_command(n, 0, "status", &from);
		rotate_expect(n, from, "waiting for 192.0.2.11@53");
		snprintf(path, sizeof(path), "%s/out%u", t->dir, i);
		snprintf(words, sizeof(words), "export p1 --for nsd --file %s",
			 path);
		rotate_do(n, 0, words);
		rotate_do_not(n, 0, words, "File exists");
		if (stat(path, &st) != 0 || (st.st_mode & 07777) != 0600) {
			fake_wrong("mode %o", (unsigned)st.st_mode);
		}
		install(n, path);
		net_pass(n, 6 * MINUTE_MS);
		rotate_expect_order(n);
		if (rotate_slot(n, 0) != i % 2) {
			fake_wrong("it was not confirmed");
		}
		net_pass(n, EPOCH_MS);
	}
	rotate_do_not(n, 0, "export p1 --for named --file out", "absolute");
	rotate_do_not(n, 0, "export p1 --for djbdns --file /x", "--for named");
	rotate_do_not(n, 0, "export p1 --file /x", "--for named");
	net_free(n);
}

/*
 * Away and back
 */

static void
a_peer_that_is_away_stops_its_own_pair(const struct trial *t)
{
	struct net *n = rotate_two_nodes(t);
	size_t from;

	net_pass(n, 30 * SECOND_MS);
	n->nodes[1].is_cut = true;
	net_pass(n, 3 * EPOCH_MS);
	if (rotate_slot(n, 0) != 0) {
		fake_wrong("it was rotated without the peer");
	}
	net_command(n, 0, "status", &from);
	rotate_expect(n, from, "slot b waits for 192.0.2.2@53 since");
	rotate_expect(n, from, "no answer");
	rotate_expect(n, from, "the key in use is");
	net_pass(n, 2 * EPOCH_MS);
	net_command(n, 0, "status", &from);
	rotate_expect(n, from, "critical: the key in use is");
	n->nodes[1].is_cut = false;
	net_pass(n, 10 * MINUTE_MS);
	rotate_expect_order(n);
	if (rotate_slot(n, 0) != 1 || rotate_slot(n, 1) != 1) {
		fake_wrong("it did not go on");
	}
	net_command(n, 0, "status", &from);
	rotate_expect_not(n, from, "ALARM");
	net_free(n);
}

static void
clocks_that_differ_are_told(const struct trial *t)
{
	struct net *n = rotate_two_nodes(t);
	size_t from;

	net_pass(n, 30 * SECOND_MS);
	n->nodes[1].skew_ms = 600000;
	net_pass(n, EPOCH_MS + 10 * MINUTE_MS);
	net_command(n, 0, "status", &from);
	rotate_expect(n, from, "the clock of 192.0.2.2@53 is +600 s from ours");
	if (rotate_slot(n, 0) != 0) {
		fake_wrong("it was rotated");
	}
	n->nodes[1].skew_ms = 0;
	net_pass(n, 10 * MINUTE_MS);
	rotate_expect_order(n);
	if (rotate_slot(n, 0) != 1) {
		fake_wrong("it did not go on");
	}
	net_free(n);
}

static void
copy_file(const char *from, const char *to)
{
	char octets[8192];
	FILE *in = fopen(from, "r"), *out = fopen(to, "w");
	size_t len;

	if (in == NULL || out == NULL) {
		fake_wrong("cannot copy %s to %s", from, to);
	}
	len = fread(octets, 1, sizeof(octets), in);
	if (fwrite(octets, 1, len, out) != len || fclose(out) != 0) {
		fake_wrong("cannot write %s", to);
	}
	fclose(in);
	chmod(to, 0600);
}

static void
a_restored_node_finds_its_peer_again(const struct trial *t)
{
	for (unsigned i = 0; i < 2; i++) {
		struct net *n = rotate_two_nodes(t);
		char state[300], backup[300];
		size_t from;

		net_pass(n, 30 * SECOND_MS);
		snprintf(state, sizeof(state), "%s/p1.state",
			 n->nodes[i].trial.dir);
		snprintf(backup, sizeof(backup), "%s/backup", t->dir);
		copy_file(state, backup);
		net_pass(n, 4 * EPOCH_MS);
		net_close(n, i);
		copy_file(backup, state);
		from = n->said.len;
		net_reopen(n, i);
		net_pass(n, MINUTE_MS);
		rotate_expect_order(n);
		net_command(n, i, "status", &from);
		rotate_expect(n, from, "state regression");
		net_close(n, 0);
		net_close(n, 1);
		unlink(state);
		net_free(n);
		snprintf(state, sizeof(state), "%s/node%u/p1.state", t->dir,
			 1 - i);
		unlink(state);
	}
}

/* Its state is gone, not only old. */
static void
a_node_that_lost_its_state_finds_its_peer_again(const struct trial *t)
{
	for (unsigned i = 0; i < 2; i++) {
		struct net *n = rotate_two_nodes(t);
		char state[300];

		net_pass(n, 41 * EPOCH_MS);
		snprintf(state, sizeof(state), "%s/p1.state",
			 n->nodes[i].trial.dir);
		net_close(n, i);
		unlink(state);
		net_reopen(n, i);
		net_pass(n, 5 * MINUTE_MS);
		rotate_expect_order(n);
		net_close(n, 0);
		net_close(n, 1);
		net_free(n);
		unlink(state);
		snprintf(state, sizeof(state), "%s/node%u/p1.state", t->dir,
			 1 - i);
		unlink(state);
	}
}

static void
a_reload_gives_all_keys_again(const struct trial *t)
{
	struct net *n = rotate_two_nodes(t);

	net_pass(n, EPOCH_MS + 30 * SECOND_MS);
	for (unsigned i = 0; i < 2; i++) {
		struct fake_host *h = n->nodes[i].host;
		struct fake_keys before = h->keys;
		struct secd_event e = {0};

		fake_keys_forget(&h->keys);
		fake_host_event(h, &e, SECD_EVENT_RELOADED);
		if (h->keys.count != before.count ||
		    h->keys.use_count != before.use_count) {
			fake_wrong("%zu keys, %zu uses, not %zu and %zu",
				   h->keys.count, h->keys.use_count,
				   before.count, before.use_count);
		}
		rotate_expect_order(n);
	}
	net_free(n);
}

/* Also while nothing can be saved. */
static void
a_full_disk_stops_rotation_and_nothing_else(const struct trial *t)
{
	struct net *n = rotate_two_nodes(t);
	char path[300];
	size_t from = 0;
	struct secd_event e = {0};

	net_pass(n, 30 * SECOND_MS);
	/* As root anything can be written, but no file where a directory is. */
	snprintf(path, sizeof(path), "%s/p1.state.new", n->nodes[0].trial.dir);
	if (mkdir(path, 0700) != 0) {
		fake_wrong("cannot make %s", path);
	}
	net_pass(n, EPOCH_MS + HOUR_MS);
	rotate_expect_order(n);
	if (rotate_slot(n, 0) != 0) {
		fake_wrong("it was rotated");
	}
	rotate_expect_not(n, from, "slot b: EMPTY -> GENERATED");
	net_command(n, 0, "status", &from);
	rotate_expect(n, from, "nothing changes: ");
	fake_keys_forget(&n->nodes[0].host->keys);
	fake_host_event(n->nodes[0].host, &e, SECD_EVENT_RELOADED);
	rotate_expect_order(n);
	rotate_do_not(n, 0, "revoke p1", "nothing was revoked");
	rotate_expect_order(n);
	rmdir(path);
	net_pass(n, MINUTE_MS);
	rotate_expect_order(n);
	if (rotate_slot(n, 0) != 1) {
		fake_wrong("it did not go on");
	}
	net_free(n);
}

const struct trial_test trial_rotate_tests[] = {
    TRIAL(two_nodes_find_a_key_and_change_it),
    TRIAL(a_rotation_takes_seconds_by_order),
    TRIAL(hosts_that_tell_nothing_rotate_more_slowly),
    TRIAL(a_host_that_cannot_choose_signs_as_configured),
    TRIAL(a_server_gets_its_keys_put_there),
    TRIAL(an_idle_slot_fits_nowhere),
    TRIAL(a_place_that_fails_is_tried_again_and_told),
    TRIAL(a_server_that_lost_its_keys_gets_them_again),
    TRIAL(a_server_without_an_adapter_is_configured_by_hand),
    TRIAL(a_peer_that_is_away_stops_its_own_pair),
    TRIAL(clocks_that_differ_are_told),
    TRIAL(a_restored_node_finds_its_peer_again),
    TRIAL(a_node_that_lost_its_state_finds_its_peer_again),
    TRIAL(a_reload_gives_all_keys_again),
    TRIAL(a_full_disk_stops_rotation_and_nothing_else),
    {NULL, NULL},
};
