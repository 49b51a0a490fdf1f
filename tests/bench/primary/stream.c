/* SPDX-License-Identifier: BSD-2-Clause */

#include <string.h>
#include <sys/socket.h>

#include "primary/stream.h"
#include "primary/wire.h"

#define TSIG_ROOM 512

static _Atomic uint32_t refresh_s = 7200;

static const struct owner apex;

static void
send_all(struct stream *s)
{
	size_t done = 0;

	while (done < s->out_len && !s->failed) {
		ssize_t n =
		    send(s->fd, s->out + done, s->out_len - done, MSG_NOSIGNAL);

		s->failed = n <= 0;
		done += s->failed ? 0 : (size_t)n;
	}
	s->out_len = 0;
}

static void
sign(struct stream *s)
{
	uint8_t mac[sizeof(s->mac)];
	size_t mac_len = sizeof(mac);
	int rc;

	if (s->key == NULL) {
		return;
	}
	if (s->first) {
		rc = knot_tsig_sign(s->message, &s->len, sizeof(s->message),
				    s->mac, s->mac_len, mac, &mac_len, s->key,
				    0, 0);
	} else {
		rc = knot_tsig_sign_next(
		    s->message, &s->len, sizeof(s->message), s->mac, s->mac_len,
		    mac, &mac_len, s->key, s->message, s->len);
	}
	s->failed = s->failed || rc != KNOT_EOK;
	memcpy(s->mac, mac, mac_len);
	s->mac_len = mac_len;
}

static void
open_message(struct stream *s)
{
	s->len = s->question_end;
	s->count = 0;
	s->last_at = 0;
	wire_u16(s->message + 6, 0);
	wire_u16(s->message + 10, 0);
}

static void
close_message(struct stream *s)
{
	wire_u16(s->message + 6, s->count);
	sign(s);
	s->first = false;
	if (s->peer != NULL) {
		sendto(s->fd, s->message, s->len, 0,
		       (const struct sockaddr *)s->peer, sizeof(*s->peer));
	} else {
		if (s->out_len + 2 + s->len > sizeof(s->out)) {
			send_all(s);
		}
		wire_u16(s->out + s->out_len, (unsigned)s->len);
		memcpy(s->out + s->out_len + 2, s->message, s->len);
		s->out_len += 2 + s->len;
	}
	open_message(s);
}

void
stream_begin(struct stream *s, int fd, const struct sockaddr_in *peer,
	     const knot_pkt_t *query, const knot_tsig_key_t *key)
{
	s->fd = fd;
	s->peer = peer;
	s->key = NULL;
	s->first = true;
	s->out_len = 0;
	s->failed = false;
	if (query->tsig_rr != NULL) {
		s->key = key;
		s->mac_len = knot_tsig_rdata_mac_length(query->tsig_rr);
		if (s->mac_len > sizeof(s->mac)) {
			s->mac_len = 0;
		}
		memcpy(s->mac, knot_tsig_rdata_mac(query->tsig_rr), s->mac_len);
	}
	s->question_end = KNOT_WIRE_HEADER_SIZE + knot_pkt_question_size(query);
	memcpy(s->message, query->wire, s->question_end);
	wire_u16(s->message + 2, 0x8400); /* QR, AA */
	wire_u16(s->message + 8, 0);
	open_message(s);
}

void
stream_rcode(struct stream *s, uint8_t rcode)
{
	s->message[3] = rcode;
}

/* Write the owner, or point to where it was written. */
static void
put_owner(struct stream *s, const struct owner *o)
{
	uint8_t *p = s->message + s->len;

	if (s->last_at != 0 && o->len == s->last.len &&
	    memcmp(o->labels, s->last.labels, o->len) == 0) {
		wire_u16(p, 0xc000 | (unsigned)s->last_at);
		s->len += 2;
		return;
	}
	memcpy(p, o->labels, o->len);
	wire_u16(p + o->len, 0xc000 | KNOT_WIRE_HEADER_SIZE);
	if (o->len > 0) {
		s->last = *o;
		s->last_at = s->len;
	}
	s->len += o->len + 2;
}

void
stream_put(struct stream *s, const struct owner *owner, uint16_t type,
	   uint32_t ttl, const uint8_t *rdata, size_t len)
{
	uint8_t *p;

	if (s->failed) {
		return;
	}
	if (s->len + owner->len + 12 + len + TSIG_ROOM > STREAM_MESSAGE_MAX) {
		close_message(s);
	}
	put_owner(s, owner);
	p = s->message + s->len;
	wire_u16(p, type);
	wire_u16(p + 2, KNOT_CLASS_IN);
	wire_u32(p + 4, ttl);
	wire_u16(p + 8, (unsigned)len);
	memcpy(p + 10, rdata, len);
	s->len += 10 + len;
	s->count++;
}

void
stream_set_refresh(uint32_t seconds)
{
	refresh_s = seconds;
}

void
stream_put_soa(struct stream *s, uint32_t serial)
{
	static const uint8_t names[] = "\3ns1\3nic\4test\0"
				       "\12hostmaster\3nic\4test";
	uint8_t rdata[sizeof(names) + 20], *p = rdata + sizeof(names);

	memcpy(rdata, names, sizeof(names));
	wire_u32(p, serial);
	wire_u32(p + 4, refresh_s);
	wire_u32(p + 8, 900);
	wire_u32(p + 12, 1209600);
	wire_u32(p + 16, 300);
	stream_put(s, &apex, KNOT_RRTYPE_SOA, 3600, rdata, sizeof(rdata));
}

void
stream_end(struct stream *s)
{
	close_message(s);
	if (s->peer == NULL) {
		send_all(s);
	}
}
