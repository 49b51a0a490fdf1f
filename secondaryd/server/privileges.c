/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/privileges.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <libgen.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/dir.h"
#include "base/error.h"
#include "base/log.h"

static int
refuse(char reason[256], int rc, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(reason, 256, format, args);
	va_end(args);
	return rc;
}

static int
check_dir(const char *path, const struct config_server *c, char reason[256])
{
	struct stat st;

	if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode)) {
		return refuse(reason, SECD_EIO, "%s is not a directory", path);
	}
	if (st.st_uid != c->uid && st.st_uid != 0) {
		return refuse(reason, SECD_EPERM,
			      "%s belongs to user %u, not to the service's %u",
			      path, (unsigned)st.st_uid, (unsigned)c->uid);
	}
	if ((st.st_mode & S_IWOTH) != 0) {
		return refuse(reason, SECD_EPERM, "%s is writable by everybody",
			      path);
	}
	return SECD_OK;
}

/* The umask may have taken bits of a new directory, and its owner is us. By
 * descriptor: the name could have been replaced meanwhile. */
static int
hand_over(const char *path, mode_t mode, const struct config_server *c)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int rc = fd < 0 ? -1 : fchmod(fd, mode);

	if (rc == 0 && geteuid() == 0) {
		rc = fchown(fd, c->uid, c->gid);
	}
	if (fd >= 0) {
		close(fd);
	}
	return rc;
}

static int
make_dir(const char *path, mode_t mode, const struct config_server *c,
	 char reason[256])
{
	if (mkdir(path, mode) == 0) {
		if (hand_over(path, mode, c) != 0) {
			return refuse(reason, SECD_EPERM, "%s: %s", path,
				      strerror(errno));
		}
		if (dir_sync_name(path) != SECD_OK) {
			return refuse(reason, SECD_EIO, "%s: %s", path,
				      strerror(errno));
		}
	} else if (errno != EEXIST) {
		return refuse(reason, errno == EACCES ? SECD_EPERM : SECD_EIO,
			      "cannot create %s: %s", path, strerror(errno));
	}
	return check_dir(path, c, reason);
}

int
privileges_make_dirs(const struct config_server *c, char reason[256])
{
	int rc = make_dir(c->storage, 0700, c, reason);

	return rc == SECD_OK ? make_dir(c->rundir, 0750, c, reason) : rc;
}

/* There and fit for use, or its parent is there. */
static int
check_or_parent(const char *path, const struct config_server *c,
		char reason[256])
{
	char parent[PATH_MAX];
	struct stat st;

	if (stat(path, &st) == 0) {
		return check_dir(path, c, reason);
	}
	snprintf(parent, sizeof(parent), "%s", path);
	if (stat(dirname(parent), &st) != 0) {
		return refuse(reason, SECD_EIO,
			      "%s cannot be made: %s is not there", path,
			      parent);
	}
	return SECD_OK;
}

int
privileges_check_dirs(const struct config_server *c, char reason[256])
{
	int rc = check_or_parent(c->storage, c, reason);

	return rc == SECD_OK ? check_or_parent(c->rundir, c, reason) : rc;
}

/* A server of many zones and clients needs many; the hard limit is what the
 * administrator allows. */
static void
raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static int
become_user(const char *user, uid_t uid, gid_t gid, char reason[256])
{
	if (user == NULL || (geteuid() == uid && getuid() == uid)) {
		return SECD_OK;
	}
	if (initgroups(user, gid) != 0 || setresgid(gid, gid, gid) != 0 ||
	    setresuid(uid, uid, uid) != 0) {
		return refuse(reason, SECD_EPERM, "cannot become user %s: %s",
			      user, strerror(errno));
	}
	if (uid != 0 && setuid(0) == 0) {
		return refuse(reason, SECD_EPERM,
			      "could become root again after becoming %s",
			      user);
	}
	return SECD_OK;
}

/* A service manager may have given us some for low ports; the sockets are
 * bound by now. */
static int
drop_capabilities(char reason[256])
{
	struct __user_cap_header_struct header = {
	    .version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};

	if (geteuid() == 0) {
		return SECD_OK; /* root that stays root was warned about */
	}
	if (syscall(SYS_capset, &header, none) != 0) {
		return refuse(reason, SECD_EPERM,
			      "cannot give up capabilities: %s",
			      strerror(errno));
	}
	return SECD_OK;
}

int
privileges_give_up(const char *user, uid_t uid, gid_t gid, char reason[256])
{
	static const struct rlimit no_core = {0, 0};
	int rc = become_user(user, uid, gid, reason);

	if (rc == SECD_OK) {
		rc = drop_capabilities(reason);
	}
	if (rc != SECD_OK) {
		return rc;
	}
	umask(077);
	setrlimit(RLIMIT_CORE, &no_core);
	/* Memory holds keys: no core, no ptrace by others of our user. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
		return refuse(reason, SECD_EPERM,
			      "cannot give up privileges: %s", strerror(errno));
	}
	return SECD_OK;
}

int
privileges_drop(const struct config_server *c, char reason[256])
{
	raise_descriptor_limit();
	if (c->user == NULL && geteuid() == 0) {
		log_warning("running as root: set `user` in `server`");
	}
	return privileges_give_up(c->user, c->uid, c->gid, reason);
}
