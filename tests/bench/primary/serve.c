/* SPDX-License-Identifier: BSD-2-Clause */

#include <stdio.h>
#include <stdlib.h>

#include "primary/serve.h"

enum kind {
	FLAT,
	NSEC,
	NSEC3,
	SMALL,
	NONE,
};

struct ask {
	enum kind kind;
	uint32_t index; /* of a small zone */
	uint32_t serial;
	uint16_t type;
	bool has_serial;
	uint32_t since; /* IXFR: the client's serial */
};

static void
find_zone(struct zones *z, const knot_pkt_t *query, struct ask *a)
{
	char name[KNOT_DNAME_TXT_MAXLEN + 1] = "";
	unsigned index = 0;
	int end = 0;

	knot_dname_to_str(name, knot_pkt_qname(query), sizeof(name));
	a->kind = NONE;
	if (strcasecmp(name, "flat.test.") == 0) {
		a->kind = FLAT;
		a->serial = flat_serial(z->flat);
	} else if (strcasecmp(name, "nsec.test.") == 0) {
		a->kind = NSEC;
		a->serial = SIGNED_SERIAL;
	} else if (strcasecmp(name, "nsec3.test.") == 0) {
		a->kind = NSEC3;
		a->serial = SIGNED_SERIAL;
	} else if (sscanf(name, "z%5u.test.%n", &index, &end) == 1 && end > 0 &&
		   name[end] == '\0' && small_serial(z->small, index) != 0) {
		a->kind = SMALL;
		a->index = index;
		a->serial = small_serial(z->small, index);
	}
}

static void
find_serial(const knot_pkt_t *query, struct ask *a)
{
	const knot_pktsection_t *section =
	    knot_pkt_section(query, KNOT_AUTHORITY);

	a->has_serial = false;
	if (a->type == KNOT_RRTYPE_IXFR && section->count > 0) {
		const knot_rrset_t *soa = knot_pkt_rr(section, 0);

		a->has_serial = soa->type == KNOT_RRTYPE_SOA;
		if (a->has_serial) {
			a->since = knot_soa_serial(soa->rrs.rdata);
		}
	}
}

static bool
send_changes(struct zones *z, struct stream *s, const struct ask *a)
{
	if (!a->has_serial) {
		return false;
	}
	switch (a->kind) {
	case FLAT:
		if (!flat_send_changes(z->flat, a->since, s)) {
			return false;
		}
		z->ixfr_count++;
		return true;
	case SMALL:
		return small_send_change(z->small, a->index, a->since, s);
	default:
		return false;
	}
}

static void
send_zone(struct zones *z, struct stream *s, const struct ask *a)
{
	switch (a->kind) {
	case FLAT:
		z->axfr_count++;
		flat_send(z->flat, s);
		break;
	case NSEC:
		signed_send(z->nsec, s);
		break;
	case NSEC3:
		signed_send(z->nsec3, s);
		break;
	default:
		small_send(z->small, a->index, s);
		break;
	}
}

static void
answer(struct zones *z, struct stream *s, const struct ask *a)
{
	bool transfer =
	    a->type == KNOT_RRTYPE_AXFR || a->type == KNOT_RRTYPE_IXFR;

	if (a->kind == NONE) {
		stream_rcode(s, KNOT_RCODE_REFUSED);
	} else if (a->type == KNOT_RRTYPE_SOA ||
		   (transfer && s->peer != NULL) ||
		   (a->has_serial && a->since == a->serial)) {
		stream_put_soa(s, a->serial);
	} else if (transfer && !send_changes(z, s, a)) {
		send_zone(z, s, a);
	}
}

void
serve(struct zones *z, struct stream *s, int fd, const struct sockaddr_in *peer,
      uint8_t *query, size_t len)
{
	knot_pkt_t *pkt = knot_pkt_new(query, (uint16_t)len, NULL);
	struct ask a = {0};

	/* An answer that comes here is one to a NOTIFY. */
	if (pkt != NULL && knot_pkt_parse(pkt, 0) == KNOT_EOK &&
	    knot_wire_get_qdcount(query) == 1 && !knot_wire_get_qr(query)) {
		a.type = knot_pkt_qtype(pkt);
		find_zone(z, pkt, &a);
		find_serial(pkt, &a);
		stream_begin(s, fd, peer, pkt, &z->key);
		answer(z, s, &a);
		stream_end(s);
	}
	knot_pkt_free(pkt);
}
