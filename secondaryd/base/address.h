/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * address -- socket addresses of IPv4 and IPv6, for people and to compare.
 */

#ifndef SECD_BASE_ADDRESS_H
#define SECD_BASE_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

#define ADDRESS_TEXT_MAX 64 /* address, scope, '@', port, NUL */

/** "192.0.2.1@53"; "?" for another family. Returns text. */
char *address_text(const struct sockaddr_storage *a, char *text, size_t cap);

/** Octets of the address structure, by family. */
socklen_t address_len(const struct sockaddr_storage *a);

/**
 * Make the control message by which a datagram leaves from this address, the
 * port not counted.
 *
 * out      room for CMSG_SPACE(sizeof(struct in6_pktinfo)), zeroed
 * Returns  octets, for msg_controllen
 */
size_t address_put_source(const struct sockaddr_storage *a,
			  struct cmsghdr *out);

/** The same address and port; two of another family are the same. */
bool address_equal(const struct sockaddr_storage *a,
		   const struct sockaddr_storage *b);

/** The same address, whatever the port; IPv4-mapped IPv6 counts as IPv4. */
bool address_same_host(const struct sockaddr_storage *a,
		       const struct sockaddr_storage *b);

#endif
