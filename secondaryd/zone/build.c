/* SPDX-License-Identifier: BSD-2-Clause */

#include "zone/build.h"

#include <stdio.h>

#include "base/error.h"
#include "zone/compose.h"
#include "zone/spool_internal.h"

static int
compose_spool(struct compose *c, const struct build_params *p, struct spool *s)
{
	struct owner_set set = {0};
	int rc = spool_sort(s, p->apex);

	while (rc == SECD_OK) {
		rc = spool_next(s, &set);
		if (rc == SECD_OK) {
			rc = owner_set_seal(&set);
		}
		if (rc == SECD_OK) {
			rc = compose_owner(c, &set);
		}
	}
	owner_set_fini(&set);
	return rc == SECD_ENOTFOUND ? SECD_OK : rc;
}

int
build_from_spool(const struct build_params *p, struct spool *s,
		 struct image **out, struct build_report *report)
{
	struct compose c;
	int rc;

	*report = (struct build_report){.records = 0};
	rc = compose_init(&c, p, NULL, report);
	if (rc == SECD_OK) {
		rc = compose_spool(&c, p, s);
	}
	if (rc == SECD_OK) {
		rc = compose_finish(&c, out);
	}
	compose_fini(&c);
	return build_explain(report, rc);
}

int
build_explain(struct build_report *report, int rc)
{
	const char *why = NULL;

	if (rc == SECD_OK || report->reason[0] != '\0') {
		return rc;
	}
	switch (rc) {
	case SECD_ELIMIT:
		why = "more than an image can hold";
		break;
	case SECD_ENOSPC:
		why = "no room for temporary files";
		break;
	case SECD_ENOMEM:
		why = "no memory";
		break;
	default:
		why = "temporary files cannot be written or read";
		break;
	}
	snprintf(report->reason, sizeof(report->reason), "%s", why);
	return rc;
}
