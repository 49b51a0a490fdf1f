/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verify_request -- the TSIG of a request, by the keys in force.
 *
 * What became of it is added to the evidence when the key is a module's.
 */

#ifndef SECD_SERVER_VERIFY_REQUEST_H
#define SECD_SERVER_VERIFY_REQUEST_H

#include "server/frontend.h"
#include "wire/tsig.h"

/**
 * As tsig_verify_request, with the key of that name that is in force. Inside a
 * read section.
 *
 * c        the configuration of this section
 * from     who asks
 */
enum tsig_verdict verify_request(const struct frontend *f,
				 const struct config *c,
				 struct tsig_transaction *t, uint8_t *msg,
				 size_t *len, const struct tsig_place *place,
				 const struct sockaddr_storage *from);

#endif
