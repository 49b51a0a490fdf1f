/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the parts of options share: options.c has the sections, options_value.c
 * single values, options_check.c what has to fit together.
 */

#ifndef TSIG_ROTATE_OPTIONS_INTERNAL_H
#define TSIG_ROTATE_OPTIONS_INTERNAL_H

#include "tsig-rotate/options.h"

/* What a drain has to outlast: fudge and skew of clocks, a transfer, and the
 * retry after one that failed. */
#define OPTIONS_DRAIN_MIN_MS INT64_C(7800000)

/* What is being read. */
struct reader {
	const struct secd_options *from;
	struct rotate_options *o;
	char *reason;
	struct pair_options of_all; /* what a pair begins with */
	bool is_unsafe;
};

/* Said, so that leaving it out can be told from saying what is the default. */
enum said {
	SAID_ROLE = 1,
	SAID_PEER = 2,
	SAID_SECRETS = 4,
	SAID_ZONE = 8,
};

/** What is wrong, with file and line. Returns SECD_EINVAL. */
int options_fail(const struct reader *r, uint32_t line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/** "key: \"value\" is not ...". */
int options_bad(const struct reader *r, const struct secd_option *item,
		const char *what);
int options_no_memory(const struct reader *r);

/* Values. Each returns SECD_OK, SECD_EINVAL, SECD_ENOMEM, with a reason. */

int options_time(const struct reader *r, const struct secd_option *item,
		 int64_t *ms);
int options_bool(const struct reader *r, const struct secd_option *item,
		 bool *out);
/** One of two words. */
int options_choice(const struct reader *r, const struct secd_option *item,
		   const char *yes, const char *no, bool *out);
int options_address(const struct reader *r, const struct secd_option *item,
		    uint16_t port, struct secd_address *out);
/** Relative to the file that says it. */
int options_path(const struct reader *r, const struct secd_option *item,
		 const char **out);
int options_id(const struct reader *r, const struct secd_option *item,
	       const char **out);
/** "p1.xfr.example." becomes p1-a.xfr.example. and p1-b.xfr.example. */
int options_key(const struct reader *r, const struct secd_option *item,
		uint8_t names[SLOT_COUNT][NAME_LEN_MAX]);

/** A pair that is read to its end. said: enum said. */
int options_check_pair(const struct reader *r, struct pair_options *p,
		       unsigned said);
/** All of them. */
int options_check_all(const struct reader *r);

#endif
