// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The types of a FreeBSD kernel made up for tests and fuzzers: members lie
 * where no real kernel has them, the personality must find them by name. They
 * are BTF, the source of types that is easiest to make: to the personality one
 * is like another.
 */
#ifndef KCO_UNIT_FBSDTYPES_H
#define KCO_UNIT_FBSDTYPES_H

#include "btf.h"
#include "btfmake.h"

/* Offsets that no real kernel has. */
enum {
	P_LIST = 8, /* le_next, le_prev */
	P_HASH = 24,
	P_THREADS = 40, /* tqh_first, tqh_last */
	P_PID = 56,
	P_COMM = 60,
	P_FLAG = 80,
	P_STATE = 84,
	P_PPTR = 88,
	P_VMSPACE = 96,
	P_STATS = 104,
	PROC_SIZE = 112,

	TD_PROC = 16,
	TD_PLIST = 24, /* tqe_next, tqe_prev */
	TD_TID = 40,
	TD_ONCPU = 44,
	TD_LASTCPU = 48,
	TD_STATE = 52,
	TD_INHIBITORS = 56,
	TD_FLAGS = 60,
	TD_WCHAN = 64,
	TD_WMESG = 72,
	TD_LOCKNAME = 80,
	TD_SLPTICK = 88,
	TD_KSTACK_PAGES = 92,
	TD_KSTACK = 96,
	TD_PCB = 104,
	TD_FRAME = 112,
	TD_RUNTIME = 120,
	TD_UTICKS = 128,
	TD_STICKS = 132,
	TD_ITICKS = 136,
	TD_NAME = 140,
	THREAD_SIZE = 160,

	VM_SIZE = 8,	  /* vmspace.vm_map.size */
	VM_RESIDENT = 24, /* vmspace.vm_pmap.pm_stats.resident_count */

	PCB_RIP = 0,
	PCB_RSP = 8,
	PCB_RBP = 16,
	PCB_RBX = 24,
	PCB_SIZE = 64,

	TF_RIP = 0,
	TF_CS = 8,
	TF_RSP = 16,
	TF_RBP = 24,
	TF_RAX = 32,
	TF_SIZE = 48,

	TSS_IST2 = 44, /* the processor's */
	TSS_SIZE = 104,

	PC_CURTHREAD = 8,
};

static inline uint32_t fbsd_pair(struct btfmake *b, const char *name, const char *first, const char *second,
				 uint32_t type)
{
	uint32_t id = btfmake_type(b, name, 4, 0, 2, 16);

	btfmake_member(b, first, type, 0, 0);
	btfmake_member(b, second, type, 64, 0);
	return id;
}

struct fbsd_member {
	const char *name;
	uint32_t type, offset;
};

static inline uint32_t fbsd_struct(struct btfmake *b, const char *name, uint32_t size,
				   const struct fbsd_member *members, unsigned n)
{
	uint32_t id = btfmake_type(b, name, 4, 0, n, size);

	for (unsigned i = 0; i < n; i++)
		btfmake_member(b, members[i].name, members[i].type, members[i].offset * 8, 0);
	return id;
}
#define FBSD_STRUCT(b, name, size, members) fbsd_struct(b, name, size, members, sizeof(members) / sizeof(members[0]))

/** The types, as a source; NULL: memory is out. */
static inline struct kco_types *fbsd_types_new(void)
{
	struct btfmake b;
	uint32_t u64, u32, i32, chr, name, le, tqe, tqh;
	size_t n;
	struct kco_types *types;
	void *data;

	btfmake_init(&b, NULL);
	u64 = btfmake_int(&b, "long", 8, 0, 64);
	u32 = btfmake_int(&b, "u_int", 4, 0, 32);
	i32 = btfmake_int(&b, "int", 4, 1, 32);
	chr = btfmake_int(&b, "char", 1, 2, 8);
	name = btfmake_array(&b, chr, 20);
	le = fbsd_pair(&b, "le", "le_next", "le_prev", u64);
	tqe = fbsd_pair(&b, "tqe", "tqe_next", "tqe_prev", u64);
	tqh = fbsd_pair(&b, "tqh", "tqh_first", "tqh_last", u64);
	{
		const struct fbsd_member proc[] = {
			{ "p_list", le, P_LIST },    { "p_hash", le, P_HASH },	 { "p_threads", tqh, P_THREADS },
			{ "p_pid", i32, P_PID },     { "p_comm", name, P_COMM }, { "p_flag", u32, P_FLAG },
			{ "p_state", u32, P_STATE }, { "p_pptr", u64, P_PPTR },	 { "p_vmspace", u64, P_VMSPACE },
			{ "p_stats", u64, P_STATS },
		};
		const struct fbsd_member thread[] = {
			{ "td_proc", u64, TD_PROC },
			{ "td_plist", tqe, TD_PLIST },
			{ "td_tid", i32, TD_TID },
			{ "td_oncpu", i32, TD_ONCPU },
			{ "td_lastcpu", i32, TD_LASTCPU },
			{ "td_state", u32, TD_STATE },
			{ "td_inhibitors", i32, TD_INHIBITORS },
			{ "td_flags", i32, TD_FLAGS },
			{ "td_wchan", u64, TD_WCHAN },
			{ "td_wmesg", u64, TD_WMESG },
			{ "td_lockname", u64, TD_LOCKNAME },
			{ "td_slptick", i32, TD_SLPTICK },
			{ "td_kstack_pages", i32, TD_KSTACK_PAGES },
			{ "td_kstack", u64, TD_KSTACK },
			{ "td_pcb", u64, TD_PCB },
			{ "td_frame", u64, TD_FRAME },
			{ "td_runtime", u64, TD_RUNTIME },
			{ "td_uticks", u32, TD_UTICKS },
			{ "td_sticks", u32, TD_STICKS },
			{ "td_iticks", u32, TD_ITICKS },
			{ "td_name", name, TD_NAME },
		};
		const struct fbsd_member pcb[] = { { "pcb_rip", u64, PCB_RIP },
						   { "pcb_rsp", u64, PCB_RSP },
						   { "pcb_rbp", u64, PCB_RBP },
						   { "pcb_rbx", u64, PCB_RBX } };
		const struct fbsd_member frame[] = { { "tf_rip", u64, TF_RIP },
						     { "tf_cs", u64, TF_CS },
						     { "tf_rsp", u64, TF_RSP },
						     { "tf_rbp", u64, TF_RBP },
						     { "tf_rax", u64, TF_RAX } };
		const struct fbsd_member pcpu[] = { { "pc_curthread", u64, PC_CURTHREAD } };
		const struct fbsd_member map[] = { { "size", u64, 0 } };
		const struct fbsd_member stats[] = { { "resident_count", u64, 0 } };
		const struct fbsd_member time[] = { { "tv_sec", u64, 0 }, { "tv_usec", u64, 8 } };

		FBSD_STRUCT(&b, "proc", PROC_SIZE, proc);
		FBSD_STRUCT(&b, "thread", THREAD_SIZE, thread);
		FBSD_STRUCT(&b, "pcb", PCB_SIZE, pcb);
		FBSD_STRUCT(&b, "trapframe", TF_SIZE, frame);
		FBSD_STRUCT(&b, "pcpu", 64, pcpu);
		{
			const struct fbsd_member pmap[] = { { "pm_stats", FBSD_STRUCT(&b, "stats", 8, stats), 8 } };
			const struct fbsd_member vmspace[] = {
				{ "vm_map", FBSD_STRUCT(&b, "vm_map", 8, map), VM_SIZE },
				{ "vm_pmap", FBSD_STRUCT(&b, "pmap", 16, pmap), VM_RESIDENT - 8 },
			};
			const struct fbsd_member pstats[] = { { "p_start", FBSD_STRUCT(&b, "timeval", 16, time), 8 } };

			FBSD_STRUCT(&b, "vmspace", 40, vmspace);
			FBSD_STRUCT(&b, "pstats", 24, pstats);
		}
	}
	data = btfmake_take(&b, &n);
	btfmake_fini(&b);
	return kco_btf_new_take(data, n, NULL, 8, &types, NULL) ? NULL : types;
}

#endif
