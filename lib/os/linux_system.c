// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The system as a whole: its names, clocks, load, memory, and why it died.
 */
#include "linux.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SYSTEM_NODES_MAX 1024
#define SYSTEM_BUILD_ID_MAX 64
#define SYSTEM_FSHIFT 11 /* avenrun's fixed point, FSHIFT of include/linux/sched/loadavg.h */

static void system_text(struct kco_session *s, uint64_t base, const char *path, char *buf, size_t size)
{
	struct kco_field f;

	if (os_field(s, "new_utsname", &f, NULL, path, NULL))
		return;
	if (kco_vread_str(s->mem, &s->kernel, base + f.offset, buf, size, NULL))
		buf[0] = '\0';
}

static void system_names(struct kco_session *s, struct kco_system_info *info)
{
	struct kco_field name;
	uint64_t ns;

	(void)!kco_session_vmcoreinfo(s, "OSRELEASE", info->release, sizeof(info->release), NULL);
	if (!s->types || os_symbol(s, &ns, NULL, "init_uts_ns", NULL) ||
	    os_field(s, "uts_namespace", &name, NULL, "name", NULL))
		return;
	ns += name.offset;
	system_text(s, ns, "release", info->release, sizeof(info->release));
	system_text(s, ns, "version", info->version, sizeof(info->version));
	system_text(s, ns, "machine", info->machine, sizeof(info->machine));
	system_text(s, ns, "nodename", info->nodename, sizeof(info->nodename));
	system_text(s, ns, "domainname", info->domainname, sizeof(info->domainname));
}

/*
 * The clocks as the timekeeper last saw them. shadow_timekeeper is a whole
 * struct timekeeper (a symbol until Linux 6.13); tk_core is an anonymous struct
 * of a sequence counter and one, so that its place is the counter's size
 * rounded up to the alignment of its 64-bit members.
 */
static void system_clock(struct kco_session *s, struct kco_system_info *info)
{
	struct kco_field sec, mono, mono_ns, boot, nsec, shift;
	uint64_t tk, v, frac = 0, shift_v, wall, seqcount = 8;
	int64_t up;

	if (os_symbol(s, &tk, NULL, "shadow_timekeeper", NULL)) {
		if (os_symbol(s, &tk, NULL, "tk_core", NULL))
			return;
		if (!kco_types_sizeof(s->types, "seqcount_raw_spinlock", &seqcount, NULL))
			seqcount = (seqcount + 7) & ~7ull;
		tk += seqcount;
	}
	if (os_field(s, "timekeeper", &sec, NULL, "xtime_sec", NULL) || kco_kread_field(s, tk, &sec, &wall, NULL))
		return;
	info->wall_seconds = (int64_t)wall;
	if (os_field(s, "timekeeper", &mono, NULL, "wall_to_monotonic.tv_sec", NULL) ||
	    os_field(s, "timekeeper", &mono_ns, NULL, "wall_to_monotonic.tv_nsec", NULL) ||
	    kco_kread_field(s, tk, &mono, &v, NULL))
		return;
	up = ((int64_t)wall + (int64_t)v) * 1000000000ll;
	if (!kco_kread_field(s, tk, &mono_ns, &v, NULL))
		up += (int64_t)v;
	if (!os_field(s, "timekeeper", &nsec, NULL, "tkr_mono.xtime_nsec", NULL) &&
	    !os_field(s, "timekeeper", &shift, NULL, "tkr_mono.shift", NULL) &&
	    !kco_kread_field(s, tk, &nsec, &frac, NULL) && !kco_kread_field(s, tk, &shift, &shift_v, NULL) &&
	    shift_v < 64) {
		info->wall_nsec = (uint32_t)((frac >> shift_v) % 1000000000u);
		up += (int64_t)(frac >> shift_v);
	}
	if (!os_field(s, "timekeeper", &boot, NULL, "offs_boot", NULL) && !kco_kread_field(s, tk, &boot, &v, NULL))
		up += (int64_t)v;
	if (up > 0)
		info->uptime_ns = (uint64_t)up;
}

static void system_load(struct kco_session *s, struct kco_system_info *info)
{
	uint64_t at, v;

	if (os_symbol(s, &at, NULL, "avenrun", NULL))
		return;
	for (unsigned i = 0; i < 3; i++) {
		if (kco_kread_uint(s, at + i * 8, 8, &v, NULL))
			return;
		info->load[i] = (v * 100 + (1u << (SYSTEM_FSHIFT - 1))) >> SYSTEM_FSHIFT;
	}
	info->has_load = true;
}

/* The pages of each node: node_data[] of pointers, or the one node of a kernel without NUMA. */
static void system_memory(struct kco_session *s, struct kco_system_info *info)
{
	struct kco_field present;
	struct kco_symbol sym;
	uint64_t data, node, pages;

	if (os_field(s, "pglist_data", &present, NULL, "node_present_pages", NULL))
		return;
	if (!os_symbol(s, &node, NULL, "contig_page_data", NULL)) {
		if (!kco_kread_field(s, node, &present, &pages, NULL))
			info->memory_bytes = pages * s->arch->page_size;
		return;
	}
	if (os_symbol(s, &data, NULL, "node_data", NULL) || kco_symbols_by_addr(s->symbols, data, &sym, NULL) ||
	    sym.addr != data)
		return;
	/* The array is as long as its symbol is. */
	for (unsigned i = 0; i < SYSTEM_NODES_MAX && (!sym.size || i * 8ull < sym.size); i++) {
		if (kco_kread_uint(s, data + i * 8ull, 8, &node, NULL))
			break;
		if (node && !kco_kread_field(s, node, &present, &pages, NULL))
			info->memory_bytes += pages * s->arch->page_size;
	}
}

/*
 * Lines that tell why a kernel died, as panic(), die() and friends print them.
 * A panic's own line says it best, unless it only repeats that there was an
 * oops before: then the oops' first line does.
 */
static const char system_panic_line[] = "Kernel panic - not syncing: ";
static const char system_panic_repeat[] = "Kernel panic - not syncing: Fatal exception";
static const char *const system_oops[] = {
	"BUG: ",
	"Unable to handle kernel",
	"kernel BUG at ",
	"general protection fault",
	"divide error: ",
	"double fault: ",
	"stack segment: ",
	"invalid opcode: ",
	"Oops: ",
	"Machine check: ",
	"Hardware Error",
	"watchdog: ",
	"sysrq: Trigger a crash",
	"SysRq : Trigger a crash",
};

struct system_panic {
	struct kco_system_info *info;
	bool is_panic, is_oops;
};

static void system_take_line(struct kco_system_info *info, const char *at, const struct kco_log_record *rec)
{
	size_t len = rec->text_len - (size_t)(at - rec->text);
	const char *nl = memchr(at, '\n', len);

	if (nl)
		len = (size_t)(nl - at);
	if (len >= sizeof(info->panic))
		len = sizeof(info->panic) - 1;
	memcpy(info->panic, at, len);
	info->panic[len] = '\0';
}

static bool system_find_panic(void *arg, const struct kco_log_record *rec)
{
	struct system_panic *p = arg;
	const char *at = memmem(rec->text, rec->text_len, system_panic_line, sizeof(system_panic_line) - 1);

	if (at) {
		bool repeat = memmem(rec->text, rec->text_len, system_panic_repeat, sizeof(system_panic_repeat) - 1);

		if (!repeat || !p->is_oops)
			system_take_line(p->info, at, rec);
		p->is_panic = true;
		/* What is printed from here on is the panic's own trace. */
		return false;
	}
	for (size_t i = 0; i < sizeof(system_oops) / sizeof(*system_oops); i++) {
		at = memmem(rec->text, rec->text_len, system_oops[i], strlen(system_oops[i]));
		/* One oops prints several of these lines; its first has "BUG: " or the fault's name. */
		if (!at || (p->is_oops && i >= 2))
			continue;
		system_take_line(p->info, at, rec);
		p->is_oops = true;
		break;
	}
	return true;
}

static void system_cpus(struct kco_session *s, struct kco_system_info *info)
{
	if (linux_cpu_count(s, &info->cpus_possible, NULL))
		return;
	for (unsigned i = 0; i < info->cpus_possible; i++)
		info->cpus_online += linux_cpu_online(s, i);
}

enum kco_status linux_build_id(struct kco_session *s, uint8_t *id, size_t *size, struct kco_err *err)
{
	char hex[2 * SYSTEM_BUILD_ID_MAX + 1];
	uint64_t start, stop;
	size_t n = 0;
	enum kco_status st;

	/* Since Linux 0935288c6e00 (v5.9) VMCOREINFO has it. */
	if (!kco_session_vmcoreinfo(s, "BUILD-ID", hex, sizeof(hex), NULL)) {
		for (; n < *size && isxdigit((unsigned char)hex[2 * n]) && isxdigit((unsigned char)hex[2 * n + 1]);
		     n++) {
			unsigned byte;

			sscanf(hex + 2 * n, "%2x", &byte);
			id[n] = (uint8_t)byte;
		}
		*size = n;
		if (n)
			return KCO_OK;
	}
	if (!s->symbols)
		return kco_fail(err, KCO_E_NOSYM, "the dump does not tell its kernel's build-id");
	st = os_symbol(s, &start, err, "__start_notes", NULL);
	if (!st)
		st = os_symbol(s, &stop, err, "__stop_notes", NULL);
	if (!st && stop <= start)
		st = kco_fail(err, KCO_E_CORRUPT, "the kernel's notes make no sense");
	return st ? st : linux_read_build_id(s, start, stop - start, id, size, err);
}

enum kco_status linux_system(struct kco_session *s, struct kco_system_info *info, struct kco_err *err)
{
	struct system_panic panic = { .info = info };
	struct linux_os *os = linux_of(s);
	struct kco_err mine = KCO_ERR_INIT;
	uint8_t id[20];
	size_t n = sizeof(id);

	(void)err;
	info->page_levels = os->levels;
	info->has_kaslr = os->has_kaslr;
	info->kaslr = os->kaslr;
	/* Each part that is missing leaves its line out; what VMCOREINFO says is there in any case. */
	if (kco_session_need(s, KCO_NEED_SYMS, &mine)) {
		system_names(s, info);
	} else {
		(void)!kco_session_need(s, KCO_NEED_TYPES, &mine);
		system_names(s, info);
		system_cpus(s, info);
		system_load(s, info);
	}
	if (s->types) {
		uint64_t taints;

		system_clock(s, info);
		system_memory(s, info);
		if (!os_variable(s, "tainted_mask", 8, &taints, NULL))
			info->taints = taints;
		(void)!linux_log(s, system_find_panic, &panic, NULL);
	}
	if (!linux_build_id(s, id, &n, NULL))
		for (size_t i = 0; i < n; i++)
			snprintf(info->build_id + 2 * i, 3, "%02x", id[i]);
	if (!info->release[0])
		return mine.code ? kco_fail(err, mine.code, "%s", mine.msg)
				 : kco_fail(err, KCO_E_NOSYM, "the kernel's release is not in the dump");
	return KCO_OK;
}
