/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * No secret is where none belongs: in no log line, reply or file but those that
 * are for secrets.
 */

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/error.h"
#include "try_rotate.h"

static bool
contains(const uint8_t *octets, size_t len, const void *part, size_t part_len)
{
	return memmem(octets, len, part, part_len) != NULL;
}

/* As it is, as digits, as base64 at each of three beginnings, in part. */
static bool
is_in(const uint8_t *octets, size_t len, const uint8_t *secret)
{
	char hex[65], upper[65], text[BASE64_LEN(34)];
	uint8_t shifted[34];

	for (size_t i = 0; i < 32; i++) {
		snprintf(hex + 2 * i, 3, "%02x", secret[i]);
		snprintf(upper + 2 * i, 3, "%02X", secret[i]);
	}
	for (size_t at = 0; at + 8 <= 32; at += 8) {
		if (contains(octets, len, secret + at, 8) ||
		    contains(octets, len, hex + 2 * at, 16) ||
		    contains(octets, len, upper + 2 * at, 16)) {
			return true;
		}
	}
	for (size_t shift = 0; shift < 3; shift++) {
		memset(shifted, 0, sizeof(shifted));
		memcpy(shifted + shift, secret, 32);
		base64_encode(shifted, shift + 32, text);
		for (size_t at = 4; at + 12 <= 40; at += 12) {
			if (contains(octets, len, text + at, 12)) {
				return true;
			}
		}
	}
	return false;
}

static size_t
count_leaks(const struct net *n, const uint8_t *octets, size_t len)
{
	size_t count = 0;

	for (size_t at = 0; at < n->secrets.len; at += FAKE_SECRET_MAX) {
		count += is_in(octets, len, n->secrets.data + at);
	}
	return count;
}

/* All files of a directory but those that are for secrets. */
static size_t
count_leaks_in_files(const struct net *n, const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	size_t count = 0;

	while (d != NULL && (e = readdir(d)) != NULL) {
		char path[600];
		struct stat st;
		static uint8_t octets[1 << 20];
		FILE *file;
		size_t len = strlen(e->d_name);

		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		if (e->d_name[0] == '.' || lstat(path, &st) != 0) {
			continue;
		}
		if (S_ISDIR(st.st_mode)) {
			count += count_leaks_in_files(n, path);
			continue;
		}
		if (strcmp(e->d_name, "p1.root") == 0 ||
		    (len > 6 && strcmp(e->d_name + len - 6, ".state") == 0)) {
			if ((st.st_mode & 07777) != 0600) {
				fake_wrong("%s has mode %o", path,
					   (unsigned)st.st_mode);
			}
			continue;
		}
		file = fopen(path, "r");
		len = file != NULL ? fread(octets, 1, sizeof(octets), file) : 0;
		if (file != NULL) {
			fclose(file);
		}
		count += count_leaks(n, octets, len);
	}
	if (d != NULL) {
		closedir(d);
	}
	return count;
}

static void
work_through_everything(struct net *n)
{
	static const char *const commands[] = {
	    "status", "rotate p1", "revoke p1",          "adopt p1",
	    "help",   "status p1", "revoke p1 --slot b", "rotate p2",
	};

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		net_pass(n, 10 * MINUTE_MS);
		net_command(n, 0, commands[i], NULL);
		net_pass(n, EPOCH_MS);
		net_status(n, 0);
	}
	n->servers[0].refusals = 2;
	n->nodes[0].is_cut = true;
	net_pass(n, 3 * EPOCH_MS);
	n->nodes[0].is_cut = false;
	net_command(n, 0, "status", NULL);
	net_pass(n, EPOCH_MS);
	net_close(n, 0);
	net_reopen(n, 0);
	net_pass(n, EPOCH_MS);
	net_status(n, 0);
}

static void
no_secret_is_where_none_belongs(const struct trial *t)
{
	struct net *nets[2] = {rotate_two_nodes(t), NULL};

	for (int i = 0; i < 2; i++) {
		struct net *n = nets[i];
		uint8_t root[32];
		size_t root_len = 0;
		char text[45];

		if (n == NULL) {
			n = rotate_server(t, true,
					  "    revocations: revoked.list\n");
		}
		memset(text, 'x', 42);
		strcpy(text + 42, "A=");
		base64_decode(text, 44, root, &root_len);
		net_know(n, root, sizeof(root));
		work_through_everything(n);
		if (n->secrets.len < 30 * (size_t)FAKE_SECRET_MAX) {
			fake_wrong("only %zu secrets",
				   n->secrets.len / FAKE_SECRET_MAX);
		}
		if (count_leaks(n, n->said.data, n->said.len) != 0) {
			fake_wrong("a secret was said");
		}
		if (count_leaks_in_files(n, t->dir) != 0) {
			fake_wrong("a secret is in a file");
		}
		net_close(n, 0);
		if (i == 0) {
			net_close(n, 1);
		}
		net_free(n);
		{
			char path[300];

			snprintf(path, sizeof(path), "%s/node0/p1.state",
				 t->dir);
			unlink(path);
		}
	}
}

/* The search above finds what is there. */
static void
a_canary_is_found(const struct trial *t)
{
	struct net *n = rotate_two_nodes(t);
	uint8_t canary[32], shifted[33] = "x";
	char text[BASE64_LEN(33) + 1] = "", path[300], hex[17];

	net_pass(n, MINUTE_MS);
	for (size_t i = 0; i < sizeof(canary); i++) {
		canary[i] = (uint8_t)(i * 41 + 7);
	}
	net_know(n, canary, sizeof(canary));
	if (count_leaks(n, n->said.data, n->said.len) != 0 ||
	    count_leaks_in_files(n, t->dir) != 0) {
		fake_wrong("it is found before it is there");
	}
	base64_encode(canary, 32, text);
	rotate_write(t, "leak", text, path);
	if (count_leaks_in_files(n, t->dir) != 1) {
		fake_wrong("base64 is not found");
	}
	memcpy(shifted + 1, canary, 32);
	memset(text, 0, sizeof(text));
	base64_encode(shifted, 33, text);
	rotate_write(t, "leak", text, path);
	if (count_leaks_in_files(n, t->dir) != 1) {
		fake_wrong("base64 behind an octet is not found");
	}
	for (size_t i = 0; i < 8; i++) {
		snprintf(hex + 2 * i, 3, "%02x", canary[8 + i]);
	}
	rotate_write(t, "leak", hex, path);
	if (count_leaks_in_files(n, t->dir) != 1) {
		fake_wrong("a part in hexadecimal is not found");
	}
	if (count_leaks(n, canary + 16, 8) != 1) {
		fake_wrong("a part as it is is not found");
	}
	/* And what a node has in its state is there to be found. */
	{
		static uint8_t octets[4096];
		FILE *file;
		size_t len;

		snprintf(path, sizeof(path), "%s/node0/p1.state", t->dir);
		file = fopen(path, "r");
		if (file == NULL) {
			fake_wrong("%s is not there", path);
		}
		len = fread(octets, 1, sizeof(octets), file);
		fclose(file);
		if (count_leaks(n, octets, len) == 0) {
			fake_wrong("no secret is in the state file");
		}
	}
	net_free(n);
}

const struct trial_test trial_rotate_canary_tests[] = {
    TRIAL(no_secret_is_where_none_belongs),
    TRIAL(a_canary_is_found),
    {NULL, NULL},
};
