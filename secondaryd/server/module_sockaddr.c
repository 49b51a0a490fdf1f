/* SPDX-License-Identifier: BSD-2-Clause */

#include "server/module_sockaddr.h"

#include <netinet/in.h>
#include <string.h>

struct secd_address
module_sockaddr_of(const struct sockaddr_storage *a)
{
	struct secd_address out = {.family = 0};

	if (a != NULL && a->ss_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)a;

		out.family = 4;
		out.port = ntohs(in->sin_port);
		memcpy(out.octets, &in->sin_addr, 4);
	} else if (a != NULL && a->ss_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const void *)a;

		out.family = 6;
		out.port = ntohs(in6->sin6_port);
		out.scope = in6->sin6_scope_id;
		memcpy(out.octets, &in6->sin6_addr, 16);
	}
	return out;
}

struct secd_address
module_sockaddr_host(const struct sockaddr_storage *a)
{
	struct secd_address out = module_sockaddr_of(a);

	out.port = 0;
	return out;
}

bool
module_sockaddr_to(const struct secd_address *a, struct sockaddr_storage *out)
{
	struct sockaddr_in *in = (void *)out;
	struct sockaddr_in6 *in6 = (void *)out;

	memset(out, 0, sizeof(*out));
	if (a->family == 4) {
		in->sin_family = AF_INET;
		in->sin_port = htons(a->port);
		memcpy(&in->sin_addr, a->octets, 4);
	} else if (a->family == 6) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(a->port);
		in6->sin6_scope_id = a->scope;
		memcpy(&in6->sin6_addr, a->octets, 16);
	}
	return out->ss_family != AF_UNSPEC;
}
