// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The FreeBSD personality's private state, and what its files give each other.
 *
 *   freebsd.c         the table row, detection, symbols and members by name
 *   freebsd_boot.c    the kernel's address space: a minidump's own maps, or a full dump's page tables
 *   freebsd_layout.c  where the members of struct proc and struct thread lie, with and without types
 *   freebsd_tasks.c   processes and their threads; freebsd_hash.c: the pid hash they are checked against;
 *   freebsd_thread.c  what one of the threads is
 *   freebsd_state.c   state letters
 *   freebsd_cpus.c    CPUs, per-CPU data, which CPUs stopped
 *   freebsd_regs.c    registers of threads and CPUs, trap frames
 *   freebsd_text.c    where code is, and which of it has a trap frame on top of the stack
 *   freebsd_klds.c    modules; freebsd_klds.h: their symbols, sections and files
 *   freebsd_log.c     the message buffer
 *   freebsd_system.c  names, clocks, load, panic message
 *   freebsd_amd64.c   what FreeBSD lays out on amd64; freebsd_{i386,arm64,riscv}.c on the others
 *
 * Sources of layouts: FreeBSD 12.1 (sys/sys/proc.h, sys/kern/kern_proc.c,
 * sys/amd64), and later changes where they are named.
 */
#ifndef KCO_OS_FREEBSD_H
#define KCO_OS_FREEBSD_H

#include <stdbool.h>
#include <stdint.h>

#include "names.h"
#include "session.h"

#define FREEBSD_CPUS_MAX 4096

#define FREEBSD_NO_OFFSET 0xffff /* it moved: nobody knows without types */

/** A register and where struct pcb or struct trapframe keeps it; the offset is for kernels without types. */
struct freebsd_reg {
	const char *name; /* as the architecture spells it */
	const char *members[2];
	uint16_t offset;
	uint8_t size;
};

/** What FreeBSD lays out on one architecture: data. */
struct freebsd_machine {
	uint16_t elf_machine;
	const char *name; /* as uname -m has it */
	const struct freebsd_reg *pcb;
	size_t nr_pcb;
	uint16_t pcb_size; /* without types and without the symbol pcb_size */
	uint8_t sp_skip;   /* what a pcb's stack pointer lacks to that of the function that is returned to */
	const struct freebsd_reg *frame;
	size_t nr_frame;
	uint16_t frame_size;
	const char *mode; /* the register that tells user mode (an architecture without it: the pc does) ... */
	bool (*user_mode)(uint64_t mode);
	/*
	 * Entry code keeps the frame below where its frame pointer points, by the frame's size: for
	 * machines on which the stack pointer cannot be had without CFI. False: on top of the stack.
	 */
	bool frame_below_fp;
	/* Entry code passes a pointer to the frame as an argument, right below the frame; others may follow. */
	bool frame_argument;
	/* The stack pointer is in the frame of traps from user mode only; else it was where that member is. */
	bool short_kernel_frame;
	const char *start; /* where a thread begins that never ran: a trap frame is on top of its stack */
	/* Does a call from this function return with a trap frame on top of the stack? */
	bool (*is_entry)(const char *name);
	/* A CPU's stacks beside those of threads. May be NULL. */
	size_t (*stacks)(struct kco_session *s, unsigned cpu, struct kco_stack_range *ranges, size_t max);
};

extern const struct freebsd_machine freebsd_amd64, freebsd_i386, freebsd_arm64, freebsd_riscv;
const struct freebsd_machine *freebsd_machine_by_elf(uint16_t elf_machine);

struct freebsd_cpu {
	uint64_t pcpu;	/* of its struct pcpu, 0 unknown */
	uint64_t dpcpu; /* what is added to a DPCPU symbol's address, 0 unknown */
	bool present, stopped;
};

struct freebsd_os {
	const struct freebsd_machine *machine;
	unsigned levels; /* of page tables, 0: the dump carries its own maps */
	struct kco_lazy lazy_cpus;
	struct freebsd_cpu *cpus;
	unsigned nr_cpus;
	struct freebsd_regs *regs;	 /* freebsd_regs.c's */
	struct bsd_text *text;		 /* freebsd_text.c's */
	struct freebsd_frames *frames;	 /* freebsd_thread.c's: where threads' user registers are */
	struct freebsd_kldsyms *klds;	 /* freebsd_kldsyms.c's */
	struct freebsd_process *process; /* of the half that knows processes */
};

static inline struct freebsd_os *freebsd_of(struct kco_session *s)
{
	return s->os_priv;
}

/** Is variable @name a pointer? By its type, else by its symbol's size: an array is larger. */
bool freebsd_is_pointer(struct kco_session *s, const char *name);

/* freebsd_boot.c */
enum kco_status freebsd_boot(struct kco_session *s, struct kco_err *err);
/** Does the file itself say where virtual memory lies (a minidump)? */
bool freebsd_has_maps(struct kco_session *s);

/* freebsd_layout.c */
enum freebsd_member {
	FB_P_LIST_NEXT,
	FB_P_LIST_PREV,
	FB_P_HASH_NEXT,
	FB_P_HASH_PREV,
	FB_P_THREADS,
	FB_P_PID,
	FB_P_COMM,
	FB_P_FLAG,
	FB_P_STATE,
	FB_P_PPTR,
	FB_P_VMSPACE,
	FB_P_STATS,
	FB_TD_PROC,
	FB_TD_PLIST_NEXT,
	FB_TD_PLIST_PREV,
	FB_TD_TID,
	FB_TD_NAME,
	FB_TD_ONCPU,
	FB_TD_LASTCPU,
	FB_TD_STATE,
	FB_TD_INHIBITORS,
	FB_TD_FLAGS,
	FB_TD_WCHAN,
	FB_TD_WMESG,
	FB_TD_LOCKNAME,
	FB_TD_SLPTICK,
	FB_TD_KSTACK,
	FB_TD_KSTACK_PAGES,
	FB_TD_PCB,
	FB_TD_FRAME,
	FB_TD_RUNTIME,
	FB_TD_UTICKS,
	FB_TD_STICKS,
	FB_TD_ITICKS,
	FB_TD_RUX_UTICKS,
	FB_TD_RUX_STICKS,
	FB_TD_RUX_ITICKS,
	FB_MEMBERS,
};
struct freebsd_layout {
	struct kco_field f[FB_MEMBERS];
	bool has[FB_MEMBERS];
	uint64_t proc_size, thread_size; /* bytes from the start that cover all members */
	bool typed;			 /* the kernel's types are known; else only what debuggers' symbols tell */
};
/** Fails when not even a list of threads can be made; a warning has said what else is lost. */
enum kco_status freebsd_layout_load(struct kco_session *s, struct freebsd_layout *layout, struct kco_err *err);

/* freebsd_tasks.c */
enum kco_status freebsd_tasks(struct kco_session *s, enum kco_status (*add)(void *arg, const struct kco_task *task),
			      void *arg, struct kco_err *err);
/* freebsd_thread.c */
uint64_t freebsd_user_regs(struct kco_session *s, const struct kco_task *task);
void freebsd_tasks_fini(struct kco_session *s);

/* freebsd_hash.c */
/** Called with each process of the pid hash. KCO_OK or KCO_DONE go on, an error ends the walk. */
typedef enum kco_status freebsd_proc_fn(void *arg, uint64_t proc);
/** @torn (code KCO_OK before): chains that broke off. KCO_E_NOSYM, KCO_E_NOTYPE: this kernel's hash is not known. */
enum kco_status freebsd_hash_each(struct kco_session *s, const struct freebsd_layout *layout, freebsd_proc_fn *fn,
				  void *arg, struct kco_err *torn, struct kco_err *err);

/* freebsd_state.c */
/** What a state letter is made of. Numbers are those of sys/sys/proc.h; 0 where the kernel's types do not tell. */
struct freebsd_states {
	int64_t inhibited, can_run, runq, running; /* TDS_* */
	int64_t proc_new, proc_zombie;		   /* PRS_* */
	int64_t ticks, hz;
};
struct freebsd_run {
	uint64_t proc_state, proc_flag, state, inhibitors, flags;
	int32_t slptick;
};
void freebsd_states_init(struct kco_session *s, struct freebsd_states *states);
char freebsd_state_letter(const struct freebsd_states *states, const struct freebsd_run *run);
/* Numbers of sys/sys/proc.h that are macros, which no debugging information has. */
#define FREEBSD_P_KPROC UINT64_C(0x4)
#define FREEBSD_P_STOPPED UINT64_C(0xe0000) /* P_STOPPED_SIG, P_STOPPED_TRACE, P_STOPPED_SINGLE */
#define FREEBSD_TDF_INPANIC UINT64_C(0x2)
#define FREEBSD_TDF_SINTR UINT64_C(0x8)
#define FREEBSD_TDF_IDLETD UINT64_C(0x20)
#define FREEBSD_TDI_SLEEPING UINT64_C(0x2)
#define FREEBSD_TDI_LOCK UINT64_C(0x8)

/* freebsd_cpus.c */
enum kco_status freebsd_cpus_load(struct kco_session *s, struct kco_err *err);
/** NULL: there is no such CPU. */
const struct freebsd_cpu *freebsd_cpu(struct kco_session *s, unsigned cpu);
enum kco_status freebsd_cpu_count(struct kco_session *s, unsigned *ret, struct kco_err *err);
bool freebsd_cpu_online(struct kco_session *s, unsigned cpu);
enum kco_status freebsd_percpu(struct kco_session *s, uint64_t addr, unsigned cpu, uint64_t *ret, struct kco_err *err);
void freebsd_cpus_fini(struct kco_session *s);

/* freebsd_regs.c */
enum kco_status freebsd_task_regs(struct kco_session *s, struct kco_mem *mem, const struct kco_task *task,
				  struct kco_regs *regs, struct kco_err *err);
enum kco_status freebsd_cpu_regs(struct kco_session *s, unsigned cpu, struct kco_regs *regs, struct kco_err *err);
enum kco_status freebsd_entry_frame(struct kco_session *s, struct kco_mem *mem, const struct kco_regs *regs, bool exact,
				    struct kco_regs *interrupted, uint64_t *frame, struct kco_err *err);
const struct kco_regset *freebsd_trap_frame(struct kco_session *s, bool hardware_part_only);
bool freebsd_regs_user(struct kco_session *s, const struct kco_regs *regs);
/** The thread that wrote the dump, -1 when nobody knows. */
int64_t freebsd_dump_tid(struct kco_session *s);
size_t freebsd_cpu_stacks(struct kco_session *s, unsigned cpu, struct kco_stack_range *ranges, size_t max);
void freebsd_regs_fini(struct kco_session *s);

/* freebsd_text.c */
bool freebsd_is_text(struct kco_session *s, uint64_t pc);
/** Does a call return to @pc with a trap frame on top of the stack? @exact: does a thread begin there with one? */
bool freebsd_is_entry(struct kco_session *s, uint64_t pc, bool exact);
void freebsd_text_fini(struct kco_session *s);

/* freebsd_log.c */
enum kco_status freebsd_log(struct kco_session *s, bool (*fn)(void *arg, const struct kco_log_record *rec), void *arg,
			    struct kco_err *err);
/* freebsd_system.c */
enum kco_status freebsd_system(struct kco_session *s, struct kco_system_info *info, struct kco_err *err);

#endif
