// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sys: what the dump is and what crashed, in crash's labels; then what kcodbg
 * found out about the file, and what it could not find.
 */
#include <kco/cmd.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "dmi.h"
#include "sysrows.h"
#include "taints.h"

struct sys_opts {
	bool taints, dmi;
};

/* What is not there, each with the reason. */
static void sys_missing(struct kco_sysrows *run)
{
	static const struct {
		unsigned need;
		const char *name;
	} needs[] = {
		{ KCO_NEED_OS, "kernel" },
		{ KCO_NEED_SYMS, "symbols" },
		{ KCO_NEED_TYPES, "types" },
		{ KCO_NEED_TASKS, "tasks" },
	};
	char last[sizeof(run->why.msg)] = "";

	kco_json_array(run->ctx->out, "missing");
	for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++) {
		struct kco_err why = KCO_ERR_INIT;

		// One need is the reason of the next: each reason once.
		if (kco_session_need(run->ctx->session, needs[i].need, &why) == KCO_OK || !strcmp(last, why.msg))
			continue;
		memcpy(last, why.msg, sizeof(last));
		snprintf(run->text, sizeof(run->text), "%s: %s", needs[i].name, why.msg);
		kco_sysrow(run, "MISSING", NULL, run->text);
		kco_json_str(run->ctx->out, NULL, run->text);
		run->ctx->failed_rows++;
	}
	kco_json_end(run->ctx->out);
}

static enum kco_status sys_taints(struct kco_sysrows *run, struct kco_err *err)
{
	char letters[KCO_TAINTS_MAX];

	if (!run->info)
		return kco_fail(err, run->why.code, "%s", run->why.msg);
	kco_taints_text(run->ctx, run->info->taints, letters);
	kco_text(run->ctx->out, "TAINTED_MASK: %" PRIx64 "  %s\n", run->info->taints, letters);
	kco_json_row(run->ctx->out);
	kco_json_addr(run->ctx->out, "taints", run->info->taints);
	kco_json_str(run->ctx->out, "taint_letters", letters);
	kco_json_row_end(run->ctx->out);
	return KCO_OK;
}

static enum kco_status sys_run(struct kco_cmd_ctx *ctx, struct kco_err *err)
{
	const struct sys_opts *opts = ctx->opts;
	struct kco_sysrows run;

	kco_sysrows_init(&run, ctx);
	if (opts->taints || opts->dmi) {
		enum kco_status st = kco_cmd_check_os(ctx->session, opts->taints ? KCO_FEATURE_TAINTS : KCO_FEATURE_DMI,
						      opts->taints ? "-t" : "-i", err);

		if (st)
			return st;
		return opts->taints ? sys_taints(&run, err) : kco_dmi_show(ctx, err);
	}
	kco_json_row(ctx->out);
	kco_sysrows_crash(&run);
	kco_sysrows_file(&run);
	kco_sysrows_found(&run);
	sys_missing(&run);
	kco_json_row_end(ctx->out);
	return KCO_OK;
}

#define SYS(field) offsetof(struct sys_opts, field)
static const struct kco_opt sys_optv[] = {
	{ 't', "taints", KCO_OPT_FLAG, SYS(taints), .help = "what tainted the kernel, as a mask and letters" },
	{ 'i', "dmi", KCO_OPT_FLAG, SYS(dmi), .help = "the machine's DMI strings" },
	{ 0 },
};

static const struct kco_json_field sys_json_fields[] = {
	KCO_SYSROWS_JSON,
	{ "missing", "array", "what could not be found" },
	{ "missing[]", "string", "what, and the reason" },
	{ "taints", "address", "-t: bits" },
	{ "taint_letters", "string", "-t: the same as letters" },
	{ "dmi", "string", "-i: name of a DMI string; a row each" },
	{ "value", "string", "-i: the string" },
	{ 0 },
};

const struct kco_cmd kco_cmd_sys = {
	.name = "sys",
	.summary = "what crashed, and what the dump is",
	.description =
		"crash's labels in crash's order; then the file's format, what its filter left out, and how the kernel "
		"was understood: build-id, KASLR offset, paging, source of types. MISSING lines name what could not be "
		"found and why; the exit status is 1 then. Works on any dump that opens.\n\n"
		"CPUS counts those present; a panic takes all but one offline. DATE is in your time zone.",
	.examples = "sys\n    the banner\n"
		    "sys -t\n    taints\n"
		    "sys --json | jq -r .panic\n    why, in a script\n",
	.opts = sys_optv,
	.opts_size = sizeof(struct sys_opts),
	.needs = KCO_NEED_IMAGE,
	.json = sys_json_fields,
	.run = sys_run,
};
