// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The OpenBSD personality: its table row, and what it calls what bsd.h shares.
 *
 * Source: sys/sys/proc.h. struct process is a process, struct proc a thread.
 * Numbers of states and flags are macros, which no debugging information has.
 */
#include "bsd.h"

#include <kco/os_process.h>

#include "bsd_maps.h"

#define OPENBSD_SIDL 1
#define OPENBSD_SRUN 2
#define OPENBSD_SSLEEP 3
#define OPENBSD_SSTOP 4
#define OPENBSD_SZOMB 5
#define OPENBSD_SDEAD 6
#define OPENBSD_SONPROC 7
#define OPENBSD_PS_ZOMBIE 0x40000
#define OPENBSD_P_SINTR 0x80
#define OPENBSD_P_SYSTEM 0x200
#define OPENBSD_MAXSLP 20	  /* seconds after which a sleeper is idle */
#define OPENBSD_TID_OFFSET 100000 /* THREAD_PID_OFFSET: getthrid(2) and ps -H show it added */

/* As ps(1) has them: state() of bin/ps/print.c. */
static char openbsd_letter(const struct bsd_run *run)
{
	if (run->group_flag & OPENBSD_PS_ZOMBIE)
		return 'Z';
	switch (run->stat) {
	case OPENBSD_SSLEEP:
		if (!(run->flag & OPENBSD_P_SINTR))
			return 'D';
		return run->slptime >= OPENBSD_MAXSLP ? 'I' : 'S';
	case OPENBSD_SSTOP:
		return 'T';
	case OPENBSD_SIDL:
	case OPENBSD_SRUN:
	case OPENBSD_SONPROC:
		return 'R';
	case OPENBSD_SZOMB:
	case OPENBSD_SDEAD:
		return 'Z';
	}
	return '?';
}

const struct bsd_flavour openbsd_flavour = {
	.group = "process",
	.thread = "proc",
	.members = {
		[BSD_G_NEXT] = { { "ps_list.le_next" }, true },
		[BSD_G_PREV] = { { "ps_list.le_prev" }, false },
		[BSD_G_THREADS] = { { "ps_threads.tqh_first" }, true },
		[BSD_G_PID] = { { "ps_pid" }, true },
		[BSD_G_COMM] = { { "ps_comm" }, false },
		[BSD_G_FLAG] = { { "ps_flags" }, false },
		[BSD_G_PARENT] = { { "ps_pptr" }, false },
		[BSD_G_VMSPACE] = { { "ps_vmspace" }, false },
		[BSD_T_NEXT] = { { "p_thr_link.tqe_next" }, true },
		[BSD_T_GROUP] = { { "p_p" }, false },
		[BSD_T_TID] = { { "p_tid" }, true },
		/* Names of threads are younger than 7.3. */
		[BSD_T_NAME] = { { "p_name" }, false },
		[BSD_T_COMM] = { { "p_comm" }, false },
		[BSD_T_STAT] = { { "p_stat" }, true },
		[BSD_T_FLAG] = { { "p_flag" }, false },
		[BSD_T_WMESG] = { { "p_wmesg" }, false },
		[BSD_T_WCHAN] = { { "p_wchan" }, false },
		[BSD_T_CPU] = { { "p_cpu" }, false },
		[BSD_T_ADDR] = { { "p_addr" }, false },
		[BSD_T_REGS] = { { "p_md.md_regs" }, false },
		[BSD_T_SLPTIME] = { { "p_slptime" }, false },
		[BSD_T_RUN_SEC] = { { "p_tu.tu_runtime.tv_sec", "p_rtime.tv_sec" }, false },
		[BSD_T_RUN_FRAC] = { { "p_tu.tu_runtime.tv_nsec", "p_rtime.tv_nsec" }, false },
	},
	.lists = { "allprocess", "zombprocess" },
	.kernel_thread = OPENBSD_P_SYSTEM,
	.tid_base = OPENBSD_TID_OFFSET,
	.run_is_timespec = true,
	.pcb = { "u_pcb" },
	.stack_top = "pcb_kstack",
	.curthread = "ci_curproc",
	.idle_thread = "ci_schedstate.spc_idleproc",
	.cpu_index = { "ci_cpuid" },
	.letter = openbsd_letter,
};

static int openbsd_detect(struct kco_session *s)
{
	return bsd_detect(s, "OpenBSD");
}

static enum kco_status openbsd_init(struct kco_session *s, struct kco_err *err)
{
	return bsd_init(s, &openbsd_flavour, err);
}

/* savecore(8) writes bsd.N beside bsd.N.core; a build tree has bsd.gdb. */
static const struct kco_kernel_place openbsd_places[] = {
	{ KCO_KERNEL_BESIDE, "bsd.#.gdb" }, { KCO_KERNEL_BESIDE, "bsd.gdb" },
	{ KCO_KERNEL_BESIDE, "bsd.#" },	    { KCO_KERNEL_BESIDE, "bsd" },
	{ KCO_KERNEL_SYSROOT, "bsd.gdb" },  { KCO_KERNEL_SYSROOT, "bsd" },
	{ KCO_KERNEL_DEBUG, "bsd.gdb" },    { 0, NULL },
};

const struct kco_os_ops kco_os_openbsd = {
	.name = "openbsd",
	.title = "OpenBSD",
	.process = &kco_os_bsd_process,
	.own_tids = true,
	.facts_in_notes = true,
	.archs = (const char *const[]){ "x86_64", NULL },
	.kernel_places = openbsd_places,
	.kernel_whole = "its bsd.gdb (OpenBSD: makeoptions DEBUG=\"-g\")",
	.kernel_matches = kco_kernel_matches_version,
	.detect = openbsd_detect,
	.init = openbsd_init,
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
	.maps = bsd_maps,
	.log = bsd_log,
	.system = bsd_system,
};
