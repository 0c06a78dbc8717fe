// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Names of FreeBSD's signals: sys/sys/signal.h, whose numbers are those of
 * 4.4BSD for the first 31.
 */
#include "freebsd_process.h"

/* SIGRTMIN and SIGRTMAX; the kernel's set has room for 128, and gives out up to this. */
#define SIGNALS_RT_FIRST 65
#define SIGNALS_RT_LAST 126

static const char *const signals_names[] = {
	NULL,	   "SIGHUP",   "SIGINT",  "SIGQUIT", "SIGILL",	"SIGTRAP", "SIGABRT",  "SIGEMT",  "SIGFPE",
	"SIGKILL", "SIGBUS",   "SIGSEGV", "SIGSYS",  "SIGPIPE", "SIGALRM", "SIGTERM",  "SIGURG",  "SIGSTOP",
	"SIGTSTP", "SIGCONT",  "SIGCHLD", "SIGTTIN", "SIGTTOU", "SIGIO",   "SIGXCPU",  "SIGXFSZ", "SIGVTALRM",
	"SIGPROF", "SIGWINCH", "SIGINFO", "SIGUSR1", "SIGUSR2", "SIGTHR",  "SIGLIBRT",
};

static const char *const signals_rt[] = {
	"SIGRTMIN",    "SIGRTMIN+1",  "SIGRTMIN+2",  "SIGRTMIN+3",  "SIGRTMIN+4",  "SIGRTMIN+5",  "SIGRTMIN+6",
	"SIGRTMIN+7",  "SIGRTMIN+8",  "SIGRTMIN+9",  "SIGRTMIN+10", "SIGRTMIN+11", "SIGRTMIN+12", "SIGRTMIN+13",
	"SIGRTMIN+14", "SIGRTMIN+15", "SIGRTMIN+16", "SIGRTMIN+17", "SIGRTMIN+18", "SIGRTMIN+19", "SIGRTMIN+20",
	"SIGRTMIN+21", "SIGRTMIN+22", "SIGRTMIN+23", "SIGRTMIN+24", "SIGRTMIN+25", "SIGRTMIN+26", "SIGRTMIN+27",
	"SIGRTMIN+28", "SIGRTMIN+29", "SIGRTMIN+30", "SIGRTMAX-30", "SIGRTMAX-29", "SIGRTMAX-28", "SIGRTMAX-27",
	"SIGRTMAX-26", "SIGRTMAX-25", "SIGRTMAX-24", "SIGRTMAX-23", "SIGRTMAX-22", "SIGRTMAX-21", "SIGRTMAX-20",
	"SIGRTMAX-19", "SIGRTMAX-18", "SIGRTMAX-17", "SIGRTMAX-16", "SIGRTMAX-15", "SIGRTMAX-14", "SIGRTMAX-13",
	"SIGRTMAX-12", "SIGRTMAX-11", "SIGRTMAX-10", "SIGRTMAX-9",  "SIGRTMAX-8",  "SIGRTMAX-7",  "SIGRTMAX-6",
	"SIGRTMAX-5",  "SIGRTMAX-4",  "SIGRTMAX-3",  "SIGRTMAX-2",  "SIGRTMAX-1",  "SIGRTMAX",
};
_Static_assert(sizeof(signals_rt) / sizeof(*signals_rt) == SIGNALS_RT_LAST - SIGNALS_RT_FIRST + 1, "one name each");

const char *freebsd_signal_name(int signo)
{
	if (signo > 0 && (size_t)signo < sizeof(signals_names) / sizeof(*signals_names))
		return signals_names[signo];
	if (signo >= SIGNALS_RT_FIRST && signo <= SIGNALS_RT_LAST)
		return signals_rt[signo - SIGNALS_RT_FIRST];
	return NULL;
}
