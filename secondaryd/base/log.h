/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * log -- lines for the operator, to stderr and to syslog.
 *
 * Each call is one line, written with one system call, so lines of different
 * threads never mix. Nothing that an argument holds can end a line or start
 * an escape sequence: every octet outside of printable ASCII is shown as
 * \xHH. Each target has its own level, which may change at any time. Before
 * log_init lines of info and above go to stderr. errno is left as it was, so
 * a failure may be logged before it is looked at.
 *
 * It knows nothing of DNS, and does not decide what is worth a line: the
 * function that decides what happens next does.
 */

#ifndef SECD_BASE_LOG_H
#define SECD_BASE_LOG_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

/* Not LOG_ERROR and so on: <syslog.h> has LOG_WARNING and others as macros. */
enum log_level {
	LOG_LEVEL_NONE = 0, /* nothing: for log_set_target only */
	LOG_LEVEL_ERROR,    /* something failed and needs the operator */
	LOG_LEVEL_WARNING,  /* something is odd, and was dealt with */
	LOG_LEVEL_NOTICE,   /* rare and wanted: started, stopped, reloaded */
	LOG_LEVEL_INFO,     /* the daily work: a transfer, a refresh */
	LOG_LEVEL_DEBUG,    /* why something was decided */
};

enum log_target {
	LOG_TARGET_STDERR,
	LOG_TARGET_SYSLOG,
	LOG_TARGET_COUNT,
};

/* The longest line in octets, its end included; what is longer is cut. Below
 * PIPE_BUF (4096, pipe(7)), so that a line is whole in a pipe as well. */
#define LOG_LINE_MAX 2048

/**
 * Look at where stderr goes, and name the program in syslog.
 *
 * program  borrowed; cut after 31 octets
 *
 * When stderr is systemd's journal (JOURNAL_STREAM names it), lines begin
 * with a priority as <6> for it to read (sd-daemon(3)), and without a time,
 * which the journal adds. Call it before threads start.
 */
void log_init(const char *program);

/**
 * Set which lines a target gets: those of `level` and the more severe ones.
 * Syslog is connected to here, so call it before a sandbox forbids that.
 */
void log_set_target(enum log_target target, enum log_level level);

/** The level that a target is set to. */
enum log_level log_target_level(enum log_target target);

/** True when some target takes a line of this level. */
bool log_enabled(enum log_level level);

/**
 * Read a level's name: none, error, warning, notice, info or debug.
 *
 * Returns  SECD_OK, SECD_EINVAL (no level of that name)
 */
int log_level_from_text(const char *text, enum log_level *out);

/** The name of a level; static, never NULL. */
const char *log_level_text(enum log_level level);

/** Log one line: a sentence without a line's end, made as printf does. */
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_notice(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** The same for a level that is known only at run time (not NONE). */
void log_write(enum log_level level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void log_vwrite(enum log_level level, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

/**
 * Build the line that stderr gets. For log.c, and for its tests.
 *
 * at       the moment of the line (UTC, to the millisecond), or NULL for the
 *          form that the journal reads
 * message  octets up to a zero, of any length
 * line     room for LOG_LINE_MAX octets; receives the line, its '\n', and no
 *          zero
 * Returns  the octets of the line
 */
size_t log_line(enum log_level level, const struct timespec *at,
		const char *message, char *line);

#endif
