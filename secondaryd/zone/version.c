/* SPDX-License-Identifier: BSD-2-Clause */

#include "zone/version.h"

#include <stdlib.h>
#include <urcu-qsbr.h>

#include "base/container.h"
#include "base/error.h"

struct version {
	uint64_t seq;
	struct image *image;
	struct rr_soa soa;
	atomic_uint refs;
	struct rcu_head rcu;
};

/* The image's builder and reader both see to it that there is one SOA. */
static void
read_soa(const struct image *im, struct rr_soa *soa)
{
	static const struct rr_soa none;
	const struct node *apex = image_apex_node(im);
	struct node_reader r;
	struct rr rr;

	*soa = none;
	node_reader_init(&r, apex);
	while (node_reader_next(&r, &rr)) {
		if (rr.type == RR_TYPE_SOA) {
			rr_soa_get(&rr, soa);
			return;
		}
	}
}

int
version_new_take(uint64_t seq, struct image *im, struct version **out)
{
	struct version *v = calloc(1, sizeof(*v));

	if (v == NULL) {
		return SECD_ENOMEM;
	}
	v->seq = seq;
	v->image = im;
	read_soa(im, &v->soa);
	atomic_init(&v->refs, 1);
	*out = v;
	return SECD_OK;
}

struct version *
version_ref(struct version *v)
{
	atomic_fetch_add_explicit(&v->refs, 1, memory_order_relaxed);
	return v;
}

void
version_unref(struct version *v)
{
	if (v == NULL ||
	    atomic_fetch_sub_explicit(&v->refs, 1, memory_order_acq_rel) != 1) {
		return;
	}
	image_unref(v->image);
	free(v);
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

const struct image *
version_image(const struct version *v)
{
	return v->image;
}

const struct node *
version_apex(const struct version *v)
{
	return image_apex_node(v->image);
}

const struct node *
version_find(const struct version *v, const uint8_t *lower, size_t len,
	     uint64_t hash)
{
	return image_find(v->image, lower, len, hash);
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

static void
drop(struct rcu_head *head)
{
	version_unref(container_of(head, struct version, rcu));
}

void
zone_publish_take(struct zone *z, struct version *v)
{
	struct version *old =
	    __atomic_exchange_n(&z->version, v, __ATOMIC_ACQ_REL);

	if (old != NULL) {
		call_rcu(&old->rcu, drop);
	}
}
