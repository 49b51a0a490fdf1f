/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * module_address -- addresses as they cross the border between host and module:
 * for people, and to compare.
 */

#ifndef SECD_BASE_MODULE_ADDRESS_H
#define SECD_BASE_MODULE_ADDRESS_H

#include <stdbool.h>

#include "secondaryd/module.h"

#define MODULE_ADDRESS_TEXT_MAX 64 /* address, '@', port, NUL */

/**
 * Read "ADDRESS" or "ADDRESS@PORT".
 *
 * port     where none is said
 * Returns  whether it is one; otherwise `out` is untouched
 */
bool module_address_read(const char *text, uint16_t port,
			 struct secd_address *out);

/** "192.0.2.1@53"; "192.0.2.1" with port 0; "" for none. Room for
 * MODULE_ADDRESS_TEXT_MAX. Returns text. */
char *module_address_text(const struct secd_address *a, char *text);

/** The same address, whatever the port; IPv4-mapped IPv6 counts as IPv4. Not
 * true of none. */
bool module_address_same_host(const struct secd_address *a,
			      const struct secd_address *b);

#endif
