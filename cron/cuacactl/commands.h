/* SPDX-License-Identifier: ISC
 *
 * The commands of cuacactl. Each returns its exit code.
 */
#ifndef CUACA_COMMANDS_H
#define CUACA_COMMANDS_H

#include "ctl.h"

/* Find and run the command that the words begin with, having checked its operands and options against its
 * row: usage is wrong before anything is connected. */
int command_run(struct ctl *ctl, int nwords, char **words);

int cmd_status(struct ctl *ctl);
int cmd_city_list(struct ctl *ctl);
int cmd_city_wanted(struct ctl *ctl);
int cmd_city_search(struct ctl *ctl);
int cmd_city_track(struct ctl *ctl);
int cmd_city_untrack(struct ctl *ctl);
int cmd_key_create(struct ctl *ctl);
int cmd_key_list(struct ctl *ctl);
int cmd_key_revoke(struct ctl *ctl);
int cmd_ingest_now(struct ctl *ctl);
int cmd_migrate(struct ctl *ctl);
int cmd_chat_who(struct ctl *ctl);
int cmd_chat_tail(struct ctl *ctl);
int cmd_chat_say(struct ctl *ctl);
int cmd_chat_said(struct ctl *ctl);
int cmd_chat_rooms(struct ctl *ctl);
int cmd_chat_users(struct ctl *ctl);
int cmd_chat_admin(struct ctl *ctl);
int cmd_chat_kick(struct ctl *ctl);
int cmd_chat_logout(struct ctl *ctl);
int cmd_chat_mute(struct ctl *ctl);
int cmd_chat_unmute(struct ctl *ctl);
int cmd_chat_ban(struct ctl *ctl);
int cmd_chat_unban(struct ctl *ctl);
int cmd_chat_sanctions(struct ctl *ctl);
int cmd_check(struct ctl *ctl);

#endif
