// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Lists of CPUs as users write them.
 */
#ifndef KCO_COMMANDS_CPULIST_H
#define KCO_COMMANDS_CPULIST_H

#include <stdbool.h>
#include <stddef.h>

#include <kco/cmd.h>

/**
 * "0", "1,3,5", "1-3", "1,3,5-7", "all" or "a": which of @n CPUs are meant.
 * The array of @n is in ctx->arena. KCO_E_USAGE names what is wrong.
 */
enum kco_status kco_cpulist_parse(struct kco_cmd_ctx *ctx, const char *words, size_t n, bool **ret,
				  struct kco_err *err) KCO_MUST_USE;

#endif
