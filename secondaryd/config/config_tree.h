/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * config_tree -- what the configuration files say, before it means anything.
 *
 * The reader follows includes and accepts only sections and
 * keys that config_sections has; each value keeps the place where it was
 * written. Lives while a configuration is loaded; holds secrets, so its arena
 * is wiped. Known to config*.c only.
 */

#ifndef SECD_CONFIG_CONFIG_TREE_H
#define SECD_CONFIG_CONFIG_TREE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "config/config.h"

struct config_build;
struct config_item;
struct config_entry;

struct config_place {
	uint32_t file; /* index into config_tree.files */
	uint32_t line;
};

struct config_file {
	const char *path; /* as it is shown: as written, or beside its parent */
	bool others;      /* group or world may read it */
};

/* How a key's value is read and where it goes. */
enum config_kind {
	CONFIG_U16,
	CONFIG_U32,
	CONFIG_U64,
	CONFIG_BOOL,
	CONFIG_TEXT,
	CONFIG_FILE,    /* becomes absolute */
	CONFIG_SPECIAL, /* keyword.set does it */
};

enum config_unit {
	CONFIG_PLAIN,
	CONFIG_TIME,    /* s, m, h, d; seconds */
	CONFIG_TIME_MS, /* the same and ms; milliseconds without a unit */
	CONFIG_SIZE,    /* B, K, M, G; octets */
};

struct config_keyword {
	const char *name;
	bool multi; /* takes a list; else one value, given once */
	enum config_kind kind;
	enum config_unit unit;
	size_t offset; /* of the field in the object that `set` is given */
	uint64_t min, max;
	/* Reads the item; for a list it is called once, with the first item
	 * of the key, and finds the others by config_item_next. */
	int (*set)(struct config_build *b, const struct config_item *it,
		   void *object);
};

enum config_section_id {
	CONFIG_SERVER,
	CONFIG_LOG,
	CONFIG_KEY,
	CONFIG_REMOTE,
	CONFIG_ACL,
	CONFIG_TEMPLATE,
	CONFIG_ZONE,
	CONFIG_MODULE,
	CONFIG_SECTION_COUNT,
};

struct config_section {
	const char *name;
	const char *id; /* what starts an entry; NULL: one entry in all */
	const struct config_keyword *keywords; /* ends with a NULL name */
};

struct config_item {
	struct config_item *next;
	const struct config_keyword *keyword;
	struct config_place place;
	uint32_t len;
	char value[]; /* NUL-terminated; holds no NUL */
};

struct config_entry {
	struct config_entry *next;
	struct config_item *first, *last;
	const char *id; /* NULL in `server` */
	struct config_place place;
	uint32_t seen; /* bits: which keywords were given */
};

struct config_entries {
	struct config_entry *first, *last;
	size_t count;
};

struct config_tree {
	struct arena *arena;
	struct config_file *files;
	size_t file_count, file_cap;
	size_t octets; /* of all files so far */
	/* The files that are being read: each is included by the one before. */
	struct config_open {
		dev_t dev;
		ino_t ino;
	} open[CONFIG_DEPTH_MAX + 1];
	bool is_lenient; /* pass over whatever is wrong */
	/* NULL, or who is told of each thing that is wrong: then the reader
	 * goes on, past what follows from it. */
	void (*tell)(void *arg, const char *text);
	void *tell_arg;
	size_t told;
	struct config_entries sections[CONFIG_SECTION_COUNT];
};

/* config_build.c: all there are, by enum config_section_id. */
extern const struct config_section config_sections[CONFIG_SECTION_COUNT];

/** The entry's next item of the same key, or NULL. */
const struct config_item *config_item_next(const struct config_item *it);

/** Forget everything. */
void config_tree_fini(struct config_tree *t);

/**
 * Read a file and all that it includes.
 *
 * t        zero-initialised; config_tree_fini also after a failure
 * Returns  SECD_OK, SECD_EMALF, SECD_EIO, SECD_ENOMEM
 */
int config_tree_read(struct config_tree *t, const char *path,
		     struct config_error *err);

/**
 * Read what can be read of a file and all that it includes: whatever is
 * wrong, and whichever included file cannot be read, is passed over.
 *
 * Returns  SECD_OK, SECD_EIO (the first file cannot be read), SECD_ENOMEM
 */
int config_tree_read_lenient(struct config_tree *t, const char *path,
			     struct config_error *err);

/** As config_tree_read, with the text at hand; includes are refused. */
int config_tree_read_text(struct config_tree *t, const char *path,
			  const char *text, size_t len,
			  struct config_error *err);

/** Write "file:line: " and a message. */
void config_tree_describe(const struct config_tree *t,
			  struct config_place place, struct config_error *out,
			  const char *format, va_list args);

/**
 * Describe what is wrong, and tell it if somebody wants to know.
 *
 * Returns  SECD_EMALF
 */
int config_tree_fail(struct config_tree *t, struct config_place place,
		     struct config_error *err, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/** A path as the file at `place` means it: absolute. NULL: no memory. */
char *config_tree_path(const struct config_tree *t, struct config_place place,
		       struct arena *arena, const char *path);

#endif
