// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rows of `sys` and `info`, see sysrows.h.
 */
#include "sysrows.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <kco/format.h>

void kco_sysrow(struct kco_sysrows *run, const char *label, const char *key, const char *text)
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

static void sysrows_kernel(struct kco_sysrows *run)
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
	kco_sysrow(run, "KERNEL", NULL, run->text);
}

static void sysrows_dumpfile(struct kco_sysrows *run)
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
		kco_sysrow(run, i ? "" : "DUMPFILE", NULL, run->text);
	}
}

/* CPUs that were plugged in: the others only could have been. */
static unsigned sysrows_cpus_present(struct kco_sysrows *run)
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

static void sysrows_cpus(struct kco_sysrows *run)
{
	unsigned present, online;

	if (!run->info || !run->info->cpus_possible) {
		kco_json_null(run->ctx->out, "cpus");
		kco_json_null(run->ctx->out, "cpus_online");
		return;
	}
	present = sysrows_cpus_present(run);
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
	kco_sysrow(run, "CPUS", NULL, run->text);
}

static void sysrows_date(struct kco_sysrows *run)
{
	time_t wall = (time_t)run->info->wall_seconds;
	struct tm tm;

	if (kco_out_json(run->ctx->out)) {
		bool known = wall && gmtime_r(&wall, &tm) &&
			     strftime(run->text, sizeof(run->text), "%Y-%m-%dT%H:%M:%SZ", &tm);

		kco_json_str(run->ctx->out, "date", known ? run->text : NULL);
	} else if (wall && localtime_r(&wall, &tm) &&
		   strftime(run->text, sizeof(run->text), "%a %b %e %H:%M:%S %Z %Y", &tm)) {
		kco_sysrow(run, "DATE", NULL, run->text);
	}
}

static void sysrows_uptime(struct kco_sysrows *run)
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
	kco_sysrow(run, "UPTIME", NULL, run->text);
}

static void sysrows_load(struct kco_sysrows *run)
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
	kco_sysrow(run, "LOAD AVERAGE", NULL, run->text);
}

static void sysrows_clocks(struct kco_sysrows *run)
{
	if (run->info) {
		sysrows_date(run);
		sysrows_uptime(run);
		sysrows_load(run);
	} else {
		kco_json_null(run->ctx->out, "date");
		kco_json_null(run->ctx->out, "uptime_ns");
		kco_json_null(run->ctx->out, "load_average");
	}
}

static void sysrows_tasks(struct kco_sysrows *run)
{
	const struct kco_task *tasks;
	size_t n;

	if (kco_tasks_get(run->ctx->session, &tasks, &n, NULL) != KCO_OK) {
		kco_json_null(run->ctx->out, "tasks");
		return;
	}
	kco_json_uint(run->ctx->out, "tasks", n);
	snprintf(run->text, sizeof(run->text), "%zu", n);
	kco_sysrow(run, "TASKS", NULL, run->text);
}

/* crash's "x86_64  (2596 Mhz)". */
static void sysrows_machine(struct kco_sysrows *run, const char *machine)
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
	kco_sysrow(run, "MACHINE", NULL, run->text);
}

void kco_sysrow_memory(struct kco_sysrows *run, const char *label, const char *key, uint64_t bytes)
{
	static const char *const units[] = { "KB", "MB", "GB", "TB" };
	unsigned unit = 0;
	uint64_t tenths;

	if (!bytes) {
		kco_json_null(run->ctx->out, key);
		return;
	}
	while (unit < 3 && bytes >> (10 * (unit + 2)))
		unit++;
	tenths = (uint64_t)((double)bytes * 10 / (double)(UINT64_C(1) << 10 * (unit + 1)) + 0.5);
	kco_json_uint(run->ctx->out, key, bytes);
	if (tenths % 10)
		snprintf(run->text, sizeof(run->text), "%" PRIu64 ".%u %s", tenths / 10, (unsigned)(tenths % 10),
			 units[unit]);
	else
		snprintf(run->text, sizeof(run->text), "%" PRIu64 " %s", tenths / 10, units[unit]);
	kco_sysrow(run, label, NULL, run->text);
}

/* The first that is not empty: what the kernel's memory says, else what the file's header does. */
static void sysrows_name(struct kco_sysrows *run, const char *label, const char *key, const char *kernel,
			 const char *header)
{
	const char *text = run->info && *kernel ? kernel : header;

	if (!*text)
		kco_json_null(run->ctx->out, key);
	else
		kco_sysrow(run, label, key, text);
}

static void sysrows_names(struct kco_sysrows *run)
{
	static const struct kco_system_info none;
	const struct kco_system_info *info = run->info ? run->info : &none;
	const struct kco_facts *facts = &run->image->facts;

	sysrows_name(run, "NODENAME", "nodename", info->nodename, facts->nodename);
	sysrows_name(run, "RELEASE", "release", info->release, facts->release);
	sysrows_name(run, "VERSION", "version", info->version, facts->version);
	sysrows_machine(run, *info->machine ? info->machine : facts->machine);
}

static void sysrows_panic(struct kco_sysrows *run)
{
	if (!run->info || !*run->info->panic) {
		kco_json_null(run->ctx->out, "panic");
		return;
	}
	kco_json_str(run->ctx->out, "panic", run->info->panic);
	snprintf(run->text, sizeof(run->text), "\"%s\"", run->info->panic);
	kco_sysrow(run, "PANIC", NULL, run->text);
}

/* makedumpfile's -d bits. */
static void sysrows_dump_level(struct kco_sysrows *run)
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
	kco_sysrow(run, "DUMP LEVEL", NULL, run->text);
}

void kco_sysrows_file(struct kco_sysrows *run)
{
	const struct kco_image *img = run->image;

	snprintf(run->text, sizeof(run->text), "%s%s%s%s%s%s", img->format ? img->format->name : "?",
		 *img->facts.codecs ? " (" : "", img->facts.codecs, *img->facts.codecs ? ")" : "",
		 *img->wrappers ? ", in " : "", img->wrappers);
	kco_sysrow(run, "FORMAT", "format", run->text);
	sysrows_dump_level(run);
}

void kco_sysrows_found(struct kco_sysrows *run)
{
	static const struct kco_system_info none;
	const struct kco_system_info *info = run->info ? run->info : &none;
	struct kco_session *s = run->ctx->session;

	if (*info->build_id)
		kco_sysrow(run, "BUILD-ID", "build_id", info->build_id);
	else
		kco_json_null(run->ctx->out, "build_id");
	if (!info->has_kaslr) {
		kco_json_null(run->ctx->out, "kaslr");
	} else {
		kco_json_addr(run->ctx->out, "kaslr", info->kaslr);
		snprintf(run->text, sizeof(run->text), "%#" PRIx64, info->kaslr);
		kco_sysrow(run, "KASLR", NULL, run->text);
	}
	if (!info->page_levels) {
		kco_json_null(run->ctx->out, "page_levels");
	} else {
		kco_json_uint(run->ctx->out, "page_levels", info->page_levels);
		snprintf(run->text, sizeof(run->text), "%u levels", info->page_levels);
		kco_sysrow(run, "PAGING", NULL, run->text);
	}
	if (run->info && kco_session_need(s, KCO_NEED_TYPES, NULL) == KCO_OK)
		kco_sysrow(run, "TYPES", "types", kco_session_types(s)->ops->name);
	else
		kco_json_null(run->ctx->out, "types");
}

void kco_sysrows_init(struct kco_sysrows *run, struct kco_cmd_ctx *ctx)
{
	*run = (struct kco_sysrows){ .ctx = ctx, .image = kco_session_image(ctx->session) };
	if (kco_session_need(ctx->session, KCO_NEED_OS, &run->why) != KCO_OK ||
	    kco_system_get(ctx->session, &run->info, &run->why) != KCO_OK)
		run->info = NULL;
}

void kco_sysrows_crash(struct kco_sysrows *run)
{
	sysrows_kernel(run);
	sysrows_dumpfile(run);
	sysrows_cpus(run);
	sysrows_clocks(run);
	sysrows_tasks(run);
	sysrows_names(run);
	kco_sysrow_memory(run, "MEMORY", "memory_bytes", run->info ? run->info->memory_bytes : 0);
	sysrows_panic(run);
}
