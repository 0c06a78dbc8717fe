// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A kernel in 64 KiB for tests and fuzzers of why threads stand still: two
 * threads of a process and the one that traces them, their signals, a kernel
 * stack, breakpoints of every kind, the table of system calls. Built on
 * vmamake.h, with types of its own.
 *
 *   from 0     task_struct of three, signal_struct, sighand_struct, sigqueues
 *   0x2000     perf events and their context, uprobes, kprobes
 *   0x3000     syscalls_metadata
 *   0x4000     the kernel stack of all three, struct pt_regs at its end
 *   0x8000     sys_call_table, and that of x32 behind it
 *   0x9000     room for tests
 */
#ifndef KCO_UNIT_STOPMAKE_H
#define KCO_UNIT_STOPMAKE_H

#include <kco/stop.h>

#include "linux_page.h"
#include "linux_stop.h"
#include "linux_x86_64.h"
#include "process_priv.h"
#include "vmamake.h"

#define SM_VIRT VMA_VIRT
#define SM_CALLS_NR 460u
#define SM_FN_NEW UINT64_C(0xffffffff82000000) /* __x64_sys_newer */
#define SM_FN_X32 UINT64_C(0xffffffff82000100) /* __x64_sys_x32only */
#define SM_FN_OFF UINT64_C(0xffffffff82000200) /* sys_ni_syscall */

enum {
	SM_TASK = 0x0000, /* + 0x400 */
	SM_SIGNAL = 0x0c00,
	SM_SIGHAND = 0x1000,
	SM_QUEUE = 0x1800, /* + 0x40 */
	SM_EVENT = 0x2000, /* + 0x80 */
	SM_CTX = 0x2800,
	SM_TREE = 0x2900,
	SM_PER_REG = 0x2980,
	SM_UPROBE = 0x2a00, /* + 0x40 */
	SM_TABLE = 0x2c00,
	SM_KPROBE = 0x2e00, /* + 0x20 */
	SM_METAS_AT = 0x2fe0,
	SM_METAS = 0x3000,
	SM_META = 0x3e80,
	SM_META_ARGS = 0x3ec0, /* types; names: + 0x10 */
	SM_TEXT = 0x3f00,
	SM_STACK = 0x4000,
	SM_STACK_SIZE = 0x4000,
	SM_REGS = SM_STACK + SM_STACK_SIZE - 168,
	SM_CALLS = 0x8000,
	SM_ROOM = 0x9000,

	/* In task_struct */
	SM_T_FLAGS = 0,
	SM_T_STATUS = 8,
	SM_T_EXIT_CODE = 16,
	SM_T_PTRACE = 20,
	SM_T_JOBCTL = 24,
	SM_T_MESSAGE = 32,
	SM_T_LAST_SIGINFO = 40,
	SM_T_VFORK_DONE = 48,
	SM_T_IOWAIT = 56,
	SM_T_PARENT = 64,
	SM_T_SIGNAL = 72,
	SM_T_SIGHAND = 80,
	SM_T_PENDING = 88, /* next, prev, set */
	SM_T_BLOCKED = 112,
	SM_T_CTXP = 120,
	SM_T_DR6 = 128,
	SM_T_TRAP_NR = 136,
	SM_T_ERROR_CODE = 144,
	SM_T_CR2 = 152,
	SM_T_BPS = 160,
	SM_T_SIZE = 256,

	/* In signal_struct */
	SM_S_FLAGS = 0,
	SM_S_EXIT_CODE = 4,
	SM_S_THREADS = 8,
	SM_S_PENDING = 16,

	/* In perf_event */
	SM_E_STATE = 16,
	SM_E_CPU = 20,
	SM_E_TYPE = 24,
	SM_E_ACCESS = 28,
	SM_E_ADDR = 32,
	SM_E_LEN = 40,
	SM_E_TARGET = 48,

	/* In struct pt_regs */
	SM_R_RAX = 80,
	SM_R_RDI = 112,
	SM_R_ORIG_RAX = 120,
	SM_R_RIP = 128,
	SM_R_CS = 136,
	SM_R_RSP = 152,
};

struct stopmake {
	struct vmamake m;
	struct kco_task tasks[3]; /* the tracer, 50; 100, which is looked at; 101, of the same process */
	uint32_t order[3];
	uint64_t percpu;
	uint8_t online;
	struct kco_process *p;
};

static inline enum kco_status stopmake_by_name(struct kco_symbol_source *src, const char *name, struct kco_symbol *ret,
					       struct kco_err *err)
{
	static const struct kco_symbol symbols[] = {
		{ .addr = SM_VIRT + SM_TREE, .name = "uprobes_tree", .type = 'b' },
		{ .addr = SM_VIRT + SM_TABLE, .name = "kprobe_table", .type = 'b' },
		{ .addr = SM_VIRT + SM_CALLS, .size = SM_CALLS_NR * 8, .name = "sys_call_table", .type = 'D' },
		{ .addr = SM_VIRT + SM_METAS_AT, .name = "syscalls_metadata", .type = 'd' },
		{ .addr = SM_VIRT + SM_PER_REG, .name = "bp_per_reg", .type = 'd' },
	};

	(void)src;
	for (size_t i = 0; i < sizeof(symbols) / sizeof(*symbols); i++) {
		if (strcmp(name, symbols[i].name))
			continue;
		*ret = symbols[i];
		return KCO_OK;
	}
	return kco_fail(err, KCO_E_NOSYM, "no symbol %s", name);
}

static inline enum kco_status stopmake_by_addr(struct kco_symbol_source *src, uint64_t addr, struct kco_symbol *ret,
					       struct kco_err *err)
{
	static const char *const names[] = { "__x64_sys_newer", "__x64_sys_x32only", "sys_ni_syscall" };
	uint64_t i = (addr - SM_FN_NEW) / 0x100;

	(void)src;
	if (addr < SM_FN_NEW || i >= 3)
		return kco_fail(err, KCO_E_NOSYM, "no symbol");
	*ret = (struct kco_symbol){ .addr = SM_FN_NEW + i * 0x100, .size = 0x100, .name = names[i], .type = 'T' };
	return KCO_OK;
}

static const struct kco_symbol_source_ops stopmake_source_ops = {
	.name = "test",
	.by_name = stopmake_by_name,
	.by_addr = stopmake_by_addr,
	.free = vmamake_source_free,
};
static struct kco_symbol_source stopmake_source = { .ops = &stopmake_source_ops, .last = UINT64_MAX };

static const struct kco_os_ops stopmake_os = {
	.name = "linux",
	.process = &kco_os_linux_process,
	.cpu_count = linux_cpu_count,
	.percpu = linux_percpu,
	.task_regs = linux_x86_64_task_regs,
	.trap_frame = linux_x86_64_trap_frame,
	.user_regs = linux_x86_64_user_regs,
	.regs_user = linux_x86_64_regs_user,
};

static inline void stopmake_signal_types(struct btfmake *m, uint32_t u32, uint32_t u64, uint32_t list, uint32_t set)
{
	uint32_t info, sa, action, pending;

	info = VMAMAKE_STRUCT(m, "kernel_siginfo", 48, { "si_signo", 0, u32 }, { "rest", 8, btfmake_array(m, u64, 5) });
	VMAMAKE_STRUCT(m, "sigqueue", 64, { "list", 0, list }, { "info", 16, info });
	sa = VMAMAKE_STRUCT(m, "sigaction", 32, { "sa_handler", 0, u64 }, { "sa_flags", 8, u64 },
			    { "sa_restorer", 16, u64 }, { "sa_mask", 24, set });
	action = VMAMAKE_STRUCT(m, "k_sigaction", 32, { "sa", 0, sa });
	VMAMAKE_STRUCT(m, "sighand_struct", 2048, { "action", 0, btfmake_array(m, action, 64) });
	pending = VMAMAKE_STRUCT(m, "sigpending", 24, { "list", 0, list }, { "signal", 16, set });
	VMAMAKE_STRUCT(m, "signal_struct", 64, { "flags", SM_S_FLAGS, u32 }, { "group_exit_code", SM_S_EXIT_CODE, u32 },
		       { "nr_threads", SM_S_THREADS, u32 }, { "shared_pending", SM_S_PENDING, pending });
}

static inline void stopmake_task_type(struct btfmake *m, uint32_t u32, uint32_t u64, uint32_t list, uint32_t set)
{
	uint32_t four = btfmake_array(m, u64, 4), pending, thread, info;

	pending = VMAMAKE_STRUCT(m, "sigpending", 24, { "list", 0, list }, { "signal", 16, set });
	info = VMAMAKE_STRUCT(m, "thread_info", 16, { "flags", 0, u64 }, { "status", SM_T_STATUS, u32 });
	thread = VMAMAKE_STRUCT(m, "thread_struct", 64, { "virtual_dr6", 0, u64 }, { "trap_nr", 8, u64 },
				{ "error_code", 16, u64 }, { "cr2", 24, u64 }, { "ptrace_bps", 32, four });
	VMAMAKE_STRUCT(m, "task_struct", SM_T_SIZE, { "thread_info", 0, info }, { "exit_code", SM_T_EXIT_CODE, u32 },
		       { "ptrace", SM_T_PTRACE, u32 }, { "jobctl", SM_T_JOBCTL, u64 },
		       { "ptrace_message", SM_T_MESSAGE, u64 }, { "last_siginfo", SM_T_LAST_SIGINFO, u64 },
		       { "vfork_done", SM_T_VFORK_DONE, u64 }, { "in_iowait", SM_T_IOWAIT, u32 },
		       { "parent", SM_T_PARENT, u64 }, { "signal", SM_T_SIGNAL, u64 }, { "sighand", SM_T_SIGHAND, u64 },
		       { "pending", SM_T_PENDING, pending }, { "blocked", SM_T_BLOCKED, set },
		       { "perf_event_ctxp", SM_T_CTXP, u64 }, { "thread", SM_T_DR6, thread });
}

static inline void stopmake_probe_types(struct btfmake *m, uint32_t u32, uint32_t u64, uint32_t list)
{
	uint32_t attr = VMAMAKE_STRUCT(m, "perf_event_attr", 24, { "type", 0, u32 }, { "bp_type", 4, u32 },
				       { "bp_addr", 8, u64 }, { "bp_len", 16, u64 });
	uint32_t hw = VMAMAKE_STRUCT(m, "hw_perf_event", 8, { "target", 0, u64 });
	uint32_t node = VMAMAKE_STRUCT(m, "rb_node", 24, { "rb_right", 8, u64 }, { "rb_left", 16, u64 });
	uint32_t hlist = VMAMAKE_STRUCT(m, "hlist_node", 16, { "next", 0, u64 }, { "pprev", 8, u64 });

	VMAMAKE_STRUCT(m, "perf_event", 56, { "event_entry", 0, list }, { "state", SM_E_STATE, u32 },
		       { "cpu", SM_E_CPU, u32 }, { "attr", SM_E_TYPE, attr }, { "hw", SM_E_TARGET, hw });
	VMAMAKE_STRUCT(m, "perf_event_context", 32, { "event_list", 8, list });
	VMAMAKE_STRUCT(m, "uprobe", 40, { "rb_node", 0, node }, { "inode", 24, u64 }, { "offset", 32, u64 });
	VMAMAKE_STRUCT(m, "kprobe", 32, { "hlist", 0, hlist }, { "addr", 16, u64 }, { "flags", 24, u32 });
	VMAMAKE_STRUCT(m, "syscall_metadata", 32, { "name", 0, u64 }, { "syscall_nr", 8, u32 }, { "nb_args", 12, u32 },
		       { "types", 16, u64 }, { "args", 24, u64 });
}

static inline struct kco_types *stopmake_types(void)
{
	struct kco_types *types = NULL;
	struct btfmake m;
	uint32_t u32, u64, list, set;
	uint8_t *data;
	size_t n;

	btfmake_init(&m, NULL);
	u64 = btfmake_int(&m, "unsigned long", 8, 0, 64);
	u32 = btfmake_int(&m, "unsigned int", 4, 0, 32);
	list = VMAMAKE_STRUCT(&m, "list_head", 16, { "next", 0, u64 }, { "prev", 8, u64 });
	set = btfmake_array(&m, u64, 1);
	set = VMAMAKE_STRUCT(&m, "", 8, { "sig", 0, set });
	stopmake_signal_types(&m, u32, u64, list, set);
	stopmake_task_type(&m, u32, u64, list, set);
	stopmake_probe_types(&m, u32, u64, list);
	data = btfmake_take(&m, &n);
	btfmake_fini(&m);
	return kco_btf_new_take(data, n, NULL, 8, &types, NULL) ? NULL : types;
}

static inline void stopmake_put(struct stopmake *k, uint64_t at, uint64_t v, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		k->m.memory[at + i] = (uint8_t)(v >> 8 * i);
}

/* A member of the thread that is looked at. */
static inline void stopmake_task(struct stopmake *k, unsigned member, uint64_t v, unsigned n)
{
	stopmake_put(k, SM_TASK + 0x400 + member, v, n);
}

/** The siginfo at @at: @low and @high are the first of its union. */
static inline void stopmake_info(struct stopmake *k, uint64_t at, int signo, int code, uint64_t low, uint64_t high)
{
	stopmake_put(k, at, (uint32_t)signo, 4);
	stopmake_put(k, at + 8, (uint32_t)code, 4);
	stopmake_put(k, at + 16, low, 8);
	stopmake_put(k, at + 24, high, 8);
}

/** Make a circular list of the head at @head and @n nodes. */
static inline void stopmake_list(struct stopmake *k, uint64_t head, const uint64_t *nodes, unsigned n)
{
	uint64_t last = head;

	for (unsigned i = 0; i <= n; i++) {
		uint64_t node = i < n ? nodes[i] : head;

		stopmake_put(k, last, SM_VIRT + node, 8);
		stopmake_put(k, node + 8, SM_VIRT + last, 8);
		last = node;
	}
}

static inline void stopmake_event(struct stopmake *k, unsigned i, uint64_t addr, unsigned access)
{
	stopmake_put(k, SM_EVENT + 0x80 * i + SM_E_CPU, UINT32_MAX, 4);
	stopmake_put(k, SM_EVENT + 0x80 * i + SM_E_TYPE, 5, 4);
	stopmake_put(k, SM_EVENT + 0x80 * i + SM_E_ACCESS, access, 4);
	stopmake_put(k, SM_EVENT + 0x80 * i + SM_E_ADDR, addr, 8);
	stopmake_put(k, SM_EVENT + 0x80 * i + SM_E_LEN, 8, 8);
}

static inline void stopmake_signals(struct stopmake *k)
{
	static const uint64_t own[] = { SM_QUEUE, SM_QUEUE + 0x40, SM_QUEUE + 0x80 }, all[] = { SM_QUEUE + 0xc0 };

	for (unsigned i = 0; i < 3; i++) {
		uint64_t task = SM_TASK + 0x400 * i;

		stopmake_put(k, task + SM_T_SIGNAL, SM_VIRT + SM_SIGNAL, 8);
		stopmake_put(k, task + SM_T_SIGHAND, SM_VIRT + SM_SIGHAND, 8);
		stopmake_list(k, task + SM_T_PENDING, NULL, 0);
	}
	stopmake_list(k, SM_TASK + 0x400 + SM_T_PENDING, own, 3);
	stopmake_list(k, SM_SIGNAL + SM_S_PENDING, all, 1);
	for (int i = 0; i < 4; i++)
		stopmake_info(k, (uint64_t)(SM_QUEUE + 0x40 * i + 16), 34 + i, -1, 50, 0x1000 + (uint64_t)i);
	stopmake_task(k, SM_T_PENDING + 16, UINT64_C(7) << 33, 8);
	stopmake_task(k, SM_T_BLOCKED, UINT64_C(15) << 33, 8);
	stopmake_put(k, SM_SIGNAL + SM_S_PENDING + 16, UINT64_C(1) << 36, 8);
	stopmake_put(k, SM_SIGNAL + SM_S_THREADS, 2, 4);
	stopmake_put(k, SM_SIGHAND + 32 * 9, 0x401000, 8);
}

static inline void stopmake_probes(struct stopmake *k)
{
	static const uint64_t events[] = { SM_EVENT + 0x80, SM_EVENT + 0x100 };

	stopmake_event(k, 0, 0x601000, 2);
	stopmake_event(k, 1, 0x602000, 3);
	stopmake_event(k, 2, 0x403000, 4);
	stopmake_event(k, 3, 0x604000, 1);
	stopmake_task(k, SM_T_BPS, SM_VIRT + SM_EVENT, 8);
	stopmake_task(k, SM_T_CTXP, SM_VIRT + SM_CTX, 8);
	stopmake_list(k, SM_CTX + 8, events, 2);
	stopmake_put(k, SM_PER_REG, SM_VIRT + SM_EVENT + 0x180, 8);
	stopmake_put(k, SM_TREE, SM_VIRT + SM_UPROBE, 8);
	stopmake_put(k, SM_UPROBE + 8, SM_VIRT + SM_UPROBE + 0x40, 8);
	stopmake_put(k, SM_UPROBE + 16, SM_VIRT + SM_UPROBE + 0x80, 8);
	for (unsigned i = 0; i < 3; i++) {
		stopmake_put(k, SM_UPROBE + 0x40 * i + 24, SM_VIRT + SM_ROOM, 8);
		stopmake_put(k, SM_UPROBE + 0x40 * i + 32, 0x1000 + i, 8);
		stopmake_put(k, SM_KPROBE + 0x20 * i + 16, SM_FN_NEW + i, 8);
	}
	stopmake_put(k, SM_TABLE + 8 * 5, SM_VIRT + SM_KPROBE, 8);
	stopmake_put(k, SM_KPROBE, SM_VIRT + SM_KPROBE + 0x20, 8);
	stopmake_put(k, SM_TABLE + 8 * 63, SM_VIRT + SM_KPROBE + 0x40, 8);
	stopmake_put(k, SM_KPROBE + 0x40 + 24, 2, 4);
}

/* Number 459 is newer than the lists of this program; its metadata has one argument. What is behind is x32's. */
static inline void stopmake_calls(struct stopmake *k)
{
	stopmake_put(k, SM_CALLS + 8 * 459, SM_FN_NEW, 8);
	stopmake_put(k, SM_CALLS + 8 * 458, SM_FN_OFF, 8);
	stopmake_put(k, SM_CALLS + 8 * 460, SM_FN_X32, 8);
	stopmake_put(k, SM_METAS_AT, SM_VIRT + SM_METAS, 8);
	stopmake_put(k, SM_METAS + 8 * 459, SM_VIRT + SM_META, 8);
	stopmake_put(k, SM_META + 8, 459, 4);
	stopmake_put(k, SM_META + 12, 1, 4);
	stopmake_put(k, SM_META + 16, SM_VIRT + SM_META_ARGS, 8);
	stopmake_put(k, SM_META + 24, SM_VIRT + SM_META_ARGS + 0x10, 8);
	stopmake_put(k, SM_META_ARGS, SM_VIRT + SM_TEXT, 8);
	stopmake_put(k, SM_META_ARGS + 0x10, SM_VIRT + SM_TEXT + 16, 8);
	memcpy(k->m.memory + SM_TEXT, "int", 4);
	memcpy(k->m.memory + SM_TEXT + 16, "fd", 3);
}

/** The kernel, all of it sound, with thread 100 asleep in read(); what a test breaks is broken before it is opened. */
static inline void stopmake_init(struct stopmake *k)
{
	memset(k, 0, sizeof(*k));
	vmamake_init(&k->m);
	for (unsigned i = 0; i < 3; i++) {
		k->order[i] = i;
		k->tasks[i] = (struct kco_task){ .addr = SM_VIRT + SM_TASK + 0x400 * i,
						 .tid = i ? 99 + i : 50,
						 .tgid = i ? 100 : 50,
						 .cpu = 0,
						 .state = 'S',
						 .stack = SM_VIRT + SM_STACK,
						 .stack_size = SM_STACK_SIZE };
	}
	stopmake_put(k, SM_REGS + SM_R_CS, 0x33, 8);
	stopmake_put(k, SM_REGS + SM_R_RIP, 0x401234, 8);
	stopmake_put(k, SM_REGS + SM_R_RSP, 0x7ffe00001000, 8);
	stopmake_signals(k);
	stopmake_probes(k);
	stopmake_calls(k);
}

/** Make a session of the first @n bytes of memory. Types that are there already are taken. */
static inline bool stopmake_open(struct stopmake *k, size_t n)
{
	struct kco_session *s = &k->m.s;
	struct linux_os *os;

	if (!s->types)
		s->types = stopmake_types();
	if (!vmamake_open(&k->m, true, n))
		return false;
	kco_symbols_add_take(s->symbols, &stopmake_source);
	s->os = &stopmake_os;
	s->tasks = k->tasks;
	s->nr_tasks = 3;
	s->task_by_tid = s->task_by_addr = k->order;
	s->lazy_modules.tried = true;
	os = linux_of(s);
	os->percpu_offset = &k->percpu;
	os->online = &k->online;
	os->nr_cpus = 1;
	os->lazy_cpus.tried = true;
	return !kco_process_get(s, 100, &k->p, NULL);
}

static inline void stopmake_close(struct stopmake *k)
{
	struct kco_session *s = &k->m.s;

	// Each begins with the pointer to the next.
	while (s->warnings) {
		void *first = s->warnings;

		s->warnings = *(void **)first;
		free(first);
	}
	kco_session_processes_fini(s);
	linux_stops_fini(s);
	linux_x86_64_fini(s);
	linux_pages_fini(s);
	vmamake_close(&k->m);
}

#endif
