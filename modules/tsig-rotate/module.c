/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tsig-rotate -- rotates the keys that sign transfers: see secondaryd/module.h
 * for how a host calls it, and machine.h for the protocol.
 */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/module_address.h"
#include "tsig-rotate/alarm.h"
#include "tsig-rotate/command.h"
#include "tsig-rotate/drive.h"
#include "tsig-rotate/offline.h"
#include "tsig-rotate/places.h"
#include "tsig-rotate/rotate.h"

/* Saving takes a few milliseconds for each pair: then others get a turn. */
#define TURN_MS 8
/* Alarms come by time, too. */
#define LOOK_MS 60000

void
rotate_log(const struct rotate *r, int level, const char *format, ...)
{
	char text[ROTATE_REASON_MAX];
	va_list args;

	if (r->host->log != NULL) {
		va_start(args, format);
		vsnprintf(text, sizeof(text), format, args);
		va_end(args);
		r->host->log(r->host->ctx, level, text);
	}
}

bool
rotate_is_peer(const struct rotate_pair *p, const struct secd_address *a)
{
	const struct pair_options *o = p->options;

	for (unsigned i = 0; i < o->config.peers; i++) {
		if (module_address_same_host(a, &o->probes[i])) {
			return true;
		}
	}
	for (size_t i = 0; i < o->address_count; i++) {
		if (module_address_same_host(a, &o->addresses[i])) {
			return true;
		}
	}
	/* Our own questions to ourselves are no stranger's. */
	return module_address_same_host(a, &o->self) ||
	       module_address_same_host(a, &o->from);
}

struct rotate_pair *
rotate_find(const struct rotate *r, const char *id)
{
	for (size_t i = 0; i < r->pair_count; i++) {
		if (strcmp(r->pairs[i].file.id, id) == 0) {
			return &r->pairs[i];
		}
	}
	return NULL;
}

/*
 * Begin and end
 */

static bool
host_will_do(const struct secd_host *host, char *reason)
{
	const char *missing = NULL;
	bool writes = (host->flags & SECD_HOST_READ_ONLY) == 0;

	if (host->abi_major != SECD_ABI_MAJOR) {
		snprintf(reason, SECD_REASON_LEN,
			 "%s speaks version %u of the module API, not %u",
			 host->name, host->abi_major, SECD_ABI_MAJOR);
		return false;
	}
	if (!SECD_HAS(host, secret_free) || host->secret_new == NULL ||
	    host->secret_free == NULL) {
		missing = "keep secrets";
	} else if (host->state_dir == NULL || host->clock == NULL) {
		missing = "keep files and tell the time";
	} else if (writes &&
		   (host->key_put == NULL || host->key_drop == NULL)) {
		missing = "put keys";
	} else if (writes && host->probe == NULL) {
		missing = "ask a peer, signed";
	}
	if (missing != NULL) {
		snprintf(reason, SECD_REASON_LEN,
			 "tsig-rotate needs a host that can %s", missing);
	}
	return missing == NULL;
}

static void
rotate_close(void *m)
{
	struct rotate *r = m;

	for (size_t i = 0; i < r->pair_count; i++) {
		drive_close(&r->pairs[i]);
	}
	free(r->pairs);
	free(r->places);
	revoked_free(r->revoked);
	rotate_options_free(r->options);
	free(r);
}

static int
make_places(struct rotate *r, char *reason)
{
	const struct rotate_options *o = r->options;

	if (o->place_count > 0 && r->host->place == NULL) {
		snprintf(reason, SECD_REASON_LEN,
			 "%s cannot put keys into other servers: there must be "
			 "no place",
			 r->host->name);
		return SECD_ENOTSUP;
	}
	r->places = calloc(o->place_count + 1, sizeof(r->places[0]));
	if (r->places == NULL) {
		return SECD_ENOMEM;
	}
	r->place_count = o->place_count;
	for (size_t i = 0; i < o->place_count; i++) {
		r->places[i].options = &o->places[i];
	}
	return SECD_OK;
}

/* What was in force is again, before anybody asks; what is new has time. */
static int
open_pairs(struct rotate *r, const struct secd_time *now, char *reason)
{
	const struct rotate_options *o = r->options;
	char why[ROTATE_REASON_MAX];

	r->pairs = calloc(o->pair_count, sizeof(r->pairs[0]));
	if (r->pairs == NULL) {
		return SECD_ENOMEM;
	}
	for (size_t i = 0; i < o->pair_count; i++) {
		struct rotate_pair *p = &r->pairs[r->pair_count++];
		int rc;

		p->rotate = r;
		p->options = &o->pairs[i];
		rc = drive_open(p, now, why);
		if (rc != SECD_OK) {
			snprintf(reason, SECD_REASON_LEN, "pair %s: %.440s",
				 p->options->id, why);
			return rc;
		}
		if (!p->is_new) {
			drive_run(p, now);
		}
		if (p->machine.put_rc == SECD_EEXIST) {
			snprintf(reason, SECD_REASON_LEN,
				 "pair %s: the host's configuration has a key "
				 "of that name that is not this module's",
				 p->options->id);
			return SECD_EEXIST;
		}
	}
	return SECD_OK;
}

/* `out` is to be freed also after a failure. */
static int
read_options(const struct secd_options *options, struct rotate_options **out,
	     char *reason)
{
	int rc = rotate_options_new(options, out, reason);

	if (rc == SECD_OK && (*out)->pair_count == 0) {
		snprintf(reason, SECD_REASON_LEN,
			 "%.256s: there is no pair to be rotated",
			 options->path[0] != '\0' ? options->path
						  : "tsig-rotate");
		rc = SECD_EINVAL;
	}
	return rc;
}

static int
rotate_check(const struct secd_options *options, char *reason)
{
	struct rotate_options *o = NULL;
	int rc = read_options(options, &o, reason);

	rotate_options_free(o);
	return rc;
}

static int
open_configured(struct rotate *r, const struct secd_options *options,
		const struct secd_time *now, char *reason)
{
	char why[REVOKED_REASON_MAX];
	int rc = read_options(options, &r->options, reason);

	if (rc != SECD_OK) {
		return rc;
	}
	if (r->options->revocations != NULL) {
		rc = revoked_load(r->options->revocations, &r->revoked, why);
		if (rc != SECD_OK) {
			snprintf(reason, SECD_REASON_LEN, "%.500s", why);
			return rc;
		}
	}
	snprintf(reason, SECD_REASON_LEN, "no memory");
	rc = make_places(r, reason);
	return rc == SECD_OK ? open_pairs(r, now, reason) : rc;
}

static int
rotate_open(const struct secd_host *host, const struct secd_options *options,
	    void **m, char *reason)
{
	struct secd_time now;
	struct rotate *r;
	int rc;

	if (!host_will_do(host, reason)) {
		return SECD_ENOTSUP;
	}
	r = calloc(1, sizeof(*r));
	if (r == NULL) {
		snprintf(reason, SECD_REASON_LEN, "no memory");
		return SECD_ENOMEM;
	}
	r->host = host;
	host->clock(host->ctx, &now);
	r->last_id = (uint64_t)now.wall_ms << ROTATE_ID_BITS;
	rc = (host->flags & SECD_HOST_READ_ONLY) != 0
		 ? offline_open(r, &now, reason)
		 : open_configured(r, options, &now, reason);
	if (rc != SECD_OK) {
		rotate_close(r);
		return rc;
	}
	*m = r;
	return SECD_OK;
}

/*
 * Time and events
 */

static int64_t
rotate_tick(void *m, const struct secd_time *now)
{
	struct rotate *r = m;
	int64_t due = now->boot_ms + LOOK_MS;
	struct secd_time time = *now;

	for (size_t i = 0; i < r->pair_count; i++) {
		struct rotate_pair *p = &r->pairs[i];

		if (p->due_ms <= now->boot_ms) {
			drive_run(p, now);
			r->host->clock(r->host->ctx, &time);
		}
		alarm_tell(p, now);
		due = p->due_ms < due ? p->due_ms : due;
		if (time.boot_ms - now->boot_ms >= TURN_MS) {
			return now->boot_ms;
		}
	}
	if (r->place_count > 0) {
		int64_t next = places_run(r, now);

		due = next < due ? next : due;
	}
	return due;
}

static void
on_ready(struct rotate *r)
{
	r->is_ready = true;
	for (size_t i = 0; i < r->pair_count; i++) {
		machine_ready(&r->pairs[i].machine);
		r->pairs[i].due_ms = 0;
	}
}

static void
on_reloaded(struct rotate *r, const struct secd_time *now)
{
	for (size_t i = 0; i < r->pair_count; i++) {
		machine_forget(&r->pairs[i].machine);
		drive_run(&r->pairs[i], now);
	}
}

static void
on_key_used(struct rotate *r, const struct secd_time *now,
	    const struct secd_key_used *used)
{
	for (size_t i = 0; i < r->pair_count; i++) {
		struct rotate_pair *p = &r->pairs[i];

		for (unsigned s = 0; s < SLOT_COUNT; s++) {
			if (name_equal(used->name, p->config.names[s])) {
				machine_key_used(
				    &p->machine, now, used, s,
				    rotate_is_peer(p, &used->peer));
				drive_run(p, now);
				return;
			}
		}
	}
}

static void
rotate_event(void *m, const struct secd_event *e)
{
	struct rotate *r = m;
	struct secd_time now;

	r->host->clock(r->host->ctx, &now);
	switch (e->type) {
	case SECD_EVENT_READY:
		on_ready(r);
		break;
	case SECD_EVENT_RELOADED:
		on_reloaded(r, &now);
		break;
	case SECD_EVENT_KEY_USED:
		on_key_used(r, &now, e->key_used);
		break;
	case SECD_EVENT_PROBE_DONE:
		for (size_t i = 0; i < r->pair_count; i++) {
			if (drive_probe_done(&r->pairs[i], &now, e->probe)) {
				break;
			}
		}
		break;
	case SECD_EVENT_PLACED:
		places_done(r, &now, e->placed);
		break;
	default:
		break;
	}
}

const struct secd_module secd_module = {
    .size = sizeof(struct secd_module),
    .abi_major = SECD_ABI_MAJOR,
    .abi_minor = SECD_ABI_MINOR,
    .name = "tsig-rotate",
    .version = "1",
    .word = "key",
    .open = rotate_open,
    .close = rotate_close,
    .tick = rotate_tick,
    .event = rotate_event,
    .command = command_run,
    .status = command_status,
    .check = rotate_check,
};
