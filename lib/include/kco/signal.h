// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Signals of a thread and its process: what is pending and with what
 * information, what is blocked, who handles it.
 */
#ifndef KCO_SIGNAL_H
#define KCO_SIGNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kco/process.h>

/** Signals are numbered from 1; bit n-1 of a set is signal n. */
#define KCO_SIGNAL_MAX 64

/** Which part of siginfo_t a signal has. */
enum kco_siginfo_kind {
	KCO_SIGINFO_KILL,  /* pid, uid of the sender */
	KCO_SIGINFO_TIMER, /* timer, overrun, value */
	KCO_SIGINFO_POLL,  /* band, fd */
	KCO_SIGINFO_FAULT, /* addr */
	KCO_SIGINFO_CHILD, /* pid, uid, status */
	KCO_SIGINFO_QUEUE, /* pid, uid, value */
	KCO_SIGINFO_SYS,   /* addr, syscall */
};

/** What siginfo_t tells, decoded. Fields that the signal does not have are 0. */
struct kco_siginfo {
	int32_t signo, code, err;
	enum kco_siginfo_kind kind;
	int32_t pid; /* sender, or child */
	uint32_t uid;
	int32_t status; /* SIGCHLD */
	uint64_t addr;	/* SIGSEGV, SIGTRAP, ...; SIGSYS: the call's address */
	uint64_t value; /* sigqueue(), timers */
	int32_t timer, overrun, band, fd;
	int32_t syscall;  /* SIGSYS */
	uint8_t raw[128]; /* as the kernel would copy it to user memory */
};

/** "SIGSEGV", "SIGRTMIN+2"; NULL: there is no such signal. Lives for ever. */
const char *kco_signal_name(struct kco_session *s, int signo);
/** "SI_USER", "SEGV_MAPERR", ...; NULL unknown. Lives for ever. */
const char *kco_signal_code_name(struct kco_session *s, int signo, int code);

#define KCO_SIGQUEUE_MAX 1024 /* entries kept of a queue */

/** Signals that were sent and not delivered yet. */
struct kco_sigpending {
	uint64_t addr; /* of the kernel's structure */
	uint64_t set;  /* of these signals */
	size_t nr_queue;
	const struct kco_sigqueue {
		uint64_t addr;
		struct kco_siginfo info;
	} * queue; /* a signal of the set may have no entry: its information was dropped for lack of memory */
	enum kco_status status; /* KCO_OK, or why the queue is not whole */
	const char *why;
};

enum kco_sigaction_kind {
	KCO_SIGACTION_DEFAULT,
	KCO_SIGACTION_IGNORE,
	KCO_SIGACTION_HANDLER,
	KCO_SIGACTION_ERROR, /* SIG_ERR */
};

struct kco_sigaction {
	uint64_t addr; /* of the kernel's structure */
	enum kco_sigaction_kind kind;
	uint64_t handler, mask, restorer; /* in the process */
	uint32_t flags;			  /* SA_... */
};

struct kco_signals {
	uint64_t signal_addr, sighand_addr; /* the kernel's structures, 0 gone */
	uint32_t nr_threads;
	bool sigpending; /* the thread was told to look at its signals */
	uint64_t blocked, real_blocked;
	bool has_saved; /* saved is what sigsuspend() and friends restore */
	uint64_t saved;
	uint64_t altstack_sp, altstack_size;
	uint32_t altstack_flags;
	struct kco_sigpending private_pending, shared_pending;
	struct kco_sigaction actions[KCO_SIGNAL_MAX]; /* [signal - 1] */
	enum kco_status actions_status;		      /* KCO_OK, or why actions[] is not whole */
	const char *actions_why;
};

/**
 * The signals of @task. Queues live as long as the session. What cannot be
 * read of a queue is told by its status; KCO_E_RANGE: the task has ended and
 * has none.
 */
enum kco_status kco_signals_get(struct kco_process *p, const struct kco_task *task, struct kco_signals *ret,
				struct kco_err *err) KCO_MUST_USE;
/** "SA_RESTART|SA_SIGINFO" of struct kco_sigaction's flags into @buf; what has no name in hexadecimal. */
void kco_sigaction_flags(uint32_t flags, char *buf, size_t size);

#endif
