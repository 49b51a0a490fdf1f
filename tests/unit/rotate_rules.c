/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine itself, with rules that can be broken.
 */

#include "rotate_rules.h"

enum rotate_rule rotate_broken;

#define MACHINE_RULE(name, holds) (rotate_broken == ROTATE_##name || (holds))

#include "tsig-rotate/machine.c"
#include "tsig-rotate/machine_ask.c"
#include "tsig-rotate/machine_event.c"
#include "tsig-rotate/machine_ring.c"
