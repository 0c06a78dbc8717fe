// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Processes written as core files, with a row for each.
 */
#ifndef KCO_COMMANDS_SAVECORE_H
#define KCO_COMMANDS_SAVECORE_H

#include <kco/cmd.h>
#include <kco/process.h>

/** Write @p to @path, which is replaced only if @force. */
enum kco_status kco_save_core(struct kco_cmd_ctx *ctx, struct kco_process *p, const char *path, bool force,
			      struct kco_err *err) KCO_MUST_USE;
/** Every process that has memory to @dir/core.PID; @dir is made. One that fails spoils its row only. */
enum kco_status kco_save_cores(struct kco_cmd_ctx *ctx, const char *dir, bool force, struct kco_err *err) KCO_MUST_USE;

/** Keys of a row that no other row of convert has: besides them "file" and "pages". */
#define KCO_SAVECORE_JSON                                                                                     \
	{ "pid", "integer", "the process" }, { "size", "integer", "of the core file with its holes, bytes" }, \
		{ "zero_pages", "integer", "pages that hold zeros, which take no room" },                     \
		{ "absent_pages", "integer", "pages that could not be read: they are in no segment" },        \
		{ "segments", "integer", "runs of memory, each a program header" },                           \
		{ "threads", "integer", "threads with registers" },                                           \
		{ "threads_lost", "integer", "threads whose registers are not known: left out" },             \
		{ "areas_lost", "boolean", "the list of areas is torn: some are missing" },                   \
	{                                                                                                     \
		"first_loss", "string|null", "why the first page, or area, is missing"                        \
	}

#endif
