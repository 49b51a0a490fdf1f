/* SPDX-License-Identifier: BSD-2-Clause */

#include <errno.h>
#include <grp.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.h"
#include "config/config_build.h"

#define DNS_PORT 53

_Static_assert(CONFIG_SOCKET_LEN_MAX <
		   sizeof(((struct sockaddr_un *)0)->sun_path),
	       "with its NUL it has to fit");

static bool
is_wildcard(struct sockaddr_storage a)
{
	static const struct sockaddr_storage any;

	a.ss_family = any.ss_family;
	((struct sockaddr_in *)&a)->sin_port = 0;
	return memcmp(&a, &any, sizeof(a)) == 0;
}

/* All addresses of a family, and one of them: the second socket cannot be
   bound. Both families have the port in the same place. */
static bool
is_overlap(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	return a->ss_family == b->ss_family &&
	       ((const struct sockaddr_in *)a)->sin_port ==
		   ((const struct sockaddr_in *)b)->sin_port &&
	       (is_wildcard(*a) || is_wildcard(*b));
}

static int
check_listen(struct config_build *b, const struct config_item *it,
	     const struct sockaddr_storage *a,
	     const struct sockaddr_storage *other)
{
	/* Two sockets would share its queries. */
	if (memcmp(a, other, sizeof(*a)) == 0) {
		return config_build_fail(b, it->place,
					 "\"listen\" has %s twice", it->value);
	}
	if (is_overlap(a, other)) {
		return config_build_fail(
		    b, it->place,
		    "\"listen\" has all addresses, and one of them, at the "
		    "port of %s",
		    it->value);
	}
	return SECD_OK;
}

static int
set_listen(struct config_build *b, const struct config_item *it, void *object)
{
	struct config_server *s = object;
	struct sockaddr_storage *list;
	size_t count = 0;

	for (const struct config_item *i = it; i != NULL;
	     i = config_item_next(i)) {
		count++;
	}
	list = arena_alloc(b->arena, count * sizeof(*list));
	if (list == NULL) {
		return SECD_ENOMEM;
	}
	for (count = 0; it != NULL; it = config_item_next(it)) {
		if (!config_build_address(it->value, DNS_PORT, &list[count])) {
			return config_build_bad(b, it,
						"an address, or ADDRESS@PORT");
		}
		for (size_t i = 0; i < count; i++) {
			int rc = check_listen(b, it, &list[count], &list[i]);

			if (rc != SECD_OK) {
				return rc;
			}
		}
		count++;
	}
	s->listen = list;
	s->listen_count = count;
	return SECD_OK;
}

/* getpwnam, by a thread: `buffer` is freed by the caller. */
static int
find_user(const char *name, struct passwd *pw, char **buffer, bool *found)
{
	size_t len = 1024;
	struct passwd *result;
	int rc;

	*buffer = NULL;
	do {
		char *more = realloc(*buffer, len *= 2);

		if (more == NULL) {
			return SECD_ENOMEM;
		}
		*buffer = more;
		rc = getpwnam_r(name, pw, *buffer, len, &result);
	} while (rc == ERANGE && len < (1u << 20));
	*found = rc == 0 && result != NULL;
	return SECD_OK;
}

static int
find_group(const char *name, gid_t *gid, bool *found)
{
	size_t len = 1024;
	struct group gr, *result;
	char *buffer = NULL;
	int rc;

	do {
		char *more = realloc(buffer, len *= 2);

		if (more == NULL) {
			free(buffer);
			return SECD_ENOMEM;
		}
		buffer = more;
		rc = getgrnam_r(name, &gr, buffer, len, &result);
	} while (rc == ERANGE && len < (1u << 20));
	*found = rc == 0 && result != NULL;
	if (*found) {
		*gid = gr.gr_gid;
	}
	free(buffer);
	return SECD_OK;
}

/* USER or USER:GROUP */
static int
set_user(struct config_build *b, const struct config_item *it, void *object)
{
	struct config_server *s = object;
	char *user = arena_copy_octets(b->arena, it->value, it->len);
	char *group, *buffer;
	struct passwd pw;
	bool found = false;
	int rc;

	if (user == NULL) {
		return SECD_ENOMEM;
	}
	group = strchr(user, ':');
	if (group != NULL) {
		*group++ = '\0';
	}
	rc = find_user(user, &pw, &buffer, &found);
	if (rc == SECD_OK && found) {
		s->user = user;
		s->uid = pw.pw_uid;
		s->gid = pw.pw_gid;
	}
	free(buffer);
	if (rc == SECD_OK && !found) {
		return config_build_fail(b, it->place,
					 "there is no user \"%.64s\"", user);
	}
	if (rc != SECD_OK || group == NULL) {
		return rc;
	}
	rc = find_group(group, &s->gid, &found);
	if (rc == SECD_OK && !found) {
		return config_build_fail(b, it->place,
					 "there is no group \"%.64s\"", group);
	}
	return rc;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9') {
		return c - '0';
	}
	if (c >= 'a' && c <= 'f') {
		return c - 'a' + 10;
	}
	if (c >= 'A' && c <= 'F') {
		return c - 'A' + 10;
	}
	return -1;
}

/* Text, or octets in hexadecimal after 0x. */
static int
set_nsid(struct config_build *b, const struct config_item *it, void *object)
{
	struct config_server *s = object;
	bool hex = strncmp(it->value, "0x", 2) == 0;
	const char *text = hex ? it->value + 2 : it->value;
	size_t len = hex ? (it->len - 2) / 2 : it->len;
	uint8_t *nsid = arena_copy_octets(b->arena, text, len);

	if (nsid == NULL) {
		return SECD_ENOMEM;
	}
	if (len > 255 || (hex && it->len % 2 != 0)) {
		goto bad;
	}
	for (size_t i = 0; hex && i < len; i++) {
		int high = hex_digit(text[2 * i]);
		int low = hex_digit(text[2 * i + 1]);

		if (high < 0 || low < 0) {
			goto bad;
		}
		nsid[i] = (uint8_t)(high << 4 | low);
	}
	s->nsid = nsid;
	s->nsid_len = len;
	return SECD_OK;
bad:
	return config_build_bad(
	    b, it, "up to 255 octets, as text or as 0x and hexadecimal");
}

static int
set_tsig_weak(struct config_build *b, const struct config_item *it,
	      void *object)
{
	struct config_server *s = object;

	for (; it != NULL; it = config_item_next(it)) {
		enum tsig_algorithm algorithm;

		if (tsig_algorithm_from_text(it->value, &algorithm) !=
			SECD_OK ||
		    (algorithm != TSIG_HMAC_MD5 &&
		     algorithm != TSIG_HMAC_SHA1)) {
			return config_build_bad(b, it, "hmac-md5 or hmac-sha1");
		}
		s->tsig_weak |= 1u << algorithm;
	}
	return SECD_OK;
}

#define FIELD(name) offsetof(struct config_server, name)

const struct config_keyword config_server_keywords[] = {
    {"listen", .multi = true, .kind = CONFIG_SPECIAL, .set = set_listen},
    {"udp-workers", .kind = CONFIG_U16, .offset = FIELD(udp_workers), .min = 1,
     .max = 256},
    {"tcp-workers", .kind = CONFIG_U16, .offset = FIELD(tcp_workers), .min = 1,
     .max = 256},
    {"storage", .kind = CONFIG_FILE, .offset = FIELD(storage), .min = 1,
     .max = 4000},
    {"rundir", .kind = CONFIG_FILE, .offset = FIELD(rundir), .min = 1,
     .max = 4000},
    {"user", .kind = CONFIG_SPECIAL, .set = set_user},
    /* One character-string of a TXT record, RFC 1035 section 3.3. */
    {"identity", .kind = CONFIG_TEXT, .offset = FIELD(identity), .max = 255},
    {"version", .kind = CONFIG_TEXT, .offset = FIELD(version), .max = 255},
    {"nsid", .kind = CONFIG_SPECIAL, .set = set_nsid},
    {"tcp-max-clients", .kind = CONFIG_U32, .offset = FIELD(tcp_max_clients),
     .min = 1, .max = 1000000},
    {"tcp-idle-timeout", .kind = CONFIG_U32, .unit = CONFIG_TIME,
     .offset = FIELD(tcp_idle_timeout_s), .min = 1, .max = 86400},
    {"tcp-io-timeout", .kind = CONFIG_U32, .unit = CONFIG_TIME_MS,
     .offset = FIELD(tcp_io_timeout_ms), .min = 10, .max = 3600000},
    /* 512: RFC 6891 section 6.2.3. */
    {"udp-max-payload", .kind = CONFIG_U16, .offset = FIELD(udp_max_payload),
     .min = 512, .max = 4096},
    {"sync-interval", .kind = CONFIG_U32, .unit = CONFIG_TIME_MS,
     .offset = FIELD(sync_interval_ms), .min = 0, .max = 60000},
    {"transfers-in", .kind = CONFIG_U16, .offset = FIELD(transfers_in),
     .min = 1, .max = 10000},
    {"transfers-per-primary", .kind = CONFIG_U16,
     .offset = FIELD(transfers_per_primary), .min = 1, .max = 10000},
    {"transfers-out", .kind = CONFIG_U16, .offset = FIELD(transfers_out),
     .min = 1, .max = 10000},
    {"condense-memory", .kind = CONFIG_U64, .unit = CONFIG_SIZE,
     .offset = FIELD(condense_memory), .min = 0, .max = UINT64_MAX},
    {"tsig-weak", .multi = true, .kind = CONFIG_SPECIAL, .set = set_tsig_weak},
    {.name = NULL},
};

static void
set_defaults(struct config_server *s)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	*s = (struct config_server){
	    .udp_workers = (uint16_t)(cpus < 1     ? 1
				      : cpus > 256 ? 256
						   : cpus),
	    .tcp_workers = 1,
	    .storage = SECD_STATEDIR,
	    .rundir = SECD_RUNDIR,
	    .uid = geteuid(),
	    .gid = getegid(),
	    .tcp_max_clients = 1000,
	    .tcp_idle_timeout_s = 10,
	    .tcp_io_timeout_ms = 5000,
	    .udp_max_payload = 1232,
	    .sync_interval_ms = 50,
	    .transfers_in = 20,
	    .transfers_per_primary = 4,
	    .transfers_out = 100,
	    .condense_memory = UINT64_C(64) << 20,
	};
}

int
config_build_server(struct config_build *b)
{
	const struct config_entry *e = b->tree.sections[CONFIG_SERVER].first;
	struct config_server *s = &b->c->server;
	int rc;

	set_defaults(s);
	if (e == NULL) {
		return config_build_fail(b, (struct config_place){0, 1},
					 "there is no section \"server\"");
	}
	rc = config_build_apply(b, e, config_server_keywords, s);
	if (rc != SECD_OK) {
		return rc;
	}
	if (s->listen_count == 0) {
		return config_build_fail(b, e->place,
					 "\"server\" has no \"listen\"");
	}
	s->control = arena_printf(b->arena, "%s/" CONFIG_SOCKET, s->rundir);
	if (s->control == NULL) {
		return SECD_ENOMEM;
	}
	if (strlen(s->control) > CONFIG_SOCKET_LEN_MAX) {
		return config_build_fail(b, config_build_place(e, "rundir"),
					 "\"rundir\" is too long for the path "
					 "of a socket");
	}
	return SECD_OK;
}

static int
set_level(struct config_build *b, const struct config_item *it, void *object)
{
	struct config_log *log = object;

	if (log_level_from_text(it->value, &log->level) != SECD_OK) {
		return config_build_bad(
		    b, it, "none, error, warning, notice, info or debug");
	}
	return SECD_OK;
}

const struct config_keyword config_log_keywords[] = {
    {"any", .kind = CONFIG_SPECIAL, .set = set_level},
    {.name = NULL},
};

static int
build_log(struct config_build *b, const struct config_entry *e,
	  struct config_log *log)
{
	if (strcmp(e->id, "stderr") == 0) {
		log->target = LOG_TARGET_STDERR;
	} else if (strcmp(e->id, "syslog") == 0) {
		log->target = LOG_TARGET_SYSLOG;
	} else {
		return config_build_fail(b, e->place,
					 "bad value \"%.64s\" for \"target\": "
					 "expected stderr or syslog",
					 e->id);
	}
	log->level = LOG_LEVEL_INFO;
	return config_build_apply(b, e, config_log_keywords, log);
}

int
config_build_logs(struct config_build *b)
{
	const struct config_entries *list = &b->tree.sections[CONFIG_LOG];
	const struct config_entry *e;
	struct config_index ix;
	struct config_log *logs;
	size_t i = 0;
	int rc;

	logs = arena_alloc(b->arena, (list->count + 1) * sizeof(*logs));
	if (logs == NULL) {
		return SECD_ENOMEM;
	}
	logs[0] = (struct config_log){LOG_TARGET_STDERR, LOG_LEVEL_INFO};
	for (e = list->first; e != NULL; e = e->next) {
		rc = build_log(b, e, &logs[i++]);
		if (config_build_ends(b, rc)) {
			return rc;
		}
	}
	b->c->logs = logs;
	b->c->log_count = list->count == 0 ? 1 : list->count;
	return config_index_make(b, CONFIG_LOG, logs, sizeof(*logs), &ix);
}
