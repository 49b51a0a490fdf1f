/* SPDX-License-Identifier: BSD-2-Clause */

#include "wire/rr_layout.h"

#define NAMES_1035   (LAYOUT_NAMES | LAYOUT_UNPACK | LAYOUT_PACK | LAYOUT_FOLD)
#define NAMES_3597   (LAYOUT_NAMES | LAYOUT_UNPACK | LAYOUT_FOLD)
#define NAMES_FOLDED (LAYOUT_NAMES | LAYOUT_FOLD)
#define NAMES_AS_IS  LAYOUT_NAMES

#define NAME   BLOCK_NAME
#define PACKED BLOCK_NAME_PACKED
#define STR    BLOCK_STRING
#define REST   BLOCK_REST

/*
 * By number, since not all of them have a name in wire/rr.h. KX and DNAME are
 * not in the list of RFC 3597, but others decompress them too and some
 * primaries of old compressed them.
 */
static const struct rr_layout layouts[] = {
    [1] = {0, {4}},                                        /* A */
    [2] = {NAMES_1035, {PACKED}},                          /* NS */
    [3] = {NAMES_1035, {PACKED}},                          /* MD */
    [4] = {NAMES_1035, {PACKED}},                          /* MF */
    [5] = {NAMES_1035, {PACKED}},                          /* CNAME */
    [6] = {NAMES_1035, {PACKED, PACKED, 20}},              /* SOA */
    [7] = {NAMES_1035, {PACKED}},                          /* MB */
    [8] = {NAMES_1035, {PACKED}},                          /* MG */
    [9] = {NAMES_1035, {PACKED}},                          /* MR */
    [12] = {NAMES_1035, {PACKED}},                         /* PTR */
    [13] = {0, {STR, STR}},                                /* HINFO */
    [14] = {NAMES_1035, {PACKED, PACKED}},                 /* MINFO */
    [15] = {NAMES_1035, {2, PACKED}},                      /* MX */
    [16] = {0, {BLOCK_STRINGS}},                           /* TXT */
    [17] = {NAMES_3597, {PACKED, PACKED}},                 /* RP */
    [18] = {NAMES_3597, {2, PACKED}},                      /* AFSDB */
    [21] = {NAMES_3597, {2, PACKED}},                      /* RT */
    [24] = {NAMES_3597, {18, PACKED, REST}},               /* SIG */
    [25] = {0, {4, REST}},                                 /* KEY */
    [26] = {NAMES_3597, {2, PACKED, PACKED}},              /* PX */
    [28] = {0, {16}},                                      /* AAAA */
    [29] = {0, {16}},                                      /* LOC */
    [30] = {NAMES_3597, {PACKED, REST}},                   /* NXT */
    [33] = {NAMES_3597, {6, PACKED}},                      /* SRV */
    [35] = {NAMES_3597, {4, STR, STR, STR, PACKED}},       /* NAPTR */
    [36] = {NAMES_3597, {2, PACKED}},                      /* KX */
    [37] = {0, {5, REST}},                                 /* CERT */
    [39] = {NAMES_3597, {PACKED}},                         /* DNAME */
    [43] = {0, {4, REST}},                                 /* DS */
    [44] = {0, {2, REST}},                                 /* SSHFP */
    [45] = {0, {3, REST}},                                 /* IPSECKEY */
    [46] = {NAMES_FOLDED, {18, NAME, REST}},               /* RRSIG */
    [47] = {NAMES_AS_IS, {NAME, BLOCK_BITMAP}},            /* NSEC */
    [48] = {0, {4, REST}},                                 /* DNSKEY */
    [49] = {0, {BLOCK_REST_SOME}},                         /* DHCID */
    [50] = {0, {4, STR, BLOCK_STRING_SOME, BLOCK_BITMAP}}, /* NSEC3 */
    [51] = {0, {4, STR}},                                  /* NSEC3PARAM */
    [52] = {0, {3, REST}},                                 /* TLSA */
    [53] = {0, {3, REST}},                                 /* SMIMEA */
    [59] = {0, {4, REST}},                                 /* CDS */
    [60] = {0, {4, REST}},                                 /* CDNSKEY */
    [61] = {0, {BLOCK_REST_SOME}},                         /* OPENPGPKEY */
    [62] = {0, {6, BLOCK_BITMAP}},                         /* CSYNC */
    [63] = {0, {6, REST}},                                 /* ZONEMD */
    [64] = {NAMES_AS_IS, {2, NAME, BLOCK_PARAMS}},         /* SVCB */
    [65] = {NAMES_AS_IS, {2, NAME, BLOCK_PARAMS}},         /* HTTPS */
    [99] = {0, {BLOCK_STRINGS}},                           /* SPF */
    [104] = {0, {10}},                                     /* NID */
    [105] = {0, {6}},                                      /* L32 */
    [106] = {0, {10}},                                     /* L64 */
    [107] = {NAMES_AS_IS, {2, NAME}},                      /* LP */
    [108] = {0, {6}},                                      /* EUI48 */
    [109] = {0, {8}},                                      /* EUI64 */
    [249] = {NAMES_AS_IS, {NAME, 14, REST}},               /* TKEY */
    [250] = {NAMES_AS_IS, {NAME, 16, REST}},               /* TSIG */
    [256] = {0, {4, REST}},                                /* URI */
    [257] = {0, {1, STR, REST}},                           /* CAA */
};

const struct rr_layout *
rr_layout(uint16_t type)
{
	/* Type 0 is reserved (RFC 6895) and stands for all the opaque ones. */
	return &layouts[type < sizeof(layouts) / sizeof(*layouts) ? type : 0];
}
