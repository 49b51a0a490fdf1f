/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * secondaryctl -- one command to a running secondaryd, or to what one of its
 * modules keeps.
 */

#include <getopt.h>
#include <libknot/error.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "config/config.h"
#include "host.h"
#include "output.h"
#include "server/control_command.h"
#include "server/control_proto.h"
#include "show.h"

enum {
	EXIT_FAILED = 1,      /* the daemon says no */
	EXIT_USAGE = 2,       /* we were called wrongly */
	EXIT_UNREACHABLE = 3, /* no daemon, or none that answers */
};

static char program_name[] = "secondaryctl";

struct options {
	const char *config;
	const char *socket;
	const char *dir;    /* a module's: no server is asked */
	const char *module; /* NULL: the one that was installed */
	int timeout_s;
	bool json;
	struct control_request request;
};

static const char usage_text[] =
    "usage: secondaryctl [-c FILE | -s SOCKET] [-t SECONDS] [--json] COMMAND\n"
    "       secondaryctl --dir DIR [--module FILE] [--json] WORD "
    "[ARGUMENT...]\n"
    "\n"
    "  status                       the server as a whole\n"
    "  zone-status [ZONE...]        what is held, what comes next, and why\n"
    "  refresh [ZONE...]            ask the primaries now\n"
    "  retransfer [--force] ZONE... fetch the whole zone; with --force also\n"
    "                               when its serial is older\n"
    "  notify [ZONE...]             send NOTIFY to the zone's remotes\n"
    "  reload                       read the configuration again\n"
    "  stop                         end the server\n"
    "  module-status                what the modules say of themselves\n"
    "  WORD [ARGUMENT...]           a module's command; WORD help lists them\n"
    "\n"
    "  -c, --config FILE      the configuration that names the socket\n"
    "  -s, --socket SOCKET    the control socket\n"
    "  -t, --timeout SECONDS  wait so long for each answer (30)\n"
    "      --dir DIR          ask no server: read what its module keeps in "
    "DIR\n"
    "      --module FILE      that module, or a directory where it is\n"
    "                         (" SECD_MODULEDIR ")\n"
    "      --json             for programs\n"
    "  -h, --help             this text\n"
    "  -V, --version          the version\n";

static int
complain_usage(const char *what)
{
	fputs("secondaryctl: ", stderr);
	show_text(stderr, what);
	fputs("\ntry secondaryctl --help\n", stderr);
	return EXIT_USAGE;
}

/* -1: go on. */
static int
take_option(struct options *o, int option)
{
	char *end;

	switch (option) {
	case 'c':
		o->config = optarg;
		return -1;
	case 's':
		o->socket = optarg;
		return -1;
	case 't':
		o->timeout_s = (int)strtol(optarg, &end, 10);
		if (*end != '\0' || o->timeout_s < 1 || o->timeout_s > 86400) {
			return complain_usage("-t takes 1 to 86400 seconds");
		}
		return -1;
	case 'd':
		o->dir = optarg;
		return -1;
	case 'm':
		o->module = optarg;
		return -1;
	case 'f':
		o->request.force = true;
		return -1;
	case 'j':
		o->json = true;
		return -1;
	case 'h':
		fputs(usage_text, stdout);
		return EXIT_SUCCESS;
	case 'V':
		puts("secondaryctl " SECD_VERSION);
		return EXIT_SUCCESS;
	default: /* getopt has said what is wrong */
		fputs("try secondaryctl --help\n", stderr);
		return EXIT_USAGE;
	}
}

/* What is neither option nor value of one: the command. */
static int
take_command(struct options *o, int count, char **words)
{
	const struct control_command *c;
	char reason[512];

	if (count == 0) {
		return complain_usage("which command?");
	}
	if (o->config != NULL && o->socket != NULL) {
		return complain_usage("-c and -s exclude each other");
	}
	if (o->dir != NULL && (o->config != NULL || o->socket != NULL)) {
		return complain_usage(
		    "--dir asks no server: not with -c or -s");
	}
	if (o->dir == NULL && o->module != NULL) {
		return complain_usage("--module goes with --dir");
	}
	o->request.command = words[0];
	o->request.args = words + 1;
	o->request.arg_count = (size_t)(count - 1);
	c = control_command_check(&o->request, reason, sizeof(reason));
	if (c == NULL) {
		return complain_usage(reason);
	}
	if (o->dir != NULL && c->verb != CONTROL_MODULE) {
		return complain_usage("--dir is for commands of modules");
	}
	return -1;
}

/* All options there are, or those up to the first word that is none. */
static int
take_options_of(struct options *o, int argc, char **argv, bool all)
{
	static const struct option long_options[] = {
	    {"config", required_argument, NULL, 'c'},
	    {"socket", required_argument, NULL, 's'},
	    {"timeout", required_argument, NULL, 't'},
	    {"dir", required_argument, NULL, 'd'},
	    {"module", required_argument, NULL, 'm'},
	    {"force", no_argument, NULL, 'f'},
	    {"json", no_argument, NULL, 'j'},
	    {"help", no_argument, NULL, 'h'},
	    {"version", no_argument, NULL, 'V'},
	    {NULL, 0, NULL, 0},
	};
	int option, rc;

	optind = 0; /* begin anew */
	while ((option = getopt_long(argc, argv, all ? "c:s:t:hV" : "+c:s:t:hV",
				     long_options, NULL)) != -1) {
		rc = take_option(o, option);
		if (rc >= 0) {
			return rc;
		}
	}
	return -1;
}

/* What stands behind a module's word is the module's, from the first word that
 * is no option of ours: "journal --dir DIR list", but "key revoke p --slot a". */
static bool
is_of_module(char *word)
{
	const struct control_request q = {.command = word};
	const struct control_command *c;
	char reason[512];

	c = control_command_check(&q, reason, sizeof(reason));
	return c != NULL && c->verb == CONTROL_MODULE;
}

static int
take_options(struct options *o, int argc, char **argv)
{
	int rc = take_options_of(o, argc, argv, false);
	char *word = optind < argc ? argv[optind] : NULL;

	if (rc < 0 && word != NULL) {
		argc -= optind;
		argv += optind;
		argv[0] = program_name;
		rc = take_options_of(o, argc, argv, !is_of_module(word));
		argv[--optind] = word;
	}
	return rc >= 0 ? rc : take_command(o, argc - optind, argv + optind);
}

/* What the options, else the configuration, else the build say. */
static int
find_socket(const struct options *o, char *path, size_t cap)
{
	const char *config = o->config;
	struct config_error err;

	if (o->socket != NULL) {
		snprintf(path, cap, "%s", o->socket);
		return SECD_OK;
	}
	if (config == NULL && access(CONFIG_PATH, R_OK) == 0) {
		config = CONFIG_PATH;
	}
	if (config == NULL) {
		snprintf(path, cap, "%s", SECD_RUNDIR "/" CONFIG_SOCKET);
		return SECD_OK;
	}
	if (config_control_path(config, path, cap, &err) != SECD_OK) {
		fprintf(stderr, "secondaryctl: %s\n", err.text);
		return SECD_EINVAL;
	}
	return SECD_OK;
}

/* libknot hands the system's codes through, negative, and has its own. */
static const char *
knot_text(int rc)
{
	return rc < 0 && rc > -200 ? strerror(-rc) : knot_strerror(rc);
}

/* A request is on its way: its reply, up to its end. */
static int
take_reply(knot_ctl_t *ctl, struct output *o)
{
	struct control_row row;
	int rc;

	do {
		rc = control_row_receive(ctl, &row);
		if (rc == SECD_OK) {
			rc = output_row(o, &row);
		}
	} while (rc == SECD_OK);
	return rc;
}

static int
talk(knot_ctl_t *ctl, const struct options *o)
{
	struct output out;
	int rc = control_request_send(ctl, &o->request);
	bool is_well;

	if (rc != SECD_OK) {
		fprintf(stderr, "secondaryctl: cannot send the command: %s\n",
			secd_strerror(rc));
		return rc == SECD_EINVAL ? EXIT_USAGE : EXIT_UNREACHABLE;
	}
	output_begin(&out, o->json);
	rc = take_reply(ctl, &out);
	is_well = output_end(&out);
	if (rc != SECD_ENOTFOUND) {
		fprintf(stderr, "secondaryctl: the reply is incomplete: %s\n",
			secd_strerror(rc));
		return EXIT_UNREACHABLE;
	}
	return is_well ? EXIT_SUCCESS : EXIT_FAILED;
}

static int
complain_path(const struct options *o, const char *path)
{
	fprintf(stderr,
		"secondaryctl: the path of the socket is too long: %zu octets, "
		"at most %d\n",
		strlen(path), CONFIG_SOCKET_LEN_MAX);
	return o->socket != NULL ? EXIT_USAGE : EXIT_UNREACHABLE;
}

static int
ask_server(const struct options *o)
{
	char path[4096];
	knot_ctl_t *ctl;
	int rc, status;

	if (find_socket(o, path, sizeof(path)) != SECD_OK) {
		return EXIT_UNREACHABLE;
	}
	if (strlen(path) > CONFIG_SOCKET_LEN_MAX) {
		return complain_path(o, path);
	}
	ctl = knot_ctl_alloc();
	if (ctl == NULL) {
		fprintf(stderr, "secondaryctl: no memory\n");
		return EXIT_FAILED;
	}
	knot_ctl_set_timeout(ctl, 1000 * o->timeout_s);
	rc = knot_ctl_connect(ctl, path);
	if (rc != 0) {
		fprintf(stderr,
			"secondaryctl: cannot reach secondaryd at %s: %s\n",
			path, knot_text(rc));
		status = EXIT_UNREACHABLE;
	} else {
		status = talk(ctl, o);
		knot_ctl_close(ctl);
	}
	knot_ctl_free(ctl);
	return status;
}

/* A library that maps a file trusts what is in it. */
static void
on_crash(int signal)
{
	static const char text[] =
	    "secondaryctl: what is kept there cannot be read: it is damaged, "
	    "or it changes meanwhile\n";
	ssize_t n = write(STDERR_FILENO, text, sizeof(text) - 1);

	(void)signal;
	_exit(n < 0 ? EXIT_FAILED : EXIT_UNREACHABLE);
}

static void
catch_crashes(void)
{
	static const int signals[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE};
	const struct sigaction action = {.sa_handler = on_crash};

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		sigaction(signals[i], &action, NULL);
	}
}

static int
ask_module(const struct options *o)
{
	const char *file = o->module != NULL ? o->module : SECD_MODULEDIR;
	const struct control_request *q = &o->request;
	char reason[HOST_REASON_LEN];
	struct output out;
	struct host *h;
	bool is_well;

	catch_crashes();
	if (host_open(q->command, file, o->dir, &h, reason) != SECD_OK) {
		fputs("secondaryctl: ", stderr);
		show_text(stderr, reason);
		putc('\n', stderr);
		return EXIT_UNREACHABLE;
	}
	output_begin(&out, o->json);
	host_command(h, (const char *const *)q->args, q->arg_count, &out);
	is_well = output_end(&out);
	host_close(h);
	return is_well ? EXIT_SUCCESS : EXIT_FAILED;
}

int
main(int argc, char **argv)
{
	struct options o = {.timeout_s = 30};
	int status = take_options(&o, argc, argv);

	return status >= 0     ? status
	       : o.dir != NULL ? ask_module(&o)
			       : ask_server(&o);
}
