/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * modules_internal -- the modules that are loaded, as module*.c sees them.
 */

#ifndef SECD_SERVER_MODULES_INTERNAL_H
#define SECD_SERVER_MODULES_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "server/module_load.h"
#include "server/module_zones.h"
#include "server/modules.h"
#include "server/placer.h"

struct module_instance {
	struct modules *modules;
	char *id;
	struct module_files files;
	struct secd_host host;
	void *self; /* of open; NULL: not open, or it gave up for good */
	unsigned walks;
	bool has_changes;       /* that are not committed */
	bool has_lost;          /* one of them */
	bool is_touched;        /* something was called since the last tick */
	int64_t due_ms;         /* clock_boot_ms */
	atomic_bool is_failing; /* and that was logged */
	uint64_t failures;
	char last_failure[256];
};

struct modules {
	struct module_instance *list;
	size_t count;
	struct config *config; /* counted */
	struct frontend *frontend;
	struct module_evidence {
		struct letter letter; /* "there is something" */
		bool is_there;
		int64_t told_ms; /* clock_boot_ms */
		uint64_t left_out;
		int64_t logged_ms; /* that something was */
	} evidence;
	struct module_zones zones;
	/* Of the call that runs: what walk_begin finds whatever is newer. */
	const uint8_t *apex;
	struct version *version;
	struct commit *commit; /* NULL: not attached yet */
	struct placer *placer; /* NULL: nothing is placed */
	char *placed_dir;      /* what is remembered of other servers */
	void (*notify)(void *ctx, const uint8_t *apex);
	void *notify_ctx;
	void (*pin)(void *ctx, struct modules_pin *order);
	void *pin_ctx;
	void (*probe)(void *ctx, struct modules_probe *order);
	void *probe_ctx;
	unsigned probes; /* that were ordered, and are not told yet */
	void (*rekey)(void *ctx, bool is_cut);
	void *rekey_ctx;
	/* Written when a module gives up, for those who ask changes_since. */
	pthread_rwlock_t closing;
};

/* module_host.c: what the server offers a module. */
void modules_host_init(struct module_instance *i);

/* module_pin.c: its functions of pins. */
int modules_host_pin(void *ctx, const uint8_t *apex, uint64_t seq, uint64_t id);
int modules_host_unpin(void *ctx, const uint8_t *apex, uint64_t id);

/* module_keys.c: its functions of keys. */
int modules_key_put(void *ctx, const struct secd_key *key);
int modules_key_drop(void *ctx, const struct secd_key *key);
int modules_key_use(void *ctx, const uint8_t *configured, const uint8_t *key);
/** A key as a module gives it. Returns SECD_OK, SECD_EINVAL, SECD_ENOMEM. */
int modules_key_make(const struct modules *m, const uint8_t *name,
		     const char *algorithm, const uint8_t *secret, size_t len,
		     struct tsig_key **out);

/* module_probe.c: its function of probes. */
int modules_host_probe(void *ctx, const struct secd_probe *p);

/* module_evidence.c: what became of signatures is told. */
int modules_evidence_init(struct modules *m);
void modules_evidence_fini(struct modules *m);
/** The commit thread is woken when there is something; or not any more. */
void modules_evidence_attach(struct modules *m);
void modules_evidence_detach(struct modules *m);
/** Tell what is due. Returns the clock_boot_ms of the next turn; INT64_MAX: none
 * is known. */
int64_t modules_evidence_turn(struct modules *m, int64_t now_ms);

/* module_place.c: the host's `place`, and what came of it. */
int modules_place(void *ctx, const struct secd_placement *p);
void modules_placed(void *owner, uint64_t id,
		    const struct adapter_result *result);

/** What came of a call: serving goes on in any case. */
void modules_judge(struct module_instance *i, int rc, const char *what);

/** Commit what was taken: nothing comes between the changes of a group and
 * their commit. */
void modules_flush(struct modules *m);

#endif
