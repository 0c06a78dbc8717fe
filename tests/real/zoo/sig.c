// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Signals: threads that sit in a handler, on their own stack and on another,
 * after an interruption, a fault and a system call; pending ones with what
 * they carry; dispositions and masks of known values.
 *
 * usage: sig         starts one process for each and leaves them to init
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>

#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>

#include "zoo.h"

static const char *sig_chain;
static volatile long sig_count;

/* Asleep in a handler for good. */
static ZOO_FN long sig_in_handler(char *marker)
{
	zoo_sys(SYS_pause, 0, 0, 0, 0);
	return *marker;
}

static ZOO_FN void sig_handler(int signo, siginfo_t *info, void *context)
{
	char marker[64];

	zoo_mark(marker, "handler stack");
	zoo_say("{\"is\":\"handling\",\"pid\":%d,\"tid\":%d,\"signo\":%d,\"code\":%d,\"addr\":\"0x%lx\",\"context\":\"0x%lx\"}",
		(int)getpid(), zoo_tid(), signo, info->si_code, (unsigned long)info->si_addr, (unsigned long)context);
	zoo_chain(zoo_tid(), sig_chain);
	zoo_stop((int)getpid(), zoo_tid(), "syscall", "\"syscall\":\"pause\"");
	zoo_ready("handler");
	sig_in_handler(marker);
	ZOO_KEEP();
}

static void sig_catch(int signo, int flags)
{
	struct sigaction sa = { .sa_sigaction = sig_handler, .sa_flags = SA_SIGINFO | flags };

	sigemptyset(&sa.sa_mask);
	sigaddset(&sa.sa_mask, SIGUSR2);
	sigaction(signo, &sa, NULL);
}

static void sig_other_stack(void)
{
	static char stack[65536] __attribute__((aligned(64)));
	stack_t ss = { .ss_sp = stack, .ss_size = sizeof(stack) };

	sigaltstack(&ss, NULL);
	zoo_say("{\"is\":\"altstack\",\"pid\":%d,\"tid\":%d,\"start\":\"0x%lx\",\"size\":%zu}", (int)getpid(),
		zoo_tid(), (unsigned long)stack, sizeof(stack));
}

/* A leaf that a timer's signal takes at any instruction. */
static ZOO_FN long sig_busy(void)
{
	while (sig_count >= 0)
		sig_count = sig_count < 1000000 ? sig_count + 1 : 0;
	return sig_count;
}

static ZOO_FN long sig_timer(void)
{
	struct itimerval it = { .it_value = { .tv_usec = 50000 } };
	long r;

	setitimer(ITIMER_REAL, &it, NULL);
	r = sig_busy();
	ZOO_KEEP();
	return r + 1;
}

/* Most of its time is spent in the vdso. */
static ZOO_FN long sig_clock(void)
{
	struct timespec ts;
	long r = 0;

	while (sig_count >= 0)
		r += clock_gettime(CLOCK_MONOTONIC, &ts);
	return r;
}

static ZOO_FN long sig_vdso(void)
{
	struct itimerval it = { .it_value = { .tv_usec = 50000 } };
	long r;

	setitimer(ITIMER_REAL, &it, NULL);
	r = sig_clock();
	ZOO_KEEP();
	return r + 1;
}

static ZOO_FN long sig_fault(volatile int *at)
{
	*at = 1;
	ZOO_KEEP();
	return 1;
}

static ZOO_FN long sig_segv(void)
{
	char *page = mmap(NULL, ZOO_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	long r = sig_fault((volatile int *)(void *)(page + 0x123));

	ZOO_KEEP();
	return r + 1;
}

static ZOO_FN long sig_send(void)
{
	zoo_sys(SYS_tgkill, (long)getpid(), zoo_tid(), SIGUSR1, 0);
	return 1;
}

static ZOO_FN long sig_self(void)
{
	long r = sig_send();

	ZOO_KEEP();
	return r + 1;
}

/* Its first instruction traps, so that the signal comes before the frame is made. */
static ZOO_FN long sig_trap(void)
{
	__asm__ volatile("int3");
	return 1;
}

static ZOO_FN long sig_breakpoint(void)
{
	long r = sig_trap();

	ZOO_KEEP();
	return r + 1;
}

static ZOO_FN long sig_wait_forever(void)
{
	for (;;)
		zoo_sys(SYS_pause, 0, 0, 0, 0);
	return 0;
}

static void sig_pending_say(int tid, int signo, int code, long value, const char *how)
{
	zoo_say("{\"is\":\"pending\",\"pid\":%d,\"tid\":%d,\"signo\":%d,\"code\":%d,\"value\":\"0x%lx\",\"sender\":%d,\"uid\":0,"
		"\"queue\":\"%s\"}",
		(int)getpid(), tid, signo, code, (unsigned long)value, (int)getpid(), how);
}

static void sig_queue(int signo, long value)
{
	union sigval v = { .sival_ptr = (void *)value };

	sigqueue(getpid(), signo, v);
	sig_pending_say(zoo_tid(), signo, SI_QUEUE, value, "shared");
}

static void sig_queue_thread(int signo, long value)
{
	siginfo_t info = { .si_signo = signo, .si_code = SI_QUEUE };

	info.si_pid = getpid();
	info.si_value.sival_ptr = (void *)value;
	syscall(SYS_rt_tgsigqueueinfo, getpid(), zoo_tid(), signo, &info);
	sig_pending_say(zoo_tid(), signo, SI_QUEUE, value, "thread");
}

static ZOO_FN long sig_pending(void)
{
	struct sigaction sa = { .sa_sigaction = sig_handler, .sa_flags = SA_SIGINFO | SA_RESTART | SA_NODEFER };
	sigset_t set;
	long r;

	sigemptyset(&set);
	for (int s = SIGRTMIN; s <= SIGRTMIN + 6; s++)
		sigaddset(&set, s);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sigemptyset(&sa.sa_mask);
	sigaddset(&sa.sa_mask, SIGHUP);
	sigaddset(&sa.sa_mask, SIGRTMIN + 3);
	sigaction(SIGRTMIN + 1, &sa, NULL);
	signal(SIGPIPE, SIG_IGN);
	zoo_say("{\"is\":\"handler\",\"pid\":%d,\"signo\":%d,\"function\":\"sig_handler\",\"addr\":\"0x%lx\",\"flags\":\"0x%x\","
		"\"mask\":[%d,%d]}",
		(int)getpid(), SIGRTMIN + 1, (unsigned long)sig_handler, SA_SIGINFO | SA_RESTART | SA_NODEFER, SIGHUP,
		SIGRTMIN + 3);
	zoo_say("{\"is\":\"ignored\",\"pid\":%d,\"signo\":%d}", (int)getpid(), SIGPIPE);
	zoo_say("{\"is\":\"blocked\",\"pid\":%d,\"tid\":%d,\"signos\":[%d,%d,%d,%d,%d,%d,%d,%d,%d,%d]}", (int)getpid(),
		zoo_tid(), SIGUSR1, SIGUSR2, SIGTERM, SIGRTMIN, SIGRTMIN + 1, SIGRTMIN + 2, SIGRTMIN + 3, SIGRTMIN + 4,
		SIGRTMIN + 5, SIGRTMIN + 6);
	sig_queue(SIGRTMIN + 1, 0x1122334455667788);
	sig_queue(SIGRTMIN + 1, 0x2233445566778899);
	sig_queue(SIGRTMIN + 4, 0x7b);
	sig_queue(SIGUSR1, 0x99aabbccddee);
	sig_queue_thread(SIGRTMIN + 2, 0x0badcafe);
	sig_queue_thread(SIGRTMIN + 2, 0x0badcaff);
	kill(getpid(), SIGTERM);
	sig_pending_say(zoo_tid(), SIGTERM, SI_USER, 0, "shared");
	syscall(SYS_tgkill, getpid(), zoo_tid(), SIGUSR2);
	sig_pending_say(zoo_tid(), SIGUSR2, SI_TKILL, 0, "thread");
	zoo_chain(zoo_tid(), "sig_wait_forever,sig_pending,main,...");
	zoo_ready("pending");
	r = sig_wait_forever();
	ZOO_KEEP();
	return r;
}

static const struct {
	const char *role, *chain;
	int signo, flags;
	long (*fn)(void);
} sig_roles[] = {
	{ "zoo-sig-timer", "sig_in_handler,sig_handler,?,sig_busy,sig_timer,main,...", SIGALRM, 0, sig_timer },
	{ "zoo-sig-timera", "sig_in_handler,sig_handler,?,sig_busy,sig_timer,main,...", SIGALRM, SA_ONSTACK,
	  sig_timer },
	{ "zoo-sig-vdso", "sig_in_handler,sig_handler,?,...,sig_clock,sig_vdso,main,...", SIGALRM, 0, sig_vdso },
	{ "zoo-sig-segv", "sig_in_handler,sig_handler,?,sig_fault,sig_segv,main,...", SIGSEGV, 0, sig_segv },
	{ "zoo-sig-segva", "sig_in_handler,sig_handler,?,sig_fault,sig_segv,main,...", SIGSEGV, SA_ONSTACK, sig_segv },
	{ "zoo-sig-self", "sig_in_handler,sig_handler,?,sig_send,sig_self,main,...", SIGUSR1, SA_ONSTACK, sig_self },
	{ "zoo-sig-trap", "sig_in_handler,sig_handler,?,sig_trap,sig_breakpoint,main,...", SIGTRAP, 0, sig_breakpoint },
	{ "zoo-sig-pend", NULL, 0, 0, sig_pending },
};

int main(void)
{
	long r = 0;

	for (size_t i = 0; i < sizeof(sig_roles) / sizeof(sig_roles[0]); i++) {
		if (fork())
			continue;
		zoo_role(sig_roles[i].role);
		sig_chain = sig_roles[i].chain;
		if (sig_roles[i].flags & SA_ONSTACK)
			sig_other_stack();
		if (sig_roles[i].signo)
			sig_catch(sig_roles[i].signo, sig_roles[i].flags);
		r = sig_roles[i].fn();
		ZOO_KEEP();
		return (int)r;
	}
	zoo_role("zoo-sig");
	sig_wait_forever();
	return 0;
}
