/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * conf_dir -- a directory with configuration files for the tests.
 */

#ifndef TESTS_CONF_DIR_H
#define TESTS_CONF_DIR_H

#include <sys/types.h>

#include "config/config.h"
#include "temp_dir.h"

/* The least that a configuration must say; two lines. */
#define CONF_SERVER                                                            \
	"server:\n"                                                            \
	"  listen: 127.0.0.1@5300\n"

/* A remote and the section of zones; three more lines. */
#define CONF_REMOTE                                                            \
	"remote:\n"                                                            \
	"  - id: hidden\n"                                                     \
	"    address: 192.0.2.1\n"

/* 32 octets. */
#define CONF_SECRET "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

struct conf_dir {
	char path[TEMP_DIR_MAX];
	struct config *c; /* of the last conf_load that went well */
	struct config_error err;
};

/** cmocka's setup and teardown: *state is a struct conf_dir. */
int conf_dir_setup(void **state);
int conf_dir_teardown(void **state);

/** Write a file, and the directory it is in. */
void conf_dir_write(struct conf_dir *d, const char *name, mode_t mode,
		    const char *text);

/** Load `text` as main.conf: 0600. The result is in `c` or `err`. */
int conf_dir_load(struct conf_dir *d, const char *text);

/** `text` loads. Returns the configuration. */
const struct config *conf_dir_accept(struct conf_dir *d, const char *text);

/**
 * `text` is refused with that message; it begins with the line in main.conf,
 * and each % in it is the directory's path.
 */
void conf_dir_refuse(struct conf_dir *d, const char *text,
		     const char *expected);

/** As conf_dir_refuse, with the file's name in the expected message. */
void conf_dir_refuse_in(struct conf_dir *d, const char *text,
			const char *expected);

/** `text` loads with one warning, as in conf_dir_refuse. */
void conf_dir_warn(struct conf_dir *d, const char *text, const char *expected);

/** The only zone's policy. */
const struct config_policy *conf_dir_policy(const struct config *c);

#endif
