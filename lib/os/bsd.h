// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the personalities of NetBSD and OpenBSD share: two kernels on amd64
 * that came from one, and keep processes, stacks and registers in the same
 * way under other names. The names are a row (struct bsd_flavour) of each.
 *
 *   netbsd.c openbsd.c   the rows, state letters; netbsd_modules.c: NetBSD's modules
 *   names.c              symbols and members by name, every system's
 *   bsd_boot.c           which of the two a dump is of, and the kernel's address space
 *   bsd_cpus.c           CPUs
 *   bsd_tasks.c          processes and threads, stacks
 *   bsd_amd64.c          registers of threads and CPUs, trap frames
 *   bsd_process.c        address spaces
 *   bsd_system.c         names, clocks, load, panic message; the log
 *   bsd_ring.c bsd_text.c   message buffers and text, FreeBSD's as well
 *
 * Sources of layouts: sys/sys/{proc,lwp,msgbuf}.h, sys/arch/amd64/include/
 * {pcb,frame}.h, sys/arch/amd64/amd64/{locore,amd64_trap}.S of both, and
 * sys/arch/x86/include/cpu.h of NetBSD, sys/arch/amd64/include/cpu.h of OpenBSD.
 */
#ifndef KCO_OS_BSD_H
#define KCO_OS_BSD_H

#include <stdbool.h>
#include <stdint.h>

#include "names.h"
#include "session.h"

#define BSD_CPUS_MAX 4096
#define BSD_STACK_MAX (UINT64_C(64) << 10) /* no kernel stack is larger */

/** A process is a "group" of threads here: struct proc of struct lwps (NetBSD), struct process of struct procs
 * (OpenBSD). */
enum bsd_member {
	BSD_G_NEXT,
	BSD_G_PREV,
	BSD_G_THREADS,
	BSD_G_PID,
	BSD_G_COMM,
	BSD_G_FLAG,
	BSD_G_STAT,
	BSD_G_PARENT,
	BSD_G_VMSPACE,
	BSD_T_NEXT,
	BSD_T_GROUP,
	BSD_T_TID,
	BSD_T_NAME,
	BSD_T_COMM,
	BSD_T_STAT,
	BSD_T_FLAG,
	BSD_T_WMESG,
	BSD_T_WCHAN,
	BSD_T_CPU,
	BSD_T_ADDR,
	BSD_T_REGS,
	BSD_T_SLPTIME,
	BSD_T_RUN_SEC,
	BSD_T_RUN_FRAC,
	BSD_MEMBERS,
};

/** What a state letter is made of. */
struct bsd_run {
	uint64_t group_stat, group_flag, stat, flag, slptime;
};

struct bsd_flavour {
	const char *group, *thread; /* structs */
	struct {
		const char *paths[3];
		bool required;
	} members[BSD_MEMBERS];
	const char *lists[2];	/* of groups, first the one that must be there */
	uint64_t marker;	/* a group with this flag is none */
	uint64_t kernel_thread; /* flag of threads */
	uint64_t idle;		/* likewise, 0 none */
	int64_t tid_base;	/* what the system adds to a thread's number when it shows it */
	bool name_is_pointer;	/* BSD_T_NAME */
	bool run_is_timespec;	/* BSD_T_RUN_FRAC is nanoseconds, else 2^-64 s */
	const char *pcb[2];	/* member of BSD_T_ADDR's struct user that is the pcb; NULL: it is the pcb itself */
	const char *stack_top;	/* member of struct pcb */
	const char *curthread, *idle_thread; /* members of struct cpu_info */
	const char *cpu_index[3];
	char (*letter)(const struct bsd_run *run);
	bool clocked_log; /* lines of the log begin with the time */
};

extern const struct bsd_flavour netbsd_flavour, openbsd_flavour;

/** The version text of the kernel, found by its first words. */
struct bsd_banner {
	const char *sysname; /* "NetBSD", "OpenBSD", or "" when there is none */
	uint64_t addr;
	char text[256];
};

struct bsd_cpu {
	uint64_t info; /* its struct cpu_info */
	uint64_t curthread, idle_thread;
	uint64_t ddb_regs;  /* its trap frame when the kernel's debugger had stopped it, else 0 */
	uint64_t intrstack; /* top of the stack for interrupts, 0 none */
};

/** What registers of a thread are found by, beside its struct. */
struct bsd_thread {
	uint64_t addr, pcb, user_regs;
};

struct bsd_os {
	const struct bsd_flavour *flavour;
	struct kco_lazy lazy_cpus;
	struct bsd_cpu *cpus; /* of nr_cpus, by number; info 0: there is none with this number */
	unsigned nr_cpus;
	struct bsd_amd64 *amd64;    /* bsd_amd64.c's */
	struct bsd_text *text;	    /* bsd_amd64.c's */
	struct bsd_thread *threads; /* sorted by address */
	size_t nr_threads, cap_threads;
};

static inline struct bsd_os *bsd_of(struct kco_session *s)
{
	return s->os_priv;
}

/* bsd_boot.c */
/** How sure is it that this is a dump of @sysname? For detect(). */
int bsd_detect(struct kco_session *s, const char *sysname);
enum kco_status bsd_init(struct kco_session *s, const struct bsd_flavour *flavour, struct kco_err *err);
void bsd_fini(struct kco_session *s);

/* bsd_cpus.c */
enum kco_status bsd_cpus_load(struct kco_session *s, struct kco_err *err);
enum kco_status bsd_cpu_count(struct kco_session *s, unsigned *ret, struct kco_err *err);
bool bsd_cpu_online(struct kco_session *s, unsigned cpu);

/* bsd_tasks.c */
enum kco_status bsd_tasks(struct kco_session *s, enum kco_status (*add)(void *arg, const struct kco_task *task),
			  void *arg, struct kco_err *err);
/** Known after bsd_tasks(); NULL: no such thread. */
const struct bsd_thread *bsd_thread(struct kco_session *s, uint64_t addr);
uint64_t bsd_user_regs(struct kco_session *s, const struct kco_task *task);

/* bsd_amd64.c */
/** Where the stack of the thread with this pcb lies; false: it cannot be told. */
bool bsd_stack(struct kco_session *s, uint64_t pcb, uint64_t base, uint64_t *first, uint64_t *end);
/** The stack pointer of who wrote the dump, 0 unknown. */
uint64_t bsd_dump_sp(struct kco_session *s);
enum kco_status bsd_task_regs(struct kco_session *s, struct kco_mem *mem, const struct kco_task *task,
			      struct kco_regs *regs, struct kco_err *err);
enum kco_status bsd_cpu_regs(struct kco_session *s, unsigned cpu, struct kco_regs *regs, struct kco_err *err);
size_t bsd_cpu_stacks(struct kco_session *s, unsigned cpu, struct kco_stack_range *ranges, size_t max);
bool bsd_is_text(struct kco_session *s, uint64_t pc);
const struct kco_regset *bsd_trap_frame(struct kco_session *s, bool hardware_part_only);
enum kco_status bsd_entry_frame(struct kco_session *s, struct kco_mem *mem, const struct kco_regs *regs, bool exact,
				struct kco_regs *interrupted, uint64_t *frame, struct kco_err *err);
bool bsd_regs_user(struct kco_session *s, const struct kco_regs *regs);
void bsd_amd64_fini(struct kco_session *s);

/* bsd_process.c */
extern const struct kco_os_process_ops kco_os_bsd_process;
/* bsd_system.c */
enum kco_status bsd_log(struct kco_session *s, bool (*fn)(void *arg, const struct kco_log_record *rec), void *arg,
			struct kco_err *err);
enum kco_status bsd_system(struct kco_session *s, struct kco_system_info *info, struct kco_err *err);
/* netbsd_modules.c */
enum kco_status netbsd_modules(struct kco_session *s, enum kco_status (*add)(void *arg, const struct kco_module *mod),
			       void *arg, struct kco_err *err);

#endif
