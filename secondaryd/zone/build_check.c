/* SPDX-License-Identifier: BSD-2-Clause */

#include <libknot/descriptor.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/error.h"
#include "zone/build_internal.h"
#include "zone/nsec3.h"

char *
build_type_text(uint16_t type, char *text)
{
	if (knot_rrtype_to_string(type, text, 16) < 0) {
		snprintf(text, 16, "TYPE%u", type);
	}
	return text;
}

int
build_refuse(struct build_report *report, int rc, const uint8_t *owner,
	     const char *what, ...)
{
	char text[NAME_TEXT_MAX];
	int len;
	va_list args;

	va_start(args, what);
	len = vsnprintf(report->reason, sizeof(report->reason), what, args);
	va_end(args);
	if (len >= 0 && (size_t)len < sizeof(report->reason)) {
		snprintf(report->reason + len,
			 sizeof(report->reason) - (size_t)len, " at %s",
			 name_to_text(owner, text));
	}
	return rc;
}

/* RFC 6895 section 3.1: types that are no data. */
static bool
is_meta(uint16_t type)
{
	return type == 0 || type == RR_TYPE_OPT || (type >= 128 && type <= 255);
}

static int
check_types(const struct build_params *p, const struct owner_set *set,
	    struct build_report *report)
{
	char text[16];

	if (p->limits.owner_types > 0 &&
	    set->rrset_count > p->limits.owner_types) {
		return build_refuse(report, SECD_ELIMIT, set->owner,
				    "more than %u types",
				    (unsigned)p->limits.owner_types);
	}
	for (size_t i = 0; i < set->rrset_count; i++) {
		const struct owner_rrset *s = &set->rrsets[i];
		uint32_t max = p->limits.rrset_records;

		if (max == 0 || max > UINT16_MAX) {
			max = UINT16_MAX; /* what a node can count */
		}
		if (s->count > max || s->sig_count > max) {
			return build_refuse(report, SECD_ELIMIT, set->owner,
					    "more than %u records of type %s",
					    (unsigned)max,
					    build_type_text(s->type, text));
		}
		if (is_meta(s->type) && s->count > 0) {
			return build_refuse(report, SECD_EMALF, set->owner,
					    "type %s, which is no data,",
					    build_type_text(s->type, text));
		}
	}
	return SECD_OK;
}

/* RFC 2181 section 10.1, RFC 4034: what may stand beside a CNAME. */
static bool
fits_cname(uint16_t type)
{
	return type == RR_TYPE_CNAME || type == RR_TYPE_NSEC ||
	       type == RR_TYPE_KEY;
}

static int
check_aliases(const struct owner_set *set, struct build_report *report)
{
	const struct owner_rrset *cname = owner_set_find(set, RR_TYPE_CNAME);
	const struct owner_rrset *dname = owner_set_find(set, RR_TYPE_DNAME);

	if (dname != NULL && dname->count > 1) {
		return build_refuse(report, SECD_EMALF, set->owner,
				    "more than one DNAME");
	}
	if (cname == NULL) {
		return SECD_OK;
	}
	if (cname->count > 1) {
		return build_refuse(report, SECD_EMALF, set->owner,
				    "more than one CNAME");
	}
	for (size_t i = 0; i < set->rrset_count; i++) {
		if (set->rrsets[i].count > 0 &&
		    !fits_cname(set->rrsets[i].type)) {
			return build_refuse(report, SECD_EMALF, set->owner,
					    "CNAME beside other data");
		}
	}
	return SECD_OK;
}

static int
check_nsec3(const struct build_params *p, const struct owner_set *set,
	    struct build_report *report)
{
	const struct owner_rrset *s = owner_set_find(set, RR_TYPE_NSEC3PARAM);
	struct image_nsec3 params;

	if (s == NULL || p->limits.nsec3_iterations == 0) {
		return SECD_OK;
	}
	for (size_t i = 0; i < s->count; i++) {
		const struct rr *rr = &set->rrs[s->first + i];

		if (nsec3_params_from_rdata(rr->rdata, rr->rdlen, &params) &&
		    params.iterations > p->limits.nsec3_iterations) {
			return build_refuse(
			    report, SECD_ELIMIT, set->owner,
			    "%u NSEC3 iterations, limit %u,",
			    (unsigned)params.iterations,
			    (unsigned)p->limits.nsec3_iterations);
		}
	}
	return SECD_OK;
}

static int
check_apex(const struct build_params *p, const struct owner_set *set,
	   struct build_report *report)
{
	const struct owner_rrset *soa = owner_set_find(set, RR_TYPE_SOA);

	if (soa == NULL) {
		return build_refuse(report, SECD_EMALF, set->owner, "no SOA");
	}
	if (soa->count > 1) {
		return build_refuse(report, SECD_EMALF, set->owner,
				    "more than one SOA");
	}
	if (owner_set_find(set, RR_TYPE_NS) == NULL) {
		return build_refuse(report, SECD_EMALF, set->owner, "no NS");
	}
	return check_nsec3(p, set, report);
}

int
build_check_owner(const struct build_params *p, const struct owner_set *set,
		  bool is_apex, struct build_report *report)
{
	int rc;

	if (!is_apex) {
		if (!name_is_in(set->owner, p->apex)) {
			return build_refuse(report, SECD_EMALF, set->owner,
					    "record outside of the zone");
		}
		if (owner_set_find(set, RR_TYPE_SOA) != NULL) {
			return build_refuse(report, SECD_EMALF, set->owner,
					    "SOA below the apex");
		}
	}
	rc = check_types(p, set, report);
	if (rc == SECD_OK) {
		rc = check_aliases(set, report);
	}
	if (rc == SECD_OK && is_apex) {
		rc = check_apex(p, set, report);
	}
	return rc;
}

int
build_check_records(const struct build_params *p, uint64_t records,
		    const uint8_t *owner, struct build_report *report)
{
	if (p->limits.records == 0 || records <= p->limits.records) {
		return SECD_OK;
	}
	return build_refuse(report, SECD_ELIMIT, owner,
			    "more than %llu records",
			    (unsigned long long)p->limits.records);
}
