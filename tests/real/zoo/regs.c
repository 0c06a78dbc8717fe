// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Threads all of whose registers are known.
 *
 * usage: regs sleep     threads asleep in a system call, with fs and gs bases of their own
 *        regs spin CPU  one that never leaves user mode, on the given CPU
 *
 * General registers hold 0x...REG as regs_value() has it; ymm0 to ymm15 hold
 * the bytes of regs_ymm(), x87's st0 to st2 hold 1, 2, 3.
 */
#define _GNU_SOURCE
#include <asm/prctl.h>
#include <cpuid.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>

#include "zoo.h"

/* As the assembly below loads them: what a system call leaves alone. */
#define REGS_LIST "rbx", "rbp", "r12", "r13", "r14", "r15", "rdi", "rsi", "rdx", "r8", "r9", "r10"
static const char *const regs_names[] = { REGS_LIST };
#define REGS_N (sizeof(regs_names) / sizeof(regs_names[0]))

struct regs_job {
	uint64_t gpr[16]; /* in the order of regs_names */
	uint8_t ymm[16][32];
	int tag, avx;
};

static void regs_fill(struct regs_job *j, int tag)
{
	unsigned int a, b, c, d;

	j->tag = tag;
	j->avx = __get_cpuid(1, &a, &b, &c, &d) && (c & bit_AVX) && (c & bit_OSXSAVE);
	for (size_t i = 0; i < 16; i++)
		j->gpr[i] = 0x5a00c0de00000000ull | (uint64_t)tag << 16 | i;
	for (int i = 0; i < 16; i++)
		for (int k = 0; k < 32; k++)
			j->ymm[i][k] = (uint8_t)(tag * 16 + i * 32 + k);
}

static void regs_say(const struct regs_job *j, uint64_t fs, uint64_t gs, const char *more)
{
	char text[2048];
	int n = 0, bytes = j->avx ? 32 : 16;

	for (size_t i = 0; i < REGS_N; i++)
		n += sprintf(text + n, "%s\"%s\":\"0x%llx\"", i ? "," : "", regs_names[i],
			     (unsigned long long)j->gpr[i]);
	if (fs)
		n += sprintf(text + n, ",\"fs_base\":\"0x%llx\"", (unsigned long long)fs);
	if (gs)
		n += sprintf(text + n, ",\"gs_base\":\"0x%llx\"", (unsigned long long)gs);
	sprintf(text + n, "%s", more);
	zoo_say("{\"is\":\"regs\",\"pid\":%d,\"tid\":%d,\"regs\":{%s}}", (int)getpid(), zoo_tid(), text);
	n = 0;
	for (int i = 0; i < 16; i++) {
		n += sprintf(text + n, "%s\"%s%d\":\"", i ? "," : "", j->avx ? "ymm" : "xmm", i);
		for (int k = 0; k < bytes; k++)
			n += sprintf(text + n, "%02x", j->ymm[i][k]);
		n += sprintf(text + n, "\"");
	}
	zoo_say("{\"is\":\"vector\",\"pid\":%d,\"tid\":%d,\"regs\":{%s},\"st\":[1,2,3]}", (int)getpid(), zoo_tid(),
		text);
}

#define REGS_VECTOR                                                                                              \
	"fninit\nfld1\nfld1\nfadd %%st(1), %%st\nfld1\nfadd %%st(1), %%st\nfxch %%st(2)\n"                       \
	"cmpl $0, %c[avx](%%rax)\nje 1f\n"                                                                       \
	".irp i,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\nvmovdqu %c[ymm]+32*\\i(%%rax), %%ymm\\i\n.endr\njmp 2f\n" \
	"1:\n.irp i,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\nmovdqu %c[ymm]+32*\\i(%%rax), %%xmm\\i\n.endr\n2:\n"
#define REGS_GENERAL                                                                               \
	"mov 0(%%rax), %%rbx\nmov 8(%%rax), %%rbp\nmov 16(%%rax), %%r12\nmov 24(%%rax), %%r13\n"   \
	"mov 32(%%rax), %%r14\nmov 40(%%rax), %%r15\nmov 48(%%rax), %%rdi\nmov 56(%%rax), %%rsi\n" \
	"mov 64(%%rax), %%rdx\nmov 72(%%rax), %%r8\nmov 80(%%rax), %%r9\nmov 88(%%rax), %%r10\n"
#define REGS_OPERANDS [ymm] "i"(offsetof(struct regs_job, ymm)), [avx] "i"(offsetof(struct regs_job, avx))
#define REGS_CLOBBER REGS_LIST, "rcx", "r11", "memory", "cc"

/* Never returns; what it must keep for its caller the compiler saves, so the stack can be unwound. */
static ZOO_FN long regs_sleep(const struct regs_job *j)
{
	long r = (long)j;

	__asm__ volatile(REGS_VECTOR REGS_GENERAL "3: mov %[nr], %%eax\nsyscall\njmp 3b\n"
			 : "+a"(r)
			 : REGS_OPERANDS, [nr] "i"(SYS_pause)
			 : REGS_CLOBBER);
	return r;
}

static ZOO_FN long regs_spin(const struct regs_job *j)
{
	long r = (long)j;

	__asm__ volatile(REGS_VECTOR REGS_GENERAL "mov $0x5a0abcde, %%eax\nmov $0x5a0bcdef, %%ecx\n"
						  "mov $0x5a0cdef0, %%r11d\n3: jmp 3b\n"
			 : "+a"(r)
			 : REGS_OPERANDS
			 : REGS_CLOBBER);
	return r;
}

static ZOO_FN void *regs_thread(void *arg)
{
	struct regs_job *j = arg;
	uint64_t fs = 0, gs = 0x7123456789ab0000ull & 0x00007fffffffffffull;
	long r;

	syscall(SYS_arch_prctl, ARCH_GET_FS, &fs);
	syscall(SYS_arch_prctl, ARCH_SET_GS, gs + (uint64_t)j->tag * 4096);
	regs_say(j, fs, gs + (uint64_t)j->tag * 4096, "");
	zoo_chain(zoo_tid(), "regs_sleep,regs_thread,...");
	zoo_stop((int)getpid(), zoo_tid(), "syscall", "\"syscall\":\"pause\"");
	zoo_ready("regs");
	r = regs_sleep(j);
	ZOO_KEEP();
	return (void *)r;
}

/* With an fs base that is no thread block: nothing of the C library works any more. */
static ZOO_FN long regs_own_fs(struct regs_job *j)
{
	static char block[4096] __attribute__((aligned(4096)));
	long r;

	regs_say(j, (uint64_t)block, 0, "");
	zoo_mark(block + 64, "fs block");
	zoo_chain(zoo_tid(), "regs_sleep,regs_own_fs,main,...");
	zoo_ready("own fs");
	zoo_sys(SYS_arch_prctl, ARCH_SET_FS, (long)block, 0, 0);
	r = regs_sleep(j);
	ZOO_KEEP();
	return r;
}

static ZOO_FN long regs_on_cpu(int cpu)
{
	static struct regs_job j;
	cpu_set_t set;
	long r;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		return 1;
	zoo_role("zoo-spin");
	regs_fill(&j, 9);
	regs_say(&j, 0, 0, ",\"rax\":\"0x5a0abcde\",\"rcx\":\"0x5a0bcdef\",\"r11\":\"0x5a0cdef0\"");
	zoo_chain(zoo_tid(), "regs_spin,regs_on_cpu,main,...");
	zoo_stop((int)getpid(), zoo_tid(), "none", "");
	zoo_ready("spin");
	r = regs_spin(&j);
	ZOO_KEEP();
	return r;
}

int main(int argc, char **argv)
{
	static struct regs_job jobs[3];
	long r;

	if (argc > 2 && !strcmp(argv[1], "spin"))
		return (int)regs_on_cpu(atoi(argv[2]));
	zoo_role("zoo-regs");
	for (int i = 0; i < 3; i++) {
		pthread_t t;

		regs_fill(&jobs[i], i + 1);
		if (i && pthread_create(&t, NULL, regs_thread, &jobs[i]))
			return 1;
	}
	r = regs_own_fs(&jobs[0]);
	ZOO_KEEP();
	return (int)r;
}
