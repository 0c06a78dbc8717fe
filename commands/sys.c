// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sys: what the dump is and what crashed, in crash's labels; then what kcodbg
 * found out about the file, and what it could not find.
 */
#include <kco/cmd.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <kco/format.h>

#include "dmi.h"
#include "taints.h"

struct sys_opts {
	bool taints, dmi;
};

struct sys_run {
	struct kco_cmd_ctx *ctx;
	const struct kco_image *image;
	const struct kco_system_info *info; /* NULL: the kernel was not found */
	struct kco_err why;		    /* then why */
	char text[512];
};

/* A label, right-aligned as crash does, and its JSON key with the same text. */
static void sys_text(struct sys_run *run, const char *label, const char *key, const char *text)
{
	if (!kco_out_json(run->ctx->out)) {
		kco_style(run->ctx->out, KCO_STYLE_HEAD);
		kco_text(run->ctx->out, *label ? "%12s: " : "%12s  ", label);
		kco_style(run->ctx->out, KCO_STYLE_PLAIN);
		kco_text(run->ctx->out, "%s\n", text);
	} else if (key) {
		kco_json_str(run->ctx->out, key, text);
	}
}

static void sys_kernel(struct sys_run *run)
{
	const char *vmlinux = kco_session_vmlinux(run->ctx->session);
	const char *taint = run->info && run->info->taints ? "  [TAINTED]" : "";

	if (kco_out_json(run->ctx->out)) {
		kco_json_str(run->ctx->out, "kernel", vmlinux);
		return;
	}
	snprintf(run->text, sizeof(run->text), "%s%s",
		 vmlinux     ? vmlinux
		 : run->info ? "(none: names come from the dump)"
			     : "(none)",
		 taint);
	sys_text(run, "KERNEL", NULL, run->text);
}

static void sys_dumpfile(struct sys_run *run)
{
	const struct kco_facts *facts = &run->image->facts;

	if (kco_out_json(run->ctx->out)) {
		kco_json_array(run->ctx->out, "dumpfile");
		for (size_t i = 0; i < run->image->nr_files; i++)
			kco_json_str(run->ctx->out, NULL, run->image->files[i]->name);
		kco_json_end(run->ctx->out);
		kco_json_bool(run->ctx->out, "partial", facts->dump_level > 0);
		kco_json_bool(run->ctx->out, "incomplete", facts->incomplete);
		return;
	}
	for (size_t i = 0; i < run->image->nr_files; i++) {
		bool last = i + 1 == run->image->nr_files;

		snprintf(run->text, sizeof(run->text), "%s%s%s", run->image->files[i]->name,
			 last && facts->dump_level > 0 ? "  [PARTIAL DUMP]" : "",
			 last && facts->incomplete ? "  [INCOMPLETE]" : "");
		sys_text(run, i ? "" : "DUMPFILE", NULL, run->text);
	}
}

/* CPUs that were plugged in: the others only could have been. */
static unsigned sys_cpus_present(struct sys_run *run)
{
	struct kco_session *s = run->ctx->session;
	unsigned present = 0, possible = run->info->cpus_possible;
	struct kco_symbol sym;

	if (kco_session_need(s, KCO_NEED_SYMS, NULL) == KCO_OK &&
	    kco_symbols_by_name(kco_session_symbols(s), "__cpu_present_mask", &sym, NULL) == KCO_OK) {
		for (unsigned i = 0; i * 64 < possible; i++) {
			uint64_t word;

			if (kco_kread_uint(s, sym.addr + i * 8, 8, &word, NULL) != KCO_OK)
				break;
			present += (unsigned)__builtin_popcountll(word);
		}
	}
	return present && present <= possible ? present : possible;
}

static void sys_cpus(struct sys_run *run)
{
	unsigned present, online;

	if (!run->info || !run->info->cpus_possible) {
		kco_json_null(run->ctx->out, "cpus");
		kco_json_null(run->ctx->out, "cpus_online");
		return;
	}
	present = sys_cpus_present(run);
	online = run->info->cpus_online;
	if (kco_out_json(run->ctx->out)) {
		kco_json_uint(run->ctx->out, "cpus", present);
		kco_json_uint(run->ctx->out, "cpus_online", online);
		return;
	}
	if (online < present)
		snprintf(run->text, sizeof(run->text), "%u [OFFLINE: %u]", present, present - online);
	else
		snprintf(run->text, sizeof(run->text), "%u", present);
	sys_text(run, "CPUS", NULL, run->text);
}

static void sys_date(struct sys_run *run)
{
	time_t wall = (time_t)run->info->wall_seconds;
	struct tm tm;

	if (kco_out_json(run->ctx->out)) {
		bool known = wall && gmtime_r(&wall, &tm) &&
			     strftime(run->text, sizeof(run->text), "%Y-%m-%dT%H:%M:%SZ", &tm);

		kco_json_str(run->ctx->out, "date", known ? run->text : NULL);
	} else if (wall && localtime_r(&wall, &tm) &&
		   strftime(run->text, sizeof(run->text), "%a %b %e %H:%M:%S %Z %Y", &tm)) {
		sys_text(run, "DATE", NULL, run->text);
	}
}

static void sys_uptime(struct sys_run *run)
{
	uint64_t ns = run->info->uptime_ns, up = ns / 1000000000;
	int n = 0;

	if (!ns) {
		kco_json_null(run->ctx->out, "uptime_ns");
		return;
	}
	kco_json_uint(run->ctx->out, "uptime_ns", ns);
	if (up >= 86400)
		n = snprintf(run->text, sizeof(run->text), "%" PRIu64 " days, ", up / 86400);
	snprintf(run->text + n, sizeof(run->text) - (size_t)n, "%02u:%02u:%02u", (unsigned)(up / 3600 % 24),
		 (unsigned)(up / 60 % 60), (unsigned)(up % 60));
	sys_text(run, "UPTIME", NULL, run->text);
}

static void sys_load(struct sys_run *run)
{
	const struct kco_system_info *info = run->info;

	if (!info->has_load) {
		kco_json_null(run->ctx->out, "load_average");
		return;
	}
	kco_json_array(run->ctx->out, "load_average");
	for (int i = 0; i < 3; i++)
		kco_json_double(run->ctx->out, NULL, (double)info->load[i] / 100);
	kco_json_end(run->ctx->out);
	snprintf(run->text, sizeof(run->text), "%" PRIu64 ".%02u, %" PRIu64 ".%02u, %" PRIu64 ".%02u",
		 info->load[0] / 100, (unsigned)(info->load[0] % 100), info->load[1] / 100,
		 (unsigned)(info->load[1] % 100), info->load[2] / 100, (unsigned)(info->load[2] % 100));
	sys_text(run, "LOAD AVERAGE", NULL, run->text);
}

static void sys_clocks(struct sys_run *run)
{
	if (run->info) {
		sys_date(run);
		sys_uptime(run);
		sys_load(run);
	} else {
		kco_json_null(run->ctx->out, "date");
		kco_json_null(run->ctx->out, "uptime_ns");
		kco_json_null(run->ctx->out, "load_average");
	}
}

static void sys_tasks(struct sys_run *run)
{
	const struct kco_task *tasks;
	size_t n;

	if (kco_tasks_get(run->ctx->session, &tasks, &n, NULL) != KCO_OK) {
		kco_json_null(run->ctx->out, "tasks");
		return;
	}
	kco_json_uint(run->ctx->out, "tasks", n);
	snprintf(run->text, sizeof(run->text), "%zu", n);
	sys_text(run, "TASKS", NULL, run->text);
}

/* crash's "x86_64  (2596 Mhz)". */
static void sys_machine(struct sys_run *run, const char *machine)
{
	struct kco_session *s = run->ctx->session;
	struct kco_symbol sym;
	uint64_t khz = 0;

	if (run->info && kco_session_need(s, KCO_NEED_SYMS, NULL) == KCO_OK &&
	    kco_symbols_by_name(kco_session_symbols(s), "cpu_khz", &sym, NULL) == KCO_OK &&
	    kco_kread_uint(s, sym.addr, 4, &khz, NULL) != KCO_OK)
		khz = 0;
	if (kco_out_json(run->ctx->out)) {
		kco_json_str(run->ctx->out, "machine", *machine ? machine : NULL);
		if (khz)
			kco_json_uint(run->ctx->out, "cpu_khz", khz);
		else
			kco_json_null(run->ctx->out, "cpu_khz");
		return;
	}
	if (!*machine)
		return;
	if (khz)
		snprintf(run->text, sizeof(run->text), "%s  (%" PRIu64 " Mhz)", machine, khz / 1000);
	else
		snprintf(run->text, sizeof(run->text), "%s", machine);
	sys_text(run, "MACHINE", NULL, run->text);
}

/* "255.5 MB", "4 GB": one decimal, none when it is 0. */
static void sys_memory(struct sys_run *run, uint64_t bytes)
{
	static const char *const units[] = { "KB", "MB", "GB", "TB" };
	unsigned unit = 0;
	uint64_t tenths;

	if (!bytes) {
		kco_json_null(run->ctx->out, "memory_bytes");
		return;
	}
	while (unit < 3 && bytes >> (10 * (unit + 2)))
		unit++;
	tenths = (uint64_t)((double)bytes * 10 / (double)(UINT64_C(1) << 10 * (unit + 1)) + 0.5);
	kco_json_uint(run->ctx->out, "memory_bytes", bytes);
	if (tenths % 10)
		snprintf(run->text, sizeof(run->text), "%" PRIu64 ".%u %s", tenths / 10, (unsigned)(tenths % 10),
			 units[unit]);
	else
		snprintf(run->text, sizeof(run->text), "%" PRIu64 " %s", tenths / 10, units[unit]);
	sys_text(run, "MEMORY", NULL, run->text);
}

/* The first that is not empty: what the kernel's memory says, else what the file's header does. */
static void sys_name(struct sys_run *run, const char *label, const char *key, const char *kernel, const char *header)
{
	const char *text = run->info && *kernel ? kernel : header;

	if (!*text)
		kco_json_null(run->ctx->out, key);
	else
		sys_text(run, label, key, text);
}

static void sys_names(struct sys_run *run)
{
	static const struct kco_system_info none;
	const struct kco_system_info *info = run->info ? run->info : &none;
	const struct kco_facts *facts = &run->image->facts;

	sys_name(run, "NODENAME", "nodename", info->nodename, facts->nodename);
	sys_name(run, "RELEASE", "release", info->release, facts->release);
	sys_name(run, "VERSION", "version", info->version, facts->version);
	sys_machine(run, *info->machine ? info->machine : facts->machine);
}

static void sys_panic(struct sys_run *run)
{
	if (!run->info || !*run->info->panic) {
		kco_json_null(run->ctx->out, "panic");
		return;
	}
	kco_json_str(run->ctx->out, "panic", run->info->panic);
	snprintf(run->text, sizeof(run->text), "\"%s\"", run->info->panic);
	sys_text(run, "PANIC", NULL, run->text);
}

/* makedumpfile's -d bits. */
static void sys_dump_level(struct sys_run *run)
{
	static const char *const excluded[] = { "zero", "cache", "private cache", "user", "free" };
	int32_t level = run->image->facts.dump_level;
	int n;

	if (level < 0) {
		kco_json_null(run->ctx->out, "dump_level");
		return;
	}
	kco_json_int(run->ctx->out, "dump_level", level);
	n = snprintf(run->text, sizeof(run->text), "%d%s", level, level ? " (without " : " (nothing left out)");
	for (size_t i = 0, shown = 0; i < sizeof(excluded) / sizeof(excluded[0]); i++)
		if (level >> i & 1)
			n += snprintf(run->text + n, sizeof(run->text) - (size_t)n, "%s%s", shown++ ? ", " : "",
				      excluded[i]);
	if (level)
		snprintf(run->text + n, sizeof(run->text) - (size_t)n, " pages)");
	sys_text(run, "DUMP LEVEL", NULL, run->text);
}

/* What the file is: not in crash's sys. */
static void sys_file(struct sys_run *run)
{
	const struct kco_image *img = run->image;

	snprintf(run->text, sizeof(run->text), "%s%s%s%s%s%s", img->format ? img->format->name : "?",
		 *img->facts.codecs ? " (" : "", img->facts.codecs, *img->facts.codecs ? ")" : "",
		 *img->wrappers ? ", in " : "", img->wrappers);
	sys_text(run, "FORMAT", "format", run->text);
	sys_dump_level(run);
}

/* How the kernel was understood: not in crash's sys. */
static void sys_found(struct sys_run *run)
{
	static const struct kco_system_info none;
	const struct kco_system_info *info = run->info ? run->info : &none;
	struct kco_session *s = run->ctx->session;

	if (*info->build_id)
		sys_text(run, "BUILD-ID", "build_id", info->build_id);
	else
		kco_json_null(run->ctx->out, "build_id");
	if (!info->has_kaslr) {
		kco_json_null(run->ctx->out, "kaslr");
	} else {
		kco_json_addr(run->ctx->out, "kaslr", info->kaslr);
		snprintf(run->text, sizeof(run->text), "%#" PRIx64, info->kaslr);
		sys_text(run, "KASLR", NULL, run->text);
	}
	if (!info->page_levels) {
		kco_json_null(run->ctx->out, "page_levels");
	} else {
		kco_json_uint(run->ctx->out, "page_levels", info->page_levels);
		snprintf(run->text, sizeof(run->text), "%u levels", info->page_levels);
		sys_text(run, "PAGING", NULL, run->text);
	}
	if (run->info && kco_session_need(s, KCO_NEED_TYPES, NULL) == KCO_OK)
		sys_text(run, "TYPES", "types", kco_session_types(s)->ops->name);
	else
		kco_json_null(run->ctx->out, "types");
}

/* What is not there, each with the reason. */
static void sys_missing(struct sys_run *run)
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
		sys_text(run, "MISSING", NULL, run->text);
		kco_json_str(run->ctx->out, NULL, run->text);
		run->ctx->failed_rows++;
	}
	kco_json_end(run->ctx->out);
}

static enum kco_status sys_taints(struct sys_run *run, struct kco_err *err)
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
	struct sys_run run = { .ctx = ctx, .image = kco_session_image(ctx->session) };

	if (kco_session_need(ctx->session, KCO_NEED_OS, &run.why) != KCO_OK ||
	    kco_system_get(ctx->session, &run.info, &run.why) != KCO_OK)
		run.info = NULL;
	if (opts->taints || opts->dmi) {
		enum kco_status st = kco_cmd_check_os(ctx->session, opts->taints ? KCO_FEATURE_TAINTS : KCO_FEATURE_DMI,
						      opts->taints ? "-t" : "-i", err);

		if (st)
			return st;
		return opts->taints ? sys_taints(&run, err) : kco_dmi_show(ctx, err);
	}
	kco_json_row(ctx->out);
	sys_kernel(&run);
	sys_dumpfile(&run);
	sys_cpus(&run);
	sys_clocks(&run);
	sys_tasks(&run);
	sys_names(&run);
	sys_memory(&run, run.info ? run.info->memory_bytes : 0);
	sys_panic(&run);
	sys_file(&run);
	sys_found(&run);
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
	{ "kernel", "string|null", "the vmlinux in use" },
	{ "dumpfile", "array", "the files of the dump" },
	{ "dumpfile[]", "string", "path" },
	{ "partial", "boolean", "makedumpfile left pages out" },
	{ "incomplete", "boolean", "the dump's writer could not finish" },
	{ "cpus", "integer|null", "CPUs present" },
	{ "cpus_online", "integer|null", "CPUs online when it stopped; a panic takes the others offline" },
	{ "date", "string|null", "wall clock at the crash, UTC" },
	{ "uptime_ns", "integer|null", "since boot" },
	{ "load_average", "array|null", "over 1, 5 and 15 minutes" },
	{ "load_average[]", "number", "tasks that ran or wanted to" },
	{ "tasks", "integer|null", "tasks, idle ones included" },
	{ "nodename", "string|null", "host name" },
	{ "release", "string|null", "kernel release" },
	{ "version", "string|null", "kernel version" },
	{ "machine", "string|null", "architecture as uname has it" },
	{ "cpu_khz", "integer|null", "clock of the CPUs as the kernel measured it" },
	{ "memory_bytes", "integer|null", "memory of the machine" },
	{ "panic", "string|null", "why it stopped" },
	{ "format", "string", "format of the file, codec, wrappers" },
	{ "dump_level", "integer|null", "makedumpfile's -d" },
	{ "build_id", "string|null", "the kernel's build-id" },
	{ "kaslr", "address|null", "offset of the kernel's addresses" },
	{ "page_levels", "integer|null", "levels of page tables" },
	{ "types", "string|null", "where types come from: btf or dwarf" },
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
