/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/module_basics.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "wire/rr_text.h"

void
module_basics_clock(void *ctx, struct secd_time *out)
{
	struct timespec t;

	(void)ctx;
	clock_gettime(CLOCK_REALTIME, &t);
	out->wall_ms = (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
	out->boot_ms = clock_boot_ms();
}

int
module_basics_record_text(void *ctx, const struct secd_entry *e, char *out,
			  size_t cap)
{
	const struct rr rr = {
	    .owner = e->owner,
	    .rdata = e->rdata,
	    .ttl = e->ttl,
	    .type = e->type,
	    .rdlen = e->rdata_len,
	};

	(void)ctx;
	return name_check(e->owner, e->owner_len) != e->owner_len
		   ? SECD_EMALF
		   : rr_text(&rr, clock_wall_s(), out, cap);
}

void *
module_basics_secret_new(void *ctx, size_t len)
{
	(void)ctx;
	return len == 0 ? NULL : secret_new(len);
}

void
module_basics_secret_free(void *ctx, void *secret, size_t len)
{
	(void)ctx;
	secret_free(secret, len);
}
