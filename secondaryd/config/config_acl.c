/* SPDX-License-Identifier: BSD-2-Clause */

#include <netinet/in.h>
#include <string.h>

#include "config/config.h"

struct address {
	sa_family_t family; /* AF_UNSPEC: matches nothing */
	uint8_t octets[16]; /* 4 or 16 */
};

static struct address
address_of(const struct sockaddr *sa)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	struct address a = {.family = AF_UNSPEC};

	if (sa->sa_family == AF_INET) {
		struct sockaddr_in in;

		memcpy(&in, sa, sizeof(in));
		a.family = AF_INET;
		memcpy(a.octets, &in.sin_addr, 4);
	} else if (sa->sa_family == AF_INET6) {
		struct sockaddr_in6 in6;

		memcpy(&in6, sa, sizeof(in6));
		a.family = AF_INET6;
		memcpy(a.octets, &in6.sin6_addr, 16);
	}
	/* RFC 4291 section 2.5.5.2: an IPv4 peer of an IPv6 socket. */
	if (a.family == AF_INET6 && memcmp(a.octets, mapped, 12) == 0) {
		a.family = AF_INET;
		memmove(a.octets, a.octets + 12, 4);
		memset(a.octets + 4, 0, 12);
	}
	return a;
}

static bool
matches_address(const struct config_acl *acl, const struct address *from)
{
	size_t len = from->family == AF_INET ? 4 : 16;

	for (size_t i = 0; i < acl->range_count; i++) {
		const struct config_range *r = &acl->ranges[i];

		if (r->family == from->family &&
		    memcmp(from->octets, r->first, len) >= 0 &&
		    memcmp(from->octets, r->last, len) <= 0) {
			return true;
		}
	}
	return acl->range_count == 0;
}

/* None in the list: signed or not. */
static bool
is_among(const struct config_key *const *keys, size_t count, const uint8_t *key)
{
	for (size_t i = 0; i < count; i++) {
		if (key != NULL && name_equal(keys[i]->name, key)) {
			return true;
		}
	}
	return count == 0;
}

static bool
has_address(const struct config_remote *r, const struct address *from)
{
	for (size_t i = 0; i < r->address_count; i++) {
		struct address a =
		    address_of((const struct sockaddr *)&r->addresses[i]);

		if (a.family != AF_UNSPEC && a.family == from->family &&
		    memcmp(a.octets, from->octets, sizeof(a.octets)) == 0) {
			return true;
		}
	}
	return false;
}

static bool
is_primary(const struct config_remote *r, const struct address *from,
	   const uint8_t *key)
{
	return is_among(r->keys, r->key_count, key) && has_address(r, from);
}

/* 1: allowed, 0: denied, -1: no ACL decides. */
static int
ask_acls(const struct config_policy *p, enum config_action action,
	 const struct address *from, const uint8_t *key, const char **why)
{
	for (size_t i = 0; i < p->acl_count; i++) {
		const struct config_acl *acl = p->acls[i];

		if ((acl->actions & action) == 0 ||
		    !matches_address(acl, from) ||
		    !is_among(acl->keys, acl->key_count, key)) {
			continue;
		}
		if (acl->deny) {
			*why = "an acl denies it";
			return 0;
		}
		if (action == CONFIG_TRANSFER && acl->key_count == 0 &&
		    !acl->insecure) {
			*why = "the acl that matches has no key";
			continue; /* a later one may ask for this key */
		}
		*why = "an acl allows it";
		return 1;
	}
	return -1;
}

bool
config_allows(const struct config_policy *p, enum config_action action,
	      const struct sockaddr *from, const uint8_t *key, const char **why)
{
	struct address a = address_of(from);
	const char *ignored;
	int verdict;

	if (why == NULL) {
		why = &ignored;
	}
	*why = "no acl matches";
	verdict = ask_acls(p, action, &a, key, why);
	if (verdict >= 0) {
		return verdict == 1;
	}
	for (size_t i = 0; action == CONFIG_NOTIFY && i < p->primary_count;
	     i++) {
		if (is_primary(p->primaries[i], &a, key)) {
			*why = "it is a primary";
			return true;
		}
		if (has_address(p->primaries[i], &a)) {
			*why = "it is a primary's address, but not signed "
			       "with a key of that primary";
		}
	}
	return false;
}
