/* SPDX-License-Identifier: ISC
 *
 * A line of the client: parsed, looked up in the table of requests, done.
 */
#ifndef CUACA_CHAT_COMMANDS_H
#define CUACA_CHAT_COMMANDS_H

#include <stdbool.h>
#include <stddef.h>

struct conn;

/* Do what a line asks for; every line gets an answer or an error. text is terminated by NUL and holds no other. */
void command_run(struct conn *c, const char *text, size_t len);

/* Whether a text can be given to cJSON: nested no deeper than 8, at most 1,024 values, no \u0000, which would end a C
 * string, and no control characters, which it takes for blanks. */
bool command_json_ok(const char *text, size_t len);

#endif
