/* SPDX-License-Identifier: BSD-2-Clause */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "conf_dir.h"

static void
modules_are_kept_in_order(void **state)
{
	struct conf_dir *d = *state;
	const struct config *c =
	    conf_dir_accept(d, CONF_SERVER "module:\n"
					   "  - id: tsig-rotate\n"
					   "  - id: journal\n"
					   "    file: ixfr-journal.so\n"
					   "    config: journal.conf\n"
					   "  - id: own\n"
					   "    file: /opt/own.so\n");
	char expected[TEMP_DIR_MAX + 32];

	assert_int_equal(c->module_count, 3);
	assert_string_equal(c->modules[0].id, "tsig-rotate");
	assert_string_equal(c->modules[0].file,
			    SECD_MODULEDIR "/tsig-rotate.so");
	assert_null(c->modules[0].config);
	assert_string_equal(c->modules[1].file,
			    SECD_MODULEDIR "/ixfr-journal.so");
	snprintf(expected, sizeof(expected), "%s/journal.conf", d->path);
	assert_string_equal(c->modules[1].config, expected);
	assert_string_equal(c->modules[2].file, "/opt/own.so");
}

static void
without_a_section_there_is_no_module(void **state)
{
	assert_int_equal(conf_dir_accept(*state, CONF_SERVER)->module_count, 0);
}

static void
what_names_no_module_is_refused(void **state)
{
	struct conf_dir *d = *state;

	conf_dir_refuse(d, CONF_SERVER "module:\n  - id: Journal\n",
			"4: bad module id \"Journal\": expected at most 63 "
			"lower-case letters, digits and hyphens");
	conf_dir_refuse(d, CONF_SERVER "module:\n  - id: ../x\n",
			"4: bad module id \"../x\": expected at most 63 "
			"lower-case letters, digits and hyphens");
	conf_dir_refuse(d, CONF_SERVER "module:\n  - id: a\n    file: b/c.so\n",
			"5: bad value \"b/c.so\" for \"file\": expected the "
			"name of a file in " SECD_MODULEDIR
			", or an absolute path");
	conf_dir_refuse(d, CONF_SERVER "module:\n  - id: a\n  - id: a\n",
			"5: module \"a\" is there twice");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(modules_are_kept_in_order,
					    conf_dir_setup, conf_dir_teardown),
	    cmocka_unit_test_setup_teardown(
		without_a_section_there_is_no_module, conf_dir_setup,
		conf_dir_teardown),
	    cmocka_unit_test_setup_teardown(what_names_no_module_is_refused,
					    conf_dir_setup, conf_dir_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
