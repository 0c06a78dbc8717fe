// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Why a thread stands still.
 */
#ifndef KCO_STOP_H
#define KCO_STOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kco/process.h>
#include <kco/signal.h>
#include <kco/thread.h>

enum kco_stop_kind {
	KCO_STOP_NONE,	    /* running in user mode, or waiting for a CPU there */
	KCO_STOP_PANIC,	    /* it panicked */
	KCO_STOP_EXCEPTION, /* an exception that the kernel was handling: vector, error_code, addr */
	KCO_STOP_NMI,	    /* its CPU was taken by the NMI that stops the others */
	KCO_STOP_SYSCALL,
	KCO_STOP_SIGNAL,       /* a signal is being delivered: info */
	KCO_STOP_GROUP,	       /* job control: SIGSTOP and friends */
	KCO_STOP_TRACE_SIGNAL, /* stopped for its tracer: a signal ... */
	KCO_STOP_TRACE_SYSCALL_ENTRY,
	KCO_STOP_TRACE_SYSCALL_EXIT,
	KCO_STOP_TRACE_EXEC,
	KCO_STOP_TRACE_FORK,
	KCO_STOP_TRACE_VFORK,
	KCO_STOP_TRACE_VFORK_DONE,
	KCO_STOP_TRACE_CLONE,
	KCO_STOP_TRACE_EXIT,
	KCO_STOP_TRACE_SECCOMP,
	KCO_STOP_TRACE_STOP, /* ... PTRACE_INTERRUPT, PTRACE_SEIZE's stops */
	KCO_STOP_BREAKPOINT,
	KCO_STOP_WATCHPOINT,
	KCO_STOP_STEP,
	KCO_STOP_VFORK_PARENT,
	KCO_STOP_FUTEX,
	KCO_STOP_PAGE_FAULT,
	KCO_STOP_IO,
	KCO_STOP_RUNNABLE, /* preempted in the kernel, or woken and not yet on a CPU */
	KCO_STOP_KTHREAD,  /* a kernel thread: wchan */
	KCO_STOP_ZOMBIE,
	KCO_STOP_DEAD,
	KCO_STOP_WAIT, /* it waits: all that is known of threads of systems whose stop reasons are not */
};

struct kco_stop {
	enum kco_stop_kind kind;
	bool has_info;
	struct kco_siginfo info;
	int32_t signo;		  /* the signal a debugger would report, 0 none */
	const char *trap;	  /* NetBSD's word: "TRAP_BRKPT", "TRAP_TRACE", "TRAP_DBREG", "TRAP_EXEC", "TRAP_CHLD",
				     "TRAP_LWP", "TRAP_SCE", "TRAP_SCX"; NULL none */
	int64_t lwp;		  /* the target: a tid, 0 for the whole process */
	int64_t syscall;	  /* number, -1 none */
	const char *syscall_name; /* NULL unknown */
	bool compat;		  /* a number of the 32-bit table */
	uint64_t args[6];
	unsigned nr_args; /* how many the call takes; 6 unknown */
	int64_t result;	  /* TRACE_SYSCALL_EXIT: what it returns */
	int32_t vector;	  /* exceptions and NMIs, else -1 */
	bool has_error_code;
	uint64_t error_code;
	bool has_addr;
	uint64_t addr;	   /* fault address, futex word, watched address, breakpoint */
	const char *wchan; /* where in the kernel it is held: kco_stop_wchan(); NULL not looked for, or unknown */
	int64_t tracer;	   /* tid of its tracer, 0 none */
	int64_t child;	   /* fork, vfork, clone, vfork parent: the new one's tid; 0 unknown */
	bool has_status;
	int32_t status; /* EXIT, ZOMBIE, DEAD: as wait() gives it; SECCOMP: the filter's data */
	char text[256]; /* for people: "syscall futex(0x7f.., FUTEX_WAIT, ...)", "signal SIGSTOP" */
};

/** A stable word for `kind` in JSON: "panic", "syscall", "trace exec", ... */
const char *kco_stop_kind_name(enum kco_stop_kind kind);
/** Always gives an answer as good as the dump's state allows; fails for memory that runs out, or an unknown system. */
enum kco_status kco_stop_get(struct kco_process *p, const struct kco_task *task, struct kco_stop *ret,
			     struct kco_err *err) KCO_MUST_USE;
/**
 * The kernel function that @task waits in, as /proc/PID/wchan has it: the first
 * beyond the scheduler. Unwinds its stack. @addr (may be NULL) gets the program
 * counter there. NULL: unknown, or it runs.
 */
const char *kco_stop_wchan(struct kco_process *p, const struct kco_task *task, uint64_t *addr);

#endif
