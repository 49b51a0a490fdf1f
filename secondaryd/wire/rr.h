/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rr -- one resource record, and reading records out of a message.
 *
 * A record here is always class IN with uncompressed, validated names in
 * owner and RDATA. Case is kept. Two records are the same when owner, type
 * and canonical RDATA are (RFC 4034 section 6.2); the TTL does not count.
 */

#ifndef SECD_WIRE_RR_H
#define SECD_WIRE_RR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/name.h"

#define RR_RDATA_MAX 65535

enum {
	RR_CLASS_IN = 1,
	RR_CLASS_CH = 3,
	RR_CLASS_NONE = 254,
	RR_CLASS_ANY = 255,
};

/* The types that this program treats in a way of their own. */
enum {
	RR_TYPE_A = 1,
	RR_TYPE_NS = 2,
	RR_TYPE_CNAME = 5,
	RR_TYPE_SOA = 6,
	RR_TYPE_NULL = 10,
	RR_TYPE_PTR = 12,
	RR_TYPE_HINFO = 13,
	RR_TYPE_MX = 15,
	RR_TYPE_TXT = 16,
	RR_TYPE_SIG = 24,
	RR_TYPE_KEY = 25,
	RR_TYPE_AAAA = 28,
	RR_TYPE_SRV = 33,
	RR_TYPE_DNAME = 39,
	RR_TYPE_OPT = 41,
	RR_TYPE_DS = 43,
	RR_TYPE_RRSIG = 46,
	RR_TYPE_NSEC = 47,
	RR_TYPE_DNSKEY = 48,
	RR_TYPE_NSEC3 = 50,
	RR_TYPE_NSEC3PARAM = 51,
	RR_TYPE_ZONEMD = 63,
	RR_TYPE_SVCB = 64,
	RR_TYPE_HTTPS = 65,
	RR_TYPE_TKEY = 249,
	RR_TYPE_TSIG = 250,
	RR_TYPE_IXFR = 251,
	RR_TYPE_AXFR = 252,
	RR_TYPE_ANY = 255,
};

struct rr {
	const uint8_t *owner; /* uncompressed */
	const uint8_t *rdata; /* uncompressed names */
	uint32_t ttl;         /* seconds, as received */
	uint16_t type;
	uint16_t rdlen; /* octets of rdata */
};

struct rr_soa {
	uint32_t serial;
	uint32_t refresh, retry, expire, minimum; /* seconds */
};

/**
 * Compare types and RDATA in canonical form: the order of records inside a
 * node. An RRSIG sorts by the type it covers, right behind that RRset. Owner
 * and TTL do not count.
 *
 * Returns  <0, 0 (the same record), >0
 */
int rr_compare(const struct rr *a, const struct rr *b);

/** The type covered by an RRSIG, else the type itself. */
uint16_t rr_covered_type(const struct rr *rr);

/** Numbers of a SOA record that rr_reader or an image gave. */
void rr_soa_get(const struct rr *soa, struct rr_soa *out);

/**
 * Where names stand inside RDATA, for compression and case folding.
 *
 * spans    receives up to `max` {start, len} pairs in order; a type has at
 *          most 2 names of fixed place
 * Returns  how many names there are, also if more than `max`; 0 for types
 *          without or unknown; SECD_EMALF when the RDATA does not hold them
 */
struct rr_span {
	uint16_t at;
	uint16_t len;
};
int rr_names(uint16_t type, const uint8_t *rdata, size_t rdlen,
	     struct rr_span *spans, size_t max);

/** May names in this type's RDATA be compressed when sent (RFC 3597)? */
bool rr_is_compressible(uint16_t type);

/*
 * A forward reader over the records of one message. It refuses what is not a
 * record; grammar (who may stand where) is the caller's.
 */
struct rr_reader {
	const uint8_t *msg;
	size_t len;
	size_t pos;
	uint8_t owner[NAME_LEN_MAX];
	uint8_t rdata[RR_RDATA_MAX]; /* used when RDATA was compressed */
};

/** Start at octet `pos` of a message, which must outlive the reader. */
void rr_reader_init(struct rr_reader *r, const uint8_t *msg, size_t len,
		    size_t pos);

/**
 * Read the next record. Empty RDATA is fine in types that may have it, and in
 * the classes ANY and NONE (RFC 2136): there in every type but TSIG.
 *
 * rr       receives the record; valid until the next call
 * class    receives the class (OPT and TSIG use it in their own way)
 * Returns  SECD_OK, SECD_EMALF (truncated, bad name, RDATA that does not fit
 *          its type, octets left over in it)
 */
int rr_reader_next(struct rr_reader *r, struct rr *rr, uint16_t *class);

#endif
