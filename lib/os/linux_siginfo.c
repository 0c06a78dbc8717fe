// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Names of signals and of their codes, and siginfo_t of x86-64. All of it is
 * ABI: include/uapi/asm-generic/{signal,siginfo}.h.
 *
 *   0 si_signo  4 si_errno  8 si_code  16 a union:
 *     kill, child, queue: pid, uid; then status (child) or value (queue)
 *     timer: timer, overrun, value     fault: addr
 *     poll: band (8), fd               sys: call address (8), number (4)
 *
 * The kernel's own copy (struct kernel_siginfo since Linux ae7795bc6187,
 * v4.20) is the first 48 bytes of it, in the same places; the rest is zeros
 * when it goes to a program.
 */
#include "linux_process.h"

#include <string.h>

#include <kco/endian.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* The kernel's SIGRTMIN is 32 (glibc keeps the first two for itself and begins at 34). */
static const char *const siginfo_names[KCO_SIGNAL_MAX + 1] = {
	NULL,	       "SIGHUP",      "SIGINT",	     "SIGQUIT",	    "SIGILL",	   "SIGTRAP",	  "SIGABRT",
	"SIGBUS",      "SIGFPE",      "SIGKILL",     "SIGUSR1",	    "SIGSEGV",	   "SIGUSR2",	  "SIGPIPE",
	"SIGALRM",     "SIGTERM",     "SIGSTKFLT",   "SIGCHLD",	    "SIGCONT",	   "SIGSTOP",	  "SIGTSTP",
	"SIGTTIN",     "SIGTTOU",     "SIGURG",	     "SIGXCPU",	    "SIGXFSZ",	   "SIGVTALRM",	  "SIGPROF",
	"SIGWINCH",    "SIGIO",	      "SIGPWR",	     "SIGSYS",	    "SIGRTMIN",	   "SIGRTMIN+1",  "SIGRTMIN+2",
	"SIGRTMIN+3",  "SIGRTMIN+4",  "SIGRTMIN+5",  "SIGRTMIN+6",  "SIGRTMIN+7",  "SIGRTMIN+8",  "SIGRTMIN+9",
	"SIGRTMIN+10", "SIGRTMIN+11", "SIGRTMIN+12", "SIGRTMIN+13", "SIGRTMIN+14", "SIGRTMIN+15", "SIGRTMIN+16",
	"SIGRTMAX-15", "SIGRTMAX-14", "SIGRTMAX-13", "SIGRTMAX-12", "SIGRTMAX-11", "SIGRTMAX-10", "SIGRTMAX-9",
	"SIGRTMAX-8",  "SIGRTMAX-7",  "SIGRTMAX-6",  "SIGRTMAX-5",  "SIGRTMAX-4",  "SIGRTMAX-3",  "SIGRTMAX-2",
	"SIGRTMAX-1",  "SIGRTMAX",
};

const char *linux_signal_name(int signo)
{
	return signo > 0 && signo <= KCO_SIGNAL_MAX ? siginfo_names[signo] : NULL;
}

enum { SI_ILL = 4, SI_TRAP = 5, SI_BUS = 7, SI_FPE = 8, SI_SEGV = 11, SI_CHLD = 17, SI_POLL = 29, SI_SYS = 31 };

/* Codes from 1 on mean another thing for each signal. */
static const char *const siginfo_ill[] = { "ILL_ILLOPC", "ILL_ILLOPN", "ILL_ILLADR", "ILL_ILLTRP",
					   "ILL_PRVOPC", "ILL_PRVREG", "ILL_COPROC", "ILL_BADSTK" };
static const char *const siginfo_trap[] = { "TRAP_BRKPT",  "TRAP_TRACE", "TRAP_BRANCH",
					    "TRAP_HWBKPT", "TRAP_UNK",	 "TRAP_PERF" };
static const char *const siginfo_bus[] = { "BUS_ADRALN", "BUS_ADRERR", "BUS_OBJERR", "BUS_MCEERR_AR", "BUS_MCEERR_AO" };
static const char *const siginfo_fpe[] = { "FPE_INTDIV", "FPE_INTOVF", "FPE_FLTDIV", "FPE_FLTOVF",
					   "FPE_FLTUND", "FPE_FLTRES", "FPE_FLTINV", "FPE_FLTSUB" };
static const char *const siginfo_segv[] = { "SEGV_MAPERR",  "SEGV_ACCERR",  "SEGV_BNDERR",  "SEGV_PKUERR",
					    "SEGV_ACCADI",  "SEGV_ADIDERR", "SEGV_ADIPERR", "SEGV_MTEAERR",
					    "SEGV_MTESERR", "SEGV_CPERR" };
static const char *const siginfo_chld[] = { "CLD_EXITED",  "CLD_KILLED",  "CLD_DUMPED",
					    "CLD_TRAPPED", "CLD_STOPPED", "CLD_CONTINUED" };
static const char *const siginfo_poll[] = { "POLL_IN", "POLL_OUT", "POLL_MSG", "POLL_ERR", "POLL_PRI", "POLL_HUP" };
static const char *const siginfo_sys[] = { "SYS_SECCOMP", "SYS_USER_DISPATCH" };

static const struct {
	int signo;
	enum kco_siginfo_kind kind;
	const char *const *names;
	int n;
} siginfo_codes[] = {
	{ SI_ILL, KCO_SIGINFO_FAULT, siginfo_ill, ARRAY_SIZE(siginfo_ill) },
	{ SI_TRAP, KCO_SIGINFO_FAULT, siginfo_trap, ARRAY_SIZE(siginfo_trap) },
	{ SI_BUS, KCO_SIGINFO_FAULT, siginfo_bus, ARRAY_SIZE(siginfo_bus) },
	{ SI_FPE, KCO_SIGINFO_FAULT, siginfo_fpe, ARRAY_SIZE(siginfo_fpe) },
	{ SI_SEGV, KCO_SIGINFO_FAULT, siginfo_segv, ARRAY_SIZE(siginfo_segv) },
	{ SI_CHLD, KCO_SIGINFO_CHILD, siginfo_chld, ARRAY_SIZE(siginfo_chld) },
	{ SI_POLL, KCO_SIGINFO_POLL, siginfo_poll, ARRAY_SIZE(siginfo_poll) },
	{ SI_SYS, KCO_SIGINFO_SYS, siginfo_sys, ARRAY_SIZE(siginfo_sys) },
};

#define SI_KERNEL 0x80
#define SI_TIMER (-2)
#define SI_SIGIO (-5)

const char *linux_signal_code_name(int signo, int code)
{
	static const char *const below[] = { "SI_USER",	   "SI_QUEUE", "SI_TIMER", "SI_MESGQ",
					     "SI_ASYNCIO", "SI_SIGIO", "SI_TKILL", "SI_DETHREAD" };

	if (code <= 0 && code > -(int)ARRAY_SIZE(below))
		return below[-code];
	if (code == SI_KERNEL)
		return "SI_KERNEL";
	if (code == -60)
		return "SI_ASYNCNL";
	for (size_t i = 0; i < ARRAY_SIZE(siginfo_codes); i++)
		if (siginfo_codes[i].signo == signo && code > 0 && code <= siginfo_codes[i].n)
			return siginfo_codes[i].names[code - 1];
	return NULL;
}

/* What kernel/signal.c's siginfo_layout() decides. */
static enum kco_siginfo_kind siginfo_kind(int signo, int code)
{
	if (code > 0 && code < SI_KERNEL) {
		for (size_t i = 0; i < ARRAY_SIZE(siginfo_codes); i++)
			if (siginfo_codes[i].signo == signo && code <= siginfo_codes[i].n)
				return siginfo_codes[i].kind;
		return code <= (int)ARRAY_SIZE(siginfo_poll) ? KCO_SIGINFO_POLL : KCO_SIGINFO_KILL;
	}
	if (code == SI_TIMER)
		return KCO_SIGINFO_TIMER;
	if (code == SI_SIGIO)
		return KCO_SIGINFO_POLL;
	return code < 0 ? KCO_SIGINFO_QUEUE : KCO_SIGINFO_KILL;
}

void linux_siginfo_decode(const void *raw, size_t n, struct kco_siginfo *ret)
{
	const uint8_t *b = ret->raw;

	*ret = (struct kco_siginfo){ 0 };
	memcpy(ret->raw, raw, n < sizeof(ret->raw) ? n : sizeof(ret->raw));
	ret->signo = (int32_t)kco_le_uint(b, 4);
	ret->err = (int32_t)kco_le_uint(b + 4, 4);
	ret->code = (int32_t)kco_le_uint(b + 8, 4);
	ret->kind = siginfo_kind(ret->signo, ret->code);
	switch (ret->kind) {
	case KCO_SIGINFO_KILL:
	case KCO_SIGINFO_CHILD:
	case KCO_SIGINFO_QUEUE:
		ret->pid = (int32_t)kco_le_uint(b + 16, 4);
		ret->uid = (uint32_t)kco_le_uint(b + 20, 4);
		if (ret->kind == KCO_SIGINFO_CHILD)
			ret->status = (int32_t)kco_le_uint(b + 24, 4);
		else if (ret->kind == KCO_SIGINFO_QUEUE)
			ret->value = kco_le_uint(b + 24, 8);
		break;
	case KCO_SIGINFO_TIMER:
		ret->timer = (int32_t)kco_le_uint(b + 16, 4);
		ret->overrun = (int32_t)kco_le_uint(b + 20, 4);
		ret->value = kco_le_uint(b + 24, 8);
		break;
	case KCO_SIGINFO_POLL:
		ret->band = (int32_t)kco_le_uint(b + 16, 8);
		ret->fd = (int32_t)kco_le_uint(b + 24, 4);
		break;
	case KCO_SIGINFO_FAULT:
		ret->addr = kco_le_uint(b + 16, 8);
		break;
	case KCO_SIGINFO_SYS:
		ret->addr = kco_le_uint(b + 16, 8);
		ret->syscall = (int32_t)kco_le_uint(b + 24, 4);
		break;
	}
}
