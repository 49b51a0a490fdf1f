/* SPDX-License-Identifier: BSD-2-Clause */

#include "place/settings.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/quantity.h"

/* What is looked at, for messages. */
struct check {
	const struct settings *settings;
	const char *path;
	char *reason;
	uint32_t line;
};

static int __attribute__((format(printf, 2, 3)))
refuse(const struct check *c, const char *format, ...)
{
	int len =
	    snprintf(c->reason, SECD_REASON_LEN, "%.256s%s%u: ", c->path,
		     c->path[0] == '\0' ? "line " : ":", (unsigned)c->line);
	va_list args;

	va_start(args, format);
	vsnprintf(c->reason + len, SECD_REASON_LEN - (size_t)len, format, args);
	va_end(args);
	return SECD_EINVAL;
}

static const struct setting *
find_known(const struct settings *s, const char *name)
{
	const struct setting *known = s->known;

	while (known->name != NULL && strcmp(known->name, name) != 0) {
		known++;
	}
	return known->name == NULL ? NULL : known;
}

static const struct secd_option *
find_said(const struct settings *s, const char *name)
{
	for (size_t i = 0; i < s->count; i++) {
		if (strcmp(s->said[i].key, name) == 0) {
			return &s->said[i];
		}
	}
	return NULL;
}

static int
check_path(const struct check *c, const char *name, const char *value)
{
	size_t len = strlen(value);

	if (value[0] != '/' || value[len - 1] == '/' || len >= PATH_MAX - 64) {
		return refuse(c, "%s: \"%.128s\" is no absolute path of a file",
			      name, value);
	}
	return SECD_OK;
}

/* We write there by making a file and renaming it. */
static int
check_file(const struct check *c, const char *name, const char *value)
{
	char dir[PATH_MAX];
	struct stat st = {.st_mode = 0};
	int rc = check_path(c, name, value);

	if (rc != SECD_OK) {
		return rc;
	}
	snprintf(dir, sizeof(dir), "%s", value);
	dir[strrchr(dir, '/') == dir ? 1 : strrchr(dir, '/') - dir] = '\0';
	if (stat(dir, &st) == 0 && !S_ISDIR(st.st_mode)) {
		return refuse(c, "%s: %.128s is no directory", name, dir);
	}
	if (access(dir, W_OK | X_OK) != 0) {
		return refuse(c, "%s: no file can be made in %.128s: %s", name,
			      dir, strerror(errno));
	}
	if ((st.st_mode & S_IWOTH) != 0) {
		return refuse(c, "%s: %.128s is writable by everybody", name,
			      dir);
	}
	return SECD_OK;
}

static int
check_program(const struct check *c, const char *name, const char *value)
{
	struct stat st;
	int rc = check_path(c, name, value);

	if (rc != SECD_OK) {
		return rc;
	}
	if (stat(value, &st) != 0 || access(value, X_OK) != 0) {
		return refuse(c, "%s: %.128s cannot be run: %s", name, value,
			      strerror(errno));
	}
	if (!S_ISREG(st.st_mode)) {
		return refuse(c, "%s: %.128s is no program", name, value);
	}
	if ((st.st_mode & S_IWOTH) != 0) {
		return refuse(c, "%s: %.128s is writable by everybody", name,
			      value);
	}
	return SECD_OK;
}

static bool
read_time(const char *value, int64_t *ms)
{
	static const struct quantity_unit units[] = {
	    {"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};
	uint64_t seconds;

	if (!quantity_read(value, units, 5, &seconds) ||
	    seconds > INT64_MAX / 1000) {
		return false;
	}
	*ms = (int64_t)seconds * 1000;
	return true;
}

static int
check_value(const struct check *c, const struct setting *known,
	    const char *value)
{
	int64_t ms;

	for (const char *p = value; *p != '\0'; p++) {
		if ((unsigned char)*p < ' ' || *p == 0x7f) {
			return refuse(c, "%s: a control character",
				      known->name);
		}
	}
	switch (known->kind) {
	case SETTING_FILE:
		return check_file(c, known->name, value);
	case SETTING_PATH:
		return check_path(c, known->name, value);
	case SETTING_PROGRAM:
		return check_program(c, known->name, value);
	case SETTING_TEXT:
		return SECD_OK;
	case SETTING_TIME:
		return read_time(value, &ms)
			   ? SECD_OK
			   : refuse(c, "%s: \"%.128s\" is no time", known->name,
				    value);
	}
	return SECD_EINVAL;
}

static int
check_said(struct check *c, const struct secd_option *option)
{
	const struct settings *s = c->settings;
	const struct setting *known = find_known(s, option->key);

	c->line = option->line;
	if (known == NULL) {
		return refuse(c, "\"%.128s\" is no setting of adapter %s",
			      option->key, s->adapter);
	}
	if ((known->flags & SETTING_LIST) == 0 &&
	    find_said(s, option->key) != option) {
		return refuse(c, "%s is there twice", known->name);
	}
	if (known->with != NULL && find_said(s, known->with) == NULL) {
		return refuse(c, "%s goes only with %s", known->name,
			      known->with);
	}
	return check_value(c, known, option->value);
}

static int
check_not_said(const struct check *c, const struct setting *known)
{
	if ((known->flags & SETTING_REQUIRED) != 0) {
		return refuse(c, "adapter %s needs \"%s\"",
			      c->settings->adapter, known->name);
	}
	if (known->standard == NULL ||
	    (known->with != NULL &&
	     find_said(c->settings, known->with) == NULL)) {
		return SECD_OK;
	}
	return check_value(c, known, known->standard);
}

int
settings_check(const struct settings *s, const char *path, char *reason)
{
	struct check c = {.settings = s, .path = path, .reason = reason};
	int rc = SECD_OK;

	for (size_t i = 0; i < s->count && rc == SECD_OK; i++) {
		rc = check_said(&c, &s->said[i]);
	}
	c.line = s->count > 0 ? s->said[0].line : 0;
	for (const struct setting *k = s->known;
	     k->name != NULL && rc == SECD_OK; k++) {
		if (find_said(s, k->name) == NULL) {
			rc = check_not_said(&c, k);
		}
	}
	return rc;
}

const char *
settings_get(const struct settings *s, const char *name)
{
	const struct secd_option *said = find_said(s, name);

	return said != NULL ? said->value : find_known(s, name)->standard;
}

bool
settings_has(const struct settings *s, const char *name)
{
	return find_said(s, name) != NULL;
}

int64_t
settings_time_ms(const struct settings *s, const char *name)
{
	const struct setting *known = find_known(s, name);
	int64_t ms = 0;

	if (known != NULL && settings_get(s, name) != NULL) {
		read_time(settings_get(s, name), &ms);
	}
	return ms;
}

static int
put_part(struct buf *b, const char *before, const char *text)
{
	int rc = buf_put(b, before, strlen(before));

	return rc == SECD_OK ? buf_put(b, text, strlen(text)) : rc;
}

char *
settings_line(const struct settings *s, enum setting_flag flag)
{
	struct buf b = {0};
	int rc = put_part(&b, "", s->adapter);

	for (const struct setting *k = s->known; k->name != NULL; k++) {
		const char *standard =
		    find_said(s, k->name) == NULL && k->standard != NULL
			? k->standard
			: "";

		if ((k->flags & flag) == 0) {
			continue;
		}
		if (rc == SECD_OK && standard[0] != '\0') {
			rc = put_part(&b, " ", standard);
		}
		for (size_t i = 0; i < s->count && rc == SECD_OK; i++) {
			if (strcmp(s->said[i].key, k->name) == 0) {
				rc = put_part(&b, " ", s->said[i].value);
			}
		}
	}
	if (rc == SECD_OK) {
		rc = buf_put(&b, "", 1);
	}
	if (rc != SECD_OK) {
		buf_fini(&b);
	}
	return (char *)b.data;
}
