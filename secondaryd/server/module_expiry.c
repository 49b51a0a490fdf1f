/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/module_expiry.h"

#include <stdatomic.h>
#include <stdlib.h>

struct module_expiry {
	atomic_uint refs;
	atomic_bool is_expired;
	atomic_int_fast64_t at_ms;
};

struct module_expiry *
module_expiry_new(void)
{
	struct module_expiry *x = calloc(1, sizeof(*x));

	if (x != NULL) {
		atomic_init(&x->refs, 1);
		atomic_init(&x->at_ms, MODULE_EXPIRY_NEVER);
	}
	return x;
}

struct module_expiry *
module_expiry_ref(struct module_expiry *x)
{
	if (x != NULL) {
		atomic_fetch_add_explicit(&x->refs, 1, memory_order_relaxed);
	}
	return x;
}

void
module_expiry_unref(struct module_expiry *x)
{
	if (x != NULL && atomic_fetch_sub(&x->refs, 1) == 1) {
		free(x);
	}
}

/* A reader between the two is as right as one before or after. */
void
module_expiry_set(struct module_expiry *x, int64_t at_ms, bool is_expired)
{
	if (x != NULL) {
		atomic_store_explicit(&x->at_ms, at_ms, memory_order_relaxed);
		atomic_store_explicit(&x->is_expired, is_expired,
				      memory_order_relaxed);
	}
}

int64_t
module_expiry_at(const struct module_expiry *x)
{
	return x == NULL
		   ? MODULE_EXPIRY_NEVER
		   : atomic_load_explicit(&x->at_ms, memory_order_relaxed);
}

bool
module_expiry_is_past(const struct module_expiry *x)
{
	return x != NULL &&
	       atomic_load_explicit(&x->is_expired, memory_order_relaxed);
}
