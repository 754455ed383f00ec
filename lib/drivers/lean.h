/* SPDX-License-Identifier: ISC
 *
 * Less memory for a program that is one of thousands. What it saves is what libraries take ready for use and such a
 * program never uses; measured, a quarter of a megabyte for each.
 */
#ifndef CUACA_LEAN_H
#define CUACA_LEAN_H

/* For the whole process, before any other thread is started and any library begins to use OpenSSL. From then on
 * OpenSSL reads no openssl.cnf and has no texts for its errors, and its random bytes are the kernel's; malloc(3) has one
 * arena; and threads have stacks of 256 KiB. */
void lean_start(void);

#endif
