/* SPDX-License-Identifier: BSD-2-Clause */

#include "zone/version.h"

#include <assert.h>
#include <stdlib.h>
#include <urcu-qsbr.h>

#include "base/container.h"
#include "base/error.h"
#include "wire/serial.h"
#include "zone/version_rows.h"

/* What readers do not need of a version. */
struct counted {
	struct version version;
	atomic_uint refs;
	struct rcu_head rcu;
};

/* The image's builder and reader both see to it that there is one SOA. */
static void
read_soa(struct version *v)
{
	struct node_reader r;
	struct rr rr;

	node_reader_init(&r, v->apex);
	while (node_reader_next(&r, &rr)) {
		if (rr.type == RR_TYPE_SOA) {
			rr_soa_get(&rr, &v->soa);
			return;
		}
	}
}

/* Once, rather than for each name that is denied: their closest encloser is the
 * apex nearly always. */
static void
find_apex_denial(struct version *v)
{
	const uint8_t *own = node_own_hash(v->apex);
	const uint8_t *star_hash = node_star_hash(v->apex);
	uint8_t star[NAME_LEN_MAX + 2] = {1, '*'};
	const struct node *n;
	bool match;

	if (v->denial == IMAGE_NSEC && v->apex->owner_len + 2 <= NAME_LEN_MAX) {
		name_lower(v->apex->owner, star + 2);
		v->star_denial = version_nsec_for(v, star);
	}
	if (v->denial == IMAGE_NSEC3 && own != NULL && star_hash != NULL) {
		n = version_nsec3_for(v, own, &match);
		v->apex_nsec3 = match ? n : NULL;
		v->star_denial = version_nsec3_for(v, star_hash, &match);
	}
}

int
version_new(uint64_t seq, struct image *im, struct layer *const *layers,
	    unsigned count, struct version **out)
{
	struct counted *c = calloc(1, sizeof(*c));
	struct version *v;
	int rc;

	assert(count <= VERSION_LAYERS_MAX);
	if (c == NULL) {
		return SECD_ENOMEM;
	}
	v = &c->version;
	v->seq = seq;
	v->image = image_ref(im);
	v->denial = image_denial(im);
	v->apex = image_apex_node(im);
	v->record_count = image_record_count(im);
	v->layer_count = count;
	for (unsigned i = 0; i < count; i++) {
		assert(image_denial(layer_image(layers[i])) == v->denial);
		v->layers[i] = layer_ref(layers[i]);
		v->in_layer[i] = layer_image(layers[i]);
		v->apex = image_apex_node(v->in_layer[i]);
		v->record_count += (uint64_t)layer_record_delta(layers[i]);
	}
	read_soa(v);
	find_apex_denial(v);
	atomic_init(&c->refs, 1);
	rc = version_rows_init(v);
	if (rc != SECD_OK) {
		version_unref(v);
		return rc;
	}
	*out = v;
	return SECD_OK;
}

int
version_new_take(uint64_t seq, struct image *im, struct version **out)
{
	int rc = version_new(seq, im, NULL, 0, out);

	if (rc == SECD_OK) {
		image_unref(im);
	}
	return rc;
}

struct version *
version_ref(struct version *v)
{
	struct counted *c = container_of(v, struct counted, version);

	atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
	return v;
}

void
version_unref(struct version *v)
{
	struct counted *c;

	if (v == NULL) {
		return;
	}
	c = container_of(v, struct counted, version);
	if (atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1) {
		return;
	}
	for (unsigned i = 0; i < v->layer_count; i++) {
		layer_unref(v->layers[i]);
	}
	image_unref(v->image);
	free(v->rows);
	free(c);
}

uint64_t
version_seq(const struct version *v)
{
	return v->seq;
}

uint32_t
version_serial(const struct version *v)
{
	return v->soa.serial;
}

const struct rr_soa *
version_soa(const struct version *v)
{
	return &v->soa;
}

uint64_t
version_record_count(const struct version *v)
{
	return v->record_count;
}

/* What nodes have besides records whose first owner is a pointer: heads of their
 * own and of one rrset or two, padding, hashes, and of the owner what others have
 * as well. Names that are occluded, or cuts, have less of hashes. */
static uint64_t
node_overhead(const struct version *v, uint64_t nodes)
{
	uint64_t denials = image_denial_count(v->image);
	uint64_t overhead = nodes * (sizeof(struct node) + v->apex->owner_len +
				     6 + sizeof(struct rrset));

	if (v->denial == IMAGE_NSEC) {
		overhead += denials * (sizeof(struct rrset) + 2);
	} else if (v->denial == IMAGE_NSEC3) {
		uint64_t hashes = nodes - denials < 2 * denials
				      ? nodes - denials
				      : 2 * denials;

		overhead += hashes * NODE_NSEC3_HASH_LEN;
	}
	return overhead;
}

uint64_t
version_transfer_octets(const struct version *v)
{
	uint64_t octets = image_node_octets(v->image);
	uint64_t records = image_record_count(v->image);
	uint64_t overhead = node_overhead(v, image_node_count(v->image));

	/* Whatever overhead may be, there are records of at least 12 octets. */
	octets =
	    octets > overhead + 12 * records ? octets - overhead : 12 * records;
	/* Layers change a part of the image: as many more, as many octets. */
	return records == 0
		   ? octets
		   : (uint64_t)((double)octets * (double)v->record_count /
				(double)records);
}

const struct image *
version_image(const struct version *v)
{
	return v->image;
}

unsigned
version_layer_count(const struct version *v)
{
	return v->layer_count;
}

struct layer *
version_layer(const struct version *v, unsigned i)
{
	return v->layers[i];
}

/*
 * What rcu_dereference and rcu_xchg_pointer are, in the compiler's own terms:
 * then the thread sanitizer sees how a version gets from thread to thread.
 */
struct version *
zone_version(const struct zone *z)
{
	return __atomic_load_n(&z->version, __ATOMIC_ACQUIRE);
}

#define HAS_DAMAGE ((uint64_t)1 << 32)

void
zone_note_damage(struct zone *z, uint32_t from)
{
	if (!zone_is_damaged_from(z, from)) {
		atomic_store_explicit(&z->damaged_from, HAS_DAMAGE | from,
				      memory_order_relaxed);
	}
}

bool
zone_is_damaged_from(const struct zone *z, uint32_t from)
{
	uint64_t damage =
	    atomic_load_explicit(&z->damaged_from, memory_order_relaxed);

	return (damage & HAS_DAMAGE) != 0 &&
	       !serial_is_newer(from, (uint32_t)damage);
}

static void
drop(struct rcu_head *head)
{
	version_unref(&container_of(head, struct counted, rcu)->version);
}

void
zone_publish_take(struct zone *z, struct version *v)
{
	struct version *old =
	    __atomic_exchange_n(&z->version, v, __ATOMIC_ACQ_REL);

	if (old != NULL) {
		call_rcu(&container_of(old, struct counted, version)->rcu,
			 drop);
	}
}
