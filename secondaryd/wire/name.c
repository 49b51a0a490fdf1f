/* SPDX-License-Identifier: BSD-2-Clause */

#include "wire/name.h"

#include <string.h>

#include "base/error.h"
#include "wire/chunk.h"

/*
 * Strictly backwards ends every chain, but a message of pointers to pointers
 * would still cost thousands of steps a name. One pointer a label is all that
 * an encoder can use.
 */
#define POINTERS_MAX (NAME_LABEL_MAX + 1)

size_t
name_check(const uint8_t *octets, size_t left)
{
	size_t len = 0;

	if (left > NAME_LEN_MAX) {
		left = NAME_LEN_MAX;
	}
	while (len < left && octets[len] != 0) {
		if (octets[len] > 63) {
			return 0;
		}
		len += octets[len] + 1u;
	}
	return len < left ? len + 1 : 0;
}

size_t
name_len(const uint8_t *name)
{
	const uint8_t *p = name;

	while (*p != 0) {
		p += *p + 1;
	}
	return (size_t)(p - name) + 1;
}

unsigned
name_label_count(const uint8_t *name)
{
	unsigned count = 0;

	for (; *name != 0; name += *name + 1) {
		count++;
	}
	return count;
}

/* Copy len octets; may write more of them within the two limits. */
static inline void
copy_run(uint8_t *to, size_t to_room, const uint8_t *from, size_t from_room,
	 size_t len)
{
	size_t rounded = (len + 15) & ~(size_t)15;

	if (rounded > to_room || rounded > from_room) {
		memcpy(to, from, len);
		return;
	}
	/* Names are short: a call to memcpy costs more than this loop. */
	for (size_t i = 0; i < len; i += 16) {
		memcpy(to + i, from + i, 16);
	}
}

int
name_from_wire(const uint8_t *msg, size_t msg_len, size_t *pos, uint8_t *name,
	       size_t *len)
{
	size_t run = *pos; /* where the labels now read started */
	size_t at = run, out = 0, after = 0;
	unsigned pointers = 0;

	for (;;) {
		size_t run_len;
		uint8_t c;

		if (at >= msg_len || at - run > NAME_LEN_MAX) {
			return SECD_EMALF;
		}
		c = msg[at];
		if (c != 0 && c < 64) {
			at += (size_t)c + 1;
			continue;
		}
		run_len = at - run + (c == 0);
		if ((c != 0 && c < 192) || run_len > NAME_LEN_MAX - out) {
			return SECD_EMALF;
		}
		copy_run(name + out, NAME_LEN_MAX - out, msg + run,
			 msg_len - run, run_len);
		out += run_len;
		if (c == 0) {
			break;
		}
		if (msg_len - at < 2 || ++pointers > POINTERS_MAX) {
			return SECD_EMALF;
		}
		if (after == 0) {
			after = at + 2;
		}
		at = get_u16(msg + at) & 0x3fff;
		if (at >= run) {
			return SECD_EMALF;
		}
		run = at;
	}
	*pos = after != 0 ? after : at + 1;
	if (len != NULL) {
		*len = out;
	}
	return SECD_OK;
}

void
name_lower(const uint8_t *name, uint8_t *lower)
{
	size_t len = name_len(name);

	if (len < CHUNK_LEN) {
		for (size_t i = 0; i < len; i++) {
			lower[i] = octet_lower(name[i]);
		}
		return;
	}
	for (size_t i = 0; i < len; i += CHUNK_LEN) {
		/* The last chunk overlaps the one before it. */
		size_t at = i < len - CHUNK_LEN ? i : len - CHUNK_LEN;
		uint64_t v = chunk_lower(chunk_load(name + at));

		memcpy(lower + at, &v, sizeof(v));
	}
}

/* Two names of the same length; folds length octets too, which is harmless. */
static bool
octets_equal(const uint8_t *a, const uint8_t *b, size_t len)
{
	if (len < CHUNK_LEN) {
		for (size_t i = 0; i < len; i++) {
			if (octet_lower(a[i]) != octet_lower(b[i])) {
				return false;
			}
		}
		return true;
	}
	for (size_t i = 0; i < len; i += CHUNK_LEN) {
		/* The last chunk overlaps the one before it. */
		size_t at = i < len - CHUNK_LEN ? i : len - CHUNK_LEN;
		uint64_t va = chunk_load(a + at), vb = chunk_load(b + at);

		if (va != vb && chunk_lower(va) != chunk_lower(vb)) {
			return false;
		}
	}
	return true;
}

bool
name_equal(const uint8_t *a, const uint8_t *b)
{
	size_t len = name_len(a);

	return len == name_len(b) && octets_equal(a, b, len);
}

bool
name_is_in(const uint8_t *name, const uint8_t *ancestor)
{
	size_t len = name_len(name);
	size_t ancestor_len = name_len(ancestor);

	while (len > ancestor_len) {
		len -= *name + 1u;
		name += *name + 1;
	}
	return len == ancestor_len && octets_equal(name, ancestor, len);
}

const uint8_t *
name_strip(const uint8_t *name, unsigned labels)
{
	while (labels > 0 && *name != 0) {
		name += *name + 1;
		labels--;
	}
	return name;
}

bool
name_is_wildcard(const uint8_t *name)
{
	return name[0] == 1 && name[1] == '*';
}

/* Where each label starts; returns how many. `end` receives the name's end. */
static unsigned
find_labels(const uint8_t *name, uint8_t *starts, const uint8_t **end)
{
	const uint8_t *p = name;
	unsigned count = 0;

	for (; *p != 0; p += *p + 1) {
		starts[count++] = (uint8_t)(p - name);
	}
	*end = p + 1;
	return count;
}

/* One name taken apart for name_compare. */
struct labels {
	const uint8_t *name;
	const uint8_t *end;
	uint8_t starts[NAME_LABEL_MAX];
};

static int
compare_label(const struct labels *a, const uint8_t *la, const struct labels *b,
	      const uint8_t *lb)
{
	size_t len = *la < *lb ? *la : *lb;

	for (size_t i = 0; i < len; i += CHUNK_LEN) {
		size_t n = len - i < CHUNK_LEN ? len - i : CHUNK_LEN;
		uint64_t va = chunk_part(la + 1 + i, n, a->name, a->end);
		uint64_t vb = chunk_part(lb + 1 + i, n, b->name, b->end);

		if (va == vb) {
			continue;
		}
		va = chunk_lower(va);
		vb = chunk_lower(vb);
		if (va != vb) {
			return va < vb ? -1 : 1;
		}
	}
	return (int)*la - (int)*lb;
}

int
name_compare(const uint8_t *a, const uint8_t *b)
{
	struct labels la, lb;
	unsigned i, j;

	la.name = a;
	lb.name = b;
	i = find_labels(a, la.starts, &la.end);
	j = find_labels(b, lb.starts, &lb.end);
	while (i > 0 && j > 0) {
		int order;

		i--;
		j--;
		order =
		    compare_label(&la, a + la.starts[i], &lb, b + lb.starts[j]);
		if (order != 0) {
			return order;
		}
	}
	return (int)i - (int)j;
}

/* Append n octets of a label to the key at `out`; returns the key's new end. */
static uint8_t *
put_escaped(uint8_t *out, uint64_t v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint8_t c = (uint8_t)(v >> (56 - 8 * i));

		if (c <= 1) {
			*out++ = 1;
			c++;
		}
		*out++ = c;
	}
	return out;
}

size_t
name_key(const uint8_t *name, uint8_t *key)
{
	uint8_t starts[NAME_LABEL_MAX];
	const uint8_t *end;
	uint8_t *out = key;
	unsigned i = find_labels(name, starts, &end);

	while (i-- > 0) {
		const uint8_t *label = name + starts[i];
		size_t len = *label++;

		while (len > 0) {
			size_t n = len < CHUNK_LEN ? len : CHUNK_LEN;
			uint64_t v = chunk_part(label, n, name, end);
			/* What is behind the label must not look like 00. */
			uint64_t w =
			    n < CHUNK_LEN ? v | UINT64_MAX >> 8 * n : v;

			v = chunk_lower(v);
			if (((w - CHUNK_ALL * 2) & ~w & CHUNK_ALL * 0x80) !=
			    0) {
				out = put_escaped(out, v, n);
			} else {
				/* Up to 7 too many, for which there is room:
				 * 504 octets hold a key even when all is
				 * escaped, and these are not. */
				put_u64(out, v);
				out += n;
			}
			label += n;
			len -= n;
		}
		*out++ = 0;
	}
	return (size_t)(out - key);
}
