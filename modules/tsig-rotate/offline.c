/* SPDX-License-Identifier: BSD-2-Clause */

#include "tsig-rotate/offline.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/error.h"

/* "ID.state"; 0: it is another file. */
static size_t
id_len(const char *name)
{
	size_t len = strlen(name);

	return len > 6 && len - 6 < OPTIONS_ID_MAX && name[0] != '.' &&
		       strcmp(name + len - 6, ".state") == 0
		   ? len - 6
		   : 0;
}

static size_t
count_files(DIR *d)
{
	size_t count = 0;
	struct dirent *e;

	while ((e = readdir(d)) != NULL) {
		count += id_len(e->d_name) > 0;
	}
	rewinddir(d);
	return count;
}

static int
open_file(struct rotate *r, const char *name, const struct secd_time *now,
	  char *reason)
{
	struct rotate_pair *p = &r->pairs[r->pair_count];
	struct pair_options *o = &r->options->pairs[r->pair_count];
	const struct secd_host *host = r->host;
	char why[STATE_REASON_MAX];
	int rc;

	p->rotate = r;
	p->options = o;
	o->id = arena_copy(r->options->arena, name, id_len(name));
	p->secrets = host->secret_new(host->ctx, sizeof(*p->secrets));
	r->pair_count++;
	if (o->id == NULL || p->secrets == NULL) {
		snprintf(reason, SECD_REASON_LEN, "no memory");
		return SECD_ENOMEM;
	}
	p->file.host = host;
	p->file.id = o->id;
	rc = state_load(&p->file, &p->secrets->pair, why);
	if (rc != SECD_OK) {
		snprintf(reason, SECD_REASON_LEN, "%.500s", why);
		return rc;
	}
	machine_init(&p->machine, &p->config,
		     &(struct machine_memory){&p->secrets->pair,
					      &p->secrets->saved,
					      p->secrets->scratch},
		     NULL, now);
	return SECD_OK;
}

static int
make_room(struct rotate *r, size_t count)
{
	struct arena *a = arena_new();

	r->options = a != NULL ? arena_alloc(a, sizeof(*r->options)) : NULL;
	if (r->options == NULL) {
		arena_free(a);
		return SECD_ENOMEM;
	}
	r->options->arena = a;
	r->options->pairs =
	    arena_alloc(a, (count + 1) * sizeof(r->options->pairs[0]));
	r->pairs = calloc(count + 1, sizeof(r->pairs[0]));
	return r->options->pairs != NULL && r->pairs != NULL ? SECD_OK
							     : SECD_ENOMEM;
}

int
offline_open(struct rotate *r, const struct secd_time *now, char *reason)
{
	DIR *d = opendir(r->host->state_dir);
	struct dirent *e;
	size_t count;
	int rc;

	if (d == NULL) {
		snprintf(reason, SECD_REASON_LEN, "%.256s: %s",
			 r->host->state_dir, strerrordesc_np(errno));
		return SECD_EIO;
	}
	snprintf(reason, SECD_REASON_LEN, "no memory");
	count = count_files(d);
	rc = make_room(r, count);
	while (rc == SECD_OK && r->pair_count < count &&
	       (e = readdir(d)) != NULL) {
		if (id_len(e->d_name) > 0) {
			rc = open_file(r, e->d_name, now, reason);
		}
	}
	closedir(d);
	return rc;
}
