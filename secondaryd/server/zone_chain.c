/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/zone_chain.h"

#include <assert.h>

#include "base/error.h"

/* Changesets are applied at each start: past this share of the image, another
 * image is cheaper. */
#define CHANGES_SHARE 10
/* What is held for a store that takes nothing. */
#define WAITING_OCTETS_MAX (UINT64_C(16) << 20)

static struct commit_entry *
next_of(const struct commit_entry *link)
{
	return (struct commit_entry *)link->letter.next;
}

void
zone_chain_begin(struct zone_chain *c, uint64_t seq, uint64_t change_octets)
{
	c->stored_seq = c->newest_seq = seq;
	c->octets = change_octets;
	c->is_broken = false;
}

void
zone_chain_fini(struct zone_chain *c)
{
	while (c->first != NULL) {
		struct commit_entry *link = c->first;

		c->first = next_of(link);
		commit_entry_free(link);
	}
	c->waiting_octets = 0;
}

void
zone_chain_break(struct zone_chain *c, uint64_t seq)
{
	zone_chain_fini(c);
	c->newest_seq = c->newest_seq > seq ? c->newest_seq : seq;
	c->is_broken = true;
	c->whole_seq = c->newest_seq;
}

/* The newest of those that wait is the only one worth telling of; versions
 * that nobody else needs are not kept for the others. */
static void
keep_one_version(struct zone_chain *c)
{
	struct commit_entry *link;

	for (link = c->first; link != NULL; link = next_of(link)) {
		if (next_of(link) != NULL) {
			version_unref(link->version);
			link->version = NULL;
		}
	}
}

static void
hold(struct zone_chain *c, struct commit_entry *link)
{
	struct commit_entry *before = NULL, *after = c->first;

	while (after != NULL && after->seq <= link->seq) {
		before = after;
		after = next_of(after);
	}
	link->letter.next = after == NULL ? NULL : &after->letter;
	if (before == NULL) {
		c->first = link;
	} else {
		before->letter.next = &link->letter;
	}
	keep_one_version(c);
	c->waiting_octets += link->changes.octets.len;
	if (c->waiting_octets > WAITING_OCTETS_MAX) {
		zone_chain_break(c, c->newest_seq);
	}
}

/* Links up to `seq` are done with; does one of them begin anew? */
static bool
drop_until(struct zone_chain *c, uint64_t seq)
{
	bool begins = false;

	while (c->first != NULL && c->first->seq <= seq) {
		struct commit_entry *link = c->first;

		begins = begins || link->drop;
		c->first = next_of(link);
		c->waiting_octets -= link->changes.octets.len;
		commit_entry_free(link);
	}
	return begins;
}

bool
zone_chain_add_changes(struct zone_chain *c, struct commit_entry *link)
{
	c->newest_seq = link->seq;
	c->octets += link->changes.octets.len;
	if (c->is_broken || c->first != NULL) {
		hold(c, link);
		return false;
	}
	c->in_flight++;
	return true;
}

bool
zone_chain_takes_image(const struct zone_chain *c, uint64_t seq)
{
	return !c->is_broken || seq >= c->whole_seq;
}

void
zone_chain_add_image(struct zone_chain *c, struct commit_entry *link,
		     uint64_t octets)
{
	bool begins = drop_until(c, link->seq);

	assert(zone_chain_takes_image(c, link->seq));
	/* Whatever else the store has of the zone is not its past. */
	link->drop = begins || c->is_broken;
	if (link->seq > c->newest_seq) {
		c->newest_seq = link->seq;
	}
	c->is_broken = false;
	c->image_octets = octets;
	c->in_flight++;
}

/* The store has everything before this link, and does not take it: what it has
 * is not what we think. */
static bool
is_misfit(const struct zone_chain *c, const struct commit_entry *link)
{
	return link->image == NULL && link->rc == SECD_ENOTFOUND &&
	       link->seq == c->stored_seq + 1;
}

void
zone_chain_done(struct zone_chain *c, struct commit_entry *link)
{
	c->in_flight--;
	if (link->rc == SECD_OK) {
		if (link->seq > c->stored_seq) {
			c->stored_seq = link->seq;
		}
		drop_until(c, link->seq);
		commit_entry_free(link);
	} else if (is_misfit(c, link)) {
		commit_entry_free(link);
		zone_chain_break(c, c->newest_seq);
	} else if (link->seq <= c->stored_seq ||
		   (c->is_broken && link->seq <= c->whole_seq)) {
		/* An image that would only have been shorter: what comes after
		 * it need not wait for it. */
		c->image_octets = link->image != NULL ? 0 : c->image_octets;
		commit_entry_free(link);
	} else {
		hold(c, link);
	}
}

struct commit_entry *
zone_chain_resume(struct zone_chain *c)
{
	struct commit_entry *first = c->first, *link;

	if (c->is_broken || c->in_flight > 0) {
		return NULL;
	}
	for (link = first; link != NULL; link = next_of(link)) {
		c->in_flight++;
	}
	c->first = NULL;
	c->waiting_octets = 0;
	return first;
}

bool
zone_chain_wants_image(const struct zone_chain *c, size_t image_len)
{
	return c->is_broken ||
	       c->octets - c->image_octets > image_len / CHANGES_SHARE;
}
