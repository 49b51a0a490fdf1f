/* SPDX-License-Identifier: BSD-2-Clause */

#include "ixfr-journal/command_list.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/module_address.h"

/* Listed in one call. */
#define VERSIONS_MAX 128
#define ZONES_MAX    32

static const char *
source_text(uint32_t source)
{
	static const char *const texts[] = {
	    [SECD_SOURCE_IXFR] = "IXFR", [SECD_SOURCE_AXFR] = "AXFR",
	    [SECD_SOURCE_FILE] = "file", [SECD_SOURCE_UPDATE] = "update",
	    [SECD_SOURCE_SEEN] = "seen", [SECD_SOURCE_STORAGE] = "storage",
	};

	return source < sizeof(texts) / sizeof(texts[0]) &&
		       texts[source] != NULL
		   ? texts[source]
		   : "unknown";
}

/* NULL: none */
static const char *
transport_text(uint32_t transport)
{
	static const char *const texts[] = {
	    [SECD_TRANSPORT_UDP] = "UDP",
	    [SECD_TRANSPORT_TCP] = "TCP",
	    [SECD_TRANSPORT_TLS] = "TLS",
	    [SECD_TRANSPORT_QUIC] = "QUIC",
	};

	return transport < sizeof(texts) / sizeof(texts[0]) ? texts[transport]
							    : "unknown";
}

/* A version; NULL for what led to it: history begins with it. */
static void
put_version(const struct ask *a, const char *id, uint64_t seq, uint32_t serial,
	    int64_t at, const struct step *s)
{
	struct secd_reply *r = a->r;

	r->number(r->ctx, a->zone, id, "serial", serial);
	r->time(r->ctx, a->zone, id, "at", at);
	if (s != NULL) {
		r->text(r->ctx, a->zone, id, "source", source_text(s->source));
		r->number(r->ctx, a->zone, id, "from-serial", s->from);
		r->number(r->ctx, a->zone, id, "deleted", s->deleted);
		r->number(r->ctx, a->zone, id, "added", s->added);
		r->number(r->ctx, a->zone, id, "octets", s->octets);
	} else {
		r->boolean(r->ctx, a->zone, id, "beginning", 1);
	}
	if (seq == a->record.pinned) {
		r->boolean(r->ctx, a->zone, id, "pinned", 1);
	}
}

/*
 * list: versions
 */

/* Put the version behind `seq`, which is moved there. */
static int
list_next(const struct ask *a, uint64_t *seq)
{
	struct segment g;
	struct step s;
	char id[48];
	int rc_step = db_step_after(&a->j->db, a->txn, a->record.id, *seq, &s);
	int rc = db_segment_after(&a->j->db, a->txn, a->record.id, *seq, &g);
	bool begins = rc == SECD_OK && (rc_step != SECD_OK || g.start < s.seq);

	if (rc_step != SECD_OK && rc_step != SECD_ENOTFOUND) {
		return rc_step;
	}
	if (rc != SECD_OK && (rc != SECD_ENOTFOUND || rc_step != SECD_OK)) {
		return rc;
	}
	*seq = begins ? g.start : s.seq;
	snprintf(id, sizeof(id), "version @%" PRIu64, *seq);
	if (begins) {
		put_version(a, id, *seq, g.start_serial, g.began_at, NULL);
	} else {
		put_version(a, id, *seq, s.to, s.at, &s);
	}
	return SECD_OK;
}

/* The step of a segment with which its sum of steps is `steps`. Sums go up, and
 * seqs do. */
static int
find_step(const struct ask *a, const struct segment *g, uint64_t steps,
	  uint64_t *seq)
{
	uint64_t low = g->start, high = g->newest;

	while (low < high) {
		uint64_t middle = low + (high - low) / 2;
		struct step s;
		int rc = db_step_after(&a->j->db, a->txn, g->zone, middle, &s);

		if (rc != SECD_OK) {
			return rc;
		}
		if (s.after.steps >= steps) {
			high = middle;
		} else {
			low = middle + 1;
		}
	}
	*seq = low;
	return SECD_OK;
}

/* The version behind which the newest `count` are; 0: before all. */
static int
find_start(const struct ask *a, uint64_t count, uint64_t *seq)
{
	uint64_t at = UINT64_MAX;
	struct segment g;
	int rc;

	*seq = 0;
	while ((rc = db_segment_before(&a->j->db, a->txn, a->record.id, at,
				       &g)) == SECD_OK) {
		uint64_t steps = g.at_newest.steps - g.at_start.steps;

		if (count <= steps) {
			return find_step(a, &g, g.at_newest.steps - count + 1,
					 seq);
		}
		if (count == steps + 1) {
			*seq = g.start - 1;
			return SECD_OK;
		}
		count -= steps + 1;
		at = g.start;
	}
	return rc == SECD_ENOTFOUND ? SECD_OK : rc;
}

struct list_position {
	uint64_t seq; /* listed last */
	uint64_t is_on;
};

static int
list_versions(struct ask *a)
{
	const char *last = a->c->argc > 2 ? a->c->argv[2] : NULL;
	struct list_position p;
	uint64_t count = 0;
	int rc = SECD_OK;

	if (last != NULL &&
	    (!ask_number(last, strlen(last), UINT64_MAX / 2, &count) ||
	     count == 0)) {
		return ask_fail(a, SECD_EINVAL,
				"\"%s\" is no number of versions", last);
	}
	memcpy(&p, a->c->position, sizeof(p));
	if (last != NULL && p.is_on == 0) {
		rc = find_start(a, count, &p.seq);
	}
	p.is_on = 1;
	for (unsigned i = 0; i < VERSIONS_MAX && rc == SECD_OK; i++) {
		rc = list_next(a, &p.seq);
	}
	memcpy(a->c->position, &p, sizeof(p));
	if (rc == SECD_ENOTFOUND) {
		return SECD_OK; /* that was the newest one */
	}
	return rc == SECD_OK ? SECD_MORE : ask_fail_code(a, rc);
}

/*
 * list: zones
 */

/* What is kept of a zone, in all segments. */
struct kept {
	uint64_t versions, octets;
	int64_t oldest_at;
	struct segment newest;
};

static int
sum_up(const struct ask *a, struct kept *out)
{
	struct segment g;
	int rc;

	*out = (struct kept){.versions = 0};
	g.start = 0;
	while ((rc = db_segment_after(&a->j->db, a->txn, a->record.id, g.start,
				      &g)) == SECD_OK) {
		if (out->versions == 0) {
			out->oldest_at = g.began_at;
		}
		out->versions += g.at_newest.steps - g.at_start.steps + 1;
		out->octets +=
		    g.at_newest.octets - g.at_start.octets + g.base.octets;
		out->newest = g;
	}
	return rc == SECD_ENOTFOUND ? SECD_OK : rc;
}

static int
put_kept(const struct ask *a, const char *id, const struct kept *k)
{
	const struct segment *g = &k->newest;
	struct secd_reply *r = a->r;
	int64_t at = g->began_at;
	struct step s;

	r->number(r->ctx, NULL, id, "versions", k->versions);
	r->number(r->ctx, NULL, id, "octets", k->octets);
	if (k->versions == 0) {
		return SECD_OK;
	}
	if (g->newest != g->start) {
		int rc = db_get_step(&a->j->db, a->txn, g->zone, g->newest, &s);

		if (rc != SECD_OK) {
			return rc;
		}
		at = s.at;
	}
	r->time(r->ctx, NULL, id, "oldest-at", k->oldest_at);
	r->time(r->ctx, NULL, id, "newest-at", at);
	r->number(r->ctx, NULL, id, "newest-serial", g->newest_serial);
	if (a->record.pinned != 0) {
		r->boolean(r->ctx, NULL, id, "pinned", 1);
	}
	return SECD_OK;
}

/* One that is damaged does not hide the others. */
static int
put_zone(struct ask *a)
{
	char id[NAME_TEXT_MAX + 8];
	struct kept k;
	int rc = db_get_zone(&a->j->db, a->txn, a->apex, &a->record);

	snprintf(id, sizeof(id), "zone %s", name_to_text(a->apex, a->zone));
	if (rc == SECD_OK) {
		rc = sum_up(a, &k);
	}
	if (rc == SECD_OK) {
		rc = put_kept(a, id, &k);
	}
	if (rc == SECD_EMALF || rc == SECD_ENOTFOUND) {
		a->r->boolean(a->r->ctx, NULL, id, "damaged", 1);
		rc = SECD_OK;
	}
	return rc;
}

struct zones_position {
	uint8_t apex[NAME_LEN_MAX]; /* listed last */
	uint8_t is_on;
};

_Static_assert(sizeof(struct zones_position) <= SECD_POSITION_LEN,
	       "a position has to fit");

static int
list_zones(struct ask *a)
{
	struct zones_position p;
	int rc = SECD_OK;

	memcpy(&p, a->c->position, sizeof(p));
	for (unsigned i = 0; i < ZONES_MAX && rc == SECD_OK; i++) {
		rc = db_zone_after(&a->j->db, p.is_on ? p.apex : NULL, p.apex);
		p.is_on = 1;
		if (rc == SECD_OK) {
			memcpy(a->apex, p.apex, sizeof(a->apex));
			rc = put_zone(a);
		}
	}
	memcpy(a->c->position, &p, sizeof(p));
	if (rc == SECD_ENOTFOUND) {
		return SECD_OK; /* that was the last one */
	}
	return rc == SECD_OK ? SECD_MORE : ask_fail_code(a, rc);
}

int
command_list(struct ask *a)
{
	return a->c->argc > 1 ? list_versions(a) : list_zones(a);
}

/*
 * show
 */

static void
put_digest(const struct ask *a, const struct ask_found *f)
{
	struct digest d = f->segment.base.origin;
	uint8_t octets[SECD_DIGEST_LEN];
	char text[2 * SECD_DIGEST_LEN + 1];

	if (f->segment.base.seq == 0) {
		return;
	}
	digest_add(&d, &f->totals.delta);
	digest_write(&d, octets);
	for (unsigned i = 0; i < sizeof(octets); i++) {
		snprintf(text + (size_t)2 * i, 3, "%02x", octets[i]);
	}
	a->r->text(a->r->ctx, a->zone, NULL, "digest", text);
}

static void
put_text(const struct ask *a, const char *item, const char *value)
{
	if (value != NULL && value[0] != '\0') {
		a->r->text(a->r->ctx, a->zone, NULL, item, value);
	}
}

static void
put_origin(const struct ask *a, const struct step *s)
{
	char text[NAME_TEXT_MAX];

	put_text(a, "primary", module_address_text(&s->primary, text));
	snprintf(text, sizeof(text), "%.*s", (int)s->id_len, s->id);
	put_text(a, "primary-id", text);
	put_text(a, "transport", transport_text(s->transport));
	if (s->transport == SECD_TRANSPORT_NONE) {
		return; /* it was not sent by anybody */
	}
	a->r->boolean(a->r->ctx, a->zone, NULL, "signed", s->key_len > 0);
	if (s->key_len > 0) {
		put_text(a, "key", name_to_text(s->key, text));
	}
}

int
command_show(struct ask *a)
{
	const char *serial = a->c->argv[2];
	struct ask_found f;
	char version[24];
	uint64_t seq;
	int rc = ask_version(a, serial, strlen(serial), &seq);

	if (rc == SECD_OK) {
		rc = ask_find(a, seq, &f);
	}
	if (rc != SECD_OK) {
		return rc;
	}
	snprintf(version, sizeof(version), "@%" PRIu64, seq);
	put_text(a, "version", version);
	put_version(a, NULL, seq, f.serial, f.at, f.begins ? NULL : &f.step);
	if (!f.begins) {
		put_origin(a, &f.step);
	}
	put_digest(a, &f);
	return SECD_OK;
}
