/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * options -- what the operator wants rotated: the module's configuration.
 *
 *     rotation:
 *         epoch: 7d                # of all pairs that say nothing else
 *         drain: 130m
 *         check-interval: 15m
 *         probe-interval: 5s
 *         probe-timeout: 3s
 *         pre-stage: off
 *         max-catch-up: 520
 *         unsafe-timing: off       # durations below what is safe
 *         revocations: FILE        # kept out of the backups
 *     place:                       # another server's keys
 *       - id: edge
 *         adapter: nsd             # knot, bind, command
 *         timeout: 30s
 *         ...                      # whatever the adapter wants to know
 *     pair:
 *       - id: p1
 *         key: p1.xfr.example.     # p1-a.xfr.example. and p1-b.xfr.example.
 *         peer: module             # or other
 *         role: initiator          # or follower
 *         secrets: derived         # or random
 *         root-file: p1.root
 *         probe: [ 192.0.2.1@53 ]  # who has to confirm
 *         from: 192.0.2.2          # where probes leave
 *         address: [ 192.0.2.7 ]   # where the peer sends from, too
 *         self: 192.0.2.2@53       # this node
 *         zone: example.           # that is asked for
 *         place: [ edge ]
 */

#ifndef TSIG_ROTATE_OPTIONS_H
#define TSIG_ROTATE_OPTIONS_H

#include "secondaryd/module.h"
#include "tsig-rotate/machine.h"
#include "wire/name.h"

#define OPTIONS_ID_MAX     64 /* with its NUL */
#define OPTIONS_ADDRESSES  MACHINE_PEERS_MAX
#define OPTIONS_PLACES_MAX 64

struct place_options {
	uint32_t line;
	const char *id;
	const char *adapter;
	uint32_t timeout_ms;
	/* The adapter's own. */
	struct secd_option *settings;
	size_t setting_count;
};

struct pair_options {
	uint32_t line;
	const char *id;
	/* Names, times and so on; the rest is filled in by its user. */
	struct machine_config config;
	uint8_t names[SLOT_COUNT][NAME_LEN_MAX];
	const char *root_file; /* NULL: none */
	struct secd_address probes[OPTIONS_ADDRESSES];
	struct secd_address from, self; /* family 0: not said */
	struct secd_address addresses[OPTIONS_ADDRESSES];
	size_t address_count;
	uint8_t zone[NAME_LEN_MAX];
	int64_t timeout_ms; /* of a probe */
	/* In the list of all; as many as config.places. */
	uint8_t places[MACHINE_PLACES_MAX];
};

struct rotate_options {
	const char *revocations; /* NULL: none */
	size_t place_count;
	struct place_options *places;
	size_t pair_count;
	struct pair_options *pairs;
	struct arena *arena; /* all of it */
};

/**
 * Read the module's options.
 *
 * reason   room for SECD_REASON_LEN
 * Returns  SECD_OK, SECD_EINVAL, SECD_ENOMEM
 */
int rotate_options_new(const struct secd_options *options,
		       struct rotate_options **out, char *reason);
void rotate_options_free(struct rotate_options *o);

#endif
