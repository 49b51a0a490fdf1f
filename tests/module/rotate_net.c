/* SPDX-License-Identifier: BSD-2-Clause */

#include "rotate_net.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/module_address.h"
#include "base/options.h"

#define DELAY_MS 20  /* there and back */
#define PLACE_MS 200 /* a server takes its time */

struct secd_address
net_address(const char *text)
{
	struct secd_address a;

	if (!module_address_read(text, 53, &a)) {
		fake_wrong("%s is no address", text);
	}
	return a;
}

/*
 * What is kept
 */

static void
say(struct net *n, const char *text)
{
	if (buf_put(&n->said, text, strlen(text) + 1) != SECD_OK) {
		fake_wrong("no memory");
	}
}

void
net_know(struct net *n, const uint8_t *secret, size_t len)
{
	uint8_t octets[FAKE_SECRET_MAX] = {0};

	memcpy(octets, secret, len);
	for (size_t at = 0; at < n->secrets.len; at += FAKE_SECRET_MAX) {
		if (memcmp(n->secrets.data + at, octets, sizeof(octets)) == 0) {
			return;
		}
	}
	if (buf_put(&n->secrets, octets, sizeof(octets)) != SECD_OK) {
		fake_wrong("no memory");
	}
}

/* What is in a host's keyring was a secret. */
static void
learn(struct net *n, const struct fake_keys *k)
{
	for (size_t i = 0; i < k->count; i++) {
		net_know(n, k->list[i].secret, k->list[i].len);
	}
}

bool
net_was_said(const struct net *n, size_t from, const char *text)
{
	while (from < n->said.len) {
		const char *line = (const char *)n->said.data + from;

		if (strstr(line, text) != NULL) {
			return true;
		}
		from += strlen(line) + 1;
	}
	return false;
}

void
net_print(const struct net *n, size_t from)
{
	while (from < n->said.len) {
		const char *line = (const char *)n->said.data + from;

		printf("       | %s\n", line);
		from += strlen(line) + 1;
	}
}

/*
 * The hosts
 */

static struct net *
net_of(const struct fake_host *h)
{
	return h->watcher_ctx;
}

static unsigned
index_of(const struct net *n, const struct fake_host *h)
{
	unsigned i = 0;

	while (n->nodes[i].host != h) {
		i++;
	}
	return i;
}

static void
on_logged(struct fake_host *h, const char *text)
{
	say(net_of(h), text);
}

static bool
on_probed(struct fake_host *h, const struct secd_probe *p)
{
	struct net *n = net_of(h);
	struct net_probe *to = n->probes;

	while (to < n->probes + NET_PROBES && to->is_on) {
		to++;
	}
	if (to == n->probes + NET_PROBES) {
		return false;
	}
	net_know(n, p->secret, p->secret_len);
	n->probed++;
	to->is_on = true;
	to->from = index_of(n, h);
	to->id = p->id;
	to->at_ms = n->now_ms + DELAY_MS;
	to->to = p->to;
	memcpy(to->name, p->key, name_len(p->key));
	memcpy(to->secret, p->secret, p->secret_len);
	to->len = p->secret_len;
	return true;
}

static bool
on_placed(struct fake_host *h, const struct secd_placement *p)
{
	struct net *n = net_of(h);

	for (unsigned i = 0; i < NET_SERVERS; i++) {
		struct net_order *o = &n->orders[i];

		if (p->setting_count != 1 ||
		    strcmp(p->settings[0].key, "file") != 0 ||
		    strcmp(p->settings[0].value, n->servers[i].place) != 0) {
			continue;
		}
		if (o->is_on || p->key_count > 8) {
			fake_wrong("place: two orders for one place");
		}
		*o = (struct net_order){
		    .is_on = true,
		    .from = index_of(n, h),
		    .id = p->id,
		    .at_ms = n->now_ms + PLACE_MS,
		    .server = i,
		    .count = p->key_count,
		};
		for (size_t k = 0; k < p->key_count; k++) {
			struct fake_key *key = &o->keys[k];

			net_know(n, p->keys[k]->secret, p->keys[k]->secret_len);
			memcpy(key->name, p->keys[k]->name,
			       name_len(p->keys[k]->name));
			memcpy(key->secret, p->keys[k]->secret,
			       p->keys[k]->secret_len);
			key->len = p->keys[k]->secret_len;
		}
		return true;
	}
	return false;
}

static const struct fake_watcher watcher = {on_logged, on_probed, on_placed};

struct net *
net_new(const struct trial *t)
{
	struct net *n = calloc(1, sizeof(*n));

	if (n == NULL) {
		fake_wrong("no memory");
	}
	n->trial = t;
	n->now_ms = 5000;
	for (unsigned i = 0; i < NET_SERVERS; i++) {
		snprintf(n->servers[i].place, sizeof(n->servers[i].place),
			 "server%u", i);
	}
	return n;
}

void
net_free(struct net *n)
{
	for (unsigned i = 0; i < NET_NODES; i++) {
		if (n->nodes[i].is_up) {
			net_close(n, i);
		}
		options_free(n->nodes[i].options);
		free(n->nodes[i].host);
	}
	buf_fini(&n->said);
	buf_fini(&n->secrets);
	free(n);
}

static void
set_clock(const struct net *n, unsigned i)
{
	struct fake_host *h = n->nodes[i].host;

	h->now.boot_ms = n->now_ms;
	h->now.wall_ms = 1700000000000 + n->now_ms + n->nodes[i].skew_ms;
}

int
net_reopen(struct net *n, unsigned i)
{
	struct net_node *node = &n->nodes[i];
	int rc;

	set_clock(n, i);
	rc = fake_host_open(node->host);
	if (rc == SECD_OK) {
		fake_host_start(node->host);
		node->is_up = true;
		node->due_ms = 0;
		learn(n, &node->host->keys);
	}
	return rc;
}

int
net_open(struct net *n, unsigned i, const char *config)
{
	struct net_node *node = &n->nodes[i];
	char reason[SECD_REASON_LEN], path[300];

	node->trial = *n->trial;
	snprintf(node->trial.dir, sizeof(node->trial.dir), "%.240s/node%u",
		 n->trial->dir, i);
	mkdir(node->trial.dir, 0700);
	snprintf(path, sizeof(path), "%s/config", n->trial->dir);
	options_free(node->options);
	node->options = NULL;
	if (options_load_text(path, config, strlen(config), &node->options,
			      reason) != SECD_OK) {
		fake_wrong("%s", reason);
	}
	node->trial.options = options_get(node->options);
	free(node->host);
	node->host = trial_host(&node->trial, 1 + i);
	node->host->watcher = &watcher;
	node->host->watcher_ctx = n;
	return net_reopen(n, i);
}

void
net_close(struct net *n, unsigned i)
{
	fake_host_close(n->nodes[i].host);
	n->nodes[i].is_up = false;
	for (unsigned p = 0; p < NET_PROBES; p++) {
		n->probes[p].is_on &= n->probes[p].from != i;
	}
	for (unsigned p = 0; p < NET_SERVERS; p++) {
		n->orders[p].is_on &= n->orders[p].from != i;
	}
}

/*
 * Requests
 */

static void
tell(struct net *n, unsigned i, uint32_t way, const uint8_t *name,
     uint32_t error, uint64_t tag, const struct secd_address *peer)
{
	struct net_node *node = &n->nodes[i];
	struct secd_key_used used = {
	    .size = sizeof(used),
	    .way = way,
	    .tsig_error = error,
	    .count = 1,
	    .name = name,
	    .tag = tag,
	    .peer = *peer,
	};
	struct secd_event e = {.key_used = &used};

	if (node->is_up && !node->is_deaf) {
		set_clock(n, i);
		used.at_ms = node->host->now.wall_ms;
		fake_host_event(node->host, &e, SECD_EVENT_KEY_USED);
		learn(n, &node->host->keys);
		node->due_ms = 0;
	}
}

uint32_t
net_request(struct net *n, const struct secd_address *from, unsigned node,
	    const struct fake_key *key)
{
	uint64_t tag;
	uint32_t error = fake_keys_verify(&n->nodes[node].host->keys, key->name,
					  key->secret, key->len, &tag);

	tell(n, node, SECD_WAY_IN, key->name, error, tag, from);
	return error;
}

static void
answer(struct net *n, struct net_probe *p)
{
	unsigned last = p->to.octets[3];
	char text[MODULE_ADDRESS_TEXT_MAX];
	struct secd_address from;
	struct secd_probe_result r = {
	    .size = sizeof(r), .id = p->id, .outcome = SECD_PROBE_SILENT};
	struct secd_event e = {.probe = &r};
	struct fake_key key = {.len = p->len};
	int64_t skew = 0;
	bool is_cut = n->nodes[p->from].is_cut;

	memcpy(key.name, p->name, sizeof(key.name));
	memcpy(key.secret, p->secret, sizeof(key.secret));
	snprintf(text, sizeof(text), "192.0.2.%u", p->from + 1);
	from = net_address(text);
	if (last >= 1 && last <= NET_NODES && n->nodes[last - 1].is_up &&
	    !is_cut && !n->nodes[last - 1].is_cut) {
		r.tsig_error = net_request(n, &from, last - 1, &key);
		r.outcome = r.tsig_error == 0 ? SECD_PROBE_VERIFIED
					      : SECD_PROBE_REFUSED;
		skew = n->nodes[last - 1].skew_ms - n->nodes[p->from].skew_ms;
	} else if (last >= 11 && last < 11 + NET_SERVERS && !is_cut &&
		   !n->servers[last - 11].is_cut) {
		uint64_t tag;

		r.tsig_error =
		    fake_keys_verify(&n->servers[last - 11].keys, p->name,
				     p->secret, p->len, &tag);
		r.outcome = r.tsig_error == 0 ? SECD_PROBE_VERIFIED
					      : SECD_PROBE_REFUSED;
	}
	if (r.outcome == SECD_PROBE_VERIFIED &&
	    (skew > 300000 || skew < -300000)) {
		r.outcome = SECD_PROBE_REFUSED;
		r.tsig_error = 18;
	}
	r.skew_ms = r.outcome == SECD_PROBE_SILENT ? 0 : skew;
	p->is_on = false;
	if (n->nodes[p->from].is_up) {
		set_clock(n, p->from);
		fake_host_event(n->nodes[p->from].host, &e,
				SECD_EVENT_PROBE_DONE);
		learn(n, &n->nodes[p->from].host->keys);
		n->nodes[p->from].due_ms = 0;
	}
}

static void
put(struct net *n, struct net_order *o)
{
	struct net_server *s = &n->servers[o->server];
	struct secd_placed placed = {
	    .size = sizeof(placed),
	    .id = o->id,
	    .needs_restart = s->needs_restart,
	    .text = "so it is",
	};
	struct secd_event e = {.placed = &placed};

	o->is_on = false;
	s->orders++;
	if (s->refusals > 0) {
		s->refusals--;
		placed.rc = SECD_EIO;
		placed.text = "its checker does not like it";
	} else {
		fake_keys_forget(&s->keys);
		for (size_t i = 0; i < o->count; i++) {
			s->keys.list[s->keys.count++] = o->keys[i];
		}
	}
	set_clock(n, o->from);
	fake_host_event(n->nodes[o->from].host, &e, SECD_EVENT_PLACED);
	n->nodes[o->from].due_ms = 0;
}

/*
 * Time
 */

static int64_t
next_moment(const struct net *n, int64_t end)
{
	for (unsigned i = 0; i < NET_PROBES; i++) {
		if (n->probes[i].is_on && n->probes[i].at_ms < end) {
			end = n->probes[i].at_ms;
		}
	}
	for (unsigned i = 0; i < NET_SERVERS; i++) {
		if (n->orders[i].is_on && n->orders[i].at_ms < end) {
			end = n->orders[i].at_ms;
		}
	}
	for (unsigned i = 0; i < NET_NODES; i++) {
		if (n->nodes[i].is_up && n->nodes[i].due_ms < end) {
			end = n->nodes[i].due_ms;
		}
	}
	return end > n->now_ms ? end : n->now_ms;
}

static void
happen(struct net *n)
{
	for (unsigned i = 0; i < NET_PROBES; i++) {
		if (n->probes[i].is_on && n->probes[i].at_ms <= n->now_ms) {
			answer(n, &n->probes[i]);
		}
	}
	for (unsigned i = 0; i < NET_SERVERS; i++) {
		if (n->orders[i].is_on && n->orders[i].at_ms <= n->now_ms) {
			put(n, &n->orders[i]);
		}
	}
	for (unsigned i = 0; i < NET_NODES; i++) {
		struct net_node *node = &n->nodes[i];

		if (node->is_up && node->due_ms <= n->now_ms) {
			set_clock(n, i);
			node->due_ms = fake_host_tick(node->host);
			learn(n, &node->host->keys);
		}
	}
}

void
net_pass(struct net *n, int64_t ms)
{
	int64_t end = n->now_ms + ms;
	unsigned busy = 0;

	while (n->now_ms < end) {
		int64_t next = next_moment(n, end);

		busy = next == n->now_ms ? busy + 1 : 0;
		if (busy > 1000) {
			fake_wrong("it is always due");
		}
		n->now_ms = next;
		happen(n);
	}
}

const struct fake_key *
net_signer(const struct net *n, unsigned i, const char *configured)
{
	uint8_t name[NAME_LEN_MAX];

	if (name_from_text(configured, name) != SECD_OK) {
		fake_wrong("%s is no name", configured);
	}
	return fake_keys_signer(&n->nodes[i].host->keys, name);
}

/*
 * Commands
 */

struct replying {
	struct net *net;
	uint32_t pause_ms;
};

static void
on_text(void *ctx, const char *zone, const char *id, const char *item,
	const char *value)
{
	struct replying *r = ctx;
	char text[1024];

	(void)zone;
	snprintf(text, sizeof(text), "%s: %s: %s", id != NULL ? id : "", item,
		 value);
	say(r->net, text);
}

static void
on_number(void *ctx, const char *zone, const char *id, const char *item,
	  uint64_t value)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	on_text(ctx, zone, id, item, text);
}

static void
on_time(void *ctx, const char *zone, const char *id, const char *item,
	int64_t at_ms)
{
	on_number(ctx, zone, id, item, (uint64_t)at_ms);
}

static void
on_boolean(void *ctx, const char *zone, const char *id, const char *item,
	   int value)
{
	on_text(ctx, zone, id, item, value ? "on" : "off");
}

static void
on_line(void *ctx, const char *text)
{
	say(((struct replying *)ctx)->net, text);
}

static void
on_pause(void *ctx, uint32_t ms)
{
	((struct replying *)ctx)->pause_ms = ms;
}

static struct secd_reply
reply_to(struct replying *r)
{
	return (struct secd_reply){
	    .size = sizeof(struct secd_reply),
	    .ctx = r,
	    .text = on_text,
	    .number = on_number,
	    .time = on_time,
	    .boolean = on_boolean,
	    .line = on_line,
	    .error = on_line,
	    .pause = on_pause,
	};
}

/* Words stand apart by a blank. */
static uint32_t
split(char *words, const char **argv)
{
	uint32_t argc = 0;

	for (char *p = strtok(words, " "); p != NULL && argc < 16;
	     p = strtok(NULL, " ")) {
		argv[argc++] = p;
	}
	return argc;
}

int
net_command(struct net *n, unsigned i, const char *words, size_t *from)
{
	struct replying r = {.net = n};
	struct secd_reply reply = reply_to(&r);
	_Alignas(16) uint8_t position[SECD_POSITION_LEN] = {0};
	char copy[1024];
	const char *argv[16];
	struct secd_command c = {
	    .size = sizeof(c), .argv = argv, .position = position};
	struct fake_host *h = n->nodes[i].host;
	size_t start = n->said.len;
	int rc;

	snprintf(copy, sizeof(copy), "%s", words);
	c.argc = split(copy, argv);
	do {
		set_clock(n, i);
		h->in_call = true;
		rc = h->module->command(h->m, &c, &reply);
		h->in_call = false;
		n->nodes[i].due_ms = 0;
		learn(n, &h->keys);
		if (r.pause_ms > 0) {
			net_pass(n, r.pause_ms);
			r.pause_ms = 0;
		}
	} while (rc == SECD_MORE);
	if (from != NULL) {
		*from = start;
	}
	return rc;
}

void
net_status(struct net *n, unsigned i)
{
	struct replying r = {.net = n};
	struct secd_reply reply = reply_to(&r);
	struct fake_host *h = n->nodes[i].host;

	set_clock(n, i);
	h->in_call = true;
	h->module->status(h->m, &reply);
	h->in_call = false;
}
