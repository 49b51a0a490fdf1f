/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * options -- a module's own configuration file, read for any host.
 *
 * The grammar is that of secondaryd's configuration (libknot's yparser, a small
 * part of YAML), without `include`, and stricter: a section either is a list
 * or is none. What sections and keys there are is the module's business, which
 * gets each value with its line. Knows nothing of libknot: named's driver reads
 * the same files with it.
 *
 *     section:
 *         key: value              a value may be in quotes, \" is a quote
 *     section:
 *       - key: id                 begins an entry, and is an option of it
 *         key: [ value, value ]   one option for each value
 */

#ifndef SECD_BASE_OPTIONS_H
#define SECD_BASE_OPTIONS_H

#include <stddef.h>

#include "secondaryd/module.h"

#define OPTIONS_OCTETS_MAX (1u << 20) /* of a file */

struct options; /* immutable; wiped at the end, it may hold secrets */

/**
 * Read a file.
 *
 * path     NULL: there is none, so no options
 * reason   room for SECD_REASON_LEN; receives on failure one sentence,
 *          "path:line: ..." where there is a line
 * Returns  SECD_OK, SECD_EMALF, SECD_EIO, SECD_ENOMEM
 */
int options_load(const char *path, struct options **out, char *reason);

/** As options_load, with the text at hand. `path` is for messages. */
int options_load_text(const char *path, const char *text, size_t len,
		      struct options **out, char *reason);

/** What a module is given. Lives as long as `o`. */
const struct secd_options *options_get(const struct options *o);

/** NULL is fine. */
void options_free(struct options *o);

#endif
