/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * alarm -- what an operator has to see. An alarm is on while its reason is
 * there; what merely happened stays for a day.
 */

#ifndef TSIG_ROTATE_ALARM_H
#define TSIG_ROTATE_ALARM_H

#include "tsig-rotate/rotate.h"

#define ALARM_TEXT_MAX 640

enum alarm {
	ALARM_STOPPED,    /* the state is older than the list of revocations */
	ALARM_ROOT,       /* there is nothing to derive from */
	ALARM_SAVE,       /* the state cannot be written */
	ALARM_HOST,       /* the host does not take a key */
	ALARM_RANDOM,     /* no random octets */
	ALARM_PLACE,      /* another server's store cannot be written */
	ALARM_RESTART,    /* another server is to be started anew */
	ALARM_NO_KEY,     /* none is in use */
	ALARM_STALLED,    /* a new key waits for a peer */
	ALARM_AGE,        /* the key in use is too old */
	ALARM_REFUSED,    /* the peer refuses it */
	ALARM_LOST,       /* no key was found that it accepts */
	ALARM_SKEW,       /* clocks */
	ALARM_LATE,       /* somebody still uses a key that drains */
	ALARM_OLD,        /* the peer accepts what was taken away */
	ALARM_SELF,       /* this node accepts what was revoked */
	ALARM_RETIRED,    /* somebody signed with an old key */
	ALARM_STRANGER,   /* somebody signed with a key, from elsewhere */
	ALARM_REGRESSION, /* this node was behind its peer */
	ALARM_COUNT,
};

/** One word. */
const char *alarm_name(enum alarm alarm);

/** Is it on? `text` has room for ALARM_TEXT_MAX and receives a sentence. */
bool alarm_is_on(const struct rotate_pair *p, enum alarm alarm,
		 const struct secd_time *now, char *text);

/** Log those that came, and those that went. */
void alarm_tell(struct rotate_pair *p, const struct secd_time *now);

/** "3d 4h". Room for 32. Returns text. */
char *alarm_span_text(int64_t ms, char *text);

#endif
