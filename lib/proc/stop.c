// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stop reasons: the way to the personality, and the same facts in words.
 */
#include <kco/stop.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "process_priv.h"
#include "text.h"

const char *kco_stop_kind_name(enum kco_stop_kind kind)
{
	static const char *const names[] = {
		[KCO_STOP_NONE] = "user mode",
		[KCO_STOP_PANIC] = "panic",
		[KCO_STOP_EXCEPTION] = "exception",
		[KCO_STOP_NMI] = "nmi",
		[KCO_STOP_SYSCALL] = "syscall",
		[KCO_STOP_SIGNAL] = "signal",
		[KCO_STOP_GROUP] = "group stop",
		[KCO_STOP_TRACE_SIGNAL] = "trace signal",
		[KCO_STOP_TRACE_SYSCALL_ENTRY] = "trace syscall entry",
		[KCO_STOP_TRACE_SYSCALL_EXIT] = "trace syscall exit",
		[KCO_STOP_TRACE_EXEC] = "trace exec",
		[KCO_STOP_TRACE_FORK] = "trace fork",
		[KCO_STOP_TRACE_VFORK] = "trace vfork",
		[KCO_STOP_TRACE_VFORK_DONE] = "trace vfork done",
		[KCO_STOP_TRACE_CLONE] = "trace clone",
		[KCO_STOP_TRACE_EXIT] = "trace exit",
		[KCO_STOP_TRACE_SECCOMP] = "trace seccomp",
		[KCO_STOP_TRACE_STOP] = "trace stop",
		[KCO_STOP_BREAKPOINT] = "breakpoint",
		[KCO_STOP_WATCHPOINT] = "watchpoint",
		[KCO_STOP_STEP] = "step",
		[KCO_STOP_VFORK_PARENT] = "vfork parent",
		[KCO_STOP_FUTEX] = "futex",
		[KCO_STOP_PAGE_FAULT] = "page fault",
		[KCO_STOP_IO] = "io",
		[KCO_STOP_RUNNABLE] = "runnable",
		[KCO_STOP_KTHREAD] = "kernel thread",
		[KCO_STOP_ZOMBIE] = "zombie",
		[KCO_STOP_DEAD] = "dead",
		[KCO_STOP_WAIT] = "wait",
	};

	return (size_t)kind < sizeof(names) / sizeof(*names) && names[kind] ? names[kind] : "unknown";
}

const char *kco_stop_wchan(struct kco_process *p, const struct kco_task *task, uint64_t *addr)
{
	return PROCESS_OS_SLOT(p->session, wchan) ? PROCESS_OS_SLOT(p->session, wchan)(p, task, addr) : NULL;
}

static void stop_call(struct kco_session *s, struct text *t, const struct kco_stop *stop)
{
	char call[200];

	kco_syscall_text(s, stop->compat, stop->syscall, stop->args, call, sizeof(call));
	text_add(t, "%s", call);
}

static void stop_signal_text(struct kco_session *s, struct text *t, int signo)
{
	const char *name = kco_signal_name(s, signo);

	if (name)
		text_add(t, "signal %s", name);
	else if (signo)
		text_add(t, "signal %d", signo);
	else
		text_add(t, "signal unknown");
}

static void stop_info_text(struct kco_session *s, struct text *t, const struct kco_siginfo *info)
{
	const char *code = kco_signal_code_name(s, info->signo, info->code);

	if (code)
		text_add(t, " (%s", code);
	else
		text_add(t, " (code %" PRId32, info->code);
	switch (info->kind) {
	case KCO_SIGINFO_KILL:
	case KCO_SIGINFO_QUEUE:
		if (info->pid)
			text_add(t, " from %" PRId32, info->pid);
		break;
	case KCO_SIGINFO_CHILD:
		text_add(t, " of %" PRId32 ", status %" PRId32, info->pid, info->status);
		break;
	case KCO_SIGINFO_FAULT:
		text_add(t, " at %#" PRIx64, info->addr);
		break;
	case KCO_SIGINFO_SYS:
		text_add(t, " syscall %" PRId32 " at %#" PRIx64, info->syscall, info->addr);
		break;
	case KCO_SIGINFO_POLL:
		text_add(t, " fd %" PRId32, info->fd);
		break;
	case KCO_SIGINFO_TIMER:
		text_add(t, " timer %" PRId32, info->timer);
		break;
	}
	text_add(t, ")");
}

/* Mnemonics of the vectors: Intel SDM volume 3, table 6-1. */
static void stop_vector(struct text *t, int vector)
{
	static const char *const names[] = { "#DE", "#DB", "NMI", "#BP", "#OF", "#BR", "#UD", "#NM",
					     "#DF", "",	   "#TS", "#NP", "#SS", "#GP", "#PF", "",
					     "#MF", "#AC", "#MC", "#XM", "#VE", "#CP" };

	if ((size_t)vector < sizeof(names) / sizeof(*names) && *names[vector])
		text_add(t, "%s", names[vector]);
	else
		text_add(t, "vector %d", vector);
}

/* A status as wait() gives it. */
static void stop_status(struct kco_session *s, struct text *t, int status)
{
	if (status & 0x7f) {
		text_add(t, "killed by ");
		stop_signal_text(s, t, status & 0x7f);
		if (status & 0x80)
			text_add(t, ", core dumped");
	} else {
		text_add(t, "status %d", status >> 8 & 0xff);
	}
}

static void stop_where(struct kco_session *s, struct text *t, const struct kco_stop *stop)
{
	if (stop->syscall < 0)
		return;
	text_add(t, " in ");
	stop_call(s, t, stop);
}

static void stop_trace_text(struct kco_session *s, struct text *t, const struct kco_stop *stop)
{
	switch (stop->kind) {
	case KCO_STOP_TRACE_SYSCALL_ENTRY:
		text_add(t, "syscall entry ");
		stop_call(s, t, stop);
		break;
	case KCO_STOP_TRACE_SYSCALL_EXIT:
		text_add(t, "syscall exit ");
		stop_call(s, t, stop);
		text_add(t, stop->result < 0 || stop->result < 4096 ? " = %" PRId64 : " = %#" PRIx64, stop->result);
		break;
	case KCO_STOP_TRACE_FORK:
	case KCO_STOP_TRACE_VFORK:
	case KCO_STOP_TRACE_CLONE:
	case KCO_STOP_TRACE_VFORK_DONE:
		text_add(t, "%s", kco_stop_kind_name(stop->kind) + strlen("trace "));
		if (stop->child)
			text_add(t, ", child %" PRId64, stop->child);
		break;
	case KCO_STOP_TRACE_EXIT:
		text_add(t, "exit, ");
		stop_status(s, t, stop->status);
		break;
	case KCO_STOP_TRACE_SECCOMP:
		text_add(t, "seccomp, data %" PRId32, stop->status);
		stop_where(s, t, stop);
		break;
	default:
		text_add(t, stop->kind == KCO_STOP_TRACE_STOP ? "trace stop" : "exec");
		break;
	}
}

/* Kinds that the thread is in by itself: it runs, it waits, it is gone. */
static void stop_self_text(struct kco_session *s, struct text *t, const struct kco_stop *stop)
{
	switch (stop->kind) {
	case KCO_STOP_NONE:
		text_add(t, "running in user mode");
		break;
	case KCO_STOP_RUNNABLE:
		text_add(t, "waiting for a CPU");
		stop_where(s, t, stop);
		break;
	case KCO_STOP_VFORK_PARENT:
		text_add(t, "vfork, waiting for child %" PRId64, stop->child);
		break;
	case KCO_STOP_PAGE_FAULT:
		text_add(t, "page fault");
		if (stop->has_addr)
			text_add(t, " at %#" PRIx64, stop->addr);
		text_add(t, ", waiting for the page");
		break;
	case KCO_STOP_IO:
		text_add(t, "I/O wait");
		stop_where(s, t, stop);
		break;
	case KCO_STOP_KTHREAD:
		text_add(t, "kernel thread");
		break;
	case KCO_STOP_ZOMBIE:
	case KCO_STOP_DEAD:
		text_add(t, "%s", kco_stop_kind_name(stop->kind));
		if (stop->has_status) {
			text_add(t, ", ");
			stop_status(s, t, stop->status);
		}
		break;
	default:
		text_add(t, "syscall ");
		if (stop->syscall >= 0)
			stop_call(s, t, stop);
		else
			text_add(t, "unknown");
		break;
	}
}

/* Kinds that something else brought about. */
static void stop_event_text(struct kco_process *p, struct text *t, const struct kco_stop *stop)
{
	struct kco_session *s = p->session;
	const struct kco_system_info *info;

	switch (stop->kind) {
	case KCO_STOP_PANIC:
		text_add(t, "panic");
		if (!kco_system_get(s, &info, NULL) && info->panic[0])
			text_add(t, ": %s", info->panic);
		break;
	case KCO_STOP_NMI:
		text_add(t, "its CPU was stopped by %s", stop->vector >= 0 ? "an NMI" : "the reboot interrupt");
		stop_where(s, t, stop);
		break;
	case KCO_STOP_EXCEPTION:
		text_add(t, "exception");
		if (stop->vector >= 0) {
			text_add(t, " ");
			stop_vector(t, stop->vector);
		}
		if (stop->has_error_code)
			text_add(t, ", error code %#" PRIx64, stop->error_code);
		if (stop->has_addr)
			text_add(t, ", address %#" PRIx64, stop->addr);
		stop_where(s, t, stop);
		break;
	case KCO_STOP_BREAKPOINT:
	case KCO_STOP_WATCHPOINT:
		text_add(t, "%s", kco_stop_kind_name(stop->kind));
		if (stop->has_addr)
			text_add(t, " at %#" PRIx64, stop->addr);
		break;
	case KCO_STOP_STEP:
		text_add(t, "single step");
		break;
	default:
		stop_signal_text(s, t, stop->signo);
		if (stop->kind == KCO_STOP_GROUP)
			text_add(t, ", group stop");
		if (stop->has_info && stop->kind != KCO_STOP_GROUP)
			stop_info_text(s, t, &stop->info);
		break;
	}
}

static void stop_text(struct kco_process *p, struct kco_stop *stop)
{
	struct text t = { stop->text, sizeof(stop->text), 0 };

	stop->text[0] = '\0';
	if (stop->kind >= KCO_STOP_TRACE_SYSCALL_ENTRY && stop->kind <= KCO_STOP_TRACE_STOP)
		stop_trace_text(p->session, &t, stop);
	else if (stop->kind == KCO_STOP_NONE || stop->kind == KCO_STOP_SYSCALL || stop->kind >= KCO_STOP_VFORK_PARENT)
		stop_self_text(p->session, &t, stop);
	else
		stop_event_text(p, &t, stop);
	if (stop->tracer)
		text_add(&t, ", traced by %" PRId64, stop->tracer);
}

/* What the task itself tells, on systems of which no more is known: runs, waits (for what), or is gone. */
static void stop_by_state(struct kco_process *p, const struct kco_task *task, struct kco_stop *stop)
{
	struct text t = { stop->text, sizeof(stop->text), 0 };
	bool kthread = task->flags & KCO_TASK_KTHREAD;

	stop->kind = task->flags & KCO_TASK_PANIC    ? KCO_STOP_PANIC
		     : task->state == 'Z'	     ? KCO_STOP_ZOMBIE
		     : task->state == 'X'	     ? KCO_STOP_DEAD
		     : task->flags & KCO_TASK_ACTIVE ? KCO_STOP_NONE
		     : task->state == 'R'	     ? KCO_STOP_RUNNABLE
		     : task->state == 'T'	     ? KCO_STOP_GROUP
		     : kthread			     ? KCO_STOP_KTHREAD
						     : KCO_STOP_WAIT;
	switch (stop->kind) {
	case KCO_STOP_NONE:
		text_add(&t, "running on CPU %d", task->cpu);
		break;
	case KCO_STOP_GROUP:
		text_add(&t, "stopped");
		break;
	case KCO_STOP_WAIT:
	case KCO_STOP_KTHREAD:
		text_add(&t, kthread ? "kernel thread" : "waits");
		if (task->wait)
			text_add(&t, "%s %s", kthread ? ", waits for" : " for", task->wait);
		break;
	default:
		stop_text(p, stop);
		break;
	}
}

enum kco_status kco_stop_get(struct kco_process *p, const struct kco_task *task, struct kco_stop *ret,
			     struct kco_err *err)
{
	enum kco_status st;

	*ret = (struct kco_stop){ .lwp = task->tid, .syscall = -1, .vector = -1, .nr_args = KCO_SYSCALL_ARGS };
	if (!PROCESS_OS_SLOT(p->session, stop)) {
		stop_by_state(p, task, ret);
		return KCO_OK;
	}
	st = PROCESS_OS_SLOT(p->session, stop)(p, task, ret, err);
	if (!st)
		stop_text(p, ret);
	return st;
}
