// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Source lines of addresses for commands: from a vmlinux, if there is one.
 */
#ifndef KCO_COMMANDS_LINES_H
#define KCO_COMMANDS_LINES_H

#include <kco/cmd.h>

#define KCO_LINES_MAX 32

/**
 * Is there a vmlinux for source lines? Looks for one. Where there is none, a
 * warning says why, once, and a failed row is counted: lines were asked for
 * and are not there.
 */
bool kco_lines_available(struct kco_cmd_ctx *ctx);
/** The rows for @pc, innermost first; 0 when nothing is known. */
size_t kco_lines_get(struct kco_cmd_ctx *ctx, uint64_t pc, struct kco_source_line *rows);
/** crash's "    file.c: 123", an inlined row with its function. */
void kco_lines_text(struct kco_cmd_ctx *ctx, uint64_t pc);
/** "lines": an array of objects, empty when nothing is known. */
void kco_lines_json(struct kco_cmd_ctx *ctx, uint64_t pc);

#endif
