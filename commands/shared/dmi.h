// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The strings that firmware tells about the machine (DMI).
 */
#ifndef KCO_COMMANDS_DMI_H
#define KCO_COMMANDS_DMI_H

#include <kco/cmd.h>

/** A line or a row for each string that the machine has. */
enum kco_status kco_dmi_show(struct kco_cmd_ctx *ctx, struct kco_err *err) KCO_MUST_USE;

#endif
