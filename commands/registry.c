// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * commands.def, expanded into the table of all commands.
 */
#include <kco/cmd.h>

#define X(name) extern const struct kco_cmd kco_cmd_##name;
#include "commands.def"
#undef X

const struct kco_cmd *const kco_cmds[] = {
#define X(name) &kco_cmd_##name,
#include "commands.def"
#undef X
	NULL,
};
