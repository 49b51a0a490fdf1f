/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * state -- the file of a pair: NAME.state in the state directory, mode 0600.
 *
 * It is written anew each time, beside the old one, which is overwritten when
 * it lost its name. Whether what it held can be had from the disk all the same
 * depends on file system and disk.
 *
 *     16  "tsig-rotate 1" 0A 00 00
 *      4  octets of the whole file
 *         the names of slot a and b, each behind its length in one octet
 *     21  generation 4, epoch 8, flags 1, check of a revoked root 8
 *     55  for each slot: state 1, phase 1, adopted 1, generation 4, epoch 8,
 *         since 8, secret 32
 *      1  how many are retired
 *     46  for each: slot 1, revoked 1, generation 4, epoch 8, secret 32
 *      8  checksum of all before
 *
 * Numbers are in network order.
 */

#ifndef TSIG_ROTATE_STATE_H
#define TSIG_ROTATE_STATE_H

#include "secondaryd/module.h"
#include "tsig-rotate/pair.h"
#include "wire/name.h"

#define STATE_REASON_MAX 1024

/* Which file, and in which memory it may be read. */
struct state_file {
	const struct secd_host *host;
	const char *id;
	/* Of the keys. An empty one is unknown: state_load fills it in. */
	uint8_t names[SLOT_COUNT][NAME_LEN_MAX];
};

/**
 * Read it. What an interrupted state_save left is removed, unless the host only
 * reads.
 *
 * out      zeroed
 * reason   room for STATE_REASON_MAX: what is wrong, with the file's name
 * Returns  SECD_OK, SECD_ENOTFOUND (there is none, and no reason), SECD_EPERM
 *          (kind of file, owner, mode), SECD_EMALF (damaged), SECD_EMISMATCH
 *          (of other keys), SECD_EIO, SECD_ENOMEM
 */
int state_load(struct state_file *f, struct pair *out, char *reason);

/**
 * Write it, so that it lasts. On failure the file is what it was, unless it is
 * the directory that could not be written: then it may be either.
 *
 * Returns  SECD_OK, SECD_EIO, SECD_ENOSPC, SECD_ENOMEM, with a reason
 */
int state_save(const struct state_file *f, const struct pair *p, char *reason);

#endif
