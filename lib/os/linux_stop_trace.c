// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Threads that are stopped for their tracer (kernel/signal.c: ptrace_stop()).
 *
 * While it sleeps there, task_struct.last_siginfo points to the siginfo on its
 * kernel stack, exit_code is what wait() gives the tracer, and ptrace_message
 * what PTRACE_GETEVENTMSG gives:
 *
 *   exit_code             siginfo                    means
 *   SIGTRAP | event << 8  si_code the same           PTRACE_EVENT_...
 *   SIGTRAP | 0x80        si_code the same           a system call, PTRACE_O_TRACESYSGOOD
 *   SIGTRAP               si_code SIGTRAP            a system call without that option
 *   SIGTRAP               TRAP_..., SI_KERNEL        breakpoint, watchpoint, step
 *   signal                what the signal brings     about to be delivered
 *   signal                none                       group stop (PTRACE_ATTACH)
 *   signal | STOP << 8    si_code the same           group stop (PTRACE_SEIZE)
 *
 * Numbers: include/uapi/linux/ptrace.h, an ABI.
 */
#include "linux_stop.h"

#include <string.h>

#include "x86_64.h"

#define TRACE_SIGTRAP 5
#define TRACE_SI_KERNEL 0x80
#define TRACE_ENOSYS 38

enum {
	EVENT_FORK = 1,
	EVENT_VFORK,
	EVENT_CLONE,
	EVENT_EXEC,
	EVENT_VFORK_DONE,
	EVENT_EXIT,
	EVENT_SECCOMP,
	EVENT_STOP = 128
};
/* si_code of SIGTRAP */
enum { TRACE_BRKPT = 1, TRACE_TRACE, TRACE_BRANCH, TRACE_HWBKPT };

static const struct {
	enum kco_stop_kind kind;
	const char *trap;
} trace_events[] = {
	[EVENT_FORK] = { KCO_STOP_TRACE_FORK, "TRAP_CHLD" },
	[EVENT_VFORK] = { KCO_STOP_TRACE_VFORK, "TRAP_CHLD" },
	[EVENT_CLONE] = { KCO_STOP_TRACE_CLONE, "TRAP_CHLD" },
	[EVENT_EXEC] = { KCO_STOP_TRACE_EXEC, "TRAP_EXEC" },
	[EVENT_VFORK_DONE] = { KCO_STOP_TRACE_VFORK_DONE, "TRAP_CHLD" },
	[EVENT_EXIT] = { KCO_STOP_TRACE_EXIT, "TRAP_LWP" },
	[EVENT_SECCOMP] = { KCO_STOP_TRACE_SECCOMP, NULL },
};

static void trace_event(struct kco_process *p, const struct kco_task *task, unsigned event, struct kco_stop *stop)
{
	uint64_t message = linux_stop_field(p->session, task, STOP_PTRACE_MESSAGE);
	const struct kco_task *child;

	stop->kind = trace_events[event].kind;
	stop->trap = trace_events[event].trap;
	switch (event) {
	case EVENT_CLONE:
		child = kco_task_by_tid(p->session, (int64_t)message);
		if (child && child->tgid == task->tgid)
			stop->trap = "TRAP_LWP";
		stop->child = (int32_t)message;
		break;
	case EVENT_FORK:
	case EVENT_VFORK:
	case EVENT_VFORK_DONE:
		stop->child = (int32_t)message;
		break;
	case EVENT_EXIT:
	case EVENT_SECCOMP:
		stop->has_status = true;
		stop->status = (int32_t)message;
		break;
	default:
		break;
	}
}

/* @message: PTRACE_EVENTMSG_SYSCALL_ENTRY or _EXIT since Linux 201766a20e30 (v5.3); before it is of an older event. */
static bool trace_is_entry(const struct kco_thread_regs *regs, uint64_t message)
{
	uint64_t rax;

	if (message == 1 || message == 2)
		return message == 1;
	/* The entry code presets the result: arch/x86/entry/entry_64.S, PUSH_AND_CLEAR_REGS rax=$-ENOSYS. */
	return regs && kco_regs_get(&regs->regs, X86_64_RAX, &rax) && (int32_t)rax == -TRACE_ENOSYS;
}

static void trace_syscall(struct kco_session *s, const struct kco_task *task, const struct kco_thread_regs *regs,
			  struct kco_stop *stop)
{
	uint64_t message = linux_stop_field(s, task, STOP_PTRACE_MESSAGE), rax = 0;
	bool entry = trace_is_entry(regs, message);

	stop->kind = entry ? KCO_STOP_TRACE_SYSCALL_ENTRY : KCO_STOP_TRACE_SYSCALL_EXIT;
	stop->trap = entry ? "TRAP_SCE" : "TRAP_SCX";
	if (!entry && regs && kco_regs_get(&regs->regs, X86_64_RAX, &rax))
		stop->result = regs->syscall32 ? (int32_t)rax : (int64_t)rax;
}

/*
 * DR6 says which of the four address registers hit; the perf event behind that
 * one (thread.ptrace_bps), what is watched. HW_BREAKPOINT_X is 4.
 */
static void trace_watch(struct kco_process *p, const struct kco_task *task, struct kco_stop *stop)
{
	struct kco_session *s = p->session;
	uint64_t dr6 = linux_stop_field(s, task, STOP_DR6) & 15, event, type;
	struct kco_field events, addr, access;

	stop->kind = KCO_STOP_WATCHPOINT;
	stop->trap = "TRAP_DBREG";
	if (!dr6 || os_field(s, "task_struct", &events, NULL, "thread.ptrace_bps", NULL) ||
	    os_field(s, "perf_event", &addr, NULL, "attr.bp_addr", NULL) ||
	    os_field(s, "perf_event", &access, NULL, "attr.bp_type", NULL) ||
	    kco_kread_uint(s, task->addr + events.offset + (uint64_t)__builtin_ctzll(dr6) * 8, 8, &event, NULL) ||
	    !event || kco_kread_field(s, event, &addr, &stop->addr, NULL))
		return;
	stop->has_addr = true;
	if (!kco_kread_field(s, event, &access, &type, NULL) && type & 4)
		stop->kind = KCO_STOP_BREAKPOINT;
}

/* Was it an int3? The vector says so (3), else the byte before the program counter. */
static bool trace_at_int3(struct kco_process *p, const struct kco_task *task, const struct kco_thread_regs *regs,
			  const struct kco_stop *stop, uint64_t *addr)
{
	uint64_t pc, byte;

	if (!regs || !kco_regs_get(&regs->regs, X86_64_RIP, &pc))
		return false;
	*addr = pc - 1;
	if (stop->info.code == TRACE_SI_KERNEL && linux_stop_field(p->session, task, STOP_TRAP_NR) == 3)
		return true;
	return !kco_process_read_uint(p, pc - 1, 1, &byte, NULL) && byte == 0xcc;
}

/* SIGTRAP. On x86 an int3 is SI_KERNEL (no siginfo), TRAP_BRKPT the step over a system call. */
static void trace_trap(struct kco_process *p, const struct kco_task *task, const struct kco_thread_regs *regs,
		       struct kco_stop *stop)
{
	switch (stop->info.code) {
	case TRACE_HWBKPT:
		trace_watch(p, task, stop);
		break;
	case TRACE_TRACE:
	case TRACE_BRANCH:
		stop->kind = KCO_STOP_STEP;
		stop->trap = "TRAP_TRACE";
		break;
	case TRACE_BRKPT:
	case TRACE_SI_KERNEL:
		if (trace_at_int3(p, task, regs, stop, &stop->addr)) {
			stop->kind = KCO_STOP_BREAKPOINT;
			stop->trap = "TRAP_BRKPT";
			stop->has_addr = true;
		} else if (stop->info.code == TRACE_BRKPT) {
			stop->kind = KCO_STOP_STEP;
			stop->trap = "TRAP_TRACE";
		}
		break;
	case 0:
		/* Without PTRACE_O_TRACEEXEC, execve() sends itself a SIGTRAP. */
		if (stop->info.pid == task->tgid && stop->syscall_name && !strncmp(stop->syscall_name, "execve", 6)) {
			stop->kind = KCO_STOP_TRACE_EXEC;
			stop->trap = "TRAP_EXEC";
		}
		break;
	default:
		break;
	}
}

/* Sent to one thread, or to the process? Signals that the kernel makes of exceptions are a thread's. */
static int64_t trace_lwp(const struct kco_task *task, const struct kco_siginfo *info)
{
	bool thread = info->kind == KCO_SIGINFO_FAULT || info->kind == KCO_SIGINFO_SYS ||
		      info->code == -6 /* SI_TKILL */ || (info->signo == TRACE_SIGTRAP && info->code > 0);

	return thread ? task->tid : 0;
}

/*
 * The PTRACE_EVENT_... that @code tells, 0 none. A process may send itself any
 * si_code: what does not fit the signal is its own.
 */
static unsigned trace_event_number(uint32_t code, int32_t signo)
{
	unsigned event = code >> 8;

	if (signo <= 0 || signo > KCO_SIGNAL_MAX || (code & 0xff) != (uint32_t)signo)
		return 0;
	return event == EVENT_STOP || (signo == TRACE_SIGTRAP && event <= EVENT_SECCOMP) ? event : 0;
}

void linux_stop_traced(struct kco_process *p, const struct kco_task *task, const struct kco_thread_regs *regs,
		       struct kco_stop *stop)
{
	struct kco_session *s = p->session;
	uint64_t info = linux_stop_field(s, task, STOP_LAST_SIGINFO);
	uint32_t code = (uint32_t)linux_stop_field(s, task, STOP_EXIT_CODE);
	uint32_t size = linux_of(s)->stops->siginfo_size;
	unsigned event;

	stop->kind = KCO_STOP_TRACE_SIGNAL;
	/* ptrace_stop()'s caller has it on the stack of this thread; anything else is no siginfo. */
	if (info >= task->stack && task->stack_size >= size && info - task->stack <= task->stack_size - size &&
	    !linux_siginfo_read(s, info, &stop->info, NULL))
		stop->has_info = true;
	/* wait() takes exit_code away (kernel/exit.c: wait_task_stopped()); the siginfo stays. */
	if (stop->has_info)
		code = stop->info.code > 0 ? (uint32_t)stop->info.code : 0;
	stop->signo = stop->has_info ? stop->info.signo : (int32_t)(code & 0x7f);
	event = trace_event_number(code, stop->signo);
	if (event == EVENT_STOP) {
		stop->kind = stop->signo == TRACE_SIGTRAP ? KCO_STOP_TRACE_STOP : KCO_STOP_GROUP;
		stop->lwp = stop->kind == KCO_STOP_GROUP ? 0 : task->tid;
	} else if (event) {
		trace_event(p, task, event, stop);
	} else if (!stop->has_info && info) {
		stop->lwp = task->tid; // there is one, and it cannot be read: no group stop, and more is not known
	} else if (!stop->has_info) {
		stop->kind = KCO_STOP_GROUP;
		if (!stop->signo)
			stop->signo = (int32_t)(linux_stop_field(s, task, STOP_JOBCTL) & 0x7f);
		stop->lwp = 0;
	} else if (stop->info.signo == TRACE_SIGTRAP && (stop->info.code == (TRACE_SIGTRAP | 0x80) ||
							 (stop->info.code == TRACE_SIGTRAP && stop->syscall >= 0))) {
		trace_syscall(s, task, regs, stop);
	} else {
		stop->lwp = trace_lwp(task, &stop->info);
		if (stop->info.signo == TRACE_SIGTRAP)
			trace_trap(p, task, regs, stop);
	}
}
