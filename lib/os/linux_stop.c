// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Why each thread stands still.
 *
 *   dead, zombie                  exit_state
 *   kernel threads                where their kernel stack waits
 *   the one that panicked         panic_cpu
 *   on a CPU                      its kernel stack: NMI or reboot interrupt, exceptions, user mode
 *   stopped for a tracer          last_siginfo, exit_code, ptrace_message (linux_stop_trace.c)
 *   job control                   jobctl
 *   entered by a system call      its number and arguments; futex, vfork, I/O told apart
 *   entered by an exception       and asleep: a page fault that waits
 *
 * Numbers that are macros in the kernel, and so in no type information, are
 * here with their sources.
 */
#include "linux_stop.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "x86_64.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
/* JOBCTL_STOP_SIGMASK, include/linux/sched/jobctl.h */
#define STOP_JOBCTL_SIGMASK 0xffff
/* SIGNAL_GROUP_EXIT, include/linux/sched/signal.h */
#define STOP_GROUP_EXIT 0x4
/* TIF_SIGPENDING, arch/x86/include/asm/thread_info.h */
#define STOP_TIF_SIGPENDING 2

static const struct {
	const char *paths[2];
} stop_needs[STOP_FIELDS] = {
	[STOP_EXIT_CODE] = { { "exit_code" } },
	[STOP_JOBCTL] = { { "jobctl" } },
	[STOP_PTRACE] = { { "ptrace" } },
	[STOP_PTRACE_MESSAGE] = { { "ptrace_message" } },
	[STOP_LAST_SIGINFO] = { { "last_siginfo" } },
	[STOP_VFORK_DONE] = { { "vfork_done" } },
	[STOP_IN_IOWAIT] = { { "in_iowait" } },
	[STOP_PARENT] = { { "parent" } },
	[STOP_SIGNAL] = { { "signal" } },
	/* Since Linux c65eacbe290b (v4.9) in task_struct. */
	[STOP_FLAGS] = { { "thread_info.flags" } },
	/* Since Linux d53d9bc0cf78 (v5.10) virtual_dr6. */
	[STOP_DR6] = { { "thread.virtual_dr6", "thread.debugreg6" } },
	[STOP_TRAP_NR] = { { "thread.trap_nr", "thread.trap_no" } },
	[STOP_ERROR_CODE] = { { "thread.error_code" } },
	[STOP_CR2] = { { "thread.cr2" } },
};

static void stops_fields(struct kco_session *s, struct linux_stops *stops)
{
	uint64_t size;

	for (size_t i = 0; i < STOP_FIELDS; i++)
		if (os_field(s, "task_struct", &stops->f[i], NULL, stop_needs[i].paths[0], stop_needs[i].paths[1],
			     NULL))
			stops->f[i].size = 0;
	if (os_field(s, "signal_struct", &stops->signal_flags, NULL, "flags", NULL))
		stops->signal_flags.size = 0;
	if (os_field(s, "signal_struct", &stops->group_exit_code, NULL, "group_exit_code", NULL))
		stops->group_exit_code.size = 0;
	/* Since Linux 4ce5f9c9e754 (v4.20) the kernel's own is smaller than the user's. */
	if (kco_types_sizeof(s->types, "kernel_siginfo", &size, NULL) || size < 32 || size > 128)
		size = 48;
	stops->siginfo_size = (uint32_t)size;
	if (os_symbol(s, &stops->sched_start, NULL, "__sched_text_start", NULL) ||
	    os_symbol(s, &stops->sched_end, NULL, "__sched_text_end", NULL))
		stops->sched_start = stops->sched_end = 0;
	/* address is that of the page; real_address, since Linux 824ddc601adc (v5.18), is what was touched. */
	if (kco_types_sizeof(s->types, "vm_fault", &stops->vmf.size, NULL) || stops->vmf.size > 1024 ||
	    os_field(s, "vm_fault", &stops->vmf.vma, NULL, "vma", NULL) ||
	    os_field(s, "vm_fault", &stops->vmf.address, NULL, "address", NULL))
		stops->vmf.size = 0;
	if (stops->vmf.size && os_field(s, "vm_fault", &stops->vmf.real_address, NULL, "real_address", "address", NULL))
		stops->vmf.size = 0;
}

struct linux_stops *linux_stops_load(struct kco_session *s)
{
	struct linux_os *os = linux_of(s);

	if (os->stops)
		return os->stops;
	os->stops = calloc(1, sizeof(*os->stops));
	if (os->stops && !kco_session_need(s, KCO_NEED_SYMS | KCO_NEED_TYPES, NULL))
		stops_fields(s, os->stops);
	return os->stops;
}

void linux_stops_fini(struct kco_session *s)
{
	struct linux_stops *stops = linux_of(s)->stops;

	if (!stops)
		return;
	kco_unwinder_free(stops->unwinder);
	free(stops->trace);
	free(stops);
	linux_of(s)->stops = NULL;
}

uint64_t linux_stop_field(struct kco_session *s, const struct kco_task *task, enum stop_field f)
{
	const struct kco_field *field = &linux_of(s)->stops->f[f];
	uint64_t v;

	return field->size && !kco_kread_field(s, task->addr, field, &v, NULL) ? v : 0;
}

enum kco_status linux_siginfo_read(struct kco_session *s, uint64_t va, struct kco_siginfo *ret, struct kco_err *err)
{
	struct linux_stops *stops = linux_stops_load(s);
	uint8_t raw[128];
	enum kco_status st;

	if (!stops)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	st = kco_kread(s, va, raw, stops->siginfo_size, NULL, err);
	if (!st)
		linux_siginfo_decode(raw, stops->siginfo_size, ret);
	return st;
}

static void stop_syscall(struct kco_session *s, const struct kco_thread_regs *regs, struct kco_stop *stop)
{
	const struct kco_syscall *call;

	stop->syscall = regs->syscall;
	stop->compat = regs->syscall32;
	stop->nr_args = KCO_SYSCALL_ARGS;
	memcpy(stop->args, regs->args, sizeof(stop->args));
	if (kco_syscall_get(s, regs->syscall32, regs->syscall, &call, NULL))
		return;
	stop->syscall_name = call->name;
	stop->nr_args = call->nr_args;
}

/*
 * The parent sleeps until its child gives its memory back: the child's
 * vfork_done points to a struct completion on the parent's stack.
 */
static bool stop_vfork(struct kco_session *s, const struct kco_task *task, struct kco_stop *stop)
{
	const struct kco_task *tasks;
	size_t n;

	if (!linux_of(s)->stops->f[STOP_VFORK_DONE].size || kco_tasks_get(s, &tasks, &n, NULL))
		return false;
	for (size_t i = 0; i < n; i++) {
		uint64_t done = linux_stop_field(s, &tasks[i], STOP_VFORK_DONE);

		if (done < task->stack || done - task->stack >= task->stack_size)
			continue;
		stop->kind = KCO_STOP_VFORK_PARENT;
		stop->child = tasks[i].tid;
		return true;
	}
	return false;
}

static void stop_in_syscall(struct kco_session *s, const struct kco_task *task, struct kco_stop *stop)
{
	const char *name = stop->syscall_name ? stop->syscall_name : "";

	stop->kind = KCO_STOP_SYSCALL;
	if (task->flags & KCO_TASK_ACTIVE)
		return;
	if (task->state == 'R')
		stop->kind = KCO_STOP_RUNNABLE;
	else if (!strncmp(name, "futex", 5) && stop->nr_args) {
		stop->kind = KCO_STOP_FUTEX;
		stop->has_addr = true;
		stop->addr = stop->args[0];
	} else if ((strstr(name, "fork") || strstr(name, "clone")) && stop_vfork(s, task, stop))
		return;
	else if (linux_stop_field(s, task, STOP_IN_IOWAIT))
		stop->kind = KCO_STOP_IO;
}

/* Entered by an interrupt or an exception. */
static void stop_in_interrupt(struct kco_process *p, const struct kco_task *task, struct kco_stop *stop)
{
	if (task->flags & KCO_TASK_ACTIVE || task->state == 'R')
		return; // interrupted in user mode, and it goes on there
	linux_stop_stack_waiting(p, task, stop);
	if (stop->kind == KCO_STOP_NONE)
		stop->kind = linux_stop_field(p->session, task, STOP_IN_IOWAIT) ? KCO_STOP_IO : KCO_STOP_EXCEPTION;
}

/* The process is ending, or a signal waits to be looked at on the way to user mode. */
static void stop_signal(struct kco_process *p, const struct kco_task *task, struct kco_stop *stop)
{
	struct kco_session *s = p->session;
	const struct linux_stops *stops = linux_of(s)->stops;
	uint64_t signal = linux_stop_field(s, task, STOP_SIGNAL), flags = 0, code = 0;
	const struct kco_sigpending *queues[2];
	struct kco_signals signals;

	if (signal && stops->signal_flags.size && stops->group_exit_code.size &&
	    !kco_kread_field(s, signal, &stops->signal_flags, &flags, NULL) && flags & STOP_GROUP_EXIT &&
	    !kco_kread_field(s, signal, &stops->group_exit_code, &code, NULL) && code & 0x7f) {
		stop->kind = KCO_STOP_SIGNAL;
		stop->signo = (int32_t)(code & 0x7f);
		stop->lwp = 0;
		return;
	}
	if (task->state != 'R' || !(linux_stop_field(s, task, STOP_FLAGS) >> STOP_TIF_SIGPENDING & 1) ||
	    linux_signals(p, task, &signals, NULL))
		return;
	queues[0] = &signals.private_pending;
	queues[1] = &signals.shared_pending;
	for (unsigned i = 0; i < 2; i++) {
		uint64_t set = queues[i]->set & ~signals.blocked;

		if (!set)
			continue;
		stop->kind = KCO_STOP_SIGNAL;
		stop->signo = __builtin_ctzll(set) + 1;
		stop->lwp = i == 0 ? task->tid : 0;
		for (size_t k = 0; k < queues[i]->nr_queue && !stop->has_info; k++) {
			if (queues[i]->queue[k].info.signo != stop->signo)
				continue;
			stop->info = queues[i]->queue[k].info;
			stop->has_info = true;
		}
		return;
	}
}

/* A signal that the kernel made of an exception leaves the exception's numbers in the thread. */
static void stop_trap(struct kco_session *s, const struct kco_task *task, struct kco_stop *stop)
{
	if (!stop->has_info || stop->info.kind != KCO_SIGINFO_FAULT || !linux_of(s)->stops->f[STOP_TRAP_NR].size)
		return;
	stop->vector = (int32_t)linux_stop_field(s, task, STOP_TRAP_NR);
	stop->has_error_code = true;
	stop->error_code = linux_stop_field(s, task, STOP_ERROR_CODE);
	if (!stop->has_addr && stop->kind != KCO_STOP_WATCHPOINT) {
		stop->has_addr = true;
		stop->addr = stop->info.addr;
	}
}

/* A task whose registers in user mode are known or could not be had. */
static void stop_user(struct kco_process *p, const struct kco_task *task, const struct kco_thread_regs *regs,
		      struct kco_stop *stop)
{
	struct kco_session *s = p->session;

	if (regs && regs->entry == KCO_ENTRY_SYSCALL)
		stop_syscall(s, regs, stop);
	if (task->state == 't') {
		linux_stop_traced(p, task, regs, stop);
		return;
	}
	if (task->state == 'T') {
		stop->kind = KCO_STOP_GROUP;
		stop->signo = (int32_t)(linux_stop_field(s, task, STOP_JOBCTL) & STOP_JOBCTL_SIGMASK);
		stop->lwp = 0;
		return;
	}
	if (!regs)
		stop->kind = task->state == 'R' ? KCO_STOP_RUNNABLE : KCO_STOP_SYSCALL;
	else if (regs->entry == KCO_ENTRY_SYSCALL)
		stop_in_syscall(s, task, stop);
	else if (regs->entry != KCO_ENTRY_NONE)
		stop_in_interrupt(p, task, stop);
	stop_signal(p, task, stop);
	if (task->flags & KCO_TASK_ACTIVE)
		linux_stop_stack_running(p, task, stop);
}

/* Threads of a process that serve it in the kernel (io_uring, vhost) begin with empty registers: copy_thread(). */
static bool stop_never_user(const struct kco_thread_regs *regs)
{
	uint64_t pc = 1, sp = 1;

	(void)kco_regs_get(&regs->regs, X86_64_RIP, &pc);
	(void)kco_regs_get(&regs->regs, X86_64_RSP, &sp);
	return !pc && !sp;
}

enum kco_status linux_stop(struct kco_process *p, const struct kco_task *task, struct kco_stop *stop,
			   struct kco_err *err)
{
	struct kco_session *s = p->session;
	struct kco_thread_regs regs;
	const struct kco_task *tracer;
	bool has_regs;

	if (!linux_stops_load(s))
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	if (task->state == 'Z' || task->state == 'X') {
		stop->kind = task->state == 'Z' ? KCO_STOP_ZOMBIE : KCO_STOP_DEAD;
		stop->has_status = linux_of(s)->stops->f[STOP_EXIT_CODE].size != 0;
		stop->status = (int32_t)linux_stop_field(s, task, STOP_EXIT_CODE);
		return KCO_OK;
	}
	if (task->flags & (KCO_TASK_KTHREAD | KCO_TASK_IDLE)) {
		stop->kind = KCO_STOP_KTHREAD;
		if (task->flags & KCO_TASK_ACTIVE)
			linux_stop_stack_running(p, task, stop);
	} else {
		if (linux_stop_field(s, task, STOP_PTRACE)) {
			tracer = kco_task_by_addr(s, linux_stop_field(s, task, STOP_PARENT));
			stop->tracer = tracer ? tracer->tid : 0;
		}
		has_regs = !kco_thread_regs_get(p, task, &regs, NULL);
		if (has_regs && stop_never_user(&regs)) {
			stop->kind = KCO_STOP_KTHREAD;
			return KCO_OK;
		}
		stop_user(p, task, has_regs ? &regs : NULL, stop);
		stop_trap(s, task, stop);
	}
	if (task->flags & KCO_TASK_PANIC)
		stop->kind = KCO_STOP_PANIC;
	return KCO_OK;
}
