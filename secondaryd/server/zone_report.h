/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zone_report -- what an operator is told about one zone: a snapshot that the
 * server fills, and the rows of control.h that it becomes.
 *
 * Plain values, no pointers. All moments are wall clock, seconds since the
 * epoch, 0: never. Zero-initialise it; what stays zero is not shown where it
 * says so.
 */

#ifndef SECD_SERVER_ZONE_REPORT_H
#define SECD_SERVER_ZONE_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/control.h"

#define ZONE_REPORT_PRIMARY_MAX 32 /* REFRESH_PRIMARY_MAX */

struct zone_report_primary {
	char remote[64];  /* its id; cut when longer */
	char address[64]; /* with its port */
	char health[16];  /* refresh_health_text */
	bool has_serial;
	uint32_t serial;         /* last seen there */
	int64_t seen_at;         /* then */
	int64_t tried_at;        /* last attempt */
	unsigned failures;       /* in a row */
	char error[160];         /* of the last attempt; "": it went well */
	char key[NAME_TEXT_MAX]; /* that it is asked with; "": none */
};

struct zone_report {
	uint8_t apex[NAME_LEN_MAX];

	/* What is held. */
	bool has_zone;
	bool is_expired; /* not served */
	bool is_durable; /* the store has it too */
	uint32_t serial;
	uint64_t record_count; /* 0: not known */
	int64_t confirmed_at;  /* a primary's last word that it is current */
	int64_t expires_at;
	/* The one that is served by order; pinned_at 0: what is held. */
	uint32_t pinned_serial;
	int64_t pinned_at;
	bool is_pin_lost; /* it was to be served, and cannot be */
	/* Changes that are not in the zone's image. */
	unsigned layer_count; /* 0: none, and the rest is not shown */
	uint64_t layer_nodes, layer_octets;
	bool is_compacting;

	/* What is done, and why; what comes next, from whom, and when. */
	char state[32];
	char reason[256];
	char next[32]; /* SOA, IXFR, AXFR... */
	char next_primary[64];
	int64_t next_at;
	bool has_alarm; /* somebody should look: reason says why */
	unsigned failed_rounds;

	/* The last transfer that was published; kind "": none. */
	struct {
		char kind[16];
		bool had_serial;
		uint32_t from_serial, serial;
		uint64_t octets, records, messages;
		uint64_t duration_ms;
		int64_t ended_at;
		char primary[64];
		char key[NAME_TEXT_MAX]; /* "": unsigned */
		char transport[16];      /* TCP */
	} transfer;

	unsigned primary_count;
	struct zone_report_primary primaries[ZONE_REPORT_PRIMARY_MAX];
};

/** Put the rows of one zone into a reply. */
void zone_report_put(const struct zone_report *z, struct control_reply *r);

#endif
