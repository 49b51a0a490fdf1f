/* SPDX-License-Identifier: BSD-2-Clause */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libzscanner/scanner.h>

#include "base/error.h"
#include "zonefile.h"

const struct name_hash_key zonefile_key = {
    .k = {UINT64_C(0x0123456789abcdef), UINT64_C(0xfedcba9876543210)},
};

void
zonefile_add(struct zonefile *z, const struct rr *rr)
{
	size_t owner_len = name_len(rr->owner);
	uint8_t *octets = malloc(owner_len + rr->rdlen);

	assert_non_null(octets);
	if (z->count == z->cap) {
		z->cap = z->cap == 0 ? 64 : z->cap * 2;
		z->rrs = reallocarray(z->rrs, z->cap, sizeof(*z->rrs));
		assert_non_null(z->rrs);
	}
	memcpy(octets, rr->owner, owner_len);
	if (rr->rdlen > 0) {
		memcpy(octets + owner_len, rr->rdata, rr->rdlen);
	}
	z->rrs[z->count] = *rr;
	z->rrs[z->count].owner = octets;
	z->rrs[z->count].rdata = octets + owner_len;
	z->count++;
}

void
zonefile_free(struct zonefile *z)
{
	for (size_t i = 0; i < z->count; i++) {
		free((void *)(uintptr_t)z->rrs[i].owner);
	}
	free(z->rrs);
	*z = (struct zonefile){0};
}

static void
take_record(zs_scanner_t *s)
{
	struct rr rr = {
	    .owner = s->r_owner,
	    .rdata = s->r_data,
	    .ttl = s->r_ttl,
	    .type = s->r_type,
	    .rdlen = (uint16_t)s->r_data_length,
	};

	zonefile_add(s->process.data, &rr);
}

static void
complain(zs_scanner_t *s)
{
	fail_msg("zone text, line %llu: %s",
		 (unsigned long long)s->line_counter,
		 zs_strerror(s->error.code));
}

void
zonefile_parse(struct zonefile *z, const char *origin, const char *text)
{
	zs_scanner_t *s = malloc(sizeof(*s));

	assert_non_null(s);
	assert_int_equal(zs_init(s, origin, RR_CLASS_IN, 3600), 0);
	assert_int_equal(zs_set_processing(s, take_record, complain, z), 0);
	assert_int_equal(zs_set_input_string(s, text, strlen(text)), 0);
	assert_int_equal(zs_parse_all(s), 0);
	zs_deinit(s);
	free(s);
}

struct build_params
zonefile_params(const uint8_t *apex)
{
	return (struct build_params){
	    .apex = apex,
	    .hash_key = zonefile_key,
	    .dir = "/tmp",
	    .memory_max = SIZE_MAX / 4,
	};
}

int
zonefile_build(const struct build_params *p, const char *text,
	       struct image **out, struct build_report *report)
{
	struct zonefile z = {0};
	char origin[NAME_TEXT_MAX];
	struct image *im = NULL;
	struct spool *s;
	int rc;

	zonefile_parse(&z, name_to_text(p->apex, origin), text);
	assert_int_equal(spool_new(p->dir, 1 << 20, &s), SECD_OK);
	for (size_t i = 0; i < z.count; i++) {
		assert_int_equal(spool_add(s, &z.rrs[i]), SECD_OK);
	}
	rc = build_from_spool(p, s, &im, report);
	spool_free(s);
	zonefile_free(&z);
	if (out != NULL) {
		*out = im;
	} else {
		image_unref(im);
	}
	return rc;
}

struct image *
zonefile_image(const char *origin, const char *text)
{
	uint8_t apex[NAME_LEN_MAX];
	struct build_params p = zonefile_params(zonefile_name(origin, apex));
	struct build_report report;
	struct image *im;

	if (zonefile_build(&p, text, &im, &report) != SECD_OK) {
		fail_msg("zone is refused: %s", report.reason);
	}
	return im;
}

const uint8_t *
zonefile_name(const char *text, uint8_t name[NAME_LEN_MAX])
{
	if (name_from_text(text, name) != SECD_OK) {
		fail_msg("no name: %s", text);
	}
	return name;
}

const struct node *
zonefile_find(const struct image *im, const char *name)
{
	uint8_t wire[NAME_LEN_MAX];
	struct name_hashes hashes;

	zonefile_name(name, wire);
	name_lower(wire, wire);
	name_hash_all(wire, &zonefile_key, &hashes);
	return image_find(im, wire, name_len(wire), hashes.hash[0]);
}

int
zonefile_change(const struct build_params *p, struct image *base,
		const struct changeset *const *changesets, size_t count,
		struct image **out, struct build_report *report)
{
	struct version *v;
	int rc;

	assert_int_equal(version_new(1, base, NULL, 0, &v), SECD_OK);
	rc = build_from_changes(p, v, changesets, count, out, report);
	version_unref(v);
	return rc;
}

static void
put_records(struct changeset *cs, enum changeset_op op, const char *origin,
	    const char *text)
{
	struct zonefile z = {0};

	zonefile_parse(&z, origin, text);
	for (size_t i = 0; i < z.count; i++) {
		assert_int_equal(changeset_put(cs, op, &z.rrs[i]), SECD_OK);
	}
	zonefile_free(&z);
}

void
zonefile_step(struct changeset *cs, const char *origin, uint32_t serial,
	      const char *deleted, const char *added)
{
	char soa[sizeof(ZONEFILE_SOA) + 10];

	snprintf(soa, sizeof(soa), ZONEFILE_SOA, (unsigned)serial);
	put_records(cs, CHANGESET_SOA_FROM, origin, soa);
	put_records(cs, CHANGESET_DELETE, origin, deleted);
	snprintf(soa, sizeof(soa), ZONEFILE_SOA, (unsigned)serial + 1);
	put_records(cs, CHANGESET_SOA_TO, origin, soa);
	put_records(cs, CHANGESET_ADD, origin, added);
}
