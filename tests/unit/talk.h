/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * talk -- what a primary of "example." says, message by message, right or
 * wrong, for the tests of transfer/.
 */

#ifndef TESTS_TALK_H
#define TESTS_TALK_H

#include <stddef.h>
#include <stdint.h>

#include "forge.h"
#include "wire/rr.h"
#include "zone/build.h"
#include "zone/changeset.h"

#define TALK_ID 0x4d2e

/* The SOA of example. with a serial, in presentation format. */
#define TALK_SOA(serial) "@ SOA ns. mail. " #serial " 3600 900 604800 300\n"

enum talk_section { TALK_ANSWER = 1, TALK_AUTHORITY, TALK_ADDITIONAL };

/** Start an answer: id TALK_ID, AA; with this question, or none for 0. */
void talk_begin(struct message *m, uint16_t qtype);

/** Append records of presentation format to the answer section, in order. */
void talk_text(struct message *m, const char *text);

/** Append one record, uncompressed. */
void talk_record(struct message *m, enum talk_section section,
		 const struct rr *rr, uint16_t class);

/** talk_begin and talk_text. */
void talk_say(struct message *m, uint16_t qtype, const char *text);

/**
 * A changeset as text, to compare: "-5 -www.example./1 +6 +a.example./28".
 * Static; valid until the next call.
 */
const char *talk_changes(const struct changeset *cs);

/** The serial of the zone that a spool holds; builds it, frees the spool. */
uint32_t talk_spool_serial(struct spool *s);

#endif
