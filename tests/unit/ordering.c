/* SPDX-License-Identifier: BSD-2-Clause */

#include "ordering.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/error.h"
#include "placing.h"

const struct request *
ordering_request(const char *name, const char *body)
{
	static const struct keytext_key keys[] = {
	    {"p1-a.", "hmac-sha256", (const uint8_t *)"aaaaaaaaaaaaaaaa", 16},
	    {"p1-b.", "hmac-sha256", (const uint8_t *)"bbbbbbbbbbbbbbbb", 16},
	};
	static struct secd_option option;
	static struct request r;

	option = (struct secd_option){.key = "program",
				      .value = placing_script(name, body)};
	r = (struct request){
	    .dir = placing_path("marks"),
	    .timeout_ms = placing.timeout_ms,
	    .adapter = &adapter_command,
	    .settings = {.adapter = "command",
			 .known = adapter_command.settings,
			 .said = &option,
			 .count = 1},
	    .keys = keys,
	    .key_count = 2,
	};
	return &r;
}

void
ordering_octets(const char *name, const char *body, uint8_t **out, size_t *len)
{
	assert_int_equal(request_write(ordering_request(name, body), out, len),
			 SECD_OK);
}
