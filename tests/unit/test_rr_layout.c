/* SPDX-License-Identifier: BSD-2-Clause */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <libknot/libknot.h>

#include "wire/rr.h"
#include "wire/rr_layout.h"

/* Up to the first name; what libknot calls the name there. */
static int
shape_of_libknot(uint16_t type, int *before)
{
	const knot_rdata_descriptor_t *d = knot_get_rdata_descriptor(type);

	if (d->type_name == NULL) {
		d = knot_get_obsolete_rdata_descriptor(type);
	}
	*before = 0;
	for (const int *b = d->block_types; *b != KNOT_RDATA_WF_END; b++) {
		switch (*b) {
		case KNOT_RDATA_WF_COMPRESSIBLE_DNAME:
		case KNOT_RDATA_WF_DECOMPRESSIBLE_DNAME:
		case KNOT_RDATA_WF_FIXED_DNAME:
			return *b;
		case KNOT_RDATA_WF_REMAINDER:
			return 0;
		case KNOT_RDATA_WF_NAPTR_HEADER:
			*before = 4;
			break;
		default:
			*before += *b;
			break;
		}
	}
	return 0;
}

static void
names_stand_where_libknot_has_them(void **state)
{
	(void)state;
	for (unsigned t = 0; t < 65536; t++) {
		uint16_t type = (uint16_t)t;
		const struct rr_layout *ours = rr_layout(type);
		const uint8_t *b = ours->block;
		int before, seen = 0;
		int theirs = shape_of_libknot(type, &before);

		if (type == RR_TYPE_SVCB || type == RR_TYPE_HTTPS) {
			/* Opaque to libknot 3.2.6. */
			assert_int_equal(ours->flags, LAYOUT_NAMES);
			continue;
		}
		for (; *b != BLOCK_END && *b <= BLOCK_OCTETS_MAX; b++) {
			seen += *b;
		}
		while (*b == BLOCK_STRING && type == 35) {
			b++;
		}
		assert_int_equal(*b == BLOCK_NAME || *b == BLOCK_NAME_PACKED,
				 theirs != 0);
		if (theirs == 0) {
			assert_false(ours->flags & LAYOUT_NAMES);
			continue;
		}
		assert_int_equal(seen, before);
		/* MD to MR may leave compressed by RFC 1035, and do not by
		 * libknot; KX and DNAME arrive compressed by neither. */
		assert_int_equal((ours->flags & LAYOUT_PACK) != 0,
				 theirs == KNOT_RDATA_WF_COMPRESSIBLE_DNAME ||
				     (type >= 3 && type <= 9));
		assert_int_equal(*b == BLOCK_NAME_PACKED,
				 theirs != KNOT_RDATA_WF_FIXED_DNAME ||
				     type == 36 || type == 39);
		assert_int_equal((ours->flags & LAYOUT_UNPACK) != 0,
				 *b == BLOCK_NAME_PACKED);
	}
}

static void
names_fold_in_the_types_where_libknot_folds_them(void **state)
{
	(void)state;
	for (unsigned type = 0; type < 65536; type++) {
		const struct rr_layout *ours = rr_layout((uint16_t)type);

		assert_int_equal(
		    (ours->flags & LAYOUT_FOLD) != 0,
		    knot_rrtype_should_be_lowercased((uint16_t)type));
		assert_true((ours->flags & LAYOUT_NAMES) != 0 ||
			    ours->flags == 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(names_stand_where_libknot_has_them),
	    cmocka_unit_test(names_fold_in_the_types_where_libknot_folds_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
