/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stream -- the messages of one answer, however many records it has.
 *
 * Records are put one by one; a message that is full is signed and sent, and
 * the next begins. Owners are compressed as other primaries do it, names
 * inside of RDATA are not.
 */

#ifndef BENCH_STREAM_H
#define BENCH_STREAM_H

#include <libknot/libknot.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Compression pointers reach no further; others send as much at a time. */
#define STREAM_MESSAGE_MAX 16000
#define STREAM_OUT_MAX     131072

/* An owner below the apex: its labels in front of the apex. */
struct owner {
	uint8_t labels[128];
	size_t len; /* 0 is the apex */
};

struct stream {
	int fd;
	const struct sockaddr_in *peer; /* NULL: TCP */
	const knot_tsig_key_t *key;     /* NULL: not signed */
	uint8_t mac[64];
	size_t mac_len;
	bool first;

	uint8_t message[STREAM_MESSAGE_MAX + 1024];
	size_t len;
	size_t question_end;
	unsigned count;
	struct owner last;
	size_t last_at; /* 0: none in this message */

	uint8_t out[STREAM_OUT_MAX];
	size_t out_len;
	bool failed; /* the client has gone */
};

/**
 * Begin the answer to a query.
 *
 * query   borrowed for the call; parsed, with one question
 * key     borrowed until stream_end; used when the query has a TSIG
 * peer    NULL: TCP; else where the datagram goes
 */
void stream_begin(struct stream *s, int fd, const struct sockaddr_in *peer,
		  const knot_pkt_t *query, const knot_tsig_key_t *key);

void stream_rcode(struct stream *s, uint8_t rcode);

void stream_put(struct stream *s, const struct owner *owner, uint16_t type,
		uint32_t ttl, const uint8_t *rdata, size_t len);

void stream_put_soa(struct stream *s, uint32_t serial);

/** In all SOAs from now on. Any thread. */
void stream_set_refresh(uint32_t seconds);

/** Send what is left. */
void stream_end(struct stream *s);

#endif
