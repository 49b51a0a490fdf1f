/* SPDX-License-Identifier: BSD-2-Clause */

#include "base/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

char *
address_text(const struct sockaddr_storage *a, char *text, size_t cap)
{
	char host[INET6_ADDRSTRLEN] = "?";
	unsigned port = 0;

	if (a->ss_family == AF_INET) {
		const struct sockaddr_in *v4 = (const void *)a;

		inet_ntop(AF_INET, &v4->sin_addr, host, sizeof(host));
		port = ntohs(v4->sin_port);
	} else if (a->ss_family == AF_INET6) {
		const struct sockaddr_in6 *v6 = (const void *)a;

		inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof(host));
		port = ntohs(v6->sin6_port);
	}
	snprintf(text, cap, "%s@%u", host, port);
	return text;
}

socklen_t
address_len(const struct sockaddr_storage *a)
{
	return a->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
					: sizeof(struct sockaddr_in);
}

size_t
address_put_source(const struct sockaddr_storage *a, struct cmsghdr *out)
{
	struct in6_pktinfo v6 = {0};
	struct in_pktinfo v4 = {0};

	if (a->ss_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const void *)a;

		v6.ipi6_addr = in6->sin6_addr;
		v6.ipi6_ifindex = in6->sin6_scope_id;
		out->cmsg_level = IPPROTO_IPV6;
		out->cmsg_type = IPV6_PKTINFO;
		out->cmsg_len = CMSG_LEN(sizeof(v6));
		memcpy(CMSG_DATA(out), &v6, sizeof(v6));
		return CMSG_SPACE(sizeof(v6));
	}
	v4.ipi_spec_dst =
	    ((const struct sockaddr_in *)(const void *)a)->sin_addr;
	out->cmsg_level = IPPROTO_IP;
	out->cmsg_type = IP_PKTINFO;
	out->cmsg_len = CMSG_LEN(sizeof(v4));
	memcpy(CMSG_DATA(out), &v4, sizeof(v4));
	return CMSG_SPACE(sizeof(v4));
}

bool
address_equal(const struct sockaddr_storage *a,
	      const struct sockaddr_storage *b)
{
	if (a->ss_family != b->ss_family) {
		return false;
	}
	if (a->ss_family == AF_INET) {
		const struct sockaddr_in *x = (const void *)a;
		const struct sockaddr_in *y = (const void *)b;

		return x->sin_port == y->sin_port &&
		       x->sin_addr.s_addr == y->sin_addr.s_addr;
	}
	if (a->ss_family == AF_INET6) {
		const struct sockaddr_in6 *x = (const void *)a;
		const struct sockaddr_in6 *y = (const void *)b;

		return x->sin6_port == y->sin6_port &&
		       x->sin6_scope_id == y->sin6_scope_id &&
		       memcmp(&x->sin6_addr, &y->sin6_addr, 16) == 0;
	}
	return true;
}

/* The address as 16 octets, IPv4 mapped; NULL for another family. */
static const uint8_t *
host_octets(const struct sockaddr_storage *a, uint8_t mapped[16])
{
	static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};

	if (a->ss_family == AF_INET6) {
		return ((const struct sockaddr_in6 *)(const void *)a)
		    ->sin6_addr.s6_addr;
	}
	if (a->ss_family != AF_INET) {
		return NULL;
	}
	memcpy(mapped, prefix, sizeof(prefix));
	memcpy(mapped + 12,
	       &((const struct sockaddr_in *)(const void *)a)->sin_addr, 4);
	return mapped;
}

bool
address_same_host(const struct sockaddr_storage *a,
		  const struct sockaddr_storage *b)
{
	uint8_t mapped_a[16], mapped_b[16];
	const uint8_t *x = host_octets(a, mapped_a);
	const uint8_t *y = host_octets(b, mapped_b);

	return x != NULL && y != NULL && memcmp(x, y, 16) == 0;
}
