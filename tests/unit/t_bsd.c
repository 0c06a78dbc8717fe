// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * NetBSD's and OpenBSD's personality on kernels that lie: lists that loop,
 * break off or lead to what is no process, message buffers of impossible
 * sizes, registers that nobody saved; and which of the two a dump is of.
 *
 * The kernel is NetBSD's by its names (OpenBSD's are another row of the same
 * code); members lie where no real kernel has them.
 */
#include <stdio.h>
#include <string.h>

#include "bsd.h"
#include "bsd_ring.h"
#include "btf.h"
#include "btfmake.h"
#include "memimage.h"
#include "session.h"
#include "tasks.h"
#include "unit.h"
#include "x86_64.h"

#define BASE UINT64_C(0xffffffff81000000)
#define TEXT BASE
#define DATA (BASE + 0x1000)
#define OBJECTS (BASE + 0x4000)
#define STACKS (BASE + 0x10000) /* two pages each, the pcb at their beginning */
#define STRINGS (BASE + 0x30000)
#define RING (BASE + 0x34000)
#define SYMBOLS_MAX 32

enum {
	P_LIST = 8,
	P_LWPS = 24,
	P_PID = 32,
	P_STAT = 36,
	P_FLAG = 40,
	P_PPTR = 48,
	P_VMSPACE = 56,
	P_COMM = 64,
	L_STAT = 0,
	L_SIBLING = 8,
	L_PROC = 24,
	L_LID = 32,
	L_FLAG = 36,
	L_NAME = 40,
	L_WMESG = 48,
	L_WCHAN = 56,
	L_CPU = 64,
	L_ADDR = 72,
	L_MD = 80,
	PCB_RSP = 8,
	PCB_RBP = 16,
	CI_CURLWP = 8,
	CI_DATA = 16,
	CI_DDB_REGS = 32,
};

static struct kernel {
	struct memimage m;
	struct kco_session s;
	struct kco_symbol symbols[SYMBOLS_MAX];
	size_t nr_symbols, nr_data, nr_objects, nr_strings;
	struct kco_symbol_source source;
	char warnings[2048];
	struct kco_err err;
} k;

static void put(uint64_t va, uint64_t value, size_t size)
{
	for (size_t i = 0; i < size; i++)
		k.m.bytes[va + i - BASE] = (uint8_t)(value >> 8 * i);
}

static enum kco_status by_name(struct kco_symbol_source *src, const char *name, struct kco_symbol *ret,
			       struct kco_err *err)
{
	(void)src;
	for (size_t i = 0; i < k.nr_symbols; i++) {
		if (!strcmp(k.symbols[i].name, name)) {
			*ret = k.symbols[i];
			return KCO_OK;
		}
	}
	return kco_fail(err, KCO_E_NOSYM, "no symbol '%s'", name);
}

static enum kco_status each(struct kco_symbol_source *src, bool (*fn)(void *arg, const struct kco_symbol *sym),
			    void *arg, struct kco_err *err)
{
	(void)src;
	(void)err;
	for (size_t i = 0; i < k.nr_symbols && fn(arg, &k.symbols[i]); i++)
		;
	return KCO_OK;
}

static void source_free(struct kco_symbol_source *src)
{
	(void)src;
}

static const struct kco_symbol_source_ops source_ops = {
	.name = "test", .by_name = by_name, .each = each, .free = source_free
};

static uint64_t symbol(const char *name, uint64_t va, uint64_t size, char type)
{
	assert_true(k.nr_symbols < SYMBOLS_MAX);
	k.symbols[k.nr_symbols++] = (struct kco_symbol){ .addr = va, .size = size, .name = name, .type = type };
	return va;
}

static uint64_t variable(const char *name, uint64_t value)
{
	uint64_t va = DATA + 64 * k.nr_data++;

	put(va, value, 8);
	return symbol(name, va, 8, 'B');
}

static uint64_t string(const char *text)
{
	uint64_t va = STRINGS + 64 * k.nr_strings++;

	memcpy(k.m.bytes + (va - BASE), text, strlen(text) + 1);
	return va;
}

struct member {
	const char *name;
	uint32_t type, offset;
};

static uint32_t type(struct btfmake *b, const char *name, uint32_t size, const struct member *members, unsigned n)
{
	uint32_t id = btfmake_type(b, name, 4, 0, n, size);

	for (unsigned i = 0; i < n; i++)
		btfmake_member(b, members[i].name, members[i].type, members[i].offset * 8, 0);
	return id;
}
#define TYPE(name, size, ...)                                        \
	type(&b, name, size, (const struct member[]){ __VA_ARGS__ }, \
	     sizeof((const struct member[]){ __VA_ARGS__ }) / sizeof(struct member))

static struct kco_types *types_new(void)
{
	/* sys/arch/amd64/include/frame.h, of which the test fills few. */
	static const char *const frame[] = { "tf_rdi", "tf_rsi", "tf_rdx", "tf_rcx",	"tf_r8",  "tf_r9",  "tf_r10",
					     "tf_r11", "tf_r12", "tf_r13", "tf_r14",	"tf_r15", "tf_rbp", "tf_rbx",
					     "tf_rax", "tf_rip", "tf_cs",  "tf_rflags", "tf_rsp", "tf_ss" };
	struct member members[20];
	struct kco_types *types;
	struct btfmake b;
	uint32_t u64, u32, chr, name, le, lh, tqe, data, md, map;
	size_t n;
	void *raw;

	btfmake_init(&b, NULL);
	u64 = btfmake_int(&b, "long", 8, 0, 64);
	u32 = btfmake_int(&b, "u_int", 4, 0, 32);
	chr = btfmake_int(&b, "char", 1, 2, 8);
	name = btfmake_array(&b, chr, 17);
	le = TYPE("le", 16, { "le_next", u64, 0 }, { "le_prev", u64, 8 });
	lh = TYPE("lh", 8, { "lh_first", u64, 0 });
	tqe = TYPE("tqe", 16, { "tqe_next", u64, 0 });
	data = TYPE("cpu_data", 16, { "cpu_index", u32, 0 }, { "cpu_idlelwp", u64, 8 });
	md = TYPE("mdlwp", 8, { "md_regs", u64, 0 });
	map = TYPE("vm_map", 16, { "pmap", u64, 0 });
	TYPE("proc", 88, { "p_list", le, P_LIST }, { "p_lwps", lh, P_LWPS }, { "p_pid", u32, P_PID },
	     { "p_stat", u32, P_STAT }, { "p_flag", u32, P_FLAG }, { "p_pptr", u64, P_PPTR },
	     { "p_vmspace", u64, P_VMSPACE }, { "p_comm", name, P_COMM });
	TYPE("lwp", 96, { "l_stat", u32, L_STAT }, { "l_sibling", le, L_SIBLING }, { "l_proc", u64, L_PROC },
	     { "l_lid", u32, L_LID }, { "l_flag", u32, L_FLAG }, { "l_name", u64, L_NAME }, { "l_wmesg", u64, L_WMESG },
	     { "l_wchan", u64, L_WCHAN }, { "l_cpu", u64, L_CPU }, { "l_addr", u64, L_ADDR }, { "l_md", md, L_MD });
	TYPE("pcb", 24, { "pcb_rsp0", u64, 0 }, { "pcb_rsp", u64, PCB_RSP }, { "pcb_rbp", u64, PCB_RBP });
	TYPE("cpu_info", 48, { "ci_next", u64, 0 }, { "ci_curlwp", u64, CI_CURLWP }, { "ci_data", data, CI_DATA },
	     { "ci_ddb_regs", u64, CI_DDB_REGS });
	TYPE("vmspace", 32, { "vm_map", map, 8 });
	TYPE("pmap", 32, { "pm_pdirpa", u64, 16 });
	TYPE("kern_msgbuf", 40, { "msg_magic", u64, 0 }, { "msg_bufx", u64, 8 }, { "msg_bufs", u64, 24 },
	     { "msg_bufc", btfmake_array(&b, chr, 1), 32 });
	TYPE("module", 40, { "mod_info", u64, 0 }, { "mod_kobj", u64, 8 }, { "mod_chain", tqe, 16 });
	TYPE("modinfo", 16, { "mi_name", u64, 8 });
	for (uint32_t i = 0; i < 20; i++)
		members[i] = (struct member){ frame[i], u64, 8 * i };
	type(&b, "trapframe", 160, members, 20);
	raw = btfmake_take(&b, &n);
	btfmake_fini(&b);
	return kco_btf_new_take(raw, n, NULL, 8, &types, NULL) ? NULL : types;
}

static void warn(void *arg, const char *msg)
{
	size_t n = strlen(k.warnings);

	(void)arg;
	snprintf(k.warnings + n, sizeof(k.warnings) - n, "%s\n", msg);
}

extern const struct kco_os_ops kco_os_netbsd;

static uint64_t end; /* where the pointer to the next process goes */

static void start(void)
{
	memset(&k, 0, sizeof(k));
	k.m.virt = BASE;
	k.source = (struct kco_symbol_source){ .ops = &source_ops, .last = UINT64_MAX };
	kco_arena_init(&k.s.arena);
	k.s.opts.image.warn = warn;
	k.s.os = &kco_os_netbsd;
	k.s.os_priv = calloc(1, sizeof(struct bsd_os));
	bsd_of(&k.s)->flavour = &netbsd_flavour;
	k.s.arch = kco_arch_by_machine(62);
	k.s.kernel = (struct kco_space){ .arch = k.s.arch, .addr_mask = k.s.arch->phys_mask, .id = 1 };
	k.s.lazy_os.tried = k.s.lazy_symbols.tried = k.s.lazy_types.tried = k.s.lazy_modules.tried = true;
	k.s.types = types_new();
	assert_non_null(k.s.types);
	k.s.symbols = kco_symbols_new();
	kco_symbols_add_take(k.s.symbols, &k.source);
	end = variable("allproc", 0);
	variable("cpu_info_list", 0);
	symbol("kernel_text", TEXT, 64, 'T');
	symbol("mi_switch", TEXT + 64, 64, 'T');
	symbol("alltraps", TEXT + 128, 64, 'T');
	symbol("lwp_trampoline", TEXT + 192, 64, 'T');
	symbol("etext", TEXT + 4096, 0, 'D');
}

static void open_image(void)
{
	memimage_open(&k.m);
	k.s.image = k.m.image;
	assert_int_equal(kco_mem_new(k.m.image, &k.s.mem, NULL), KCO_OK);
	k.err = KCO_ERR_INIT;
}

static int teardown(void **state)
{
	(void)state;
	bsd_fini(&k.s);
	kco_session_tasks_fini(&k.s);
	free(k.s.modules);
	kco_symbols_free(k.s.symbols);
	kco_types_free(k.s.types);
	kco_mem_free(k.s.mem);
	kco_image_free(k.m.image);
	kco_arena_fini(&k.s.arena);
	while (k.s.warnings) {
		// A list whose first word is the next one; see session.c.
		void *next = *(void **)k.s.warnings;

		free(k.s.warnings);
		k.s.warnings = next;
	}
	memset(&k, 0, sizeof(k));
	return 0;
}

static uint64_t object(void)
{
	return OBJECTS + 128 * k.nr_objects++;
}

static uint64_t proc(uint32_t pid, const char *comm)
{
	uint64_t p = object();

	put(end, p, 8);
	put(p + P_LIST + 8, end, 8);
	end = p + P_LIST;
	put(p + P_PID, pid, 4);
	put(p + P_STAT, 2, 4);
	memcpy(k.m.bytes + (p + P_COMM - BASE), comm, strlen(comm) + 1);
	return p;
}

/* In front of the process's others. */
static uint64_t lwp(uint64_t p, uint32_t lid)
{
	uint64_t l = object();

	put(l + L_SIBLING, memimage_get(&k.m, p + P_LWPS - BASE), 8);
	put(p + P_LWPS, l, 8);
	put(l + L_PROC, p, 8);
	put(l + L_LID, lid, 4);
	put(l + L_STAT, 2, 4);
	return l;
}

/* A stack whose pcb says that its thread switched away in mi_switch(). */
static uint64_t on_stack(uint64_t l, unsigned i)
{
	uint64_t pcb = STACKS + 0x2000 * i, sp = pcb + 0x1800;

	put(l + L_ADDR, pcb, 8);
	put(pcb, pcb + 0x2000 - 16, 8);
	put(pcb + PCB_RSP, sp, 8);
	put(pcb + PCB_RBP, sp + 0x100, 8);
	put(sp + 8, 0x1414, 8); // r14
	put(sp + 32, 0xbbbb, 8);
	put(sp + 40, TEXT + 80, 8);
	return pcb;
}

static uint64_t cpu(uint64_t *slot, uint32_t index, uint64_t curlwp)
{
	uint64_t ci = object();

	put(*slot, ci, 8);
	put(ci + CI_CURLWP, curlwp, 8);
	put(ci + CI_DATA, index, 4);
	*slot = ci;
	return ci;
}

static const struct kco_task *load(size_t n)
{
	const struct kco_task *tasks;
	size_t got;

	open_image();
	if (kco_tasks_get(&k.s, &tasks, &got, &k.err))
		fail_msg("%s", k.err.msg);
	assert_int_equal(got, n);
	return tasks;
}

static void warned(const char *text)
{
	if (!strstr(k.warnings, text))
		fail_msg("no warning of '%s' in: %s", text, k.warnings);
}

static void test_bsd__rows_tell_what_the_kernel_knows(void **state)
{
	uint64_t sh, system, l, slot = DATA + 64, ci;
	const struct kco_task *t;

	(void)state;
	start();
	sh = proc(700, "sh");
	system = proc(0, "system");
	put(sh + P_PPTR, system, 8);
	put(sh + P_VMSPACE, OBJECTS + 0x3000, 8);
	put(system + P_VMSPACE, OBJECTS + 0x3000, 8);
	l = lwp(sh, 2);
	put(l + L_STAT, 3, 4);
	put(l + L_FLAG, 0x80, 4);
	put(l + L_WMESG, string("ttyraw"), 8);
	put(l + L_WCHAN, 1, 8);
	put(l + L_NAME, string("reader"), 8);
	put(l + L_MD, STACKS + 0x1f00, 8);
	on_stack(l, 0);
	l = lwp(system, 5);
	put(l + L_FLAG, 0x201, 4);
	put(l + L_STAT, 7, 4);
	put(l + L_MD, STACKS + 0x1f00, 8);
	ci = cpu(&slot, 0, l);
	put(l + L_CPU, ci, 8);
	t = load(2);
	assert_int_equal(t[0].tgid, 700);
	assert_int_equal(t[0].tid, 2);
	assert_int_equal(t[0].ppid, 0);
	assert_int_equal(t[0].state, 'S');
	assert_string_equal(t[0].comm, "reader");
	assert_string_equal(t[0].wait, "ttyraw");
	assert_int_equal(t[0].mm, OBJECTS + 0x3000);
	assert_int_equal(t[0].stack, STACKS);
	assert_int_equal(t[0].stack_size, 0x2000);
	assert_int_equal(t[0].flags, KCO_TASK_OWN_TID);
	assert_int_equal(bsd_user_regs(&k.s, &t[0]), STACKS + 0x1f00);
	assert_int_equal(t[1].state, 'R');
	assert_string_equal(t[1].comm, "system");
	assert_int_equal(t[1].mm, 0); // a thread of the kernel, whatever its process has
	assert_int_equal(t[1].cpu, 0);
	assert_int_equal(t[1].flags, KCO_TASK_OWN_TID | KCO_TASK_KTHREAD | KCO_TASK_IDLE | KCO_TASK_ACTIVE);
	assert_int_equal(bsd_user_regs(&k.s, &t[1]), 0);
	assert_string_equal(k.warnings, "");
	assert_false(kco_tasks_incomplete(&k.s));
}

static void test_bsd__a_list_of_processes_that_loops_ends(void **state)
{
	uint64_t first;

	(void)state;
	start();
	first = proc(2, "b");
	lwp(first, 2);
	lwp(proc(1, "a"), 1);
	put(end, first, 8); // a -> b -> a ...
	load(2);
	warned("the list allproc is torn: it runs in a circle");
	assert_true(kco_tasks_incomplete(&k.s));
}

static void test_bsd__a_process_that_leads_elsewhere_is_none(void **state)
{
	uint64_t second;

	(void)state;
	start();
	lwp(proc(3, "c"), 3);
	second = proc(2, "b");
	lwp(second, 2);
	put(second + P_LIST + 8, DATA, 8);
	load(1);
	warned("does not lead back to where it was named");
	assert_true(kco_tasks_incomplete(&k.s));
}

static void test_bsd__wild_pointers_end_lists(void **state)
{
	uint64_t p, l;

	(void)state;
	start();
	p = proc(3, "c");
	l = lwp(p, 3);
	put(l + L_SIBLING, 0x10, 8);
	put(end, UINT64_C(0xdeadbeef00000000), 8);
	load(1);
	warned("processes may be missing");
	warned("threads may be missing: those of 1 processes, the first of process 3");
}

static void test_bsd__threads_that_loop_or_are_of_another_end_their_list(void **state)
{
	uint64_t p, q, l;

	(void)state;
	start();
	p = proc(3, "c");
	l = lwp(p, 1);
	lwp(p, 2);
	put(l + L_SIBLING, l, 8);
	q = proc(4, "d");
	put(q + P_LWPS, l, 8); // of p
	load(2);
	warned("threads may be missing: those of 2 processes, the first of process 3: its threads come back");
	assert_true(kco_tasks_incomplete(&k.s));
}

static void test_bsd__a_marker_is_no_process(void **state)
{
	uint64_t p;

	(void)state;
	start();
	p = proc(9, "");
	put(p + P_FLAG, 0x80000000, 4);
	put(p + P_LWPS, 0x10, 8);
	lwp(proc(1, "init"), 1);
	load(1);
	assert_string_equal(k.warnings, "");
}

static void test_bsd__cpus_that_loop_or_have_no_number_are_kept(void **state)
{
	uint64_t slot = DATA + 64, first;
	unsigned n;

	(void)state;
	start();
	first = cpu(&slot, 0x7fffffff, 1);
	cpu(&slot, 0, 2); // taken: the first one's number made no sense
	put(slot, first, 8);
	open_image();
	assert_int_equal(bsd_cpu_count(&k.s, &n, &k.err), KCO_OK);
	assert_int_equal(n, 2);
	assert_int_equal(bsd_of(&k.s)->cpus[0].info, first);
	assert_int_equal(bsd_of(&k.s)->cpus[1].curthread, 2);
	warned("cpu_info_list is torn: it runs in a circle");
}

/* Four threads: one that sleeps, one that wrote the dump, one that ddb stopped, one that nobody stopped. */
static void test_bsd__registers_are_those_that_somebody_saved(void **state)
{
	uint64_t p, l[4], slot = DATA + 64, ci, dump;
	const struct kco_task *t;
	struct kco_regs regs;

	(void)state;
	start();
	p = proc(1, "a");
	for (unsigned i = 0; i < 4; i++) {
		l[i] = lwp(p, i + 1);
		on_stack(l[i], i);
	}
	cpu(&slot, 0, l[1]);
	ci = cpu(&slot, 1, l[2]);
	put(ci + CI_DDB_REGS, STRINGS + 0x800, 8);
	put(STRINGS + 0x800 + 15 * 8, TEXT + 100, 8);
	put(STRINGS + 0x800 + 18 * 8, STACKS + 0x5000, 8);
	cpu(&slot, 2, l[3]);
	dump = symbol("dumppcb", DATA + 0x800, 24, 'B');
	put(dump + PCB_RSP, STACKS + 0x3000, 8);
	put(dump + PCB_RBP, STACKS + 0x3040, 8);
	put(STACKS + 0x3000, TEXT + 70, 8);
	t = load(4); // l[3] first
	(void)bsd_is_text(&k.s, 0);
	assert_int_equal(bsd_task_regs(&k.s, k.s.mem, &t[3], &regs, &k.err), KCO_OK);
	assert_int_equal(regs.v[X86_64_RIP], TEXT + 80);
	assert_int_equal(regs.v[X86_64_RSP], STACKS + 0x1800 + 48);
	assert_int_equal(regs.v[X86_64_RBP], STACKS + 0x1900);
	assert_int_equal(regs.v[X86_64_RBX], 0xbbbb);
	assert_int_equal(regs.v[X86_64_R14], 0x1414);
	assert_int_equal(t[2].flags, KCO_TASK_OWN_TID | KCO_TASK_ACTIVE | KCO_TASK_PANIC);
	assert_int_equal(bsd_task_regs(&k.s, k.s.mem, &t[2], &regs, &k.err), KCO_OK);
	assert_int_equal(regs.v[X86_64_RIP], TEXT + 70);
	assert_int_equal(regs.v[X86_64_RSP], STACKS + 0x3008);
	assert_int_equal(t[1].flags, KCO_TASK_OWN_TID | KCO_TASK_ACTIVE);
	assert_int_equal(bsd_task_regs(&k.s, k.s.mem, &t[1], &regs, &k.err), KCO_OK);
	assert_int_equal(regs.v[X86_64_RIP], TEXT + 100);
	assert_int_equal(bsd_task_regs(&k.s, k.s.mem, &t[0], &regs, &k.err), KCO_E_RANGE);
	assert_string_equal(k.err.msg,
			    "CPU 2 was running when the kernel died, and ddb had not stopped it: it left no registers");
	assert_int_equal(bsd_cpu_regs(&k.s, 0, &regs, &k.err), KCO_OK);
	assert_int_equal(regs.v[X86_64_RIP], TEXT + 70);
	assert_int_equal(bsd_cpu_regs(&k.s, 7, &regs, &k.err), KCO_E_RANGE);
}

/* The slot of savectx()'s return address was overwritten with what is no code: the frame above tells. */
static void test_bsd__the_dumping_thread_is_followed_by_its_frame_pointer(void **state)
{
	uint64_t l, slot = DATA + 64, dump;
	const struct kco_task *t;
	struct kco_regs regs;

	(void)state;
	start();
	l = lwp(proc(1, "a"), 1);
	on_stack(l, 0);
	cpu(&slot, 0, l);
	dump = symbol("dumppcb", DATA + 0x800, 24, 'B');
	put(dump + PCB_RSP, STACKS + 0x1000, 8);
	put(dump + PCB_RBP, STACKS + 0x1040, 8);
	put(STACKS + 0x1000, 0x1234, 8);
	put(STACKS + 0x1040, STACKS + 0x10c0, 8);
	put(STACKS + 0x1048, TEXT + 90, 8);
	t = load(1);
	(void)bsd_is_text(&k.s, 0);
	assert_int_equal(bsd_task_regs(&k.s, k.s.mem, &t[0], &regs, &k.err), KCO_OK);
	assert_int_equal(regs.v[X86_64_RIP], TEXT + 90);
	assert_int_equal(regs.v[X86_64_RSP], STACKS + 0x1050);
	assert_int_equal(regs.v[X86_64_RBP], STACKS + 0x10c0);
}

static void put_frame(uint64_t at, uint64_t rip, uint64_t cs, uint64_t rsp)
{
	put(at + 15 * 8, rip, 8);
	put(at + 16 * 8, cs, 8);
	put(at + 18 * 8, rsp, 8);
	put(at + 19 * 8, cs + 8, 8);
}

static void test_bsd__a_trap_frame_is_where_its_registers_make_sense(void **state)
{
	struct kco_regs at = { 0 }, got;
	uint64_t frame;

	(void)state;
	start();
	put_frame(STACKS + 0x108, TEXT + 70, 8, STACKS + 0x400); // under the interrupt level
	put(STACKS + 0x100, 6, 8);
	put(STACKS + 0x808, STACKS + 0xa00, 8); // the stack that was left
	put_frame(STACKS + 0xa00, 0x400000, 0x47, 0x7f7fff000000);
	put_frame(STACKS + 0xc00, 0x400000, 0x47, 0x7f7fff000000);
	open_image();
	(void)bsd_is_text(&k.s, 0);
	kco_regs_set(&at, X86_64_RIP, TEXT + 140);
	kco_regs_set(&at, X86_64_RSP, STACKS + 0x100);
	assert_int_equal(bsd_entry_frame(&k.s, k.s.mem, &at, false, &got, &frame, &k.err), KCO_OK);
	assert_int_equal(frame, STACKS + 0x108);
	assert_int_equal(got.v[X86_64_RIP], TEXT + 70);
	kco_regs_set(&at, X86_64_RSP, STACKS + 0x800);
	assert_int_equal(bsd_entry_frame(&k.s, k.s.mem, &at, false, &got, &frame, &k.err), KCO_OK);
	assert_int_equal(frame, STACKS + 0xa00);
	assert_true(bsd_regs_user(&k.s, &got));
	/* Interrupted in entry code, nothing is sure; other code has no frame; where threads begin it is whole. */
	assert_int_equal(bsd_entry_frame(&k.s, k.s.mem, &at, true, &got, &frame, &k.err), KCO_E_NOSYM);
	kco_regs_set(&at, X86_64_RIP, TEXT + 80);
	assert_int_equal(bsd_entry_frame(&k.s, k.s.mem, &at, false, &got, &frame, &k.err), KCO_E_NOSYM);
	kco_regs_set(&at, X86_64_RIP, TEXT + 192);
	kco_regs_set(&at, X86_64_RSP, STACKS + 0xc00);
	assert_int_equal(bsd_entry_frame(&k.s, k.s.mem, &at, true, &got, &frame, &k.err), KCO_OK);
	assert_int_equal(frame, STACKS + 0xc00);
	/* A thread of the kernel has zeros there. */
	kco_regs_set(&at, X86_64_RSP, STACKS + 0x4000);
	assert_int_equal(bsd_entry_frame(&k.s, k.s.mem, &at, true, &got, &frame, &k.err), KCO_DONE);
	/* And a stack pointer that leads nowhere is an error. */
	kco_regs_set(&at, X86_64_RSP, 0x1000);
	assert_int_equal(bsd_entry_frame(&k.s, k.s.mem, &at, true, &got, &frame, &k.err), KCO_E_RANGE);
}

static char lines[1024];

static bool line(void *arg, const struct kco_log_record *rec)
{
	size_t n = strlen(lines);

	(void)arg;
	snprintf(lines + n, sizeof(lines) - n, "%d %d %llu '%.*s'\n", rec->no_level ? -1 : rec->level,
		 rec->no_time ? -1 : 0, (unsigned long long)rec->ts_ns, (int)rec->text_len, rec->text);
	return true;
}

static void ring(uint64_t magic, uint64_t next, uint64_t size)
{
	start();
	variable("msgbufp", RING);
	put(RING, magic, 8);
	put(RING + 8, next, 8);
	put(RING + 24, size, 8);
	lines[0] = '\0';
}

static void test_bsd__log_begins_with_the_oldest_byte(void **state)
{
	static const char text[] = "last\nolder\n[   1.5000001] up\n<3>[ 12.25] bad\n[x] no\n";

	(void)state;
	ring(0x063061, 5, sizeof(text) - 1);
	memcpy(k.m.bytes + (RING + 32 - BASE), text, sizeof(text));
	open_image();
	assert_int_equal(bsd_log(&k.s, line, NULL, &k.err), KCO_OK);
	assert_string_equal(lines, "-1 -1 0 'older'\n-1 0 1500000100 'up'\n3 0 12250000000 'bad'\n-1 -1 0 '[x] no'\n"
				   "-1 -1 0 'last'\n");
}

static void test_bsd__impossible_message_buffers_are_refused(void **state)
{
	static const uint64_t bad[][3] = {
		{ 0x063062, 0, 100 },
		{ 0x063061, 0, 0 },
		{ 0x063061, 101, 100 },
		{ 0x063061, 0, UINT64_C(1) << 40 },
		{ 0x063061, UINT64_MAX, UINT64_MAX },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		ring(bad[i][0], bad[i][1], bad[i][2]);
		open_image();
		assert_int_equal(bsd_log(&k.s, line, NULL, &k.err), KCO_E_CORRUPT);
		assert_string_equal(lines, "");
		teardown(NULL);
	}
}

static void test_bsd__what_of_the_log_is_not_there_is_said(void **state)
{
	(void)state;
	ring(0x063061, 0, 8192);
	memcpy(k.m.bytes + (RING + 32 - BASE), "there\n", 6);
	k.m.missing[(RING + 4096 - BASE) / 4096] = 1;
	open_image();
	assert_int_equal(bsd_log(&k.s, line, NULL, &k.err), KCO_E_NOT_SAVED);
	assert_string_equal(lines, "-1 -1 0 'there'\n");
	assert_non_null(strstr(k.err.msg, "4096 bytes of the log cannot be read"));
}

static void test_bsd__modules_that_loop_end(void **state)
{
	const struct kco_module *mods;
	uint64_t head, mod;
	size_t n;

	(void)state;
	start();
	k.s.lazy_modules.tried = false;
	head = variable("module_list", 0);
	mod = object();
	put(head, mod, 8);
	put(mod, DATA + 0xa00, 8);
	put(DATA + 0xa08, string("vnd"), 8);
	put(mod + 16, mod, 8);
	open_image();
	assert_int_equal(kco_modules_get(&k.s, &mods, &n, &k.err), KCO_OK);
	assert_int_equal(n, 1);
	assert_string_equal(mods[0].name, "vnd");
	assert_true(kco_modules_incomplete(&k.s));
	warned("module_list is torn: it runs in a circle");
}

/* Which system: a dump of page tables that map @text at KERNBASE + 0x3ff0, over a page's border. */
static void detect(const char *text, int netbsd, int openbsd)
{
	static struct memimage m;
	struct kco_session s = { 0 };

	memset(&m, 0, sizeof(m));
	m.next_table = 2;
	for (unsigned i = 0; i < 8; i++)
		if (i != 1) // a hole
			memimage_map_at(&m, 0x1000, 4, UINT64_C(0xffffffff80000000) + i * 4096, (20 + i) * 4096 | 3, 1);
	memcpy(m.bytes + 23 * 4096 + 0xff0, text, strlen(text));
	kco_arena_init(&s.arena);
	memimage_open(&m);
	s.image = m.image;
	m.image->facts.elf_machine = 62;
	m.image->facts.root_pa = 0x1000;
	m.image->facts.has_root_pa = true;
	assert_int_equal(kco_mem_new(m.image, &s.mem, NULL), KCO_OK);
	assert_int_equal(bsd_detect(&s, "NetBSD"), netbsd);
	assert_int_equal(bsd_detect(&s, "OpenBSD"), openbsd);
	if (netbsd == 90) {
		assert_int_equal(s.bsd_banner->addr, UINT64_C(0xffffffff80003ff0) + (text[0] == 'x'));
		assert_int_equal(bsd_init(&s, &netbsd_flavour, NULL), KCO_OK);
	} else if (netbsd == 30) {
		assert_int_equal(bsd_init(&s, &netbsd_flavour, NULL), KCO_E_CORRUPT);
	}
	bsd_fini(&s);
	kco_mem_free(s.mem);
	kco_image_free(m.image);
	kco_arena_fini(&s.arena);
}

static void test_bsd__the_version_tells_which_system(void **state)
{
	(void)state;
	detect("NetBSD 9.3 (GENERIC) #0: Thu Aug  4 15:30:37 UTC 2022\n", 90, 0);
	detect("OpenBSD 7.4-beta (GENERIC.MP) #1397: Tue Oct 10\n", 0, 90);
	detect("xNetBSD 10.99.7 (X_Y) #12: ", 90, 0);
	/* Words that only sound like it */
	detect("NetBSD kernel (see LICENSE)", 30, 30);
	detect("OpenBSD 7.4 is a system", 30, 30);
	detect("NetBSD 9", 30, 30);
	detect("", 30, 30);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_bsd__rows_tell_what_the_kernel_knows, teardown),
		cmocka_unit_test_teardown(test_bsd__a_list_of_processes_that_loops_ends, teardown),
		cmocka_unit_test_teardown(test_bsd__a_process_that_leads_elsewhere_is_none, teardown),
		cmocka_unit_test_teardown(test_bsd__wild_pointers_end_lists, teardown),
		cmocka_unit_test_teardown(test_bsd__threads_that_loop_or_are_of_another_end_their_list, teardown),
		cmocka_unit_test_teardown(test_bsd__a_marker_is_no_process, teardown),
		cmocka_unit_test_teardown(test_bsd__cpus_that_loop_or_have_no_number_are_kept, teardown),
		cmocka_unit_test_teardown(test_bsd__registers_are_those_that_somebody_saved, teardown),
		cmocka_unit_test_teardown(test_bsd__the_dumping_thread_is_followed_by_its_frame_pointer, teardown),
		cmocka_unit_test_teardown(test_bsd__a_trap_frame_is_where_its_registers_make_sense, teardown),
		cmocka_unit_test_teardown(test_bsd__log_begins_with_the_oldest_byte, teardown),
		cmocka_unit_test(test_bsd__impossible_message_buffers_are_refused),
		cmocka_unit_test_teardown(test_bsd__what_of_the_log_is_not_there_is_said, teardown),
		cmocka_unit_test_teardown(test_bsd__modules_that_loop_end, teardown),
		cmocka_unit_test(test_bsd__the_version_tells_which_system),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
