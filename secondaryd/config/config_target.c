/* SPDX-License-Identifier: BSD-2-Clause */

#include <string.h>

#include "base/address.h"
#include "base/error.h"
#include "config/config_build.h"

/* Remotes as a policy lists them. */
struct remotes {
	const struct config_remote *const *list;
	size_t count;
};

/* The source address that a remote gives for an address of its own. */
static const struct sockaddr_storage *
via_of(const struct config_remote *remote, const struct sockaddr_storage *to)
{
	for (size_t i = 0; i < remote->via_count; i++) {
		if (remote->via[i].ss_family == to->ss_family) {
			return &remote->via[i];
		}
	}
	return NULL;
}

static bool
is_target(const struct config_target *t, const struct config_remote *remote,
	  const struct sockaddr_storage *to)
{
	const struct sockaddr_storage *via = via_of(remote, to);

	return address_equal(t->to, to) &&
	       (t->via == via ||
		(t->via != NULL && via != NULL && address_equal(t->via, via)));
}

static bool
has_target(const struct config_remote *remote, const struct config_target *t)
{
	for (size_t i = 0; i < remote->address_count; i++) {
		if (is_target(t, remote, &remote->addresses[i])) {
			return true;
		}
	}
	return false;
}

static bool
has_pointer(const struct buf *list, const void *pointer)
{
	const void *const *at = (const void *const *)(const void *)list->data;

	for (size_t i = 0; i < list->len / sizeof(*at); i++) {
		if (at[i] == pointer) {
			return true;
		}
	}
	return false;
}

static int
put_pointer(struct buf *list, const void *pointer)
{
	return has_pointer(list, pointer)
		   ? SECD_OK
		   : buf_put(list, &pointer, sizeof(pointer));
}

static int
put_keys(struct buf *list, const struct config_remote *remote)
{
	int rc = SECD_OK;

	if (remote->key_count == 0) {
		return put_pointer(list, NULL);
	}
	for (size_t i = 0; i < remote->key_count && rc == SECD_OK; i++) {
		rc = put_pointer(list, remote->keys[i]);
	}
	return rc;
}

/* Move a list into the configuration. */
static int
share(struct config_build *b, struct buf *list, int rc, size_t size,
      const void **out, size_t *count)
{
	if (rc == SECD_OK && list->len > 0) {
		*out = config_build_share(b, list->data, list->len);
		rc = *out == NULL ? SECD_ENOMEM : SECD_OK;
	} else {
		*out = NULL;
	}
	*count = rc == SECD_OK ? list->len / size : 0;
	buf_fini(list);
	return rc;
}

static int
find_keys(struct config_build *b, const struct remotes *r,
	  struct config_target *t)
{
	struct buf list = {0};
	const void *keys;
	int rc = SECD_OK;

	for (size_t i = 0; i < r->count && rc == SECD_OK; i++) {
		if (has_target(r->list[i], t)) {
			rc = put_keys(&list, r->list[i]);
		}
	}
	rc = share(b, &list, rc, sizeof(void *), &keys, &t->key_count);
	t->keys = keys;
	return rc;
}

static bool
is_known(const struct buf *targets, const struct config_remote *remote,
	 const struct sockaddr_storage *to)
{
	const struct config_target *t = (const void *)targets->data;

	for (size_t i = 0; i < targets->len / sizeof(*t); i++) {
		if (is_target(&t[i], remote, to)) {
			return true;
		}
	}
	return false;
}

static int
put_targets(struct config_build *b, const struct remotes *r,
	    const struct config_remote *remote, struct buf *targets)
{
	int rc = SECD_OK;

	for (size_t i = 0; i < remote->address_count && rc == SECD_OK; i++) {
		const struct sockaddr_storage *to = &remote->addresses[i];
		struct config_target t = {
		    .remote = remote, .to = to, .via = via_of(remote, to)};

		if (is_known(targets, remote, to)) {
			continue;
		}
		rc = find_keys(b, r, &t);
		if (rc == SECD_OK) {
			rc = buf_put(targets, &t, sizeof(t));
		}
	}
	return rc;
}

static int
find_targets(struct config_build *b, const struct remotes *r,
	     const struct config_target **out, size_t *count)
{
	struct buf targets = {0};
	const void *list;
	int rc = SECD_OK;

	for (size_t i = 0; i < r->count && rc == SECD_OK; i++) {
		rc = put_targets(b, r, r->list[i], &targets);
	}
	rc = share(b, &targets, rc, sizeof(**out), &list, count);
	*out = list;
	return rc;
}

static int
put_names(struct buf *list, const struct config_key *const *keys, size_t count)
{
	int rc = SECD_OK;

	for (size_t i = 0; i < count && rc == SECD_OK; i++) {
		/* NULL: its entry is wrong, and that was told. */
		if (keys[i] != NULL) {
			rc = put_pointer(list, keys[i]->name);
		}
	}
	return rc;
}

static int
find_names(struct config_build *b, struct config_policy *p)
{
	struct buf list = {0};
	const void *names;
	int rc = SECD_OK;

	for (size_t i = 0; i < p->primary_count && rc == SECD_OK; i++) {
		rc = put_names(&list, p->primaries[i]->keys,
			       p->primaries[i]->key_count);
	}
	for (size_t i = 0; i < p->acl_count && rc == SECD_OK; i++) {
		if ((p->acls[i]->actions & CONFIG_TRANSFER) != 0 &&
		    !p->acls[i]->deny) {
			rc = put_names(&list, p->acls[i]->keys,
				       p->acls[i]->key_count);
		}
	}
	rc = share(b, &list, rc, sizeof(uint8_t *), &names, &p->key_name_count);
	p->key_names = names;
	return rc;
}

int
config_build_targets(struct config_build *b, struct config_policy *p)
{
	const struct remotes primaries = {p->primaries, p->primary_count};
	const struct remotes notify = {p->notify, p->notify_count};
	int rc = find_targets(b, &primaries, &p->primary_targets,
			      &p->primary_target_count);

	if (rc == SECD_OK) {
		rc = find_targets(b, &notify, &p->notify_targets,
				  &p->notify_target_count);
	}
	return rc == SECD_OK ? find_names(b, p) : rc;
}
