/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A stored changeset: read, walked over, and applied to a zone. The zone that
 * comes out, if one does, is whole, and the same when it is laid over the one
 * before; what is refused is refused for the same reason.
 */

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/octets.h"
#include "zone/build.h"
#include "zone/changeset.h"
#include "zone/layering.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t apex[] = "\7example";
static const uint8_t ns[] = "\2ns\7example";

static void
add(struct spool *s, const uint8_t *owner, uint16_t type, const uint8_t *rdata,
    size_t rdlen)
{
	struct rr rr = {
	    .owner = owner,
	    .rdata = rdata,
	    .ttl = 3600,
	    .type = type,
	    .rdlen = (uint16_t)rdlen,
	};

	if (spool_add(s, &rr) != SECD_OK) {
		abort();
	}
}

/* A zone with this serial: a host, a cut with glue, a wildcard, NSEC3. */
static struct image *
make_base(const struct build_params *p, uint32_t serial)
{
	uint8_t soa[sizeof(apex) * 2 + 20] = {0};
	struct build_report report;
	struct image *im;
	struct spool *s;

	memcpy(soa, apex, sizeof(apex));
	memcpy(soa + sizeof(apex), apex, sizeof(apex));
	put_u32(soa + sizeof(apex) * 2, serial);
	if (spool_new("/tmp", 1 << 20, &s) != SECD_OK) {
		abort();
	}
	add(s, apex, RR_TYPE_SOA, soa, sizeof(soa));
	add(s, apex, RR_TYPE_NS, ns, sizeof(ns));
	add(s, apex, RR_TYPE_NSEC3PARAM, (const uint8_t *)"\1\0\0\0\0", 5);
	add(s, ns, RR_TYPE_A, (const uint8_t *)"abcd", 4);
	add(s, (const uint8_t *)"\1s\7example", RR_TYPE_NS,
	    (const uint8_t *)"\1a\1s\7example", 13);
	add(s, (const uint8_t *)"\1a\1s\7example", RR_TYPE_A,
	    (const uint8_t *)"abcd", 4);
	add(s, (const uint8_t *)"\1*\1w\7example", RR_TYPE_TXT,
	    (const uint8_t *)"\1x", 2);
	if (build_from_spool(p, s, &im, &report) != SECD_OK) {
		abort();
	}
	spool_free(s);
	return im;
}

/* The same nodes in the same order? */
static bool
is_same(const struct version *v, const struct image *im)
{
	const struct node *expected = image_next(im, NULL), *n;
	struct version_cursor c;

	version_cursor_start(&c, v);
	while ((n = version_cursor_next(&c)) != NULL) {
		if (expected == NULL || n->len != expected->len ||
		    memcmp(n, expected, n->len) != 0) {
			return false;
		}
		expected = image_next(im, expected);
	}
	return expected == NULL;
}

/* Lay it over; `built` and `why` are what the build came to. */
static void
check_layers(const struct build_params *p, const struct version *base,
	     const struct changeset *const *list, int built,
	     const struct build_report *why, const struct image *im)
{
	struct build_report report;
	struct version *v;
	int rc = layering_apply(p, base, 0, list, 1, 2, &v, &report);

	if (rc == SECD_EAGAIN) {
		return;
	}
	if (rc != built || strcmp(report.reason, why->reason) != 0) {
		abort();
	}
	if (rc == SECD_OK) {
		if (!is_same(v, im) ||
		    version_record_count(v) != image_record_count(im)) {
			abort();
		}
		version_unref(v);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct build_params p = {
	    .apex = apex,
	    .hash_key = {.k = {1, 2}},
	    .dir = "/tmp",
	    .memory_max = SIZE_MAX / 4,
	};
	struct changeset cs = {.from = 0};
	const struct changeset *list[] = {&cs};
	struct build_report report;
	struct version *v;
	struct image *base, *im = NULL;
	int rc;

	if (changeset_from_octets(data, size, &cs) != SECD_OK) {
		return 0;
	}
	base = make_base(&p, cs.from);
	if (version_new(1, base, NULL, 0, &v) != SECD_OK) {
		abort();
	}
	rc = build_from_changes(&p, v, list, 1, &im, &report);
	check_layers(&p, v, list, rc, &report, im);
	if (rc == SECD_OK) {
		if (image_verify(im) != SECD_OK || image_serial(im) != cs.to ||
		    image_record_count(im) !=
			image_record_count(base) + cs.added - cs.deleted) {
			abort();
		}
		image_unref(im);
	} else if (report.reason[0] == '\0') {
		abort();
	}
	version_unref(v);
	image_unref(base);
	changeset_fini(&cs);
	return 0;
}
