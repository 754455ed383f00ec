/* SPDX-License-Identifier: ISC
 *
 * cmocka and the headers it wants first. Every t_*.c beside this file is a program that speaks TAP when
 * CMOCKA_MESSAGE_OUTPUT says so, as tests/run does.
 */
#ifndef CUACA_UNIT_H
#define CUACA_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A table's row that fails says which one it is: call this before asserting. */
#define ROW(format, ...) print_message("# " format "\n", __VA_ARGS__)

#endif
