/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * module_sockaddr -- addresses as secondaryd/module.h has them, and as the
 * system does.
 */

#ifndef SECD_SERVER_MODULE_SOCKADDR_H
#define SECD_SERVER_MODULE_SOCKADDR_H

#include <stdbool.h>
#include <sys/socket.h>

#include "secondaryd/module.h"

/** a  NULL, or of another family: family 0 */
struct secd_address module_sockaddr_of(const struct sockaddr_storage *a);

/** The same address, its port unknown, as that of a client is of no interest. */
struct secd_address module_sockaddr_host(const struct sockaddr_storage *a);

/** False: it is none, or of a family that is not known. */
bool module_sockaddr_to(const struct secd_address *a,
			struct sockaddr_storage *out);

#endif
