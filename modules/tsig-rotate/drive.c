/* SPDX-License-Identifier: BSD-2-Clause */

#include "tsig-rotate/drive.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/error.h"
#include "base/module_address.h"
#include "base/secretfile.h"
#include "tsig-rotate/derive.h"

#define ALGORITHM   "hmac-sha256"
#define ROOT_TEXT   BASE64_LEN(PAIR_SECRET_LEN)
#define ROOT_CAP    (ROOT_TEXT + 3) /* an end of line, and one too many */
#define BECAUSE_MAX 128
/* A machine that wants more than this at once does not know what it wants. */
#define ACTIONS_MAX 1000
/* A host that says nothing about a probe for so long forgot it. */
#define LOST_MS 60000

/*
 * What is told
 */

static void
told(void *ctx, const struct machine_step *s)
{
	const struct rotate_pair *p = ctx;
	const struct slot *slot = &p->secrets->pair.slots[s->slot];
	char fingerprint[DERIVE_FINGERPRINT_LEN] = "none";

	if (pair_is_live(slot) && slot->epoch == s->epoch &&
	    slot->generation == s->generation) {
		derive_fingerprint(slot->secret, fingerprint);
	}
	rotate_log(p->rotate, SECD_NOTICE,
		   "pair %s slot %c: %s -> %s, generation %u, epoch %llu, "
		   "fingerprint %s: %s",
		   p->file.id, s->slot == SLOT_A ? 'a' : 'b',
		   pair_state_text(s->from), pair_state_text(s->to),
		   (unsigned)s->generation, (unsigned long long)s->epoch,
		   fingerprint, s->because);
}

static bool
make_random(void *ctx, uint8_t *out, size_t len)
{
	(void)ctx;
	return derive_random(out, len);
}

static bool
make_derived(void *ctx, const uint8_t *root, const uint8_t *name,
	     uint32_t generation, uint64_t epoch, uint8_t *out)
{
	(void)ctx;
	return derive_secret(root, name, generation, epoch, out);
}

/*
 * Begin and end
 */

/* One line of base64, of exactly as many octets: no passphrase is that. */
static bool
decode_root(const char *text, size_t len, uint8_t *out)
{
	uint8_t octets[BASE64_OCTETS(ROOT_TEXT)];
	size_t octet_count = 0;
	bool is_root;

	if (len > 0 && text[len - 1] == '\n') {
		len--;
	}
	if (len > 0 && text[len - 1] == '\r') {
		len--;
	}
	is_root = len == ROOT_TEXT &&
		  base64_decode(text, len, octets, &octet_count) &&
		  octet_count == PAIR_SECRET_LEN;
	if (is_root) {
		memcpy(out, octets, PAIR_SECRET_LEN);
	}
	explicit_bzero(octets, sizeof(octets));
	return is_root;
}

static bool
load_root(struct rotate_pair *p, const char *path)
{
	char why[SECRETFILE_REASON_MAX], text[ROOT_CAP];
	size_t len = 0;
	int fd = -1, rc = secretfile_open(path, geteuid(), &fd, why);

	if (rc == SECD_OK) {
		rc = secretfile_read(fd, text, sizeof(text), &len, why);
		close(fd);
	}
	if (rc == SECD_OK && !decode_root(text, len, p->secrets->root)) {
		snprintf(why, sizeof(why),
			 "is not the base64 of 32 octets: make it with "
			 "\"openssl rand -base64 32\"");
		rc = SECD_EMALF;
	}
	explicit_bzero(text, sizeof(text));
	if (rc != SECD_OK) {
		snprintf(p->root_reason, sizeof(p->root_reason), "%.300s %s",
			 path, why);
	}
	return rc == SECD_OK;
}

const uint8_t *
drive_read_root(struct rotate_pair *p)
{
	const struct pair *pair = &p->secrets->pair;
	uint8_t check[PAIR_CHECK_LEN];

	p->root_reason[0] = '\0';
	if (!p->config.is_derived || !load_root(p, p->options->root_file)) {
		return NULL;
	}
	if (pair->is_root_revoked &&
	    (!derive_root_check(p->secrets->root, check) ||
	     memcmp(check, pair->root_check, sizeof(check)) == 0)) {
		snprintf(p->root_reason, sizeof(p->root_reason),
			 "the root in %.300s was revoked: a new one belongs "
			 "there",
			 p->options->root_file);
		return NULL;
	}
	return p->secrets->root;
}

static void
make_config(struct rotate_pair *p)
{
	p->config = p->options->config;
	for (unsigned s = 0; s < SLOT_COUNT; s++) {
		p->config.names[s] = p->options->names[s];
	}
	p->config.lost_ms = p->options->timeout_ms * 2 + LOST_MS;
	p->config.source =
	    (struct machine_source){make_random, make_derived, NULL};
	p->config.told = told;
	p->config.told_ctx = p;
}

int
drive_open(struct rotate_pair *p, const struct secd_time *now, char *reason)
{
	const struct secd_host *host = p->rotate->host;
	const uint8_t *root;
	bool is_changed = false;
	int rc;

	make_config(p);
	p->secrets = host->secret_new(host->ctx, sizeof(*p->secrets));
	if (p->secrets == NULL) {
		snprintf(reason, ROTATE_REASON_MAX, "no memory");
		return SECD_ENOMEM;
	}
	p->file.host = host;
	p->file.id = p->options->id;
	memcpy(p->file.names, p->options->names, sizeof(p->file.names));
	rc = state_load(&p->file, &p->secrets->pair, reason);
	p->is_new = rc == SECD_ENOTFOUND;
	if (rc != SECD_OK && !p->is_new) {
		return rc;
	}
	root = drive_read_root(p);
	/* A pair that goes on without is shown; one that cannot begin is a
	 * mistake of who began it. */
	if (p->config.is_derived && root == NULL && p->is_new) {
		snprintf(reason, ROTATE_REASON_MAX, "%s", p->root_reason);
		return SECD_EPERM;
	}
	if (p->rotate->revoked != NULL) {
		is_changed =
		    revoked_apply(p->rotate->revoked, p->file.id,
				  p->config.places > 0, &p->secrets->pair);
	}
	machine_init(&p->machine, &p->config,
		     &(struct machine_memory){&p->secrets->pair,
					      &p->secrets->saved,
					      p->secrets->scratch},
		     root, now);
	p->machine.is_dirty |= is_changed;
	return SECD_OK;
}

void
drive_close(struct rotate_pair *p)
{
	const struct secd_host *host = p->rotate->host;

	if (p->secrets != NULL) {
		host->secret_free(host->ctx, p->secrets, sizeof(*p->secrets));
		p->secrets = NULL;
	}
}

/*
 * Actions
 */

static int
save(struct rotate_pair *p)
{
	const struct rotate *r = p->rotate;
	int rc = SECD_OK;

	if (r->options->revocations != NULL) {
		rc = revoked_add(r->options->revocations, p->file.id,
				 &p->secrets->saved, &p->secrets->pair,
				 p->save_reason);
	}
	if (rc == SECD_OK) {
		rc = state_save(&p->file, &p->secrets->pair, p->save_reason);
	}
	p->is_new &= rc != SECD_OK;
	return rc;
}

static int
put(const struct rotate_pair *p, const struct action *a)
{
	const struct secd_host *host = p->rotate->host;
	const struct secd_key key = {
	    .size = sizeof(key),
	    .flags = a->flags,
	    .name = p->config.names[a->slot],
	    .algorithm = ALGORITHM,
	    .secret = a->secret,
	    .secret_len = PAIR_SECRET_LEN,
	    .tag = a->tag,
	};

	return a->kind == ACTION_PUT ? host->key_put(host->ctx, &key)
				     : host->key_drop(host->ctx, &key);
}

/* Wherever the configuration has one of the two names. */
static int
use(const struct rotate_pair *p, const struct action *a)
{
	const struct secd_host *host = p->rotate->host;
	int rc = SECD_OK;

	if (host->key_use == NULL) {
		return SECD_ENOTSUP;
	}
	for (unsigned s = 0; s < SLOT_COUNT && rc == SECD_OK; s++) {
		unsigned with = a->slot == SLOT_COUNT ? s : a->slot;

		rc = host->key_use(host->ctx, p->config.names[s],
				   p->config.names[with]);
	}
	return rc;
}

static int
probe(struct rotate_pair *p, const struct action *a)
{
	const struct secd_host *host = p->rotate->host;
	bool is_self = a->peer == MACHINE_PEERS_MAX;
	const struct secd_probe probe = {
	    .size = sizeof(probe),
	    .id = ++p->rotate->last_id,
	    .to = is_self ? p->options->self : p->options->probes[a->peer],
	    .from = is_self ? (struct secd_address){0} : p->options->from,
	    .zone = p->options->zone,
	    .key = p->config.names[a->slot],
	    .algorithm = ALGORITHM,
	    .secret = a->secret,
	    .secret_len = PAIR_SECRET_LEN,
	    .timeout_ms = (uint32_t)p->options->timeout_ms,
	};
	int rc = host->probe(host->ctx, &probe);

	p->probe = rc == SECD_OK ? probe.id : 0;
	return rc;
}

static int
perform(struct rotate_pair *p, const struct action *a)
{
	switch (a->kind) {
	case ACTION_SAVE:
		return save(p);
	case ACTION_PUT:
	case ACTION_DROP:
		return put(p, a);
	case ACTION_USE:
		return use(p, a);
	default:
		return probe(p, a);
	}
}

void
drive_run(struct rotate_pair *p, const struct secd_time *now)
{
	struct action a;

	for (unsigned i = 0; i < ACTIONS_MAX; i++) {
		if (!machine_next(&p->machine, now, &a)) {
			break;
		}
		machine_did(&p->machine, now, &a, perform(p, &a));
	}
	explicit_bzero(p->secrets->scratch, sizeof(p->secrets->scratch));
	p->due_ms = machine_due(&p->machine, now->boot_ms);
}

/*
 * Answers
 */

static const char *
error_text(uint32_t tsig_error)
{
	switch (tsig_error) {
	case 16:
		return "BADSIG";
	case 17:
		return "BADKEY";
	case 18:
		return "BADTIME";
	case 22:
		return "BADTRUNC";
	default:
		return "refused";
	}
}

static const char *
outcome_text(const struct secd_probe_result *r)
{
	static const char *const texts[] = {
	    [SECD_PROBE_VERIFIED] = "verified",
	    [SECD_PROBE_REFUSED] = "refused",
	    [SECD_PROBE_UNSIGNED] = "unsigned",
	    [SECD_PROBE_WRONG] = "wrongly signed",
	    [SECD_PROBE_SILENT] = "silent",
	    [SECD_PROBE_UNREACHABLE] = "unreachable",
	    [SECD_PROBE_FAILED] = "not asked",
	};

	if (r->outcome == SECD_PROBE_REFUSED) {
		return error_text(r->tsig_error);
	}
	return r->outcome < sizeof(texts) / sizeof(texts[0]) &&
		       texts[r->outcome] != NULL
		   ? texts[r->outcome]
		   : "unknown";
}

bool
drive_probe_done(struct rotate_pair *p, const struct secd_time *now,
		 const struct secd_probe_result *result)
{
	const struct asked *asked = machine_asked(&p->machine);
	struct secd_probe_result r = *result;
	char address[MODULE_ADDRESS_TEXT_MAX], because[BECAUSE_MAX];

	if (p->probe == 0 || p->probe != result->id) {
		return false;
	}
	p->probe = 0;
	if (asked == NULL) {
		return true;
	}
	r.id = asked->id;
	snprintf(because, sizeof(because), "probe %llu of %s: %s",
		 (unsigned long long)(result->id & ROTATE_ID_MASK),
		 module_address_text(asked->peer == MACHINE_PEERS_MAX
					 ? &p->options->self
					 : &p->options->probes[asked->peer],
				     address),
		 outcome_text(result));
	rotate_log(p->rotate, SECD_DEBUG,
		   "pair %s slot %c: generation %u, epoch %llu: %s", p->file.id,
		   asked->slot == SLOT_A ? 'a' : 'b',
		   (unsigned)asked->generation,
		   (unsigned long long)asked->epoch, because);
	machine_probe_done(&p->machine, now, &r, because);
	drive_run(p, now);
	return true;
}
