/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * module -- the contract between a host and a module, version 1.
 *
 * A host is a name server or something beside one: secondaryd, the driver
 * inside BIND's named, secondaryctl. A module is a shared object that is
 * loaded unchanged by each of them. It exports one symbol, a
 *
 *     const struct secd_module secd_module;
 *
 * and includes this header, which holds C11 integers, octets and function
 * pointers only. What a host offers is in `struct secd_host`, what a module
 * does in `struct secd_module`; an example is at the end.
 *
 * RULES FOR BOTH
 *
 * Versions. The module refuses a host of another major version in `open`; the
 * host refuses such a module before. Structs that cross the border begin with
 * `size`, in octets, set by whoever made them, and grow at the end only: a
 * member that is newer than 1.0 is read behind SECD_HAS. Structs without a size
 * never change. A function pointer of the host that is NULL, or one that is
 * not there yet, says "this host cannot": a module that needs it refuses in
 * `open` with a sentence. Flags, events and codes that are not known are
 * ignored.
 *
 * Memory. Whatever a pointer leads to is lent for the call that handed it
 * over, and const: who wants to keep it copies it. Nothing is freed on the
 * other side, but for what has a function for it (walk_end, secret_free).
 *
 * Threads. The host makes one call at a time, and each sees what those before
 * it did; the thread may be another one from call to call, but a group of
 * `change` calls and the `commit` that ends it come from one. Only
 * `changes_since` comes from any thread at any time between open and close,
 * many at once; of the host it may use `log` and `clock`. The host's functions
 * are called from within a call of the module only, never from elsewhere, and
 * none of them calls the module back: results come as events, later.
 *
 * A module has no thread, no loop, no signal handler and no static state: it
 * may be opened several times in one process, with different directories. It
 * does not end the process, change its directory, mask or locale, or fork. It
 * does not wait for anything but a write to its own disk, and no call takes
 * more than some ten milliseconds of work (`change` as long as its stream is);
 * what is more is done in pieces, from `tick` to `tick`.
 *
 * Names of domains and keys are in wire format, uncompressed and lower-case,
 * at most 255 octets. Serials are compared by RFC 1982. Texts end with NUL.
 *
 * ORDER OF CALLS
 *
 *     open
 *       event ZONE_ADDED for each zone there is, then event READY
 *       { change... commit | published | event | tick | command | status
 *         | newest }
 *     close
 *
 * `newest` may come earlier, too: a host that forgets its numbers asks it for a
 * zone before the first change of it. Nothing comes between the changes of a
 * group and their commit. After calls of any other kind the host calls `tick`
 * before long; so `tick` is the only place that has to say what is due. It is
 * called late and early. When `open` fails nothing else is called, `close` neither. A host that only reads
 * (SECD_HOST_READ_ONLY) calls open, command, status, newest, changes_since and
 * close.
 *
 * VERSIONS OF A ZONE
 *
 * The host numbers the versions of each zone: `seq` goes up with each one, by
 * any step, whatever the serial does, also over restarts. `change` says how
 * version `seq` is made of version `from_seq`, the version before. The host
 * offers each change at least once, in the order of seq within a zone, before
 * it tells others of the version (NOTIFY); offered versions may be lost in a
 * crash, replaced before anybody saw them, or never be served at all.
 * `published` is the truth. So, on a change:
 *
 *   - What the module has of the zone with a seq above `from_seq` (from nothing:
 *     with `seq` or above) never counted. It forgets that.
 *   - Is `from_seq` now its newest, then the change follows. Else versions are
 *     missing, or there never were any: history begins anew, by a walk of the
 *     zone where all of it is needed. Older versions stay true; no way leads on
 *     from them.
 *
 * The host may fall behind the module by a crash, and the module behind the
 * host by a failed commit; at the start ZONE_ADDED says what the host has.
 * State is written before its effect, effects can be repeated: after a crash
 * at any point `open` finds what it has to do again.
 *
 * FAILURES
 *
 * `open` that fails stops the host's start, with the module's sentence. Later
 * failures are logged, counted and shown by the host, which goes on serving
 * and goes on calling: the module recovers when it can. SECD_ECLOSED from any
 * call means that it never will: the host then calls nothing but close.
 *
 * RECORDS
 *
 * Records travel as entries, one behind the other:
 *
 *     op       1 octet: enum secd_op
 *     owner    1..255 octets, wire format, uncompressed, case as in the zone
 *     type     2 octets, network order, as all that follow
 *     TTL      4
 *     RDLENGTH 2
 *     RDATA    RDLENGTH octets, names uncompressed
 *
 * The class is IN. The order of entries is that of an IXFR (RFC 1995 section
 * 4): the SOA before, deletions, the SOA after, additions, and so on for the
 * next step. A step is exact: what is deleted is, octet for octet, in the
 * version before and not in the one after, and the other way round for what is
 * added. A record whose TTL or case changes is deleted and added. So a step can
 * be undone. A change from nothing has no entries: a walk gives the zone, with
 * SECD_OP_ADD, the SOA first, in canonical order of owners (RFC 4034 section
 * 6.1).
 *
 * The digest of a version is the sum, modulo 2^256, of SHA-256 over each of
 * its records (owner to RDATA as above, without op; the SOA too), sum and hash
 * being numbers in network order. A step costs what it changes: subtract what
 * is deleted, the SOA before included, and add what is added.
 */

#ifndef SECONDARYD_MODULE_H
#define SECONDARYD_MODULE_H

#include <stddef.h>
#include <stdint.h>

#include "secondaryd/error.h"

#define SECD_ABI_MAJOR 1
#define SECD_ABI_MINOR 0

#define SECD_CHUNK_MAX    131072 /* octets of a piece of entries; > one entry */
#define SECD_POSITION_LEN 512
#define SECD_DIGEST_LEN   32
#define SECD_REASON_LEN   512 /* room for a sentence, its NUL included */
#define SECD_NEVER        INT64_MAX

/* Is this member there, in the struct that we were given? */
#define SECD_HAS(s, member)                                                    \
	((size_t)(s)->size >=                                                  \
	 (size_t)((const char *)&(s)->member - (const char *)(s)) +            \
	     sizeof((s)->member))

/* ---- small things ---- */

struct secd_time {
	int64_t wall_ms; /* since the epoch; may jump */
	int64_t boot_ms; /* never jumps, goes on in sleep; of this boot */
};

struct secd_address {
	uint8_t family; /* 4, 6, or 0: none */
	uint8_t reserved;
	uint16_t port; /* host order; 0: any */
	uint32_t scope;
	uint8_t octets[16]; /* the first 4 for IPv4 */
};

/* One `key: value` of the module's own configuration file. A list is one
 * option for each value; a key without a value is one with "". */
struct secd_option {
	uint32_t line;
	const char *section;
	const char *id; /* "" in a section that is no list */
	const char *key;
	const char *value;
};

struct secd_options {
	uint32_t size;
	const char *path; /* for messages: "path:line: what"; "" without file */
	size_t count;
	const struct secd_option *items; /* as written, in that order */
	/* Its sections, also those without an option: `line` and `section`. */
	size_t section_count;
	const struct secd_option *sections;
};

enum secd_level {
	SECD_ERROR = 1, /* needs the operator */
	SECD_WARNING,   /* odd, and dealt with */
	SECD_NOTICE,    /* rare and wanted */
	SECD_INFO,      /* the daily work */
	SECD_DEBUG,
};

/* ---- records ---- */

enum secd_op {
	SECD_OP_SOA_FROM = 1, /* begins a step */
	SECD_OP_DELETE,
	SECD_OP_SOA_TO, /* ends the deletions */
	SECD_OP_ADD,
};

struct secd_entry {
	const uint8_t *owner;
	const uint8_t *rdata;
	uint32_t ttl;
	uint16_t type;
	uint16_t rdata_len;
	uint8_t owner_len;
	uint8_t op;
};

/**
 * Take one entry off a run of octets. Returns its length, or 0: it is cut or
 * malformed (RDATA is not looked into).
 */
static inline size_t
secd_entry_read(const uint8_t *octets, size_t left, struct secd_entry *out)
{
	size_t at = 1;
	const uint8_t *p;

	while (at < left && octets[at] != 0) {
		if (octets[at] > 63) {
			return 0;
		}
		at += (size_t)1 + octets[at];
	}
	if (at > 255 || left < at + 9 || octets[0] < SECD_OP_SOA_FROM ||
	    octets[0] > SECD_OP_ADD) {
		return 0; /* 9: the root label, and what is fixed */
	}
	p = octets + at + 1;
	out->op = octets[0];
	out->owner = octets + 1;
	out->owner_len = (uint8_t)at;
	out->type = (uint16_t)(p[0] << 8 | p[1]);
	out->ttl = (uint32_t)p[2] << 24 | (uint32_t)p[3] << 16 |
		   (uint32_t)p[4] << 8 | p[5];
	out->rdata_len = (uint16_t)(p[6] << 8 | p[7]);
	out->rdata = p + 8;
	at += 9;
	return left - at < out->rdata_len ? 0 : at + out->rdata_len;
}

/* A run of entries that comes in pieces. */
struct secd_stream {
	uint32_t size;
	/**
	 * The next piece: whole entries, at most SECD_CHUNK_MAX octets, lent
	 * until the next call; *len 0: the end, which stays the end.
	 *
	 * Returns  SECD_OK, or why it breaks off: the change is then void
	 */
	int (*next)(struct secd_stream *s, const uint8_t **octets, size_t *len);
};

/* ---- zones and versions ---- */

enum secd_zone_flag {
	SECD_ZONE_HELD = 1 << 0,    /* there is a version */
	SECD_ZONE_PRIMARY = 1 << 1, /* the host is its primary */
	SECD_ZONE_EXPIRED = 1 << 2, /* held, not answered from */
	SECD_ZONE_PINNED = 1 << 3,  /* an older version is served by order */
};

struct secd_zone {
	uint32_t size;
	uint32_t flags;
	const uint8_t *apex;
	uint64_t seq;          /* of the newest durable version; 0: none */
	uint32_t serial;       /* its serial */
	int64_t expires_at_ms; /* wall clock; 0: never, or unknown */
	/* Names of the keys that its transfers, in and out, are configured
	 * with. */
	const uint8_t *const *keys;
	size_t key_count;
};

struct secd_version {
	uint32_t size;
	const uint8_t *apex;
	uint64_t seq;
	uint32_t serial;
	const uint8_t *digest; /* NULL: unknown */
};

enum secd_source {
	SECD_SOURCE_IXFR = 1, /* incremental transfer */
	SECD_SOURCE_AXFR,     /* whole transfer: the difference is computed */
	SECD_SOURCE_FILE,     /* the host's file was edited and read again */
	SECD_SOURCE_UPDATE,   /* dynamic update */
	SECD_SOURCE_SEEN,     /* the host watches; it cannot say */
	SECD_SOURCE_STORAGE,  /* what the host had, told to a new module */
};

enum secd_transport {
	SECD_TRANSPORT_NONE,
	SECD_TRANSPORT_UDP,
	SECD_TRANSPORT_TCP,
	SECD_TRANSPORT_TLS,
	SECD_TRANSPORT_QUIC,
};

struct secd_change {
	uint32_t size;
	uint32_t source;    /* enum secd_source */
	uint32_t transport; /* enum secd_transport */
	uint32_t from;      /* serial before; meaningless without from_seq */
	uint32_t to;        /* serial after */
	const uint8_t *apex;
	uint64_t from_seq; /* 0: from nothing */
	uint64_t seq;
	int64_t at_ms;               /* wall clock: when it was verified */
	struct secd_address primary; /* family 0: none */
	const char *primary_id; /* as the host's configuration calls it, "" */
	const uint8_t *key;     /* name, or NULL: unsigned */
	const uint8_t *digest;  /* of the version after, or NULL: unknown */
	struct secd_stream *records; /* one or more steps; NULL from nothing */
};

/* ---- keys ---- */

enum secd_key_flag {
	/* Never accepted, only compared: tried when a signature under this
	 * name fails; the event carries the tag of what would have fit. Several
	 * of one name differ by tag. */
	SECD_KEY_COMPARE = 1 << 0,
	/* End transfers that run under what this replaces or drops. */
	SECD_KEY_CUT = 1 << 1,
};

struct secd_key {
	uint32_t size;
	uint32_t flags;
	const uint8_t *name;
	const char *algorithm; /* "hmac-sha256" and so on */
	const uint8_t *secret;
	size_t secret_len;
	uint64_t tag; /* the module's own, not 0; comes back in events */
};

enum secd_way {
	SECD_WAY_IN = 1, /* a request to the host was verified, or not */
	SECD_WAY_OUT,    /* the answer to a request of the host was */
};

/* What became of signatures. The host adds up: at most one event a second for
 * the same name, way, error, tag and peer. */
struct secd_key_used {
	uint32_t size;
	uint32_t way;        /* enum secd_way */
	uint32_t tsig_error; /* RFC 8945: 0 verified, 16 BADSIG, 17 BADKEY,
	                        18 BADTIME, 22 BADTRUNC */
	uint32_t count;
	const uint8_t *name;
	uint64_t tag; /* of the secret that fit; 0: none, or unknown */
	struct secd_address peer;
	int64_t at_ms;   /* wall clock: the last of them */
	int64_t skew_ms; /* the peer's clock minus ours, by time signed */
};

/* ---- probes ---- */

enum secd_probe_flag {
	SECD_PROBE_TCP = 1 << 0, /* else UDP, and TCP after a TC */
};

struct secd_probe {
	uint32_t size;
	uint32_t flags;
	uint64_t id; /* the module's own */
	struct secd_address to;
	struct secd_address from; /* family 0: any */
	const uint8_t *zone;      /* a SOA query for this name */
	const uint8_t *key;       /* name */
	const char *algorithm;    /* NULL with secret NULL */
	const uint8_t *secret;    /* NULL: the one that was put for the name */
	size_t secret_len;
	uint32_t timeout_ms;
};

enum secd_probe_outcome {
	SECD_PROBE_VERIFIED = 1, /* an answer whose MAC verifies */
	SECD_PROBE_REFUSED,      /* tsig_error says what the peer objects to */
	SECD_PROBE_UNSIGNED,     /* an answer without TSIG */
	SECD_PROBE_WRONG,        /* a signature that does not verify here */
	SECD_PROBE_SILENT,       /* nothing in time */
	SECD_PROBE_UNREACHABLE,
	SECD_PROBE_FAILED, /* of the host itself */
};

struct secd_probe_result {
	uint32_t size;
	uint32_t outcome; /* enum secd_probe_outcome */
	uint64_t id;
	uint32_t rcode;
	uint32_t tsig_error;
	uint32_t has_serial; /* 0 or 1 */
	uint32_t serial;
	int64_t skew_ms; /* the peer's clock minus ours; 0 when unknown */
	int64_t took_ms;
};

/* ---- key stores of other servers ---- */

/*
 * Ask for keys to be in force in another server: by its files, commands or
 * control socket, whatever the adapter does. All keys that the module manages
 * there are named each time, so that asking again does no harm, and what waits
 * is replaced by what is asked later, and ends as that does. Secrets go by
 * descriptor. That it worked is known after a probe. With SECD_KEY_CUT in a key
 * it is urgent: it does not wait because the server was asked a while ago.
 */
struct secd_placement {
	uint32_t size;
	uint32_t timeout_ms; /* from when it begins */
	uint64_t id;         /* the module's own */
	const char *adapter; /* "nsd", "knot", "bind", "command" */
	const struct secd_option *settings; /* the adapter's, as configured */
	size_t setting_count;
	const struct secd_key *const *keys;
	size_t key_count;
	char *reason; /* NULL, or as that of `open`: why `place` refuses */
};

struct secd_placed {
	uint32_t size;
	/* SECD_OK: the server has taken them. Else what is in force is as it
	 * was, or, after SECD_ETIMEOUT, unknown; it may find them in a file
	 * when it starts. */
	int32_t rc;
	uint64_t id;
	uint32_t needs_restart; /* 1: the other server has to be restarted */
	const char *text;       /* a sentence, for the operator */
};

/* ---- events ---- */

enum secd_event_type {
	SECD_EVENT_ZONE_ADDED = 1, /* zone */
	SECD_EVENT_ZONE_REMOVED,   /* zone: not in the configuration any more */
	SECD_EVENT_READY,          /* all zones that were there are told */
	/* The host read its configuration, or was made anew around the module:
	 * keys and uses that it was given may be lost. The module gives them
	 * again before it returns. Zones come as events of their own. */
	SECD_EVENT_RELOADED,
	SECD_EVENT_KEY_USED,   /* key_used */
	SECD_EVENT_PROBE_DONE, /* probe */
	SECD_EVENT_PLACED,     /* placed */
	SECD_EVENT_PINNED,     /* pinned: of zone_pin, zone_unpin */
};

struct secd_pinned {
	uint32_t size;
	int32_t rc; /* SECD_OK, or why not: then nothing changed */
	uint64_t id;
	/* Lines for the operator, '\n' between them: first a sentence; when a
	 * version was pinned, then one for each server behind the host that is
	 * known to have a newer serial, and so will not follow. */
	const char *text;
};

struct secd_event {
	uint32_t size;
	uint32_t type; /* enum secd_event_type */
	/* NULL but for the one that the type names. */
	const struct secd_zone *zone;
	const struct secd_key_used *key_used;
	const struct secd_probe_result *probe;
	const struct secd_placed *placed;
	const struct secd_pinned *pinned;
};

/* ---- commands and status ---- */

/*
 * Where status and commands put what they have to say. Each row is a fact:
 *
 * zone     presentation format, or NULL: about the module as a whole
 * id       which of several, as "slot a", or NULL
 * item     lower-case words joined by hyphens; "alarm" is one that the
 *          operator has to see
 */
struct secd_reply {
	uint32_t size;
	void *ctx; /* first argument of each */
	void (*text)(void *ctx, const char *zone, const char *id,
		     const char *item, const char *value);
	void (*number)(void *ctx, const char *zone, const char *id,
		       const char *item, uint64_t value);
	/** at_ms  wall clock */
	void (*time)(void *ctx, const char *zone, const char *id,
		     const char *item, int64_t at_ms);
	/** value  0 or 1 */
	void (*boolean)(void *ctx, const char *zone, const char *id,
			const char *item, int value);
	/** A line for people and files, as of a zone file: no '\n'. */
	void (*line)(void *ctx, const char *text);
	/** The command failed: one sentence. The first one is shown. */
	void (*error)(void *ctx, const char *text);
	/** A command waits for something: with SECD_MORE, it need not be called
	 * again before so many milliseconds. May be NULL. */
	void (*pause)(void *ctx, uint32_t ms);
};

struct secd_command {
	uint32_t size;
	uint32_t argc; /* 0: the word alone */
	const char *const *argv;
	/* Zero in the first call of a command; the module's to use for the
	 * calls that follow SECD_MORE. There may be none: the operator may go
	 * away. So it holds no resource. */
	uint8_t *position; /* SECD_POSITION_LEN octets, aligned for anything */
};

/* A request for the way from one version to a later one. */
struct secd_since {
	uint32_t size;
	uint32_t from; /* serial */
	const uint8_t *apex;
	uint64_t from_seq; /* 0: the newest version before `to_seq` with serial
	                      `from`; none, if an older one had other contents */
	uint64_t to_seq;
	uint8_t *position; /* as in struct secd_command */
	uint8_t *buffer;   /* receives entries, whole ones */
	size_t cap;        /* at least SECD_CHUNK_MAX */
	/* Set by the module. */
	size_t len;      /* octets in buffer; 0 may come with SECD_MORE */
	uint64_t octets; /* in the first call: of all pieces; 0: unknown */
	uint32_t steps;  /* and how many steps */
};

/* ---- the host ---- */

enum secd_host_flag {
	/* Nothing may be written; the state directory is not locked, and
	 * another process may write there. */
	SECD_HOST_READ_ONLY = 1 << 0,
};

struct secd_walk; /* the host's: a version of a zone, held while it is read */

/* Outlives the module's instance. `ctx` is the first argument of each. */
struct secd_host {
	uint32_t size;
	uint16_t abi_major, abi_minor;
	uint32_t flags;        /* enum secd_host_flag */
	const char *name;      /* of program and version */
	const char *state_dir; /* the instance's own: 0700, locked; absolute */
	void *ctx;

	/** Log one line. level: enum secd_level; text without '\n'. Never a
	 * secret. In changes_since too. */
	void (*log)(void *ctx, int level, const char *text);
	/** What time is it? In changes_since too. */
	void (*clock)(void *ctx, struct secd_time *out);

	/*
	 * Zones. Not in open.
	 */
	/** One zone. Returns SECD_OK, SECD_ENOTFOUND. out->size is set. */
	int (*zone_get)(void *ctx, const uint8_t *apex, struct secd_zone *out);
	/** The zone behind `apex` in canonical order; NULL: the first one. */
	int (*zone_next)(void *ctx, const uint8_t *apex, struct secd_zone *out);
	/**
	 * Hold a version, to read all of it, over several calls if that takes
	 * long: memory is held until walk_end, so not for hours, and few at a
	 * time. Inside `change`, `published` and ZONE_ADDED their version is
	 * there; else the one in force.
	 *
	 * seq      0: the newest one that was offered
	 * Returns  SECD_OK, SECD_ENOTFOUND (not there any more), SECD_EBUSY
	 *          (too many), SECD_ENOMEM
	 */
	int (*walk_begin)(void *ctx, const uint8_t *apex, uint64_t seq,
			  struct secd_walk **out);
	/** The next piece, as the `next` of a stream. */
	int (*walk_next)(struct secd_walk *w, const uint8_t **octets,
			 size_t *len);
	/** NULL is fine. All are ended before `close` returns. */
	void (*walk_end)(struct secd_walk *w);
	/** Send NOTIFY for what is durable. SECD_OK, SECD_ENOTFOUND. */
	int (*notify)(void *ctx, const uint8_t *apex);
	/**
	 * Serve an older version, and keep doing so over restarts: the host
	 * gets the way from there to its newest version by changes_since, and
	 * goes it backwards. Event PINNED with this id, to this module alone,
	 * says how it ended. Refreshes and changes go on; `published` tells of
	 * the version that is served. zone_unpin: serve the newest again.
	 *
	 * Returns  SECD_OK, SECD_ENOTFOUND, SECD_EBUSY
	 */
	int (*zone_pin)(void *ctx, const uint8_t *apex, uint64_t seq,
			uint64_t id);
	int (*zone_unpin)(void *ctx, const uint8_t *apex, uint64_t id);

	/*
	 * Keys, from open on. A host forgets them when it ends: open gives it
	 * what should be in force.
	 */
	/**
	 * From now on this name has this secret, in one step: no moment
	 * without a key, running transfers finish on the one they began with
	 * unless SECD_KEY_CUT.
	 *
	 * Returns  SECD_OK, SECD_EEXIST (the host's configuration has a key of
	 *          that name: it stays), SECD_EINVAL (algorithm, length),
	 *          SECD_ENOTSUP (a flag), SECD_ENOMEM: nothing has changed
	 */
	int (*key_put)(void *ctx, const struct secd_key *key);
	/**
	 * Take away what was put: the secret, or with SECD_KEY_COMPARE the one
	 * of that tag. Name, flags and tag count. Not there is fine.
	 */
	int (*key_drop)(void *ctx, const struct secd_key *key);
	/**
	 * Wherever the configuration says to sign with `configured`, sign with
	 * `key`. Itself: as configured.
	 *
	 * Returns  SECD_OK, SECD_ENOTFOUND (no such key), SECD_ENOMEM
	 */
	int (*key_use)(void *ctx, const uint8_t *configured,
		       const uint8_t *key);
	/**
	 * Ask a peer, signed. Event PROBE_DONE with this id follows, once.
	 *
	 * Returns  SECD_OK, SECD_EBUSY (too many), SECD_EINVAL, SECD_ENOTFOUND
	 *          (no secret for that name), SECD_ENOMEM
	 */
	int (*probe)(void *ctx, const struct secd_probe *p);
	/**
	 * Put keys into another server. Event PLACED with this id follows, once.
	 *
	 * Returns  SECD_OK, SECD_EBUSY, SECD_EINVAL (settings, key, timeout),
	 *          SECD_ELIMIT, SECD_ENOTSUP (adapter), SECD_ENOMEM
	 */
	int (*place)(void *ctx, const struct secd_placement *p);

	/**
	 * A record as it stands in a zone file, without class. For commands.
	 *
	 * out      room for `cap` octets; receives a text without '\n'
	 * Returns  SECD_OK, SECD_ENOSPC, SECD_ENOTSUP (then the module writes
	 *          it as RFC 3597 has it), SECD_EMALF
	 */
	int (*record_text)(void *ctx, const struct secd_entry *e, char *out,
			   size_t cap);

	/** Memory for a secret: zeroed, locked, in no core. NULL: no memory. */
	void *(*secret_new)(void *ctx, size_t len);
	/** Wipe and free; len as it was. NULL is fine. */
	void (*secret_free)(void *ctx, void *secret, size_t len);
};

/* ---- the module ---- */

/* `m` is what open gave. Only open and close must be there; a NULL means that
 * the module does not care. Codes: SECD_OK, or a failure as said above. */
struct secd_module {
	uint32_t size;
	uint16_t abi_major, abi_minor;
	const char *name;    /* as "ixfr-journal"; [a-z0-9-] */
	const char *version; /* the module's own */
	/* What its commands begin with: `secondaryctl WORD ARGUMENT...`; as
	 * "journal". NULL: it has none. */
	const char *word;

	/**
	 * Begin: read the options, open what is in the state directory, put
	 * keys.
	 *
	 * reason   room for SECD_REASON_LEN; receives one sentence on failure,
	 *          with "path:line: " first when an option is wrong
	 */
	int (*open)(const struct secd_host *host,
		    const struct secd_options *options, void **m, char *reason);
	/** End: everything is closed, wiped and freed. Durable state stays. */
	void (*close)(void *m);

	/**
	 * Do what is due.
	 *
	 * Returns  the boot_ms at which to be called again at the latest,
	 *          SECD_NEVER: when something else happens
	 */
	int64_t (*tick)(void *m, const struct secd_time *now);

	/**
	 * Take a version in. It need not be durable before `commit`.
	 *
	 * Returns  a failure: the host does not offer it again
	 */
	int (*change)(void *m, const struct secd_change *c);
	/** Make durable, together, what was taken since the last commit, if
	 * anything was. After a failure none of that counts. */
	int (*commit)(void *m);
	/** This version is durable with the host and served, or as good as: a
	 * newer one may be already. Not every version comes here. */
	void (*published)(void *m, const struct secd_version *v);
	void (*event)(void *m, const struct secd_event *e);

	/**
	 * An operator's command: what stands behind the module's word. "help"
	 * lists what there is.
	 *
	 * Returns  SECD_OK; SECD_MORE: call again, with the same words, for the
	 *          rest; else it failed, and reply->error says why
	 */
	int (*command)(void *m, const struct secd_command *c,
		       struct secd_reply *reply);
	/** What there is to say. Cheap; changes nothing. */
	void (*status)(void *m, struct secd_reply *reply);

	/**
	 * The newest version of a zone that the module has, for hosts that
	 * forget their numbers.
	 *
	 * out      size is set; apex and digest are lent until the next call
	 * Returns  SECD_OK, SECD_ENOTFOUND
	 */
	int (*newest)(void *m, const uint8_t *apex, struct secd_version *out);
	/**
	 * The steps from one version to another, one for each version between.
	 * Any thread. Bounded work for each call; nothing is held between
	 * calls, and trimming may come first: then SECD_ENOTFOUND, also halfway.
	 *
	 * Returns  SECD_OK (that was the last piece), SECD_MORE,
	 *          SECD_ENOTFOUND (no such way, or gone), SECD_EBUSY (to_seq is
	 *          not committed yet), SECD_EIO, SECD_ENOMEM
	 */
	int (*changes_since)(void *m, struct secd_since *s);

	/**
	 * Are the options right? Before open, or instead of it: touches
	 * nothing.
	 *
	 * reason   as that of `open`
	 */
	int (*check)(const struct secd_options *options, char *reason);
};

/*
 * EXAMPLE: a module that counts versions. tests/module/ has a longer one, and a
 * host that tries out any module.
 *
 *     #include <stdlib.h>
 *     #include <string.h>
 *     #include <secondaryd/module.h>
 *
 *     static int
 *     counter_open(const struct secd_host *host,
 *                  const struct secd_options *options, void **m, char *reason)
 *     {
 *             if (host->abi_major != SECD_ABI_MAJOR) {
 *                     strcpy(reason, "this host is of another version");
 *                     return SECD_ENOTSUP;
 *             }
 *             if (options->count > 0) {
 *                     strcpy(reason, "counter takes no options");
 *                     return SECD_EINVAL;
 *             }
 *             *m = calloc(1, sizeof(uint64_t));
 *             if (*m == NULL) {
 *                     strcpy(reason, "no memory");
 *                     return SECD_ENOMEM;
 *             }
 *             return SECD_OK;
 *     }
 *
 *     static void
 *     counter_published(void *m, const struct secd_version *v)
 *     {
 *             (void)v;
 *             ++*(uint64_t *)m;
 *     }
 *
 *     static void
 *     counter_status(void *m, struct secd_reply *reply)
 *     {
 *             reply->number(reply->ctx, NULL, NULL, "versions",
 *                           *(uint64_t *)m);
 *     }
 *
 *     const struct secd_module secd_module = {
 *             .size = sizeof(struct secd_module),
 *             .abi_major = SECD_ABI_MAJOR,
 *             .abi_minor = SECD_ABI_MINOR,
 *             .name = "counter",
 *             .version = "1",
 *             .open = counter_open,
 *             .close = free,
 *             .published = counter_published,
 *             .status = counter_status,
 *     };
 *
 * cc -std=c11 -fPIC -shared -fvisibility=hidden counter.c -o counter.so
 */

/* The one symbol that a module exports. */
#if defined(__GNUC__) && __GNUC__ >= 4
__attribute__((visibility("default")))
#endif
extern const struct secd_module secd_module;

#endif
