// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any bytes as the memory of a FreeBSD kernel: its lists of processes and
 * threads, the pid hash, registers, stacks and trap frames, message buffer,
 * what it says of itself.
 *
 * Symbols lie at fixed places of the first two pages, most 32 bytes apart. The
 * highest bit of the first byte chooses a kernel without types.
 *
 * What must hold: no crash, no hang; each thread once; stacks that end.
 */
#include <kco/unwind.h>

#include <stdlib.h>
#include <string.h>

#include "fbsdtypes.h"
#include "freebsd.h"
#include "session.h"
#include "tasks.h"
#include "vmem.h"

#define FUZZ_VA UINT64_C(0xffffffff81000000)
#define FUZZ_MIN 0x2000
#define FUZZ_STACKS 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

extern const struct kco_os_ops kco_os_freebsd;

static const struct {
	const char *name;
	uint32_t offset, size;
	char type;
} fuzz_symbols[] = {
	{ "mp_maxid", 0x0, 4, 'B' },
	{ "allproc", 0x20, 8, 'B' },
	{ "zombproc", 0x40, 8, 'B' },
	{ "pidhashtbl", 0x60, 8, 'B' },
	{ "pidhash", 0x80, 8, 'B' },
	{ "dumptid", 0xa0, 4, 'B' },
	{ "stopped_cpus", 0xc0, 32, 'B' },
	{ "all_cpus", 0xe0, 32, 'B' },
	{ "cpuid_to_pcpu", 0x100, 32, 'B' },
	{ "dpcpu_off", 0x120, 32, 'B' },
	{ "msgbufp", 0x140, 8, 'B' },
	{ "panicstr", 0x160, 8, 'B' },
	{ "ticks", 0x180, 4, 'B' },
	{ "hz", 0x1a0, 4, 'D' },
	{ "cpu_tick_frequency", 0x1c0, 8, 'b' },
	{ "stoppcbs", 0x1e0, 8, 'B' },
	{ "averunnable", 0x200, 24, 'B' },
	{ "prison0", 0x220, 8, 'D' },
	{ "version", 0x240, 64, 'D' },
	{ "kstack_pages", 0x280, 4, 'D' },
	{ "vmspace0", 0x2a0, 8, 'B' },
	{ "dumppcb", 0x2c0, 64, 'b' },
	{ "common_tss", 0x300, 416, 'B' },
	{ "proc_off_p_pid", 0x500, 4, 'R' },
	{ "proc_off_p_comm", 0x520, 4, 'R' },
	{ "proc_off_p_list", 0x540, 4, 'R' },
	{ "proc_off_p_hash", 0x560, 4, 'R' },
	{ "proc_off_p_threads", 0x580, 4, 'R' },
	{ "thread_off_td_tid", 0x5a0, 4, 'R' },
	{ "thread_off_td_name", 0x5c0, 4, 'R' },
	{ "thread_off_td_oncpu", 0x5e0, 4, 'R' },
	{ "thread_off_td_pcb", 0x600, 4, 'R' },
	{ "thread_off_td_plist", 0x620, 4, 'R' },
	{ "pcb_size", 0x640, 4, 'R' },
	{ "btext", 0x1000, 256, 'T' },
	{ "calltrap", 0x1100, 256, 't' },
	{ "fork_trampoline", 0x1200, 256, 'T' },
	{ "trap", 0x1300, 0xd00, 'T' },
	{ "etext", 0x2000, 0, 'D' },
};
#define FUZZ_SYMBOLS (sizeof(fuzz_symbols) / sizeof(fuzz_symbols[0]))

static struct kco_symbol fuzz_symbol(size_t i)
{
	return (struct kco_symbol){ .addr = FUZZ_VA + fuzz_symbols[i].offset,
				    .size = fuzz_symbols[i].size,
				    .name = fuzz_symbols[i].name,
				    .type = fuzz_symbols[i].type };
}

static enum kco_status fuzz_by_name(struct kco_symbol_source *src, const char *name, struct kco_symbol *ret,
				    struct kco_err *err)
{
	(void)src;
	for (size_t i = 0; i < FUZZ_SYMBOLS; i++) {
		if (!strcmp(fuzz_symbols[i].name, name)) {
			*ret = fuzz_symbol(i);
			return KCO_OK;
		}
	}
	return kco_fail(err, KCO_E_NOSYM, "no symbol '%s'", name);
}

static enum kco_status fuzz_each(struct kco_symbol_source *src, bool (*fn)(void *arg, const struct kco_symbol *sym),
				 void *arg, struct kco_err *err)
{
	(void)src;
	(void)err;
	for (size_t i = 0; i < FUZZ_SYMBOLS; i++) {
		struct kco_symbol sym = fuzz_symbol(i);

		if (!fn(arg, &sym))
			break;
	}
	return KCO_OK;
}

static void fuzz_free(struct kco_symbol_source *src)
{
	(void)src;
}

static const struct kco_symbol_source_ops fuzz_source_ops = {
	.name = "fuzz", .by_name = fuzz_by_name, .each = fuzz_each, .free = fuzz_free
};

static struct kco_lazy fuzz_there(enum kco_status status)
{
	struct kco_lazy lazy = { .tried = true, .err = KCO_ERR_INIT };

	if (status)
		kco_fail(&lazy.err, status, "none");
	return lazy;
}

static void fuzz_tasks(struct kco_session *s)
{
	static struct kco_trace trace;
	const struct kco_task *tasks;
	struct kco_unwinder *uw;
	size_t n;

	if (kco_tasks_get(s, &tasks, &n, NULL))
		return;
	for (size_t i = 0; i < n; i++)
		if (kco_task_by_addr(s, tasks[i].addr) != &tasks[i])
			abort();
	if (kco_unwinder_new(s, &uw, NULL))
		return;
	for (size_t i = 0; i < n && i < FUZZ_STACKS; i++)
		if (kco_unwind_task(uw, &tasks[i], &trace, NULL) != trace.status || trace.n > KCO_FRAMES_MAX)
			abort();
	kco_unwinder_free(uw);
}

static bool fuzz_record(void *arg, const struct kco_log_record *rec)
{
	size_t *bytes = arg;

	if (rec->text_len && !rec->text)
		abort();
	*bytes += rec->text_len;
	return true;
}

static void fuzz_rest(struct kco_session *s)
{
	const struct kco_system_info *info;
	struct kco_regs regs;
	size_t bytes = 0;

	(void)!kco_log_each(s, fuzz_record, &bytes, NULL);
	(void)!kco_system_get(s, &info, NULL);
	for (unsigned cpu = 0; cpu < 4; cpu++)
		(void)!kco_cpu_regs(s, cpu, &regs, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct kco_types *types;
	struct freebsd_os os = { .machine = &freebsd_amd64 };
	struct kco_session s = { .os = &kco_os_freebsd, .os_priv = &os };
	struct kco_symbol_source source = { .ops = &fuzz_source_ops, .last = UINT64_MAX };
	struct vmem v = { 0 };
	bool typed;

	if (size < FUZZ_MIN)
		return 0;
	if (!types)
		types = fbsd_types_new();
	typed = !(data[0] & 0x80);
	vmem_add(&v, FUZZ_VA, data, size);
	if (vmem_open(&v)) {
		kco_arena_init(&s.arena);
		s.image = v.image;
		s.mem = v.mem;
		s.arch = v.space.arch;
		s.kernel = v.space;
		s.types = typed ? types : NULL;
		s.lazy_os = s.lazy_symbols = fuzz_there(KCO_OK);
		s.lazy_types = fuzz_there(typed ? KCO_OK : KCO_E_NOTYPE);
		s.lazy_modules = s.lazy_debuginfo = fuzz_there(KCO_E_UNSUPPORTED);
		s.symbols = kco_symbols_new();
		kco_symbols_add_take(s.symbols, &source);
		fuzz_tasks(&s);
		fuzz_rest(&s);
		freebsd_cpus_fini(&s);
		freebsd_regs_fini(&s);
		freebsd_text_fini(&s);
		freebsd_tasks_fini(&s);
		kco_session_tasks_fini(&s);
		kco_symbols_free(s.symbols);
		kco_arena_fini(&s.arena);
		while (s.warnings) {
			// A list whose first word is the next one; see session.c.
			void *next = *(void **)s.warnings;

			free(s.warnings);
			s.warnings = next;
		}
	}
	vmem_close(&v);
	return 0;
}
