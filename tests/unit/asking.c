/* SPDX-License-Identifier: BSD-2-Clause */

#include "asking.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "zonefile.h"

struct asking asking;

int
asking_start(void **state)
{
	(void)state;
	asking.params = (struct xfr_in_params){
	    .apex = zonefile_name("Example.", asking.apex),
	    .id = TALK_ID,
	    .question = XFR_IN_ASK_AXFR,
	    .policy = XFR_IN_ANY,
	    .serial = 5,
	    .spool_dir = "/tmp",
	    .spool_chunk = 1 << 16,
	};
	asking.x = NULL;
	return 0;
}

int
asking_stop(void **state)
{
	(void)state;
	xfr_in_free(asking.x);
	return 0;
}

void
asking_ask(enum xfr_in_question question)
{
	asking.params.question = question;
	assert_int_equal(xfr_in_new(&asking.params, &asking.x), SECD_OK);
}

enum xfr_in_verdict
asking_give(void)
{
	return xfr_in_message(asking.x, asking.m.wire, asking.m.len);
}

enum xfr_in_verdict
asking_say(uint16_t qtype, const char *text)
{
	talk_say(&asking.m, qtype, text);
	return asking_give();
}

enum xfr_in_outcome
asking_outcome(void)
{
	return xfr_in_result(asking.x)->outcome;
}

void
asking_assert_refused(enum failure failure, const char *text)
{
	assert_int_equal(xfr_in_result(asking.x)->failure, failure);
	assert_int_equal(asking_outcome(), XFR_IN_NOTHING);
	if (strstr(xfr_in_result(asking.x)->text, text) == NULL) {
		fail_msg("\"%s\" is not about \"%s\"",
			 xfr_in_result(asking.x)->text, text);
	}
	assert_null(xfr_in_take_spool(asking.x));
}
