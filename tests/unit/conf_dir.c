/* SPDX-License-Identifier: BSD-2-Clause */

#include "conf_dir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/error.h"

int
conf_dir_setup(void **state)
{
	struct conf_dir *d = calloc(1, sizeof(*d));

	assert_non_null(d);
	temp_dir_make(d->path);
	*state = d;
	return 0;
}

int
conf_dir_teardown(void **state)
{
	struct conf_dir *d = *state;

	config_unref(d->c);
	temp_dir_remove(d->path);
	free(d);
	return 0;
}

static void
path_of(const struct conf_dir *d, const char *name, char out[512])
{
	snprintf(out, 512, "%s/%s", d->path, name);
}

void
conf_dir_write(struct conf_dir *d, const char *name, mode_t mode,
	       const char *text)
{
	char path[512], *slash;
	FILE *f;

	path_of(d, name, path);
	slash = strrchr(path, '/');
	*slash = '\0';
	mkdir(path, 0700); /* or it is there */
	*slash = '/';
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, mode), 0);
}

int
conf_dir_load(struct conf_dir *d, const char *text)
{
	char path[512];
	int rc;

	conf_dir_write(d, "main.conf", 0600, text);
	config_unref(d->c);
	d->c = NULL;
	d->err.text[0] = '\0';
	path_of(d, "main.conf", path);
	rc = config_load(path, &d->c, &d->err);
	if (rc == SECD_OK) {
		assert_non_null(d->c);
		assert_string_equal(d->err.text, "");
	} else {
		assert_null(d->c);
	}
	return rc;
}

const struct config *
conf_dir_accept(struct conf_dir *d, const char *text)
{
	int rc = conf_dir_load(d, text);

	assert_string_equal(d->err.text, "");
	assert_int_equal(rc, SECD_OK);
	return d->c;
}

/* Put the directory in place of each %. */
static void
expand(const struct conf_dir *d, const char *text, char out[1200])
{
	char *p = out;

	for (; *text != '\0'; text++) {
		if (*text == '%') {
			p = stpcpy(p, d->path);
		} else {
			*p++ = *text;
		}
	}
	*p = '\0';
}

void
conf_dir_refuse_in(struct conf_dir *d, const char *text, const char *expected)
{
	char whole[1200];

	assert_int_not_equal(conf_dir_load(d, text), SECD_OK);
	expand(d, expected, whole);
	assert_string_equal(d->err.text, whole);
}

void
conf_dir_refuse(struct conf_dir *d, const char *text, const char *expected)
{
	char whole[600];

	snprintf(whole, sizeof(whole), "%%/main.conf:%s", expected);
	conf_dir_refuse_in(d, text, whole);
}

void
conf_dir_warn(struct conf_dir *d, const char *text, const char *expected)
{
	char with_file[600], whole[1200];

	conf_dir_accept(d, text);
	assert_int_equal(d->c->warning_count, 1);
	snprintf(with_file, sizeof(with_file), "%%/main.conf:%s", expected);
	expand(d, with_file, whole);
	assert_string_equal(d->c->warnings[0], whole);
}

const struct config_policy *
conf_dir_policy(const struct config *c)
{
	assert_int_equal(c->zone_count, 1);
	return c->zones[0].policy;
}
