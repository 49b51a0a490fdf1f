/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * name -- domain names in uncompressed wire format (RFC 1035 section 3.1).
 *
 * A `const uint8_t *name` is always a complete, valid name of 1 to 255 octets
 * that ends with the root label and holds no compression pointer; only
 * name_from_wire and name_from_text make one out of untrusted octets. Case is
 * kept; comparisons fold ASCII letters (RFC 4343). Any octet may stand in a
 * label, NUL included.
 */

#ifndef SECD_WIRE_NAME_H
#define SECD_WIRE_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NAME_LEN_MAX   255 /* octets, RFC 1035 section 2.3.4 */
#define NAME_LABEL_MAX 127 /* labels without the root */
/* Escaped octets can double a label; plus one separator a label. */
#define NAME_KEY_MAX 512
/* Every octet as \DDD, plus dots and a NUL. */
#define NAME_TEXT_MAX 1021

/**
 * Is there an uncompressed name? For octets that nobody has looked at yet.
 *
 * left     octets that there are
 * Returns  the name's length; 0 when there is none
 */
size_t name_check(const uint8_t *octets, size_t left);

/** Octets of a name, the root label included. */
size_t name_len(const uint8_t *name);

/** Labels of a name, the root not counted: 0 for ".". */
unsigned name_label_count(const uint8_t *name);

/**
 * Read a name out of a message, following compression pointers, which must
 * point strictly backwards each time (RFC 1035 section 4.1.4): before the
 * labels that led to them. More than 128 of them in one name are refused.
 *
 * pos      in: where the name starts; out: the octet after it in the message
 * name     room for NAME_LEN_MAX octets; what follows the name there is lost
 * len      receives the octets written; may be NULL
 * Returns  SECD_OK, SECD_EMALF (`*pos` and `*len` are untouched)
 */
int name_from_wire(const uint8_t *msg, size_t msg_len, size_t *pos,
		   uint8_t *name, size_t *len);

/**
 * Read presentation format (RFC 1035 section 5.1): `\.` and `\DDD` escapes;
 * a missing last dot is added.
 *
 * name     room for NAME_LEN_MAX octets
 * Returns  SECD_OK, SECD_EMALF
 */
int name_from_text(const char *text, uint8_t *name);

/**
 * Write presentation format, absolute, escaped so that name_from_text reads
 * it back and that no control character is printed.
 *
 * text     room for NAME_TEXT_MAX characters
 * Returns  text
 */
char *name_to_text(const uint8_t *name, char *text);

/** Copy with ASCII letters lower-cased; `lower` may be `name`. */
void name_lower(const uint8_t *name, uint8_t *lower);

bool name_equal(const uint8_t *a, const uint8_t *b);

/** DNSSEC canonical order (RFC 4034 section 6.1): <0, 0, >0. */
int name_compare(const uint8_t *a, const uint8_t *b);

/** True when `name` is `ancestor` or below it. */
bool name_is_in(const uint8_t *name, const uint8_t *ancestor);

/** The name without its first `labels` labels; a pointer into `name`. */
const uint8_t *name_strip(const uint8_t *name, unsigned labels);

/** True when the first label is "*" (RFC 4592 section 2.1.1). */
bool name_is_wildcard(const uint8_t *name);

/**
 * The sort key: memcmp over keys (shorter first when one is a prefix of the
 * other) is canonical order. Labels from the last to the first, lower-case,
 * each ended by 00; inside a label 00 becomes 01 01 and 01 becomes 01 02.
 *
 * key      room for NAME_KEY_MAX octets
 * Returns  octets written; 0 for the root
 */
size_t name_key(const uint8_t *name, uint8_t *key);

/*
 * A hash for every ancestor in one pass: label by label from the root, so
 * that the zone table, the exact lookup and the search for the closest
 * encloser share the work. Keyed, against flooding; the key lives as long as
 * the storage, since images hold tables made with it.
 */
struct name_hash_key {
	uint64_t k[2];
};

struct name_hashes {
	uint8_t count;                      /* labels + 1: the root is last */
	uint8_t offset[NAME_LABEL_MAX + 1]; /* where suffix i starts */
	uint64_t hash[NAME_LABEL_MAX + 1];  /* hash[0]: the whole name */
};

/** Fill `out` for a name that is lower-case already. */
void name_hash_all(const uint8_t *lower, const struct name_hash_key *key,
		   struct name_hashes *out);

/** The hash of one name in any case: name_hash_all's hash[0]. */
uint64_t name_hash(const uint8_t *name, const struct name_hash_key *key);

#endif
