/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of xfr_out share: xfr_out.c decides what goes into which
 * message, xfr_out_nodes.c has the zone, xfr_out_entries.c the changes of an IXFR,
 * xfr_out_message.c writes a message, with names compressed.
 */

#ifndef SECD_TRANSFER_XFR_OUT_INTERNAL_H
#define SECD_TRANSFER_XFR_OUT_INTERNAL_H

#include <stdbool.h>

#include "secondaryd/module.h"
#include "transfer/xfr_out.h"
#include "wire/sequence.h"

/* Owner pointer, type, class, TTL, RDLENGTH. */
#define XFR_OUT_RR_FIXED 12

/* Records of one owner, in the form in which nodes have them. */
struct xfr_out_block {
	const uint8_t *octets;
	size_t len;
	const struct fixup *fixups;
	unsigned fixup_count;
};

struct xfr_out_message {
	uint8_t *buf;
	size_t cap;   /* octets that may be used */
	size_t limit; /* octets that are used as a rule */
	size_t len;
	uint16_t record_count;

	/* The name that was written last, and where the suffixes of it are. */
	const uint8_t *name; /* NULL: none yet */
	size_t name_len;
	unsigned label_count;
	uint8_t label[NAME_LABEL_MAX]; /* where label i starts in it */
	uint16_t at[NAME_LEN_MAX + 1]; /* by length of the suffix */
	size_t root_count; /* records in the block put last, if of the root */
	uint8_t kept[NAME_LEN_MAX];
};

/** Start a message; buf and cap are set. The question may be left out. */
void xfr_out_message_begin(struct xfr_out_message *m, uint16_t id,
			   uint16_t flags, const uint8_t *question,
			   size_t question_len);

/** Is there room for a block of this owner? */
bool xfr_out_message_fits(const struct xfr_out_message *m, const uint8_t *owner,
			  size_t len);

/**
 * Append a block that fits. The owner is borrowed until the next begin.
 *
 * Returns  false: the block is damaged
 */
bool xfr_out_message_put(struct xfr_out_message *m, const uint8_t *owner,
			 const struct xfr_out_block *b);

/**
 * Append an entry, if it fits. Its owner is borrowed until the next begin, or
 * xfr_out_message_keep_name.
 */
bool xfr_out_message_put_entry(struct xfr_out_message *m,
			       const struct secd_entry *e);

/** What was borrowed of the last owner is copied. */
void xfr_out_message_keep_name(struct xfr_out_message *m);

/** Octets of the first record of a block; 0 when it is damaged. */
size_t xfr_out_record_len(const uint8_t *octets, size_t len);

/* What went into a message so far, and why it ends. */
enum xfr_out_put {
	XFR_OUT_PUT_ALL,  /* all; there may be room for more */
	XFR_OUT_PUT_FULL, /* send the message, come again */
	XFR_OUT_PUT_FAILED,
};

/* A zone that is sent: how far it is. */
struct xfr_out_nodes {
	struct version_cursor cursor;
	const struct node *node;
	const struct rrset *rrset;
	unsigned rrset_left; /* this one included */
	bool at_sigs;        /* of this rrset; its RRs are sent */
	size_t from; /* octet of the block where the next message goes on */
	int rc;      /* why it failed; SECD_OK: something is damaged */
};

void xfr_out_nodes_start(struct xfr_out_nodes *n, const struct version *v);
enum xfr_out_put xfr_out_nodes_put(struct xfr_out_nodes *n,
				   struct xfr_out_message *m);
/** apex  as it is written; lives as long as the messages */
enum xfr_out_put xfr_out_nodes_put_soa(struct xfr_out_nodes *n,
				       struct xfr_out_message *m,
				       const uint8_t *apex,
				       const struct rrset *soa);

/* The changes that are sent. */
struct xfr_out_entries {
	struct xfr_out_source source;
	uint32_t to; /* serial that they have to lead to */
	struct sequence sequence;
	const uint8_t *octets; /* the run that is at hand */
	size_t len, at;
	int rc; /* why it failed, or SECD_OK */
};

enum xfr_out_put xfr_out_entries_put(struct xfr_out_entries *s,
				     struct xfr_out_message *m);

#endif
