// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * process save-core: write a process as an ELF core file.
 */
#include <kco/cmd.h>

#include "process.h"
#include "savecore.h"

struct save_core_opts {
	const char *output, *all;
	bool force;
};

static enum kco_status save_core_run(struct kco_cmd_ctx *ctx, struct kco_err *err)
{
	const struct save_core_opts *opts = ctx->opts;
	struct kco_process *p;
	int64_t pid = 0;
	enum kco_status st = KCO_OK;

	if (!opts->output == !opts->all)
		return kco_fail(err, KCO_E_USAGE, "say where to: -o FILE for one process, or --all DIR");
	if (opts->all)
		return ctx->argc ? kco_fail(err, KCO_E_USAGE, "--all takes no PID")
				 : kco_save_cores(ctx, opts->all, opts->force, err);
	if (ctx->argc)
		st = kco_parse_int(ctx->argv[0], &pid, err);
	if (!st)
		st = kco_current_process(ctx, ctx->argc > 0, pid, &p, err);
	return st ? st : kco_save_core(ctx, p, opts->output, opts->force, err);
}

static const struct kco_arg save_core_args[] = { { KCO_WORD_TASK, "PID", .optional = true }, { 0 } };

static const struct kco_opt save_core_optv[] = {
	{ 'o', "output", KCO_OPT_STRING, offsetof(struct save_core_opts, output), "FILE", KCO_WORD_FILE,
	  .help = "the file to write" },
	{ 0, "all", KCO_OPT_STRING, offsetof(struct save_core_opts, all), "DIR", KCO_WORD_FILE,
	  .help = "every process that has memory, each to DIR/core.PID" },
	{ 'f', "force", KCO_OPT_FLAG, offsetof(struct save_core_opts, force), .help = "replace a file that exists" },
	{ 0 },
};

static const struct kco_json_field save_core_json_fields[] = {
	KCO_SAVECORE_JSON,
	{ "file", "string", "what was written" },
	{ "pages", "integer", "pages of 4096 bytes that hold something" },
	{ 0 },
};

const struct kco_cmd kco_cmd_process_save_core = {
	.name = "process save-core",
	.aliases = (const char *const[]){ "gcore", NULL },
	.summary = "write a process as a core file for gdb and LLDB",
	.description =
		"Writes an ELF core file of a process as the kernel would have, had the process died: the registers of "
		"every thread (general, x87, vector), the signal, the auxiliary vector, the list of mapped files, and "
		"memory. Programs of 32 bits get a 32-bit file.\n\n"
		"Memory is whatever can be read: pages of the dump, of its page cache, and compressed swap. Pages that "
		"cannot be read are left out, and a debugger says that it cannot access them; zeros in the file are zeros "
		"in the process. The file is written under a temporary name, synced and renamed; a file that exists is "
		"replaced with --force only.",
	.examples = "process save-core 108 -o /tmp/core.108\n    process 108\n"
		    "process save-core --all /tmp/cores\n    every process\n"
		    "gcore -o /tmp/core\n    the attached process, or the current task's\n",
	.args = save_core_args,
	.opts = save_core_optv,
	.opts_size = sizeof(struct save_core_opts),
	.needs = KCO_NEED_IMAGE | KCO_NEED_OS | KCO_NEED_TASKS,
	.features = KCO_FEATURE_CORE,
	.json = save_core_json_fields,
	.run = save_core_run,
};
