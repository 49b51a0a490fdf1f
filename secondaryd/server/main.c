/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * secondaryd -- an authoritative secondary DNS server.
 */

#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/address.h"
#include "base/error.h"
#include "base/log.h"
#include "base/secret.h"
#include "config/config.h"
#include "server/clients.h"
#include "server/helper.h"
#include "server/modules.h"
#include "server/operate.h"
#include "server/privileges.h"
#include "server/ready.h"
#include "server/transfer.h"

enum { EXIT_USAGE = 2 };

/* Octets from which memory goes back to the system as soon as it is freed. */
#define LARGE_BUFFER (256 * 1024)

/* Everything that is started, in the order of starting. */
struct process {
	const char *config_path;
	struct config *config;
	struct helper *helper;
	struct listeners *listeners;
	struct store *store;
	struct server server;
	bool has_transfer;
	struct clients *clients;
	struct control *control;
	struct operate *operate;
};

static void
usage(FILE *out)
{
	fputs("usage: secondaryd [-t] [-c FILE]\n"
	      "  -c, --config FILE  configuration, else " CONFIG_PATH "\n"
	      "  -t, --check        check the configuration and exit\n"
	      "  -V, --version      print the version and exit\n"
	      "  -h, --help         print this and exit\n"
	      "It stays in the foreground; SIGHUP reloads, SIGTERM ends it.\n",
	      out);
}

static int
misused(void)
{
	fputs("try secondaryd --help\n", stderr);
	return EXIT_USAGE;
}

static void
log_warnings(const struct config *c)
{
	for (size_t i = 0; i < c->warning_count; i++) {
		log_warning("%s", c->warnings[i]);
	}
}

static int
load_config(struct process *p, struct config **out)
{
	struct config_error err;
	int rc = config_load(p->config_path, out, &err);

	if (rc != SECD_OK) {
		log_error("%s", err.text);
		return rc;
	}
	log_warnings(*out);
	return SECD_OK;
}

/* What needs the privileges that we start with. */
static int
prepare(struct process *p)
{
	const struct config_server *c = &p->config->server;
	char reason[256];
	int rc = privileges_make_dirs(c, reason);

	if (rc == SECD_OK) {
		rc = listeners_open(c, &p->listeners, reason);
	}
	if (rc == SECD_OK) {
		rc = helper_give_up(p->helper, c->user, c->uid, c->gid);
		snprintf(reason, sizeof(reason),
			 "the helper process cannot give up its privileges");
	}
	if (rc == SECD_OK) {
		rc = privileges_drop(c, reason);
	}
	if (rc == SECD_OK) {
		/* A second instance ends here, before it asks a primary. */
		rc = control_open(c->control, &p->control, reason);
	}
	if (rc != SECD_OK) {
		log_error("%s", reason);
	}
	return rc;
}

static void
warn_of_unlocked_secrets(void)
{
	struct secret_stats stats;

	secret_stats(&stats);
	if (stats.locked_len < stats.mapped_len) {
		log_warning("keys are in memory that may be swapped out: "
			    "raise the limit of locked memory");
	}
}

static int
start(struct process *p)
{
	char reason[256], why[MODULES_REASON_LEN];
	int rc = store_open(p->config->server.storage, &p->store, reason);

	if (rc != SECD_OK) {
		log_error("%s", reason);
		return rc;
	}
	rc = modules_open(p->config, &p->server.frontend, p->helper,
			  &p->server.modules, why);
	if (rc != SECD_OK) {
		log_error("%s", why);
		return rc;
	}
	warn_of_unlocked_secrets();
	rc = transfer_init(&p->server, p->config, p->store);
	p->has_transfer = true;
	if (rc == SECD_OK) {
		/* Answers first: they need no primary. */
		rc = clients_start(p->listeners, &p->server.frontend,
				   &p->clients);
	}
	if (rc == SECD_OK) {
		rc = transfer_start(&p->server);
	}
	if (rc == SECD_OK) {
		rc = operate_start(&p->server, p->clients, p->control,
				   &p->operate);
	}
	if (rc != SECD_OK) {
		log_error("cannot start: %s", secd_strerror(rc));
	}
	return rc;
}

/* Signals are waited for here and blocked everywhere else. */
static void
serve(struct process *p, const sigset_t *signals)
{
	int sig;

	for (;;) {
		sigwait(signals, &sig);
		if (sig != SIGHUP) {
			log_notice("ending: %s", strsignal(sig));
			return;
		}
		operate_reload(p->operate, NULL, 0);
	}
}

static void
stop(struct process *p)
{
	ready_stopping();
	operate_stop(p->operate);
	clients_stop(p->clients);
	if (p->has_transfer) {
		transfer_stop(&p->server);
		transfer_fini(&p->server);
	}
	modules_close(p->server.modules);
	control_close(p->control);
	store_close(p->store);
	listeners_close(p->listeners);
	helper_stop(p->helper);
	config_unref(p->config);
}

static void
log_fault(void *arg, const char *text)
{
	(void)arg;
	log_error("%s", text);
}

static int
check(struct process *p)
{
	char reason[MODULES_REASON_LEN];
	int rc = config_check(p->config_path, &p->config, log_fault, NULL);

	if (rc != SECD_OK) {
		return EXIT_FAILURE;
	}
	log_warnings(p->config);
	rc = privileges_check_dirs(&p->config->server, reason);
	if (rc == SECD_OK) {
		rc = modules_check(p->config, reason);
	}
	if (rc != SECD_OK) {
		log_error("%s", reason);
	} else {
		printf("%s: no errors, %zu %s\n", p->config_path,
		       p->config->zone_count,
		       p->config->zone_count == 1 ? "zone" : "zones");
	}
	config_unref(p->config);
	return rc == SECD_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

static void
say_what_runs(const struct process *p)
{
	const struct config_server *c = &p->config->server;
	char address[ADDRESS_TEXT_MAX];

	for (size_t i = 0; i < c->listen_count; i++) {
		log_notice(
		    "listening on %s",
		    address_text(&c->listen[i], address, sizeof(address)));
	}
	log_notice("secondaryd " SECD_VERSION
		   " serves %zu zones, configuration %s, user %s, pid %d",
		   p->config->zone_count, p->config_path,
		   c->user == NULL ? "unchanged" : c->user, (int)getpid());
}

static int
run(struct process *p)
{
	sigset_t signals;
	int rc;

	sigemptyset(&signals);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a full quota is an error like another */
	/* Else the first large buffer that is freed teaches malloc to keep
	 * those to come: the daemon would stay as large as a build was. */
	mallopt(M_MMAP_THRESHOLD, LARGE_BUFFER);
	/* Before there is any secret in memory, and any thread. */
	rc = helper_start(&p->helper);
	if (rc != SECD_OK) {
		log_error("cannot start the helper process: %s",
			  secd_strerror(rc));
		return EXIT_FAILURE;
	}
	rc = load_config(p, &p->config);
	if (rc == SECD_OK) {
		operate_set_logs(p->config);
		rc = prepare(p);
	}
	if (rc == SECD_OK) {
		rc = start(p);
	}
	if (rc == SECD_OK) {
		say_what_runs(p);
		ready_serving();
		serve(p, &signals);
	}
	stop(p);
	log_notice("ended");
	return rc == SECD_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
	    {"config", required_argument, NULL, 'c'},
	    {"check", no_argument, NULL, 't'},
	    {"version", no_argument, NULL, 'V'},
	    {"help", no_argument, NULL, 'h'},
	    {0},
	};
	struct process p = {.config_path = CONFIG_PATH};
	bool check_only = false;
	int option;

	while ((option = getopt_long(argc, argv, "c:thV", options, NULL)) !=
	       -1) {
		switch (option) {
		case 'c':
			p.config_path = optarg;
			break;
		case 't':
			check_only = true;
			break;
		case 'V':
			puts("secondaryd " SECD_VERSION);
			return EXIT_SUCCESS;
		case 'h':
			usage(stdout);
			return EXIT_SUCCESS;
		default:
			return misused();
		}
	}
	if (optind < argc) {
		fprintf(stderr, "secondaryd: \"%s\" is not an option\n",
			argv[optind]);
		return misused();
	}
	log_init("secondaryd");
	p.server.config_path = p.config_path;
	return check_only ? check(&p) : run(&p);
}
