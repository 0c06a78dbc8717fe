// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A tracer and one tracee for each kind of stop that ptrace knows. The tracer
 * brings every tracee there, records what the kernel tells it (wait status,
 * siginfo, registers, debug registers, XSAVE area), and then sleeps.
 *
 * usage: trace
 */
#define _GNU_SOURCE
#include <elf.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>

#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

#include "zoo.h"

long trace_watched;
static volatile long trace_zero;

static ZOO_FN long child_stop(void)
{
	zoo_sys(SYS_tgkill, (long)getpid(), zoo_tid(), SIGSTOP, 0);
	return 1;
}

static ZOO_FN long child_syscall(void)
{
	for (;;)
		zoo_sys(SYS_getppid, 0x1111, 0x2222, 0x3333, 0x4444);
	return 0;
}

static ZOO_FN long child_fork(void)
{
	return zoo_sys(SYS_fork, 0, 0, 0, 0);
}

static ZOO_FN long child_vfork(void)
{
	pid_t pid = vfork();

	if (pid == 0)
		_exit(0);
	ZOO_KEEP();
	return pid;
}

static void *child_thread(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static ZOO_FN long child_clone(void)
{
	pthread_t t;

	pthread_create(&t, NULL, child_thread, NULL);
	ZOO_KEEP();
	return 1;
}

static ZOO_FN long child_exec(void)
{
	execl("/bin/zoo-static", "zoo-static", "executed", NULL);
	return 1;
}

static ZOO_FN long child_exit(void)
{
	return zoo_sys(SYS_exit_group, 3, 0, 0, 0);
}

static ZOO_FN long child_signal(void)
{
	siginfo_t info = { .si_signo = SIGUSR1, .si_code = SI_QUEUE };

	info.si_pid = getpid();
	info.si_value.sival_ptr = (void *)0x5a5a1234;
	return zoo_sys(SYS_rt_tgsigqueueinfo, (long)getpid(), zoo_tid(), SIGUSR1, (long)&info);
}

static ZOO_FN long child_fault(void)
{
	*(volatile int *)(0x6660 + trace_zero) = 1;
	ZOO_KEEP();
	return 1;
}

static ZOO_FN long child_seccomp(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE | 0x77),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { sizeof(code) / sizeof(code[0]), code };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog);
	return zoo_sys(SYS_getppid, 0x1111, 0x2222, 0x3333, 0x4444);
}

ZOO_FN long trace_hit(long n)
{
	return n + 3;
}

ZOO_FN long trace_unreached(long n)
{
	return n + 4;
}

static ZOO_FN long child_break(void)
{
	long r = trace_hit(1);

	ZOO_KEEP();
	return r + (trace_zero ? trace_unreached(r) : 0);
}

static ZOO_FN long child_watch(void)
{
	*(volatile long *)&trace_watched = 0x77;
	ZOO_KEEP();
	return 1;
}

static ZOO_FN long child_sleep(void)
{
	for (;;)
		zoo_sys(SYS_pause, 0, 0, 0, 0);
	return 0;
}

static ZOO_FN long child_run(long (*fn)(void))
{
	long r = child_stop();

	r += fn();
	ZOO_KEEP();
	return r;
}

static int tracer_wait(pid_t pid)
{
	int status = 0;

	if (waitpid(pid, &status, __WALL) != pid)
		abort();
	return status;
}

static void tracer_dr(pid_t pid, int n, unsigned long value)
{
	if (ptrace(PTRACE_POKEUSER, pid, offsetof(struct user, u_debugreg) + (size_t)n * sizeof(long), value))
		zoo_missing("debug registers");
}

static void tracer_breakpoint(pid_t pid, const char *kind, const char *access, void *addr, const char *name)
{
	zoo_say("{\"is\":\"breakpoint\",\"kind\":\"%s\",\"pid\":%d,\"addr\":\"0x%lx\",\"access\":\"%s\",\"function\":\"%s\"}",
		kind, (int)pid, (unsigned long)addr, access, name);
}

/* Replace the first byte of a function as debuggers do. */
static void tracer_plant(pid_t pid, void *at, const char *name)
{
	long word = ptrace(PTRACE_PEEKTEXT, pid, at, NULL);

	ptrace(PTRACE_POKETEXT, pid, at, (word & ~0xffl) | 0xcc);
	zoo_say("{\"is\":\"breakpoint\",\"kind\":\"ptrace\",\"pid\":%d,\"addr\":\"0x%lx\",\"access\":\"x\",\"function\":\"%s\","
		"\"original\":\"0x%02lx\"}",
		(int)pid, (unsigned long)at, name, word & 0xff);
}

static void tracer_registers(pid_t pid)
{
	struct user_regs_struct r;
	unsigned long dr[8];
	static unsigned char area[16384];
	static char hex[8000];
	struct iovec iov = { area, sizeof(area) };

	if (ptrace(PTRACE_GETREGS, pid, NULL, &r))
		return;
	for (int i = 0; i < 8; i++)
		dr[i] = (unsigned long)ptrace(PTRACE_PEEKUSER, pid, offsetof(struct user, u_debugreg) + (size_t)i * 8,
					      NULL);
	zoo_say("{\"is\":\"regs\",\"pid\":%d,\"tid\":%d,\"regs\":{\"rax\":\"0x%llx\",\"rbx\":\"0x%llx\",\"rcx\":\"0x%llx\",\"rdx\":\"0x%llx\","
		"\"rsi\":\"0x%llx\",\"rdi\":\"0x%llx\",\"rbp\":\"0x%llx\",\"rsp\":\"0x%llx\",\"r8\":\"0x%llx\",\"r9\":\"0x%llx\","
		"\"r10\":\"0x%llx\",\"r11\":\"0x%llx\",\"r12\":\"0x%llx\",\"r13\":\"0x%llx\",\"r14\":\"0x%llx\",\"r15\":\"0x%llx\","
		"\"rip\":\"0x%llx\",\"rflags\":\"0x%llx\",\"cs\":\"0x%llx\",\"ss\":\"0x%llx\",\"fs_base\":\"0x%llx\","
		"\"gs_base\":\"0x%llx\",\"orig_rax\":\"0x%llx\"},\"dr\":[\"0x%lx\",\"0x%lx\",\"0x%lx\",\"0x%lx\",\"0x%lx\",\"0x%lx\","
		"\"0x%lx\",\"0x%lx\"]}",
		(int)pid, (int)pid, r.rax, r.rbx, r.rcx, r.rdx, r.rsi, r.rdi, r.rbp, r.rsp, r.r8, r.r9, r.r10, r.r11,
		r.r12, r.r13, r.r14, r.r15, r.rip, r.eflags, r.cs, r.ss, r.fs_base, r.gs_base, r.orig_rax, dr[0], dr[1],
		dr[2], dr[3], dr[4], dr[5], dr[6], dr[7]);
	if (ptrace(PTRACE_GETREGSET, pid, NT_X86_XSTATE, &iov) || iov.iov_len * 2 >= sizeof(hex))
		return;
	for (size_t i = 0; i < iov.iov_len; i++)
		sprintf(hex + 2 * i, "%02x", area[i]);
	zoo_say("{\"is\":\"xstate\",\"pid\":%d,\"tid\":%d,\"size\":%zu,\"bytes\":\"%s\"}", (int)pid, (int)pid,
		iov.iov_len, hex);
}

static void tracer_record(pid_t pid, int status, const char *kind, const char *trap)
{
	siginfo_t si = { 0 };
	unsigned long message = 0;
	char more[512];
	int n = snprintf(more, sizeof(more), "\"status\":\"0x%x\",\"signo\":%d,\"tracer\":%d,\"trap\":\"%s\"", status,
			 WSTOPSIG(status) & 0x7f, (int)getpid(), trap);

	if (ptrace(PTRACE_GETSIGINFO, pid, NULL, &si) == 0)
		n += snprintf(
			more + n, sizeof(more) - (size_t)n,
			",\"si_signo\":%d,\"si_code\":%d,\"si_pid\":%d,\"si_addr\":\"0x%lx\",\"si_value\":\"0x%lx\"",
			si.si_signo, si.si_code, (int)si.si_pid, (unsigned long)si.si_addr,
			(unsigned long)si.si_value.sival_ptr);
	if (status >> 16 && ptrace(PTRACE_GETEVENTMSG, pid, NULL, &message) == 0)
		snprintf(more + n, sizeof(more) - (size_t)n, ",\"message\":%lu", message);
	zoo_stop((int)pid, (int)pid, kind, more);
	tracer_registers(pid);
}

struct act {
	const char *name, *kind, *chain, *trap;
	long (*child)(void);
	long options;
	int request; /* how it goes on after its first stop */
	int want;    /* the status >> 8 that we wait for */
	int skip;    /* how many such stops go by */
};

#define ACT_CHAIN(inner) inner ",child_run,trace_start,main,..."
static const struct act tracer_acts[] = {
	{ "t-exec", "trace exec", NULL, "TRAP_EXEC", child_exec, PTRACE_O_TRACEEXEC, PTRACE_CONT,
	  SIGTRAP | PTRACE_EVENT_EXEC << 8, 0 },
	{ "t-fork", "trace fork", ACT_CHAIN("child_fork"), "TRAP_CHLD", child_fork, PTRACE_O_TRACEFORK, PTRACE_CONT,
	  SIGTRAP | PTRACE_EVENT_FORK << 8, 0 },
	{ "t-vfork", "trace vfork", ACT_CHAIN("?,child_vfork"), "TRAP_CHLD", child_vfork, PTRACE_O_TRACEVFORK,
	  PTRACE_CONT, SIGTRAP | PTRACE_EVENT_VFORK << 8, 0 },
	{ "t-vfork-done", "trace vfork done", ACT_CHAIN("?,child_vfork"), "TRAP_CHLD", child_vfork,
	  PTRACE_O_TRACEVFORKDONE, PTRACE_CONT, SIGTRAP | PTRACE_EVENT_VFORK_DONE << 8, 0 },
	{ "t-clone", "trace clone", ACT_CHAIN("...,child_clone"), "TRAP_LWP", child_clone, PTRACE_O_TRACECLONE,
	  PTRACE_CONT, SIGTRAP | PTRACE_EVENT_CLONE << 8, 0 },
	{ "t-entry", "trace syscall entry", ACT_CHAIN("child_syscall"), "TRAP_SCE", child_syscall,
	  PTRACE_O_TRACESYSGOOD, PTRACE_SYSCALL, SIGTRAP | 0x80, 0 },
	{ "t-leave", "trace syscall exit", ACT_CHAIN("child_syscall"), "TRAP_SCX", child_syscall, PTRACE_O_TRACESYSGOOD,
	  PTRACE_SYSCALL, SIGTRAP | 0x80, 1 },
	{ "t-exit", "trace exit", ACT_CHAIN("child_exit"), "", child_exit, PTRACE_O_TRACEEXIT, PTRACE_CONT,
	  SIGTRAP | PTRACE_EVENT_EXIT << 8, 0 },
	{ "t-signal", "trace signal", ACT_CHAIN("child_signal"), "", child_signal, 0, PTRACE_CONT, SIGUSR1, 0 },
	{ "t-fault", "trace signal", ACT_CHAIN("child_fault"), "", child_fault, 0, PTRACE_CONT, SIGSEGV, 0 },
	{ "t-seccomp", "trace seccomp", ACT_CHAIN("child_seccomp"), "", child_seccomp, PTRACE_O_TRACESECCOMP,
	  PTRACE_CONT, SIGTRAP | PTRACE_EVENT_SECCOMP << 8, 0 },
	{ "t-step", "step", NULL, "TRAP_TRACE", child_syscall, 0, PTRACE_SINGLESTEP, SIGTRAP, 3 },
	{ "t-break", "breakpoint", ACT_CHAIN("trace_hit,child_break"), "TRAP_BRKPT", child_break, 0, PTRACE_CONT,
	  SIGTRAP, 0 },
	{ "t-watch", "watchpoint", ACT_CHAIN("child_watch"), "TRAP_DBREG", child_watch, 0, PTRACE_CONT, SIGTRAP, 0 },
};

static void tracer_prepare(const struct act *a, pid_t pid)
{
	if (a->child == child_break) {
		tracer_plant(pid, (void *)trace_hit, "trace_hit");
		tracer_plant(pid, (void *)trace_unreached, "trace_unreached");
	}
	if (a->child == child_watch) {
		/* Debug register 0 watches 8 bytes for writing, 1 waits for an instruction. */
		tracer_dr(pid, 0, (unsigned long)&trace_watched);
		tracer_dr(pid, 1, (unsigned long)trace_unreached);
		tracer_dr(pid, 7, 1ul | 1ul << 16 | 2ul << 18 | 1ul << 2);
		tracer_breakpoint(pid, "debug register", "w", &trace_watched, "trace_watched");
		tracer_breakpoint(pid, "debug register", "x", (void *)trace_unreached, "trace_unreached");
	}
}

static ZOO_FN long trace_start(const struct act *a)
{
	pid_t pid = fork();
	int status, left = a->skip;
	long r;

	if (pid == 0) {
		zoo_role(a->name);
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		r = child_run(a->child);
		ZOO_KEEP();
		for (;;)
			pause();
		return r;
	}
	tracer_wait(pid);
	ptrace(PTRACE_SETOPTIONS, pid, NULL, a->options | PTRACE_O_EXITKILL);
	tracer_prepare(a, pid);
	for (;;) {
		if (ptrace(a->request, pid, NULL, NULL))
			abort();
		status = tracer_wait(pid);
		if (!WIFSTOPPED(status)) {
			zoo_missing(a->name);
			return 1;
		}
		if (status >> 8 == a->want && left-- == 0)
			break;
	}
	if (a->chain)
		zoo_chain((int)pid, a->chain);
	tracer_record(pid, status, a->kind, a->trap);
	zoo_ready(a->name);
	return 0;
}

/* Attached to while it slept, with PTRACE_SEIZE: interrupted, or in a group stop. */
static ZOO_FN long trace_seize(const char *name, int group)
{
	pid_t pid = fork();
	int status;
	long r;

	if (pid == 0) {
		zoo_role(name);
		r = child_sleep();
		ZOO_KEEP();
		return r;
	}
	usleep(50000);
	if (ptrace(PTRACE_SEIZE, pid, NULL, PTRACE_O_EXITKILL)) {
		zoo_missing(name);
		return 1;
	}
	if (group) {
		kill(pid, SIGSTOP);
		tracer_wait(pid);
		ptrace(PTRACE_CONT, pid, NULL, SIGSTOP);
	} else {
		ptrace(PTRACE_INTERRUPT, pid, NULL, NULL);
	}
	status = tracer_wait(pid);
	zoo_chain((int)pid, "child_sleep,trace_seize,main,...");
	tracer_record(pid, status, group ? "group" : "trace stop", "");
	zoo_ready(name);
	return 0;
}

int main(void)
{
	long r = 0;

	zoo_role("zoo-tracer");
	for (size_t i = 0; i < sizeof(tracer_acts) / sizeof(tracer_acts[0]); i++) {
		r += trace_start(&tracer_acts[i]);
		ZOO_KEEP();
	}
	r += trace_seize("t-interrupt", 0);
	ZOO_KEEP();
	r += trace_seize("t-group", 1);
	ZOO_KEEP();
	zoo_chain(zoo_tid(), "child_sleep,main,...");
	r += child_sleep();
	ZOO_KEEP();
	return (int)r;
}
