/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Answers from an image with layers over it must be those from a fresh image
 * of the same records, octet for octet.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/octets.h"
#include "stack.h"
#include "zone/answer.h"

static struct stack stack;

static const struct answer_identity identity = {.udp_max_payload = 1232};

/* Answers of one version. */
struct side {
	struct zone zone;
	struct zone_table *table;
	struct version *version;
	uint8_t out[65535];
	size_t len;
	struct answer_result result;
};
static struct side layered, fresh;

static void
side_init(struct side *s, struct version *v)
{
	struct zone *zone = &s->zone;

	name_lower(stack.model.apex, zone->apex);
	zone->apex_len = (uint8_t)name_len(zone->apex);
	zone->version = v;
	assert_int_equal(zone_table_new(&zone, 1, &zonefile_key, &s->table),
			 SECD_OK);
}

static void
side_fini(struct side *s)
{
	zone_table_free(s->table);
	version_unref(s->zone.version);
}

static void
side_answer(struct side *s, const struct query *q,
	    enum answer_transport transport)
{
	struct answer_context ctx = {s->table, &identity};

	s->len = answer_query(&ctx, q, transport, s->out, sizeof(s->out), 0,
			      &s->result);
}

static size_t
write_query(uint8_t *wire, const uint8_t *name, uint16_t type, bool dnssec)
{
	static const uint8_t opt[] = {0, 0, 41, 4, 208, 0, 0, 0x80, 0, 0, 0};
	size_t len = 12 + name_len(name);

	memset(wire, 0, 12);
	wire[5] = 1;
	memcpy(wire + 12, name, name_len(name));
	put_u16(wire + len, type);
	put_u16(wire + len + 2, RR_CLASS_IN);
	if (dnssec) {
		wire[11] = 1;
		memcpy(wire + len + 4, opt, sizeof(opt));
	}
	return len + 4 + (dnssec ? sizeof(opt) : 0);
}

static void
ask_both(void)
{
	static const uint16_t types[] = {
	    RR_TYPE_A,     RR_TYPE_AAAA, RR_TYPE_NS,  RR_TYPE_DS,
	    RR_TYPE_MX,    RR_TYPE_SOA,  RR_TYPE_ANY, RR_TYPE_NSEC,
	    RR_TYPE_CNAME, RR_TYPE_RRSIG};
	uint16_t type =
	    types[rnd_below(&stack.rnd, sizeof(types) / sizeof(*types))];
	bool dnssec = rnd_below(&stack.rnd, 4) > 0;
	enum answer_transport transport =
	    rnd_below(&stack.rnd, 2) > 0 ? ANSWER_TCP : ANSWER_UDP;
	uint8_t wire[512], name[NAME_LEN_MAX];
	struct query q;

	stack_random_name(&stack, name);
	assert_int_equal(query_parse(&q, wire,
				     write_query(wire, name, type, dnssec),
				     &zonefile_key),
			 QUERY_PLAIN);
	side_answer(&layered, &q, transport);
	side_answer(&fresh, &q, transport);
	if (layered.len != fresh.len ||
	    memcmp(layered.out, fresh.out, fresh.len) != 0) {
		char text[NAME_TEXT_MAX];

		fail_msg("seed %llu: %s of type %u has another answer",
			 (unsigned long long)stack.seed,
			 name_to_text(name, text), type);
	}
}

static void
compare_answers(unsigned count)
{
	struct version *whole;

	assert_int_equal(version_new(1, stack.fresh, NULL, 0, &whole), SECD_OK);
	side_init(&layered, version_ref(stack.version));
	side_init(&fresh, whole);
	for (unsigned i = 0; i < count; i++) {
		ask_both();
	}
	side_fini(&layered);
	side_fini(&fresh);
}

static void
check_answers(enum model_signing signing, size_t records)
{
	for (uint64_t seed = 1; seed <= 40; seed++) {
		stack_init(&stack, seed, seed % 4 == 0 ? "." : "Example.",
			   signing, records);
		while (stack.layer_count < VERSION_LAYERS_MAX &&
		       stack_push(&stack)) {
			compare_answers(200);
		}
		stack_fini(&stack);
	}
}

static void
answers_are_those_of_a_fresh_image(void **state)
{
	(void)state;
	check_answers(MODEL_UNSIGNED, 200);
	check_answers(MODEL_NSEC, 200);
	check_answers(MODEL_NSEC3, 300);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(answers_are_those_of_a_fresh_image),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
