// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The NetBSD personality: its table row, and what it calls what bsd.h shares.
 *
 * Sources: sys/sys/lwp.h, sys/sys/proc.h. Numbers of states and flags are
 * macros, which no debugging information has; LS* "are set in stone" there.
 */
#include "bsd.h"

#include <kco/os_process.h>

#include "bsd_maps.h"

#define NETBSD_LSSLEEP 3
#define NETBSD_LSSTOP 4
#define NETBSD_LSZOMB 5
#define NETBSD_LSDEAD 6 /* until NetBSD 5 */
#define NETBSD_LSONPROC 7
#define NETBSD_LSSUSPENDED 8
#define NETBSD_SZOMB 5 /* p_stat */
#define NETBSD_SDEAD 6
#define NETBSD_LW_IDLE 0x1
#define NETBSD_LW_SINTR 0x80
#define NETBSD_LW_SYSTEM 0x200
#define NETBSD_PK_MARKER UINT64_C(0x80000000)
#define NETBSD_MAXSLP 20 /* seconds after which a sleeper is idle */

/* As ps(1) has them: state() of bin/ps/print.c. */
static char netbsd_letter(const struct bsd_run *run)
{
	if (run->group_stat == NETBSD_SZOMB || run->group_stat == NETBSD_SDEAD)
		return 'Z';
	switch (run->stat) {
	case NETBSD_LSSLEEP:
		if (!(run->flag & NETBSD_LW_SINTR))
			return 'D';
		return run->slptime >= NETBSD_MAXSLP ? 'I' : 'S';
	case NETBSD_LSSTOP:
	case NETBSD_LSSUSPENDED:
		return 'T';
	case NETBSD_LSZOMB:
	case NETBSD_LSDEAD:
		return 'Z';
	case NETBSD_LSONPROC: // ps(1) says O
		return 'R';
	}
	return run->stat && run->stat < NETBSD_LSSLEEP ? 'R' : '?';
}

const struct bsd_flavour netbsd_flavour = {
	.group = "proc",
	.thread = "lwp",
	.members = {
		[BSD_G_NEXT] = { { "p_list.le_next" }, true },
		[BSD_G_PREV] = { { "p_list.le_prev" }, false },
		[BSD_G_THREADS] = { { "p_lwps.lh_first" }, true },
		[BSD_G_PID] = { { "p_pid" }, true },
		[BSD_G_COMM] = { { "p_comm" }, false },
		[BSD_G_FLAG] = { { "p_flag" }, false },
		[BSD_G_STAT] = { { "p_stat" }, false },
		[BSD_G_PARENT] = { { "p_pptr" }, false },
		[BSD_G_VMSPACE] = { { "p_vmspace" }, false },
		[BSD_T_NEXT] = { { "l_sibling.le_next" }, true },
		[BSD_T_GROUP] = { { "l_proc" }, false },
		[BSD_T_TID] = { { "l_lid" }, true },
		[BSD_T_NAME] = { { "l_name" }, false },
		[BSD_T_STAT] = { { "l_stat" }, true },
		[BSD_T_FLAG] = { { "l_flag" }, false },
		[BSD_T_WMESG] = { { "l_wmesg" }, false },
		[BSD_T_WCHAN] = { { "l_wchan" }, false },
		[BSD_T_CPU] = { { "l_cpu" }, false },
		[BSD_T_ADDR] = { { "l_addr" }, false },
		[BSD_T_REGS] = { { "l_md.md_regs" }, false },
		[BSD_T_SLPTIME] = { { "l_slptime" }, false },
		[BSD_T_RUN_SEC] = { { "l_rtime.sec" }, false },
		[BSD_T_RUN_FRAC] = { { "l_rtime.frac" }, false },
	},
	.lists = { "allproc", "zombproc" },
	.marker = NETBSD_PK_MARKER,
	.kernel_thread = NETBSD_LW_SYSTEM,
	.idle = NETBSD_LW_IDLE,
	.name_is_pointer = true,
	.stack_top = "pcb_rsp0",
	.curthread = "ci_curlwp",
	.idle_thread = "ci_data.cpu_idlelwp",
	/* Before NetBSD 6 ci_cpuid was a small number, too. */
	.cpu_index = { "ci_data.cpu_index", "ci_index", "ci_cpuid" },
	.letter = netbsd_letter,
	/* Since NetBSD 9: "[   1.0000000] " */
	.clocked_log = true,
};

static int netbsd_detect(struct kco_session *s)
{
	return bsd_detect(s, "NetBSD");
}

static enum kco_status netbsd_init(struct kco_session *s, struct kco_err *err)
{
	return bsd_init(s, &netbsd_flavour, err);
}

/* savecore(8) writes netbsd.N beside netbsd.N.core; debug.tgz has netbsd-NAME.debug, a build tree netbsd.gdb. */
static const struct kco_kernel_place netbsd_places[] = {
	{ KCO_KERNEL_BESIDE, "netbsd.#.gdb" },
	{ KCO_KERNEL_BESIDE, "netbsd.gdb" },
	{ KCO_KERNEL_BESIDE, "netbsd.debug" },
	{ KCO_KERNEL_BESIDE, "netbsd.#" },
	{ KCO_KERNEL_BESIDE, "netbsd" },
	{ KCO_KERNEL_SYSROOT, "netbsd.gdb" },
	{ KCO_KERNEL_SYSROOT, "usr/libdata/debug/netbsd-GENERIC.debug" },
	{ KCO_KERNEL_SYSROOT, "netbsd" },
	{ KCO_KERNEL_DEBUG, "netbsd.gdb" },
	{ KCO_KERNEL_DEBUG, "netbsd-GENERIC.debug" },
	{ 0, NULL },
};

const struct kco_os_ops kco_os_netbsd = {
	.name = "netbsd",
	.title = "NetBSD",
	.process = &kco_os_bsd_process,
	.own_tids = true,
	.facts_in_notes = true,
	.archs = (const char *const[]){ "x86_64", NULL },
	.kernel_places = netbsd_places,
	.kernel_whole = "its netbsd.gdb or netbsd-GENERIC.debug (NetBSD's set debug)",
	.kernel_matches = kco_kernel_matches_version,
	.detect = netbsd_detect,
	.init = netbsd_init,
	.fini = bsd_fini,
	.tasks = bsd_tasks,
	.task_regs = bsd_task_regs,
	.cpu_stacks = bsd_cpu_stacks,
	.is_text = bsd_is_text,
	.entry_frame = bsd_entry_frame,
	.trap_frame = bsd_trap_frame,
	.user_regs = bsd_user_regs,
	.regs_user = bsd_regs_user,
	.cpu_count = bsd_cpu_count,
	.cpu_online = bsd_cpu_online,
	.cpu_regs = bsd_cpu_regs,
	.modules = netbsd_modules,
	.maps = bsd_maps,
	.log = bsd_log,
	.system = bsd_system,
};
