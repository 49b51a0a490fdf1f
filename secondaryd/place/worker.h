/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker -- the life of a process that does one placement.
 *
 * It reads a request from a socket to its end, does it, writes the result, a
 * struct adapter_result, and is done. When the other end goes away before, it
 * ends what it has begun in an orderly way.
 */

#ifndef SECD_PLACE_WORKER_H
#define SECD_PLACE_WORKER_H

/** fd  a stream socket; closed at the end */
void worker_run(int fd);

#endif
