/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * answer -- what the journal's commands say, and what the model would say.
 */

#ifndef TESTS_MODULE_ANSWER_H
#define TESTS_MODULE_ANSWER_H

#include "fake_host.h"

#define LISTED_MAX 4096

/* A version, as `list` has it. */
struct listed {
	uint64_t seq;
	uint32_t serial;
	bool begins; /* history, or anew */
};

struct answer {
	char **lines;
	size_t count, cap;
	struct listed listed[LISTED_MAX];
	size_t listed_count;
	uint64_t octets;
	uint64_t pinned; /* seq of the version that `list` shows as pinned */
	bool durable;
	unsigned lost;      /* zones */
	unsigned lost_mask; /* which: bit 0 is the first one */
	unsigned failures;
	char error[512];
	char damage[512];
	struct buf rows; /* all of them: see answer_find */
	/* Of a command that waits for something. */
	uint64_t position[SECD_POSITION_LEN / 8];
	bool waits;
};

struct answer *answer_new(void);
void answer_free(struct answer *a);

/** Run a command of up to three words to its end, or until it waits
 * (SECD_MORE); NULL: no more words. */
int answer_command(struct fake_host *h, const char *word, const char *zone,
		   const char *what, struct answer *out);
/** The same words again: go on with one that waited. */
int answer_go_on(struct fake_host *h, const char *word, const char *zone,
		 const char *what, struct answer *out);
/** One turn of it, whether it began already or not. */
int answer_turn(struct fake_host *h, const char *word, const char *zone,
		const char *what, struct answer *out);
void answer_status(struct fake_host *h, struct answer *out);

/** The value of a row, or NULL; zone and id may be "". */
const char *answer_find(const struct answer *a, const char *zone,
			const char *id, const char *item);

/** As commands name it; room for 8. Returns `name`. */
const char *answer_zone_name(const struct model_zone *z, char *name);

/** Lines for entries, with the sign of a difference. */
void answer_add_entries(struct answer *a, const struct buf *entries,
			bool has_signs);

/** For qsort. */
int answer_compare_lines(const void *a, const void *b);
bool answer_same_lines(const struct answer *a, const struct answer *b);

#endif
