/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * config_build -- from what the files say to a `struct config`.
 *
 * Sections are built in an order in which everything that is referred to is
 * there already: server, log, key, remote, acl, template, zone, module. Every
 * refusal goes through config_build_fail, so it has a place. Known to config*.c only.
 */

#ifndef SECD_CONFIG_CONFIG_BUILD_H
#define SECD_CONFIG_CONFIG_BUILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "config/config.h"
#include "config/config_tree.h"

struct config_blob; /* config_policy.c: a piece that others share */

/* What goes by an id, for those that refer to it: sorted by id. */
struct config_index {
	struct config_name {
		const char *id;
		void *object;
	} * names;
	size_t count;
};

struct config_build {
	struct config_tree tree;
	struct config_error *err;
	struct arena *arena; /* the configuration's own: outlives this */
	struct config *c;
	bool closed;         /* other files are out of bounds */
	struct buf warnings; /* of char * */
	struct config_index remotes, acls, templates;
	/* Of a zone that names no template and says nothing itself. */
	const struct config_policy *standard;
	bool is_standard_wrong;     /* and that was told */
	struct config_blob **blobs; /* a hash table */
	size_t blob_cap, blob_count;
};

/** Say what is wrong. Returns SECD_EMALF. */
int config_build_fail(struct config_build *b, struct config_place place,
		      const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/**
 * Is this the end, or the next entry's turn? Where all errors are to be found
 * (config_check), only a lack of memory ends it.
 */
static inline bool
config_build_ends(const struct config_build *b, int rc)
{
	return rc != SECD_OK && (b->tree.tell == NULL || rc == SECD_ENOMEM);
}

/** Say that an item has a bad value, and what it takes. Returns SECD_EMALF. */
int config_build_bad(struct config_build *b, const struct config_item *it,
		     const char *expected);

/** Keep a warning. Returns SECD_OK, SECD_ENOMEM. */
int config_build_warn(struct config_build *b, struct config_place place,
		      const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** Where an entry says `keyword`; where the entry starts if it does not. */
struct config_place config_build_place(const struct config_entry *e,
				       const char *keyword);

/**
 * Read all items of an entry, which takes these keywords, into its object.
 *
 * Returns  what is wrong first, whether the rest was read or not
 */
int config_build_apply(struct config_build *b, const struct config_entry *e,
		       const struct config_keyword *keywords, void *object);

/* Texts to values; false: the text means nothing. */

bool config_build_number(const char *text, enum config_unit unit,
			 uint64_t *out);
bool config_build_bool(const char *text, bool *out);
/** ADDRESS or ADDRESS@PORT; a port 1 to 65535. */
bool config_build_address(const char *text, uint16_t default_port,
			  struct sockaddr_storage *out);
/** ADDRESS, ADDRESS/LENGTH or ADDRESS-ADDRESS. */
bool config_build_range(const char *text, struct config_range *out);
/** Does the range start with the very address of its text? Not 192.0.2.1/24. */
bool config_build_range_is_exact(const char *text,
				 const struct config_range *r);
/** One item by its keyword's kind, but for CONFIG_SPECIAL. */
int config_build_value(struct config_build *b, const struct config_item *it,
		       void *object);

/**
 * Index the entries of a section.
 *
 * objects  as many as there are entries, in their order, `size` octets each
 * Returns  SECD_OK, SECD_EMALF (an id is there twice), SECD_ENOMEM
 */
int config_index_make(struct config_build *b, enum config_section_id section,
		      void *objects, size_t size, struct config_index *out);
void *config_index_find(const struct config_index *ix, const char *id);

/**
 * Resolve the items of a list, from the first on.
 *
 * it       one item without a value is an empty list
 * what     of what kind they are, for the message
 * out      receives an array of pointers in the configuration's arena, shared
 *          with equal ones
 */
int config_index_list(struct config_build *b, const struct config_index *ix,
		      const struct config_item *it, const char *what,
		      const void **out, size_t *count);

/* What each section takes; a list ends with a NULL name. */
extern const struct config_keyword config_server_keywords[];
extern const struct config_keyword config_log_keywords[];
extern const struct config_keyword config_key_keywords[];
extern const struct config_keyword config_remote_keywords[];
extern const struct config_keyword config_acl_keywords[];
extern const struct config_keyword config_template_keywords[];
extern const struct config_keyword config_zone_keywords[];
extern const struct config_keyword config_module_keywords[];

/* One function a section. Each returns SECD_OK, SECD_EMALF, SECD_ENOMEM;
 * config_build_keys also SECD_EIO and SECD_EPERM. */

int config_build_server(struct config_build *b);
int config_build_logs(struct config_build *b);
int config_build_keys(struct config_build *b);
int config_build_remotes(struct config_build *b);
int config_build_acls(struct config_build *b);
int config_build_templates(struct config_build *b);
int config_build_zones(struct config_build *b);
int config_build_modules(struct config_build *b);

/** What a zone's entry and its template say together. */
int config_build_policy(struct config_build *b, const struct config_entry *e,
			const struct config_policy **out);

/**
 * Set what follows from the remotes and ACLs of a policy: its targets, and the
 * names of its keys. Returns SECD_OK, SECD_ENOMEM.
 */
int config_build_targets(struct config_build *b, struct config_policy *p);

/**
 * The key that an item names. Returns SECD_OK, SECD_EMALF.
 *
 * out      receives NULL when that key's entry is wrong, and that was told
 */
int config_build_key_of(struct config_build *b, const struct config_item *it,
			const struct config_key **out);

/**
 * The one copy of these octets, in the configuration's arena.
 *
 * Returns  NULL: no memory
 */
const void *config_build_share(struct config_build *b, const void *data,
			       size_t len);

#endif
