/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_config -- any octets as a configuration file.
 *
 * Either it is refused with "file:line: message" in one line, the line being
 * one of the file, or what comes out keeps every promise of config.h.
 */

#include <ctype.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "config/config.h"
#include "transfer/refresh.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(what)                                                            \
	do {                                                                   \
		if (!(what)) {                                                 \
			fprintf(stderr, "not so: %s\n", #what);                \
			abort();                                               \
		}                                                              \
	} while (0)

static void
check_error(const struct config_error *err, const uint8_t *data, size_t size)
{
	static const char file[] = "fuzz.conf:";
	unsigned long line, lines = 2; /* the parser ends it with one more */
	char *end;

	for (size_t i = 0; i < size; i++) {
		lines += data[i] == '\n';
	}
	CHECK(strncmp(err->text, file, strlen(file)) == 0);
	line = strtoul(err->text + strlen(file), &end, 10);
	CHECK(line >= 1 && line <= lines);
	CHECK(strncmp(end, ": ", 2) == 0 && end[2] != '\0');
	CHECK(strchr(end, '\n') == NULL);
}

static void
check_port(const struct sockaddr_storage *a)
{
	/* Both families have it in the same place. */
	CHECK(a->ss_family == AF_INET || a->ss_family == AF_INET6);
	CHECK(((const struct sockaddr_in *)a)->sin_port != 0);
}

static void
check_remote(const struct config *c, const struct config_remote *r)
{
	CHECK(r >= c->remotes && r < c->remotes + c->remote_count);
	CHECK(r->id[0] != '\0' && r->address_count >= 1 && r->via_count <= 2);
	for (size_t i = 0; i < r->address_count; i++) {
		check_port(&r->addresses[i]);
	}
	for (size_t i = 0; i < r->key_count; i++) {
		CHECK(config_key_find(c, r->keys[i]->name) == r->keys[i]);
	}
}

static void
check_target(const struct config *c, const struct config_target *t)
{
	check_remote(c, t->remote);
	check_port(t->to);
	CHECK(t->via == NULL || t->via->ss_family == t->to->ss_family);
	CHECK(t->key_count >= 1);
	for (size_t i = 0; i < t->key_count; i++) {
		CHECK(t->keys[i] == NULL ||
		      config_key_find(c, t->keys[i]->name) == t->keys[i]);
	}
}

static void
check_policy(const struct config *c, const struct config_policy *p)
{
	const struct config_timers *t = &p->timers;

	CHECK(p->primary_count >= 1);
	for (size_t i = 0; i < p->primary_count; i++) {
		check_remote(c, p->primaries[i]);
	}
	CHECK(p->primary_target_count >= 1 &&
	      p->primary_target_count <= REFRESH_PRIMARY_MAX);
	for (size_t i = 0; i < p->primary_target_count; i++) {
		check_target(c, &p->primary_targets[i]);
	}
	for (size_t i = 0; i < p->notify_count; i++) {
		check_remote(c, p->notify[i]);
	}
	for (size_t i = 0; i < p->notify_target_count; i++) {
		check_target(c, &p->notify_targets[i]);
	}
	for (size_t i = 0; i < p->key_name_count; i++) {
		CHECK(config_key_find(c, p->key_names[i])->name ==
		      p->key_names[i]);
	}
	for (size_t i = 0; i < p->acl_count; i++) {
		CHECK(p->acls[i]->actions != 0);
	}
	CHECK(t->refresh_min >= 1 && t->refresh_min <= t->refresh_max);
	CHECK(t->retry_min >= 1 && t->retry_min <= t->retry_max);
	CHECK(t->expire_min >= 1 && t->expire_min <= t->expire_max);
	CHECK(p->limits.nsec3_iterations >= 1);
}

static void
check_config(const struct config *c)
{
	struct sockaddr_in6 from = {.sin6_family = AF_INET6};

	CHECK(c->server.listen_count >= 1 && c->log_count >= 1);
	for (size_t i = 0; i < c->server.listen_count; i++) {
		check_port(&c->server.listen[i]);
	}
	for (size_t i = 0; i < c->zone_count; i++) {
		const struct config_zone *z = &c->zones[i];

		CHECK(i == 0 ||
		      name_compare(c->zones[i - 1].apex, z->apex) < 0);
		CHECK(config_zone_find(c, z->apex) == z);
		check_policy(c, z->policy);
		config_allows(z->policy, CONFIG_NOTIFY,
			      (struct sockaddr *)&from, z->apex, NULL);
		config_allows(z->policy, CONFIG_TRANSFER,
			      (struct sockaddr *)&from, NULL, NULL);
	}
	for (size_t i = 0; i < c->key_count; i++) {
		CHECK(config_key_find(c, c->keys[i].name) == &c->keys[i]);
		CHECK(c->keys[i].key != NULL);
	}
}

static void
count_error(void *arg, const char *text)
{
	unsigned *count = arg;

	CHECK(text[0] != '\0');
	++*count;
}

/* Looking for all errors comes to the same verdict. */
static void
check_all(int expected, const uint8_t *data, size_t size)
{
	struct config *c = NULL;
	unsigned count = 0;
	int rc;

	rc = config_check_text("fuzz.conf", (const char *)data, size, &c,
			       count_error, &count);
	CHECK((rc == SECD_OK) == (expected == SECD_OK));
	CHECK((count == 0) == (rc == SECD_OK));
	CHECK((c != NULL) == (rc == SECD_OK));
	config_unref(c);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config *c = NULL;
	struct config_error err = {""};
	int rc;

	rc = config_load_text("fuzz.conf", (const char *)data, size, &c, &err);
	if (rc == SECD_OK) {
		CHECK(err.text[0] == '\0');
		check_config(c);
		config_unref(c);
	} else {
		CHECK(c == NULL);
		check_error(&err, data, size);
	}
	check_all(rc, data, size);
	return 0;
}
