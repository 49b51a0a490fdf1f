/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rotate_rules -- the rules of tsig-rotate's machine (MACHINE_RULE), and the one
 * that does not hold at the moment.
 */

#ifndef TESTS_ROTATE_RULES_H
#define TESTS_ROTATE_RULES_H

enum rotate_rule {
	ROTATE_ALL_HOLD,
	ROTATE_SAVED_BEFORE_EFFECT,
	ROTATE_ONLY_SIGNED_ANSWERS,
	ROTATE_CONFIRMED_BEFORE_ACTIVE,
	ROTATE_WHO_ACCEPTS_SIGNS,
	ROTATE_FOLLOWER_WAITS_FOR_IDLE,
	ROTATE_DRAIN_TAKES_TIME,
	ROTATE_THERE_AFTER_HERE,
	ROTATE_BOTH_ARE_IDLE,
	ROTATE_NOTHING_IS_OVERWRITTEN,
	ROTATE_NEVER_BACK,
	ROTATE_RULE_COUNT,
};

extern enum rotate_rule rotate_broken;

#endif
