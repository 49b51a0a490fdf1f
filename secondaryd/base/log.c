/* SPDX-License-Identifier: BSD-2-Clause */

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"

#define PROGRAM_MAX 32

static const struct {
	const char *name;
	int priority;
} levels[] = {
    [LOG_LEVEL_NONE] = {"none", LOG_EMERG},
    [LOG_LEVEL_ERROR] = {"error", LOG_ERR},
    [LOG_LEVEL_WARNING] = {"warning", LOG_WARNING},
    [LOG_LEVEL_NOTICE] = {"notice", LOG_NOTICE},
    [LOG_LEVEL_INFO] = {"info", LOG_INFO},
    [LOG_LEVEL_DEBUG] = {"debug", LOG_DEBUG},
};

#define LEVEL_COUNT (sizeof(levels) / sizeof(levels[0]))

/* What is shown in place of the end of a line that is too long. */
static const char cut_mark[] = "...";

static _Atomic(enum log_level) target_level[LOG_TARGET_COUNT] = {
    [LOG_TARGET_STDERR] = LOG_LEVEL_INFO,
    [LOG_TARGET_SYSLOG] = LOG_LEVEL_NONE,
};
static atomic_bool to_journal;
static char program_name[PROGRAM_MAX] = "secondaryd"; /* syslog borrows it */

/*
 * Programs that a service starts inherit JOURNAL_STREAM, while their stderr
 * may be a file: the variable counts only if it names this very stderr.
 */
static bool
stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char ours[64];
	struct stat st;

	if (stream == NULL || fstat(STDERR_FILENO, &st) != 0) {
		return false;
	}
	snprintf(ours, sizeof(ours), "%ju:%ju", (uintmax_t)st.st_dev,
		 (uintmax_t)st.st_ino);
	return strcmp(stream, ours) == 0;
}

void
log_init(const char *program)
{
	snprintf(program_name, sizeof(program_name), "%s", program);
	atomic_store(&to_journal, stderr_is_journal());
}

void
log_set_target(enum log_target target, enum log_level level)
{
	if (target == LOG_TARGET_SYSLOG && level != LOG_LEVEL_NONE) {
		openlog(program_name, LOG_PID | LOG_NDELAY, LOG_DAEMON);
	}
	atomic_store(&target_level[target], level);
}

enum log_level
log_target_level(enum log_target target)
{
	return atomic_load_explicit(&target_level[target],
				    memory_order_relaxed);
}

bool
log_enabled(enum log_level level)
{
	int i;

	for (i = 0; i < LOG_TARGET_COUNT; i++) {
		if (level <= log_target_level((enum log_target)i)) {
			return true;
		}
	}
	return false;
}

int
log_level_from_text(const char *text, enum log_level *out)
{
	size_t i;

	for (i = 0; i < LEVEL_COUNT; i++) {
		if (strcmp(text, levels[i].name) == 0) {
			*out = (enum log_level)i;
			return SECD_OK;
		}
	}
	return SECD_EINVAL;
}

const char *
log_level_text(enum log_level level)
{
	return (size_t)level < LEVEL_COUNT ? levels[level].name : "unknown";
}

/*
 * Copy a message so that it is one line of printable ASCII. Octets above 127
 * are escaped too: C1 controls hide in UTF-8, and a name may hold anything.
 * Returns the octets written; what has no room is replaced by a mark.
 */
static size_t
escape(const char *message, char *to, size_t room)
{
	static const char digits[] = "0123456789abcdef";
	size_t len = 0, cut = 0;

	for (; *message != '\0'; message++) {
		unsigned char c = (unsigned char)*message;
		size_t need = c >= 0x20 && c < 0x7f ? 1 : 4;

		/* The last place where the mark still fits. */
		if (len + sizeof(cut_mark) - 1 <= room) {
			cut = len;
		}
		if (len + need > room) {
			memcpy(to + cut, cut_mark, sizeof(cut_mark) - 1);
			return cut + sizeof(cut_mark) - 1;
		}
		if (need == 1) {
			to[len++] = (char)c;
			continue;
		}
		to[len++] = '\\';
		to[len++] = 'x';
		to[len++] = digits[c >> 4];
		to[len++] = digits[c & 15];
	}
	return len;
}

/* UTC: a local time needs files that a sandbox hides. */
static size_t
put_time(const struct timespec *at, char *to, size_t room)
{
	struct tm tm;
	size_t len;
	int more;

	if (gmtime_r(&at->tv_sec, &tm) == NULL) {
		return 0;
	}
	len = strftime(to, room, "%Y-%m-%dT%H:%M:%S", &tm);
	more = snprintf(to + len, room - len, ".%03dZ ",
			(int)(at->tv_nsec / 1000000));
	return len + (size_t)more;
}

size_t
log_line(enum log_level level, const struct timespec *at, const char *message,
	 char *line)
{
	size_t len = 0;
	int put;

	if (at == NULL) {
		put = snprintf(line, LOG_LINE_MAX, "<%d>",
			       levels[level].priority);
	} else {
		len = put_time(at, line, LOG_LINE_MAX);
		put = snprintf(line + len, LOG_LINE_MAX - len,
			       "%s: ", levels[level].name);
	}
	len += (size_t)put;
	len += escape(message, line + len, LOG_LINE_MAX - len - 1);
	line[len++] = '\n';
	return len;
}

static void
to_stderr(enum log_level level, const char *message)
{
	char line[LOG_LINE_MAX];
	struct timespec now;
	size_t len;
	ssize_t done;

	if (atomic_load_explicit(&to_journal, memory_order_relaxed)) {
		len = log_line(level, NULL, message, line);
	} else {
		clock_gettime(CLOCK_REALTIME, &now);
		len = log_line(level, &now, message, line);
	}
	/* One write, so that the line stays whole. If it fails there is
	 * nobody left to tell; a signal may have come before it began. */
	do {
		done = write(STDERR_FILENO, line, len);
	} while (done < 0 && errno == EINTR);
}

static void
to_syslog(enum log_level level, const char *message)
{
	char line[LOG_LINE_MAX];
	size_t len = escape(message, line, sizeof(line) - 1);

	line[len] = '\0';
	syslog(levels[level].priority, "%s", line);
}

/* Every line comes through here. */
void
log_vwrite(enum log_level level, const char *format, va_list args)
{
	/* One octet more than any line holds, so that log_line sees that
	 * something was cut. */
	char message[LOG_LINE_MAX + 1];
	int saved = errno;

	if (!log_enabled(level)) {
		return;
	}
	if (vsnprintf(message, sizeof(message), format, args) < 0) {
		snprintf(message, sizeof(message), "%s", format);
	}
	if (level <= log_target_level(LOG_TARGET_STDERR)) {
		to_stderr(level, message);
	}
	if (level <= log_target_level(LOG_TARGET_SYSLOG)) {
		to_syslog(level, message);
	}
	errno = saved;
}

void
log_write(enum log_level level, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_vwrite(level, format, args);
	va_end(args);
}

void
log_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_vwrite(LOG_LEVEL_ERROR, format, args);
	va_end(args);
}

void
log_warning(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_vwrite(LOG_LEVEL_WARNING, format, args);
	va_end(args);
}

void
log_notice(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_vwrite(LOG_LEVEL_NOTICE, format, args);
	va_end(args);
}

void
log_info(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_vwrite(LOG_LEVEL_INFO, format, args);
	va_end(args);
}

void
log_debug(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_vwrite(LOG_LEVEL_DEBUG, format, args);
	va_end(args);
}
