// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Taint bits as letters.
 */
#ifndef KCO_COMMANDS_TAINTS_H
#define KCO_COMMANDS_TAINTS_H

#include <kco/cmd.h>

#define KCO_TAINTS_MAX 72 /* 64 letters and what cannot be named */

/**
 * The letters of @taints in @buf of KCO_TAINTS_MAX bytes, which is returned.
 * The kernel's own table when it has one, else the letters that are documented.
 */
const char *kco_taints_text(struct kco_cmd_ctx *ctx, uint64_t taints, char *buf);

#endif
