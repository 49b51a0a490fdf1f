/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Referrals (RFC 1034 section 4.3.2 step 3b, RFC 4035 section 3.1.4) and the
 * addresses of servers: glue (RFC 9471), and those that a priming query wants
 * to see (RFC 8109 section 4).
 */

#include "base/error.h"
#include "wire/rr.h"
#include "zone/answer_internal.h"
#include "zone/version.h"

#define SERVERS_MAX 32 /* for more there is no room in UDP anyway */

/* Where the addresses of one server come from, and what they are worth. */
struct server {
	struct response_name name; /* as it stands in the NS record */
	const struct node *node;
	bool required; /* glue without which the referral leads nowhere */
};

void
answer_referral(struct answer *a, const struct node *cut)
{
	struct response_name owner =
	    response_suffix(&a->r, &a->name, cut->owner_len);
	const struct rrset *ns = node_find(cut, RR_TYPE_NS);
	const struct rrset *ds = node_find(cut, RR_TYPE_DS);
	unsigned i = a->hashes->count - 1u - cut->label_count;

	if (ns == NULL) {
		a->rcode = RCODE_SERVFAIL; /* a damaged image */
		return;
	}
	a->ns = ns;
	a->ns_at = a->r.len;
	a->ns_name = owner;
	answer_must(
	    a, response_put(&a->r, RESPONSE_AUTHORITY, cut, ns, &owner, false));
	/* In an unsigned zone DS means nothing, and nobody sends it. */
	if (a->denial == IMAGE_UNSIGNED || a->truncated) {
		return;
	}
	if (ds != NULL && ds->count > 0) {
		answer_must(a, response_put(&a->r, RESPONSE_AUTHORITY, cut, ds,
					    &owner, true));
	} else {
		answer_proof_nodata(a, i, cut);
	}
}

static void
put_address(struct answer *a, const struct server *server, uint16_t type)
{
	const struct rrset *s = node_find(server->node, type);
	bool sigs = a->sigs && server->node->barrier_labels == 0;

	if (s != NULL &&
	    !response_put(&a->r, RESPONSE_ADDITIONAL, server->node, s,
			  &server->name, sigs) &&
	    server->required) {
		a->truncated = true;
	}
}

/*
 * Find a server's addresses in the zone.
 *
 * is_glue  only those below a cut are wanted; those at or below the cut itself
 *          are there already if `inlined`
 */
static bool
find_server(struct answer *a, struct server *server, bool is_glue, bool inlined)
{
	const uint8_t *apex = answer_suffix(a, a->apex);
	uint8_t lower[NAME_LEN_MAX];
	struct name_hashes hashes;

	if (!name_is_in(server->name.name, apex)) {
		return false;
	}
	server->required =
	    is_glue && name_is_in(server->name.name, a->ns_name.name);
	if (server->required && inlined) {
		return false;
	}
	name_lower(server->name.name, lower);
	name_hash_all(lower, zone_table_key(a->ctx->zones), &hashes);
	server->node =
	    version_find(a->version, lower, server->name.len, hashes.hash[0]);
	return server->node != NULL &&
	       (!is_glue || server->node->barrier_labels > 0);
}

/*
 * Look up the addresses of those servers whose are not there yet. When there
 * is no room for all, an IPv4 address of each is worth more than both of some.
 */
static void
put_servers(struct answer *a, bool is_glue, bool inlined)
{
	struct server servers[SERVERS_MAX];
	uint8_t buffer[NAME_LEN_MAX];
	unsigned count = 0;
	size_t at = a->ns_at;

	for (unsigned i = 0; i < a->ns->count && !a->truncated; i++) {
		size_t rdata_at = response_rdata_at(&a->r, at);
		struct server server;

		at = response_next_at(&a->r, at);
		if (inlined &&
		    response_points_to(&a->r, rdata_at, a->ns_name.at)) {
			continue; /* surely below the cut */
		}
		server.name = response_name_at(&a->r, rdata_at, buffer);
		if (!find_server(a, &server, is_glue, inlined)) {
			continue;
		}
		put_address(a, &server, RR_TYPE_A);
		if (count < SERVERS_MAX && server.name.at != 0) {
			servers[count++] =
			    server; /* in the message is enough */
		} else {
			put_address(a, &server, RR_TYPE_AAAA);
		}
	}
	for (unsigned i = 0; i < count; i++) {
		put_address(a, &servers[i], RR_TYPE_AAAA);
	}
}

void
answer_referral_addresses(struct answer *a)
{
	bool is_glue = a->ns_name.len > 0, inlined = false;

	if (is_glue && response_can_put_glue(&a->r, a->ns, a->ns_at)) {
		answer_must(
		    a, response_put_glue(&a->r, a->ns, a->ns_at, &a->ns_name));
		inlined = true;
	}
	put_servers(a, is_glue, inlined);
}
