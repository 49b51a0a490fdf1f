/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * answer_internal -- one query on its way to its answer: for zone/answer*.c
 * only.
 *
 * An answer is made in the order of its sections: names are looked up and
 * followed (answer section), then comes what denies or delegates (authority
 * section), last the addresses of servers. Once something that must be there
 * does not fit, nothing more is added.
 */

#ifndef SECD_ZONE_ANSWER_INTERNAL_H
#define SECD_ZONE_ANSWER_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "zone/answer.h"
#include "zone/response.h"
#include "zone/version.h"

/* CNAMEs that are followed for one query. */
#define ANSWER_HOPS_MAX 32
/* One for the wildcard of each hop, three at the end (RFC 5155 7.2.1, .2). */
#define ANSWER_PROOFS_MAX (ANSWER_HOPS_MAX + 4)

struct answer_part {
	const struct node *node;
	const struct rrset *rrset;
};

/* One response uses one version of each zone, also when a chain of CNAMEs comes
 * back to it after another was published. */
struct answer_zone {
	const struct zone *zone;
	const struct version *version;
};

struct answer_dname {
	const struct rrset *rrset;
	size_t at; /* of the record in the message */
};

/* Some kilobytes that most answers do not touch, and that nobody clears. */
struct answer_scratch {
	uint64_t seen[ANSWER_HOPS_MAX + 1]; /* hashes of names looked for */
	struct answer_dname dnames[ANSWER_HOPS_MAX]; /* in the message */
	struct answer_part proofs[ANSWER_PROOFS_MAX];
	struct answer_zone touched[ANSWER_HOPS_MAX + 1]; /* one a name */

	/* What the last CNAME led to. */
	uint8_t name[NAME_LEN_MAX];
	uint8_t lower[NAME_LEN_MAX];
	struct name_hashes hashes;
};

struct answer {
	const struct answer_context *ctx;
	const struct query *q;
	struct response r;
	enum answer_transport transport;
	bool sigs;          /* DNSSEC records were asked for */
	bool authoritative; /* AA */
	bool truncated;     /* TC */
	uint16_t rcode;
	int ede;

	/* The name looked for: QNAME, then what CNAMEs lead to. */
	struct response_name name;
	const uint8_t *lower;
	const struct name_hashes *hashes;

	/* The zone that it is in. */
	const struct version *version;
	enum image_denial denial; /* IMAGE_UNSIGNED unless `sigs` */
	unsigned apex;            /* the apex's index in `hashes` */

	/* Entries of the scratch memory. */
	unsigned touched_count;
	unsigned hop_count; /* CNAMEs followed: entries of `seen` */
	unsigned dname_count;
	unsigned proof_count;

	/* NS records in the message whose addresses are wanted, or NULL. */
	const struct rrset *ns;
	size_t ns_at;                 /* where they start */
	struct response_name ns_name; /* their owner */

	struct answer_scratch *scratch;
};

/** Suffix `i` of the name looked for, in lower case. */
static inline const uint8_t *
answer_suffix(const struct answer *a, unsigned i)
{
	return a->lower + a->hashes->offset[i];
}

/** The node of suffix `i` of the name looked for, or NULL. */
static inline const struct node *
answer_find(const struct answer *a, unsigned i)
{
	const struct node *n;

	if (i == a->apex) {
		return version_apex(a->version);
	}
	n = version_find(a->version, answer_suffix(a, i),
			 (size_t)a->name.len - a->hashes->offset[i],
			 a->hashes->hash[i]);
	/* Such a name is not there for a query although it has a node. */
	return n != NULL && (n->flags & NODE_NSEC3_ONLY) == 0 ? n : NULL;
}

/** Note that something that must be there was put, or did not fit. */
static inline void
answer_must(struct answer *a, bool fits)
{
	a->truncated |= !fits;
}

/* answer_name.c */

/**
 * Answer the name looked for from the zone that it is in.
 *
 * Returns  whether there is another name to answer
 */
bool answer_name(struct answer *a);

/* answer_proof.c: each notes NSEC or NSEC3 records for the authority section,
 * or nothing in an unsigned zone. */

/** Suffix `i` exists (node `n`), but nothing of the type asked for. */
void answer_proof_nodata(struct answer *a, unsigned i, const struct node *n);

/** The name does not exist, its closest encloser is suffix `i`, node `n`. */
void answer_proof_nxdomain(struct answer *a, unsigned i, const struct node *n);

/** The same, but the wildcard below suffix `i` has an answer. */
void answer_proof_wildcard(struct answer *a, unsigned i);

/** The same, but the wildcard has nothing of the type asked for. */
void answer_proof_wildcard_nodata(struct answer *a, unsigned i,
				  const struct node *n);

/** Put what was noted. */
void answer_proof_put(struct answer *a);

/* answer_referral.c */

/** Refer to the servers of the cut at suffix `i`. */
void answer_referral(struct answer *a, const struct node *cut);

/** Add the addresses for the NS records in the message, if there are any. */
void answer_referral_addresses(struct answer *a);

#endif
