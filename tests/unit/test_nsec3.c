/* SPDX-License-Identifier: BSD-2-Clause */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "zone/nsec3.h"
#include "zonefile.h"

/* RFC 5155 appendix A: salt aabbccdd, 12 iterations. */
static const uint8_t salt[] = {0xaa, 0xbb, 0xcc, 0xdd};
static const struct {
	const char *name, *owner;
} vectors[] = {
    {"example.", "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example."},
    {"a.example.", "35mthgpgcu1qg68fab165klnsnk3dpvl.example."},
    {"ai.example.", "GJEQE526PLBF1G8MKLP59ENFD789NJGI.example."},
    {"ns1.example.", "2t7b4g4vsa5smi47k61mv5bv1a22bojr.example."},
    {"ns2.example.", "q04jkcevqvmu85r014c7dkba38o0ji5r.example."},
    {"w.example.", "k8udemvp1j2f7eg6jebps17vp3n8i58h.example."},
    {"*.w.example.", "r53bq7cc2uvmubfu5ocmm6pers9tk9en.example."},
    {"x.w.example.", "b4um86eghhds6nea196smvmlo4ors995.example."},
    {"y.w.example.", "ji6neoaepv8b5o6k4ev33abha8ht9fgc.example."},
    {"x.y.w.example.", "2vptu5timamqttgl4luu9kg21e0aor3s.example."},
    {"xx.example.", "t644ebqk9bibcna874givr6joj62mlhv.example."},
};

static void
names_hash_as_rfc_5155_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(*vectors); i++) {
		uint8_t name[NAME_LEN_MAX], owner[NAME_LEN_MAX];
		uint8_t hash[NODE_NSEC3_HASH_LEN], spelt[NODE_NSEC3_HASH_LEN];

		zonefile_name(vectors[i].name, name);
		zonefile_name(vectors[i].owner, owner);
		nsec3_hash(name, 12, salt, sizeof(salt), hash);
		assert_int_equal(nsec3_hash_of_owner(owner, spelt), SECD_OK);
		assert_memory_equal(hash, spelt, sizeof(hash));
	}
}

static void
no_salt_and_no_iterations_are_fine(void **state)
{
	/* SHA-1 of the octet 00. */
	static const uint8_t expected[] = {
	    0x5b, 0xa9, 0x3c, 0x9d, 0xb0, 0xcf, 0xf9, 0x3f, 0x52, 0xb5,
	    0x21, 0xd7, 0x42, 0x0e, 0x43, 0xf6, 0xed, 0xa2, 0x78, 0x4f,
	};
	uint8_t root[] = {0}, hash[NODE_NSEC3_HASH_LEN];

	(void)state;
	nsec3_hash(root, 0, NULL, 0, hash);
	assert_memory_equal(hash, expected, sizeof(hash));
}

static void
labels_that_spell_no_hash_are_refused(void **state)
{
	static const char *const bad[] = {
	    "example.",
	    "0p9mhaveqvm6t7vbl5lop2u3t2rp3to.example.",
	    "0p9mhaveqvm6t7vbl5lop2u3t2rp3tomm.example.",
	    "0p9mhaveqvm6t7vbl5lop2u3t2rp3tow.example.",
	    "wp9mhaveqvm6t7vbl5lop2u3t2rp3tom.example.",
	    "0p9mhaveqvm6t7vbl5lop2u3t2rp3t-m.example.",
	    "0p9mhaveqvm6t7vbl5lop2u3t2rp3t\\016m.example.",
	    "0p9mhaveqvm6t7vbl5lop2u3t2rp3t\\129m.example.",
	};
	uint8_t name[NAME_LEN_MAX], hash[NODE_NSEC3_HASH_LEN];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(
		    nsec3_hash_of_owner(zonefile_name(bad[i], name), hash),
		    SECD_EMALF);
	}
}

static void
parameters_are_read_only_when_they_are_whole(void **state)
{
	static const uint8_t rdata[] = {1, 0, 0x12, 0x34, 2, 0xaa, 0xbb};
	static const uint8_t other[] = {2, 0, 0x12, 0x34, 0};
	struct image_nsec3 p, q;

	(void)state;
	for (size_t len = 0; len < sizeof(rdata); len++) {
		assert_false(nsec3_params_from_rdata(rdata, len, &p));
	}
	assert_true(nsec3_params_from_rdata(rdata, sizeof(rdata), &p));
	assert_int_equal(p.iterations, 0x1234);
	assert_int_equal(p.salt_len, 2);
	assert_ptr_equal(p.salt, rdata + 5);
	assert_false(nsec3_params_from_rdata(other, sizeof(other), &q));
	q = p;
	assert_true(nsec3_params_equal(&p, &q));
	q.salt = (const uint8_t *)"\xaa\xbc";
	assert_false(nsec3_params_equal(&p, &q));
	q = p;
	q.salt_len = 1;
	assert_false(nsec3_params_equal(&p, &q));
	q = p;
	q.iterations = 1;
	assert_false(nsec3_params_equal(&p, &q));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(names_hash_as_rfc_5155_says),
	    cmocka_unit_test(no_salt_and_no_iterations_are_fine),
	    cmocka_unit_test(labels_that_spell_no_hash_are_refused),
	    cmocka_unit_test(parameters_are_read_only_when_they_are_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
