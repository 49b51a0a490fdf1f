/* SPDX-License-Identifier: BSD-2-Clause */

#include <netinet/in.h>
#include <string.h>

#include "base/error.h"
#include "config/config_build.h"

#define DNS_PORT 53

static size_t
count_items(const struct config_item *it)
{
	size_t count = 0;

	for (; it != NULL; it = config_item_next(it)) {
		count++;
	}
	return count;
}

static int
read_addresses(struct config_build *b, const struct config_item *it,
	       uint16_t default_port, const struct sockaddr_storage **out,
	       size_t *out_count)
{
	struct sockaddr_storage *list;
	size_t count = 0;

	list = arena_alloc(b->arena, count_items(it) * sizeof(*list));
	if (list == NULL) {
		return SECD_ENOMEM;
	}
	for (; it != NULL; it = config_item_next(it)) {
		if (!config_build_address(it->value, default_port,
					  &list[count++])) {
			return config_build_bad(b, it,
						"an address, or ADDRESS@PORT");
		}
	}
	*out = list;
	*out_count = count;
	return SECD_OK;
}

static int
set_address(struct config_build *b, const struct config_item *it, void *object)
{
	struct config_remote *remote = object;

	return read_addresses(b, it, DNS_PORT, &remote->addresses,
			      &remote->address_count);
}

static int
set_via(struct config_build *b, const struct config_item *it, void *object)
{
	struct config_remote *remote = object;
	int rc;

	rc = read_addresses(b, it, 0, &remote->via, &remote->via_count);
	for (size_t i = 1; rc == SECD_OK && i < remote->via_count; i++) {
		it = config_item_next(it);
		if (i > 1 ||
		    remote->via[0].ss_family == remote->via[1].ss_family) {
			return config_build_fail(
			    b, it->place,
			    "\"via\" has more than one address of a family");
		}
	}
	return rc;
}

static int
read_keys(struct config_build *b, const struct config_item *it,
	  const struct config_key *const **out, size_t *out_count)
{
	const struct config_key **list;
	size_t count = 0;

	list = arena_alloc(b->arena, count_items(it) * sizeof(*list));
	if (list == NULL) {
		return SECD_ENOMEM;
	}
	for (; it != NULL; it = config_item_next(it)) {
		int rc = config_build_key_of(b, it, &list[count++]);

		if (rc != SECD_OK) {
			return rc;
		}
	}
	*out = list;
	*out_count = count;
	return SECD_OK;
}

static int
set_remote_keys(struct config_build *b, const struct config_item *it,
		void *object)
{
	struct config_remote *remote = object;

	return read_keys(b, it, &remote->keys, &remote->key_count);
}

const struct config_keyword config_remote_keywords[] = {
    {"address", .multi = true, .kind = CONFIG_SPECIAL, .set = set_address},
    {"key", .multi = true, .kind = CONFIG_SPECIAL, .set = set_remote_keys},
    {"via", .multi = true, .kind = CONFIG_SPECIAL, .set = set_via},
    {.name = NULL},
};

static int
build_remote(struct config_build *b, const struct config_entry *e,
	     struct config_remote *remote)
{
	int rc;

	remote->id = arena_copy_octets(b->arena, e->id, strlen(e->id));
	if (remote->id == NULL) {
		return SECD_ENOMEM;
	}
	rc = config_build_apply(b, e, config_remote_keywords, remote);
	if (rc == SECD_OK && remote->address_count == 0) {
		return config_build_fail(
		    b, e->place, "remote \"%.128s\" has no \"address\"", e->id);
	}
	return rc;
}

int
config_build_remotes(struct config_build *b)
{
	const struct config_entries *list = &b->tree.sections[CONFIG_REMOTE];
	const struct config_entry *e;
	struct config_remote *remotes;
	size_t i = 0;
	int rc;

	remotes = arena_alloc(b->arena, list->count * sizeof(*remotes));
	if (remotes == NULL) {
		return SECD_ENOMEM;
	}
	for (e = list->first; e != NULL; e = e->next) {
		rc = build_remote(b, e, &remotes[i++]);
		if (config_build_ends(b, rc)) {
			return rc;
		}
	}
	b->c->remotes = remotes;
	b->c->remote_count = list->count;
	return config_index_make(b, CONFIG_REMOTE, remotes, sizeof(*remotes),
				 &b->remotes);
}

/* 192.0.2.1/24: was the one address meant, or all 256? */
static int
read_range(struct config_build *b, const struct config_item *it,
	   struct config_range *out)
{
	if (!config_build_range(it->value, out)) {
		return config_build_bad(
		    b, it, "ADDRESS, ADDRESS/LENGTH or ADDRESS-ADDRESS");
	}
	if (config_build_range_is_exact(it->value, out)) {
		return SECD_OK;
	}
	return config_build_warn(b, it->place,
				 "\"%.64s\" has bits beyond its length: it "
				 "means the whole network",
				 it->value);
}

static int
set_ranges(struct config_build *b, const struct config_item *it, void *object)
{
	struct config_acl *acl = object;
	struct config_range *list;
	size_t count = 0;
	int rc;

	list = arena_alloc(b->arena, count_items(it) * sizeof(*list));
	if (list == NULL) {
		return SECD_ENOMEM;
	}
	for (; it != NULL; it = config_item_next(it)) {
		rc = read_range(b, it, &list[count++]);
		if (rc != SECD_OK) {
			return rc;
		}
	}
	acl->ranges = list;
	acl->range_count = count;
	return SECD_OK;
}

static int
set_acl_keys(struct config_build *b, const struct config_item *it, void *object)
{
	struct config_acl *acl = object;

	return read_keys(b, it, &acl->keys, &acl->key_count);
}

static int
set_action(struct config_build *b, const struct config_item *it, void *object)
{
	struct config_acl *acl = object;

	for (; it != NULL; it = config_item_next(it)) {
		if (strcmp(it->value, "transfer") == 0) {
			acl->actions |= CONFIG_TRANSFER;
		} else if (strcmp(it->value, "notify") == 0) {
			acl->actions |= CONFIG_NOTIFY;
		} else {
			return config_build_bad(b, it, "transfer or notify");
		}
	}
	return SECD_OK;
}

const struct config_keyword config_acl_keywords[] = {
    {"address", .multi = true, .kind = CONFIG_SPECIAL, .set = set_ranges},
    {"key", .multi = true, .kind = CONFIG_SPECIAL, .set = set_acl_keys},
    {"action", .multi = true, .kind = CONFIG_SPECIAL, .set = set_action},
    {"deny", .kind = CONFIG_BOOL, .offset = offsetof(struct config_acl, deny)},
    {"insecure", .kind = CONFIG_BOOL,
     .offset = offsetof(struct config_acl, insecure)},
    {.name = NULL},
};

static int
build_acl(struct config_build *b, const struct config_entry *e,
	  struct config_acl *acl)
{
	int rc;

	acl->id = arena_copy_octets(b->arena, e->id, strlen(e->id));
	if (acl->id == NULL) {
		return SECD_ENOMEM;
	}
	rc = config_build_apply(b, e, config_acl_keywords, acl);
	if (rc != SECD_OK) {
		return rc;
	}
	if (acl->actions == 0) {
		if (!acl->deny) {
			return config_build_fail(
			    b, e->place, "acl \"%.128s\" has no \"action\"",
			    e->id);
		}
		acl->actions = CONFIG_TRANSFER | CONFIG_NOTIFY;
	}
	if ((acl->actions & CONFIG_TRANSFER) != 0 && acl->key_count == 0 &&
	    !acl->deny && !acl->insecure) {
		return config_build_warn(
		    b, e->place,
		    "acl \"%.128s\" has no key, so it lets no transfer out: "
		    "give it one, or \"insecure: on\"",
		    e->id);
	}
	return SECD_OK;
}

int
config_build_acls(struct config_build *b)
{
	const struct config_entries *list = &b->tree.sections[CONFIG_ACL];
	const struct config_entry *e;
	struct config_acl *acls;
	size_t i = 0;
	int rc;

	acls = arena_alloc(b->arena, list->count * sizeof(*acls));
	if (acls == NULL) {
		return SECD_ENOMEM;
	}
	for (e = list->first; e != NULL; e = e->next) {
		rc = build_acl(b, e, &acls[i++]);
		if (config_build_ends(b, rc)) {
			return rc;
		}
	}
	b->c->acls = acls;
	b->c->acl_count = list->count;
	return config_index_make(b, CONFIG_ACL, acls, sizeof(*acls), &b->acls);
}
