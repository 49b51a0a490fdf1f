/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * config -- everything the configuration file says, read and checked.
 *
 * A `struct config` never changes after config_load returned it, so any
 * thread may read it while it holds a count. All names in it are resolved:
 * a zone points to its remotes and ACLs, those to their keys. Whatever cannot
 * be served as written is refused with the place of the very item:
 * `file:line: message`. Knows nothing of sockets, threads and running zones.
 *
 * Zones that set nothing of their own share one `struct config_policy`, the
 * one of their template; a zone costs its apex and two pointers.
 */

#ifndef SECD_CONFIG_CONFIG_H
#define SECD_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "base/log.h"
#include "wire/name.h"
#include "wire/tsig.h"

#define CONFIG_ERROR_MAX 1024
/* Of one file and of all files together. */
#define CONFIG_OCTETS_MAX (256u << 20)
#define CONFIG_DEPTH_MAX  8 /* of `include` in included files */

/** The file that is read when the operator names none. */
#define CONFIG_PATH SECD_SYSCONFDIR "/secondaryd.conf"

/** The control socket's name in rundir. */
#define CONFIG_SOCKET         "secondaryd.sock"
#define CONFIG_SOCKET_LEN_MAX 107 /* octets of its path; unix(7) */

#define CONFIG_MODULE_ID_MAX 63

struct config_error {
	/* "file:line: message", one line; "file: message" when the first file
	 * cannot be read, or there is no memory. */
	char text[CONFIG_ERROR_MAX];
};

struct config_log {
	enum log_target target;
	enum log_level level;
};

/* One transfer key: with its secret, or one whose secret a module puts. */
struct config_key {
	const uint8_t *name;  /* wire format, lower-case */
	struct tsig_key *key; /* NULL: see module */
	const char *module;   /* the id of the module; NULL: it has a secret */
};

/* Another server: a primary, or one that is notified. */
struct config_remote {
	const char *id;
	const struct sockaddr_storage *addresses; /* port included */
	size_t address_count;                     /* at least 1 */
	/* Source addresses, at most one of each family; port 0: any. */
	const struct sockaddr_storage *via;
	size_t via_count;
	/* One of these signs, and others may sign what comes from there; none:
	 * unsigned. */
	const struct config_key *const *keys;
	size_t key_count;
};

/* An address that remotes of a list have. Remotes that have the same address
 * are one server, which may know one of their keys and not the others. */
struct config_target {
	const struct config_remote *remote; /* the first of them */
	const struct sockaddr_storage *to;  /* port included */
	const struct sockaddr_storage *via; /* source address; NULL: any */
	/* What may sign, in the files' order, none twice; a NULL: nothing. */
	const struct config_key *const *keys;
	size_t key_count; /* at least 1 */
};

struct config_range {
	sa_family_t family; /* AF_INET or AF_INET6 */
	uint8_t first[16];  /* network order, 4 or 16 octets, inclusive */
	uint8_t last[16];
};

enum config_action {
	CONFIG_TRANSFER = 1, /* bits */
	CONFIG_NOTIFY = 2,
};

struct config_acl {
	const char *id;
	const struct config_range *ranges; /* none: any address */
	size_t range_count;
	const struct config_key *const *keys; /* none: signed or not */
	size_t key_count;
	unsigned actions; /* of enum config_action */
	bool deny;
	bool insecure; /* transfers out without a key are meant */
};

/* What is loaded into the server, by include/secondaryd/module.h. */
struct config_module {
	const char *id;     /* the name of its directory in storage, too */
	const char *file;   /* absolute */
	const char *config; /* absolute; NULL: it has no options */
};

struct config_timers { /* s; what the SOA says is kept within these */
	uint32_t refresh_min, refresh_max;
	uint32_t retry_min, retry_max;
	uint32_t expire_min, expire_max;
};

/* Are the steps of an IXFR sent as one? */
enum config_condense {
	CONFIG_CONDENSE_AUTO, /* where that saves something, and can be done */
	CONFIG_CONDENSE_ON,   /* never several steps, rather the whole zone */
	CONFIG_CONDENSE_OFF,
};

struct config_limits {              /* 0: not limited, where allowed */
	uint64_t octets;            /* zone-max-size, of one transfer */
	uint64_t records;           /* zone-max-records */
	uint32_t rrset_records;     /* rrset-max-records */
	uint32_t owner_types;       /* owner-max-types */
	uint16_t nsec3_iterations;  /* nsec3-max-iterations; at least 1 */
	uint32_t transfer_s;        /* transfer-max-time; at least 1 */
	uint32_t transfer_min_rate; /* octets/s over a minute */
};

/* What a zone does, after its template. Shared by zones that agree. */
struct config_policy {
	const struct config_remote *const *primaries; /* in order; at least 1 */
	size_t primary_count;
	const struct config_remote *const *notify;
	size_t notify_count;
	const struct config_acl *const *acls; /* in order */
	size_t acl_count;
	/* What follows from these: no address twice. */
	const struct config_target *primary_targets;
	size_t primary_target_count; /* at most REFRESH_PRIMARY_MAX */
	const struct config_target *notify_targets;
	size_t notify_target_count;
	const uint8_t *const *key_names; /* for transfers in and out */
	size_t key_name_count;
	struct config_timers timers;
	struct config_limits limits;
	bool provide_ixfr; /* else IXFR is answered in the manner of AXFR */
	uint8_t condense;  /* enum config_condense */
};

struct config_zone {
	const uint8_t *apex; /* wire format, lower-case */
	const struct config_policy *policy;
};

struct config_server {
	const struct sockaddr_storage *listen; /* port included, never 0 */
	size_t listen_count;                   /* at least 1 */
	uint16_t udp_workers;                  /* default: CPUs */
	uint16_t tcp_workers;                  /* default: 1 */
	const char *storage;                   /* absolute */
	const char *rundir;                    /* absolute */
	const char *control; /* rundir/CONFIG_SOCKET; fits sun_path */
	const char *user;    /* NULL: stay who we are */
	uid_t uid;           /* of user, else the effective ones */
	gid_t gid;
	/* NULL: not set, the server's own choice; "": do not tell. */
	const char *identity; /* id.server, hostname.bind */
	const char *version;  /* version.server, version.bind */
	const uint8_t *nsid;  /* RFC 5001; NULL with nsid_len 0: not set */
	size_t nsid_len;      /* nsid not NULL and 0: do not tell */
	uint32_t tcp_max_clients;
	uint32_t tcp_idle_timeout_s;
	uint32_t tcp_io_timeout_ms;
	uint16_t udp_max_payload;
	uint32_t sync_interval_ms;
	uint16_t transfers_in;          /* at a time, all primaries */
	uint16_t transfers_per_primary; /* at a time, of one address */
	uint16_t transfers_out;         /* at a time */
	uint64_t condense_memory;       /* octets that condensing may hold */
	unsigned tsig_weak; /* bits 1 << enum tsig_algorithm: allowed */
};

struct config {
	struct config_server server;
	const struct config_log *logs; /* at least 1; no target twice */
	size_t log_count;
	const struct config_key *keys; /* by name_compare, no two equal */
	size_t key_count;
	const struct config_remote *remotes; /* in the files' order */
	size_t remote_count;
	const struct config_acl *acls; /* in the files' order */
	size_t acl_count;
	const struct config_zone *zones; /* by name_compare, no two equal */
	size_t zone_count;
	const struct config_module *modules; /* in the files' order */
	size_t module_count;
	/* Loaded, but the operator should know: "file:line: message". */
	const char *const *warnings;
	size_t warning_count;
};

/**
 * Read a configuration file, everything it includes and the secrets it names.
 *
 * path     borrowed; relative paths in a file are relative to that file
 * out      receives the configuration with a count of one (config_unref)
 * err      on failure: what is wrong and where
 * Returns  SECD_OK, SECD_EMALF (does not follow the grammar, or says
 *          something that cannot be), SECD_EIO (a file cannot be read),
 *          SECD_EPERM (a secret file that others can read), SECD_ENOMEM
 */
int config_load(const char *path, struct config **out,
		struct config_error *err);

/* Errors that config_check tells; of more it tells the number. */
#define CONFIG_TOLD_MAX 50

/**
 * As config_load, but it goes on after an error, and tells of each one that is
 * not likely to follow from another: of each line that has no place where it
 * is; if there is none, of what the lines say that cannot be.
 *
 * tell     called with one line each time, as in config_error
 */
int config_check(const char *path, struct config **out,
		 void (*tell)(void *arg, const char *text), void *arg);

/**
 * As config_load and config_check, with the main file's text at hand; naming
 * another file is refused. For tests and fuzzing.
 *
 * path     what the text is called, for messages and relative paths
 */
int config_load_text(const char *path, const char *text, size_t len,
		     struct config **out, struct config_error *err);
int config_check_text(const char *path, const char *text, size_t len,
		      struct config **out,
		      void (*tell)(void *arg, const char *text), void *arg);

/** Counted by atomics: any thread. The last one wipes and frees. */
struct config *config_ref(struct config *c);
void config_unref(struct config *c);

/** NULL when there is none; `apex` in any case. */
const struct config_zone *config_zone_find(const struct config *c,
					   const uint8_t *apex);
/** NULL when there is none; `name` in any case. */
const struct config_key *config_key_find(const struct config *c,
					 const uint8_t *name);

/**
 * Find the control socket a configuration file asks for, for whoever may read
 * the file but not the secrets. Whatever else is wrong in it, or in what it
 * includes, does not matter.
 *
 * out      receives the path, NUL-terminated
 * Returns  SECD_OK, SECD_EIO (the file cannot be read), SECD_ENOSPC (cap),
 *          SECD_ENOMEM
 */
int config_control_path(const char *path, char *out, size_t cap,
			struct config_error *err);

/**
 * May this request be obeyed? The zone's ACLs are tried in order; the first
 * whose action, address and key all match decides, but one without a key that
 * does not say `insecure: on` is passed over for transfers. A NOTIFY that no
 * ACL decides is accepted from a primary's address, with one of that remote's
 * keys if it has any.
 *
 * from     the peer's address; the port does not matter; IPv4-mapped IPv6
 *          counts as IPv4
 * key      name of the key whose signature was verified, or NULL
 * why      receives a static phrase for the log, either way; may be NULL
 */
bool config_allows(const struct config_policy *p, enum config_action action,
		   const struct sockaddr *from, const uint8_t *key,
		   const char **why);

#endif
