/* SPDX-License-Identifier: BSD-2-Clause */

#include "zone/node_write.h"

#include <string.h>

#include "base/error.h"
#include "base/octets.h"

#define RR_HEAD_LEN 12
#define WIRE_MAX    UINT16_MAX /* octets of RRs and glue with fixups */

/* What stands where a pointer will be; readers of names know it by this. */
static const uint8_t pointer[2] = {0xc0, 0x00};

void
node_write_fini(struct node_write *w)
{
	buf_fini(&w->node);
	buf_fini(&w->wire);
	buf_fini(&w->fixups);
	buf_fini(&w->targets);
}

static uint64_t
uncompressed_len(const struct rr *rrs, size_t count)
{
	uint64_t len = 0;

	for (size_t i = 0; i < count; i++) {
		len += RR_HEAD_LEN + (uint64_t)rrs[i].rdlen;
	}
	return len;
}

bool
node_write_takes_glue(const struct owner_set *set, const struct owner_rrset *ns)
{
	return uncompressed_len(set->rrs + ns->first, ns->count) <=
	       NODE_COMPRESS_MAX;
}

/* Which suffixes of the owner names may point to. */
static void
mark_owner(struct node_write *w, const uint8_t *owner)
{
	const uint8_t *end = owner + name_len(owner);

	memset(w->owner_suffix, 0, sizeof(w->owner_suffix));
	if (name_is_wildcard(owner)) {
		owner = name_strip(owner, 1); /* "*" is not in the QNAME */
	}
	for (; *owner != 0; owner = name_strip(owner, 1)) {
		w->owner_suffix[end - owner] = true;
	}
}

/* What a name may point to instead of being written; 0: nothing. */
static uint16_t
find_suffix(const struct node_write *w, const uint8_t *name, size_t len)
{
	const uint8_t *owner = w->spec->owner;

	if (w->owner_suffix[len] &&
	    memcmp(owner + name_len(owner) - len, name, len) == 0) {
		return (uint16_t)len;
	}
	for (size_t i = 0; i < w->suffix_count; i++) {
		const struct node_write_suffix *s = &w->suffixes[i];

		if (s->len == len && memcmp(s->name, name, len) == 0) {
			return (uint16_t)(FIXUP_IN_RRSET | s->at);
		}
	}
	return 0;
}

static void
remember_suffix(struct node_write *w, const uint8_t *name, size_t len,
		size_t at)
{
	if (w->suffix_count < NODE_WRITE_SUFFIXES) {
		w->suffixes[w->suffix_count++] = (struct node_write_suffix){
		    .name = name,
		    .at = (uint16_t)at,
		    .len = (uint8_t)len,
		};
	}
}

static int
put_pointer(struct node_write *w, uint16_t target)
{
	struct fixup f = {.at = (uint16_t)w->wire.len, .target = target};
	int rc = buf_put(&w->fixups, &f, sizeof(f));

	return rc != SECD_OK ? rc : buf_put(&w->wire, pointer, sizeof(pointer));
}

/*
 * Append a name, compressed. Octets are compared with their case, so that a
 * record read back is the record that came.
 */
static int
put_name(struct node_write *w, const uint8_t *name, size_t len)
{
	const uint8_t *end = name + len, *suffix = name;
	size_t at = w->wire.len;
	uint16_t target = 0;
	int rc;

	while (*suffix != 0) {
		target = find_suffix(w, suffix, (size_t)(end - suffix));
		if (target != 0) {
			break;
		}
		suffix += *suffix + 1;
	}
	for (const uint8_t *p = name; p < suffix; p += *p + 1) {
		remember_suffix(w, p, (size_t)(end - p),
				at + (size_t)(p - name));
	}
	rc = buf_put(&w->wire, name, (size_t)(suffix - name));
	if (rc != SECD_OK) {
		return rc;
	}
	return target != 0 ? put_pointer(w, target) : buf_put(&w->wire, "", 1);
}

/* Where a glue record's owner, this NS record's target, can be pointed to. */
static int
put_target(struct node_write *w, size_t rdata_at)
{
	size_t count = w->fixups.len / sizeof(struct fixup);
	uint16_t target = (uint16_t)(FIXUP_IN_RRSET | rdata_at);
	struct fixup last;

	if (count > 0) {
		memcpy(&last, w->fixups.data + (count - 1) * sizeof(last),
		       sizeof(last));
		/* No pointers to pointers. */
		target = last.at == rdata_at ? last.target : target;
	}
	return buf_put(&w->targets, &target, sizeof(target));
}

static int
put_rdata(struct node_write *w, const struct rr *rr)
{
	struct rr_span span[2];
	int names = 0, rc = SECD_OK;
	size_t at = 0;

	if (!w->plain && rr_is_compressible(rr->type)) {
		names = rr_names(rr->type, rr->rdata, rr->rdlen, span, 2);
	}
	for (int i = 0; i < names && rc == SECD_OK; i++) {
		rc = buf_put(&w->wire, rr->rdata + at, span[i].at - at);
		if (rc == SECD_OK) {
			rc = put_name(w, rr->rdata + span[i].at, span[i].len);
		}
		at = (size_t)span[i].at + span[i].len;
	}
	return rc != SECD_OK
		   ? rc
		   : buf_put(&w->wire, rr->rdata + at, rr->rdlen - at);
}

static void
fill_head(uint8_t *head, uint16_t type, uint32_t ttl)
{
	head[0] = 0xc0; /* the QNAME, when that is the owner */
	head[1] = 0x0c;
	put_u16(head + 2, type);
	put_u16(head + 4, RR_CLASS_IN);
	put_u32(head + 6, ttl);
	put_u16(head + 10, 0);
}

static int
put_rr(struct node_write *w, const struct rr *rr)
{
	uint8_t head[RR_HEAD_LEN];
	size_t start = w->wire.len + RR_HEAD_LEN;
	int rc;

	fill_head(head, rr->type, rr->ttl);
	rc = buf_put(&w->wire, head, sizeof(head));
	if (rc == SECD_OK) {
		rc = put_rdata(w, rr);
	}
	if (rc != SECD_OK) {
		return rc;
	}
	put_u16(w->wire.data + start - 2, (uint16_t)(w->wire.len - start));
	if (rr->type == RR_TYPE_NS && !w->plain && w->spec->glue_count > 0) {
		return put_target(w, start);
	}
	return SECD_OK;
}

static int
put_glue_rr(struct node_write *w, const struct node_glue *g)
{
	uint8_t head[RR_HEAD_LEN];
	uint16_t target;
	int rc;

	memcpy(&target, w->targets.data + g->ns * sizeof(target),
	       sizeof(target));
	fill_head(head, g->type, g->ttl);
	put_u16(head + 10, g->rdlen);
	rc = put_pointer(w, target);
	if (rc == SECD_OK) {
		rc = buf_put(&w->wire, head + 2, sizeof(head) - 2);
	}
	return rc != SECD_OK
		   ? rc
		   : buf_put(&w->wire, w->spec->glue_rdata + g->rdata_at,
			     g->rdlen);
}

/* As much glue as fits: whole addresses, never a part of one. */
static int
put_glue(struct node_write *w, struct rrset *head)
{
	size_t start = w->wire.len;

	for (size_t i = 0; i < w->spec->glue_count; i++) {
		const struct node_glue *g = &w->spec->glue[i];
		int rc;

		if (w->wire.len + RR_HEAD_LEN + g->rdlen > WIRE_MAX) {
			break;
		}
		rc = put_glue_rr(w, g);
		if (rc != SECD_OK) {
			return rc;
		}
		head->glue_count++;
	}
	head->glue_len = (uint16_t)(w->wire.len - start);
	return SECD_OK;
}

static int
put_rrs(struct node_write *w, const struct rr *rrs, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int rc = put_rr(w, &rrs[i]);

		if (rc != SECD_OK) {
			return rc;
		}
	}
	return SECD_OK;
}

static int
align(struct buf *b, size_t to)
{
	static const uint8_t zeros[8];

	return buf_put(b, zeros, (to - b->len % to) % to);
}

static int
put_wire(struct node_write *w, const struct owner_rrset *s, struct rrset *head)
{
	const struct rr *rrs = w->spec->set->rrs + s->first;
	size_t sigs_at;
	int rc;

	buf_clear(&w->wire);
	buf_clear(&w->fixups);
	buf_clear(&w->targets);
	w->suffix_count = 0;
	w->plain = uncompressed_len(rrs, s->count) > NODE_COMPRESS_MAX;
	rc = put_rrs(w, rrs, s->count);
	head->wire_len = (uint32_t)w->wire.len;
	if (rc == SECD_OK && s->type == RR_TYPE_NS && !w->plain) {
		rc = put_glue(w, head);
	}
	sigs_at = w->wire.len;
	if (rc == SECD_OK) {
		rc = put_rrs(w, rrs + s->count, s->sig_count);
	}
	head->sig_len = (uint32_t)(w->wire.len - sigs_at);
	return rc;
}

static int
put_rrset(struct node_write *w, const struct owner_rrset *s)
{
	const struct rr *rrs = w->spec->set->rrs + s->first;
	struct rrset head = {
	    .type = s->type,
	    .count = (uint16_t)s->count,
	    .sig_count = (uint16_t)s->sig_count,
	};
	int rc;

	if (s->count > UINT16_MAX || s->sig_count > UINT16_MAX ||
	    uncompressed_len(rrs, s->count + s->sig_count) > UINT32_MAX / 2) {
		return SECD_ELIMIT;
	}
	rc = put_wire(w, s, &head);
	if (rc != SECD_OK) {
		return rc;
	}
	head.fixup_count = (uint16_t)(w->fixups.len / sizeof(struct fixup));
	rc = buf_put(&w->node, &head, sizeof(head));
	if (rc == SECD_OK) {
		rc = buf_put(&w->node, w->fixups.data, w->fixups.len);
	}
	if (rc == SECD_OK) {
		rc = buf_put(&w->node, w->wire.data, w->wire.len);
	}
	return rc != SECD_OK ? rc : align(&w->node, 4);
}

static int
put_node_head(struct node_write *w, const struct node_spec *spec)
{
	struct node head = {
	    .flags = spec->flags,
	    .owner_len = (uint8_t)name_len(spec->owner),
	    .label_count = (uint8_t)name_label_count(spec->owner),
	    .barrier_labels = spec->barrier_labels,
	};
	int rc;

	buf_clear(&w->node);
	rc = buf_put(&w->node, &head, sizeof(head));
	if (rc == SECD_OK) {
		rc = buf_put(&w->node, spec->owner, head.owner_len);
	}
	if (rc == SECD_OK && (spec->flags & NODE_OWN_HASH) != 0) {
		rc = buf_put(&w->node, spec->own_hash, NODE_NSEC3_HASH_LEN);
	}
	if (rc == SECD_OK && (spec->flags & NODE_STAR_HASH) != 0) {
		rc = buf_put(&w->node, spec->star_hash, NODE_NSEC3_HASH_LEN);
	}
	return rc != SECD_OK ? rc : align(&w->node, 4);
}

int
node_write(struct node_write *w, const struct node_spec *spec,
	   const struct node **out)
{
	size_t count = spec->set == NULL ? 0 : spec->set->rrset_count;
	struct node *n;
	int rc;

	if (count > UINT16_MAX) {
		return SECD_ELIMIT;
	}
	w->spec = spec;
	mark_owner(w, spec->owner);
	rc = put_node_head(w, spec);
	for (size_t i = 0; i < count && rc == SECD_OK; i++) {
		rc = put_rrset(w, &spec->set->rrsets[i]);
	}
	if (rc == SECD_OK) {
		rc = align(&w->node, 8);
	}
	if (rc != SECD_OK) {
		return rc;
	}
	if (w->node.len > UINT32_MAX) {
		return SECD_ELIMIT;
	}
	n = (void *)w->node.data;
	n->len = (uint32_t)w->node.len;
	n->rrset_count = (uint16_t)count;
	*out = n;
	return SECD_OK;
}
