/* SPDX-License-Identifier: BSD-2-Clause */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libknot/libknot.h>
#include <urcu-qsbr.h>

#include "ask.h"
#include "base/error.h"
#include "base/octets.h"

#define LINES_MAX 4096
#define WORDS_MAX 16

struct ask *
ask_new(void)
{
	struct ask *a = calloc(1, sizeof(*a));

	assert_non_null(a);
	a->identity = (struct answer_identity){
	    .nsid = (const uint8_t *)"id",
	    .nsid_len = 2,
	    .udp_max_payload = 1232,
	};
	urcu_qsbr_register_thread();
	return a;
}

void
ask_free(struct ask *a)
{
	for (size_t i = 0; i < a->zone_count; i++) {
		zone_publish_take(&a->zones[i], NULL);
	}
	urcu_qsbr_barrier();
	urcu_qsbr_unregister_thread();
	zone_table_free(a->table);
	free(a);
}

int
ask_tear_down(void **state)
{
	ask_free(*state);
	return 0;
}

struct zone *
ask_add_zone(struct ask *a, const char *apex, const char *text)
{
	struct zone *zones[ASK_ZONES_MAX];
	struct zone *z = &a->zones[a->zone_count];
	struct version *v;

	assert_true(a->zone_count < ASK_ZONES_MAX);
	assert_int_equal(name_from_text(apex, z->apex), SECD_OK);
	z->apex_len = (uint8_t)name_len(z->apex);
	if (text != NULL) {
		assert_int_equal(
		    version_new_take(1, zonefile_image(apex, text), &v),
		    SECD_OK);
		zone_publish_take(z, v);
	}
	a->zone_count++;
	for (size_t i = 0; i < a->zone_count; i++) {
		zones[i] = &a->zones[i];
	}
	zone_table_free(a->table);
	assert_int_equal(
	    zone_table_new(zones, a->zone_count, &zonefile_key, &a->table),
	    SECD_OK);
	return z;
}

/* A question taken apart. */
struct question {
	uint8_t name[NAME_LEN_MAX];
	uint16_t type, class, flags;
	bool edns, dnssec, nsid, tcp;
	unsigned payload;
	size_t cap, reserve;
};

static void
read_word(struct question *q, const char *word)
{
	unsigned n;
	char class[16];

	if (strcmp(word, "do") == 0) {
		q->dnssec = true;
		q->edns = true;
	} else if (strcmp(word, "edns") == 0) {
		q->edns = true;
	} else if (strcmp(word, "nsid") == 0) {
		q->nsid = true;
		q->edns = true;
	} else if (strcmp(word, "tcp") == 0) {
		q->tcp = true;
	} else if (strcmp(word, "rd") == 0) {
		q->flags |= HEADER_RD;
	} else if (strcmp(word, "cd") == 0) {
		q->flags |= HEADER_CD;
	} else if (sscanf(word, "size=%u", &n) == 1) {
		q->payload = n;
		q->edns = true;
	} else if (sscanf(word, "cap=%u", &n) == 1) {
		q->cap = n;
	} else if (sscanf(word, "reserve=%u", &n) == 1) {
		q->reserve = n;
	} else if (sscanf(word, "class=%15s", class) == 1) {
		assert_int_equal(knot_rrclass_from_string(class, &q->class), 0);
	} else {
		fail_msg("what is \"%s\"?", word);
	}
}

static void
read_question(struct question *q, const char *text)
{
	char copy[2048], *rest = copy, *word;

	*q = (struct question){.class = RR_CLASS_IN, .payload = 1232};
	assert_true(strlen(text) < sizeof(copy));
	strcpy(copy, text);
	word = strsep(&rest, " ");
	assert_int_equal(name_from_text(word, q->name), SECD_OK);
	word = strsep(&rest, " ");
	assert_non_null(word);
	assert_int_equal(knot_rrtype_from_string(word, &q->type), 0);
	while ((word = strsep(&rest, " ")) != NULL) {
		read_word(q, word);
	}
}

static void
write_query(struct ask *a, const struct question *q)
{
	static const uint8_t nsid[4] = {0, 3, 0, 0};
	uint8_t *p = a->query;
	size_t len = name_len(q->name);

	memset(p, 0, WIRE_HEADER_LEN);
	put_u16(p, 0xbeef);
	put_u16(p + 2, q->flags);
	put_u16(p + 4, 1);
	p += WIRE_HEADER_LEN;
	memcpy(p, q->name, len);
	put_u16(p + len, q->type);
	put_u16(p + len + 2, q->class);
	p += len + 4;
	if (q->edns) {
		put_u16(a->query + 10, 1);
		*p = 0;
		put_u16(p + 1, RR_TYPE_OPT);
		put_u16(p + 3, (uint16_t)q->payload);
		put_u32(p + 5, q->dnssec ? 0x8000 : 0);
		put_u16(p + 9, q->nsid ? sizeof(nsid) : 0);
		p += 11;
		if (q->nsid) {
			memcpy(p, nsid, sizeof(nsid));
			p += sizeof(nsid);
		}
	}
	a->query_len = (size_t)(p - a->query);
}

/* Append to the text. */
static void
say(struct ask *a, const char *format, ...)
{
	size_t len = strlen(a->text);
	va_list args;

	va_start(args, format);
	vsnprintf(a->text + len, sizeof(a->text) - len, format, args);
	va_end(args);
}

static void
say_record(struct ask *a, const char *section, const knot_rrset_t *rr)
{
	knot_dump_style_t style = KNOT_DUMP_STYLE_DEFAULT;
	char owner[NAME_TEXT_MAX], type[32];
	size_t cap = 1 << 18;
	char *data = malloc(cap);

	assert_non_null(data);
	style.wrap = false;
	assert_true(knot_rrset_txt_dump_data(rr, 0, data, cap, &style) >= 0);
	assert_true(knot_rrtype_to_string(rr->type, type, sizeof(type)) > 0);
	say(a, "%s %s %u %s %s\n", section, name_to_text(rr->owner, owner),
	    rr->ttl, type, data);
	free(data);
}

static void
say_section(struct ask *a, const knot_pkt_t *pkt, knot_section_t id)
{
	static const char *const names[] = {"AN", "AU", "AD"};
	const knot_pktsection_t *s = knot_pkt_section(pkt, id);

	for (unsigned i = 0; i < s->count; i++) {
		const knot_rrset_t *rr = knot_pkt_rr(s, (uint16_t)i);

		if (rr->type != KNOT_RRTYPE_OPT) {
			say_record(a, names[id], rr);
		}
	}
}

static void
say_options(struct ask *a, knot_pkt_t *pkt)
{
	const uint8_t *option = knot_pkt_edns_option(pkt, KNOT_EDNS_OPTION_EDE);

	if (option != NULL) {
		say(a, " EDE=%u",
		    get_u16(
			knot_edns_opt_get_data((uint8_t *)(uintptr_t)option)));
	}
	option = knot_pkt_edns_option(pkt, KNOT_EDNS_OPTION_NSID);
	if (option != NULL) {
		uint8_t *o = (uint8_t *)(uintptr_t)option;

		say(a, " NSID=%.*s", knot_edns_opt_get_length(o),
		    (const char *)knot_edns_opt_get_data(o));
	}
}

static void
check_opt(const struct question *q, const knot_pkt_t *pkt)
{
	assert_int_equal(q->edns, pkt->opt_rr != NULL);
	if (q->edns) {
		assert_int_equal(knot_edns_get_version(pkt->opt_rr), 0);
		assert_int_equal(knot_edns_get_payload(pkt->opt_rr), 1232);
		assert_int_equal(knot_edns_do(pkt->opt_rr), q->dnssec);
	}
}

/* Decode the answer into a->text, after libknot has found nothing wrong. */
static void
decode(struct ask *a, const struct question *q)
{
	uint8_t *copy = malloc(a->len);
	const knot_lookup_t *rcode;
	knot_pkt_t *pkt;

	assert_non_null(copy);
	memcpy(copy, a->wire, a->len);
	pkt = knot_pkt_new(copy, (uint16_t)a->len, NULL);
	assert_non_null(pkt);
	assert_int_equal(knot_pkt_parse(pkt, KNOT_PF_NOCANON), KNOT_EOK);
	check_opt(q, pkt);
	a->text[0] = '\0';
	assert_int_equal(knot_pkt_ext_rcode(pkt), a->result.rcode);
	rcode = knot_lookup_by_id(knot_rcode_names, a->result.rcode);
	assert_non_null(rcode);
	say(a, "%s%s%s%s%s", rcode->name, knot_wire_get_aa(copy) ? " AA" : "",
	    knot_wire_get_tc(copy) ? " TC" : "",
	    knot_wire_get_rd(copy) ? " RD" : "",
	    knot_wire_get_cd(copy) ? " CD" : "");
	assert_int_equal(knot_wire_get_tc(copy) != 0, a->result.truncated);
	assert_false(knot_wire_get_ra(copy) || knot_wire_get_ad(copy));
	say_options(a, pkt);
	say(a, "\n");
	say_section(a, pkt, KNOT_ANSWER);
	say_section(a, pkt, KNOT_AUTHORITY);
	say_section(a, pkt, KNOT_ADDITIONAL);
	knot_pkt_free(pkt);
	free(copy);
}

static size_t
size_limit(const struct question *q)
{
	size_t limit = 512;

	if (q->tcp) {
		limit = 65535;
	} else if (q->edns && q->payload > 512) {
		limit = q->payload < 1232 ? q->payload : 1232;
	}
	return q->cap > 0 && q->cap < limit ? q->cap : limit;
}

static void
parse(struct ask *a, const char *question, struct question *words,
      struct query *q)
{
	read_question(words, question);
	write_query(a, words);
	assert_int_equal(query_parse(q, a->query, a->query_len, &zonefile_key),
			 QUERY_PLAIN);
}

void
ask_query(struct ask *a, const char *question, struct query *q)
{
	struct question words;

	parse(a, question, &words, q);
}

void
ask_question(struct ask *a, const char *question)
{
	struct answer_context ctx = {a->table, &a->identity};
	struct question words;
	struct query q;
	size_t limit, question_len;

	parse(a, question, &words, &q);
	limit = size_limit(&words);
	/* What is behind the limit must stay as it is. */
	memset(a->wire, 0xa5, sizeof(a->wire));
	a->len = answer_query(&ctx, &q, words.tcp ? ANSWER_TCP : ANSWER_UDP,
			      a->wire, limit, words.reserve, &a->result);
	assert_true(a->len + words.reserve <= limit);
	for (size_t i = limit; i < sizeof(a->wire) && i < limit + 512; i++) {
		assert_int_equal(a->wire[i], 0xa5);
	}
	question_len = q.qname_len + 4u;
	assert_int_equal(get_u16(a->wire), 0xbeef);
	assert_int_equal(a->wire[2] & 0xf8, 0x80);
	assert_int_equal(get_u16(a->wire + 4), 1);
	assert_memory_equal(a->wire + 12, a->query + 12, question_len);
	decode(a, &words);
}

/* Does a line of the answer fit one that was expected? */
static bool
line_fits(const char *line, const char *expected)
{
	size_t len = strlen(expected);

	if (len >= 3 && strcmp(expected + len - 3, "...") == 0) {
		return strncmp(line, expected, len - 3) == 0;
	}
	return strcmp(line, expected) == 0;
}

static size_t
split(char *text, char **lines)
{
	size_t count = 0;
	char *line;

	while ((line = strsep(&text, "\n")) != NULL) {
		if (*line != '\0') {
			assert_true(count < LINES_MAX);
			lines[count++] = line;
		}
	}
	return count;
}

static bool
same(const char *got, const char *expected)
{
	static char *a[LINES_MAX], *b[LINES_MAX];
	char *got_copy = strdup(got), *expected_copy = strdup(expected);
	size_t count = split(got_copy, a), left = split(expected_copy, b);
	bool fits = count == left && line_fits(a[0], b[0]);

	for (size_t i = 1; i < count && fits; i++) {
		size_t j = 1;

		while (j < left && !line_fits(a[i], b[j])) {
			j++;
		}
		fits = j < left;
		if (fits) {
			b[j] = b[--left];
		}
	}
	free(got_copy);
	free(expected_copy);
	return fits;
}

void
ask_expect(struct ask *a, const char *question, const char *answer)
{
	ask_question(a, question);
	if (!same(a->text, answer)) {
		fail_msg("%s\n-- the answer is\n%s-- and should be\n%s",
			 question, a->text, answer);
	}
}
