// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A 32-bit program without a C library (the build machine has none of 32
 * bits): known registers in a system call, entered by int 0x80 and, in a
 * second process, through the vdso.
 */
typedef unsigned int u32;

#define TINY_FN __attribute__((noipa))
#define TINY_KEEP() __asm__ volatile("" ::: "memory")

enum {
	TINY_exit = 1,
	TINY_fork = 2,
	TINY_write = 4,
	TINY_open = 5,
	TINY_getpid = 20,
	TINY_pause = 29,
	TINY_prctl = 172
};

static char tiny_line[512];
static u32 tiny_len;
char tiny_data[] = "zoo-marker data of a 32-bit program";

static long tiny_call(long nr, long a, long b, long c)
{
	long ret;

	__asm__ volatile("int $0x80" : "=a"(ret) : "a"(nr), "b"(a), "c"(b), "d"(c) : "memory");
	return ret;
}

static void tiny_put(const char *s)
{
	while (*s && tiny_len < sizeof(tiny_line) - 2)
		tiny_line[tiny_len++] = *s++;
}

static void tiny_put_dec(u32 v)
{
	char text[12];
	int i = 11;

	text[i] = 0;
	do
		text[--i] = (char)('0' + v % 10);
	while (v /= 10);
	tiny_put(text + i);
}

static void tiny_put_hex(u32 v)
{
	char text[9];

	for (int i = 0; i < 8; i++)
		text[i] = "0123456789abcdef"[v >> (28 - 4 * i) & 15];
	text[8] = 0;
	tiny_put("0x");
	tiny_put(text);
}

static void tiny_begin(const char *is)
{
	u32 pid = (u32)tiny_call(TINY_getpid, 0, 0, 0);

	tiny_len = 0;
	tiny_put("{\"is\":\"");
	tiny_put(is);
	tiny_put("\",\"pid\":");
	tiny_put_dec(pid);
	tiny_put(",\"tid\":");
	tiny_put_dec(pid);
	tiny_put(",");
}

static void tiny_end(const char *more)
{
	long fd = tiny_call(TINY_open, (long)"/run/truth/zoo.jsonl", 02 | 0100 | 02000, 0644);

	tiny_put(more);
	tiny_put("}\n");
	tiny_call(TINY_write, fd, (long)tiny_line, (long)tiny_len);
	tiny_call(6, fd, 0, 0);
}

/* ebp too is a marker, so only the tables lead out of here. */
static TINY_FN long tiny_wait(void)
{
	long ret;

	__asm__ volatile("push %%ebp\n.cfi_adjust_cfa_offset 4\n.cfi_rel_offset ebp, 0\n"
			 "mov $0x5a0ebb00, %%ebp\n"
			 "1: mov $29, %%eax\nint $0x80\njmp 1b\n"
			 "pop %%ebp\n.cfi_adjust_cfa_offset -4\n.cfi_restore ebp\n"
			 : "=a"(ret)
			 : "b"(0x5a0b0001), "c"(0x5a0c0002), "d"(0x5a0d0003), "S"(0x5a050004), "D"(0x5a0d0005)
			 : "memory");
	return ret;
}

static TINY_FN long tiny_inner(const char *text)
{
	char marker[64];
	long r;
	int i;

	for (i = 0; text[i] && i < 63; i++)
		marker[i] = text[i];
	marker[i] = 0;
	tiny_begin("marker");
	tiny_put("\"where\":\"stack\",\"addr\":\"");
	tiny_put_hex((u32)marker);
	tiny_put("\",\"text\":\"");
	tiny_put(marker);
	tiny_end("\"");
	tiny_begin("ready");
	tiny_end("\"what\":\"tiny32\"");
	r = tiny_wait();
	TINY_KEEP();
	return r + marker[0];
}

static TINY_FN long tiny_outer(void)
{
	long r = tiny_inner("zoo-marker stack of a 32-bit program");

	TINY_KEEP();
	return r + 1;
}

/* In the vdso, which enters the kernel by the fastest way that the CPU has; it keeps ecx, edx and ebp on the stack. */
static TINY_FN long tiny_fast(u32 sysinfo)
{
	long ret;

	__asm__ volatile("call *%1"
			 : "=a"(ret)
			 : "r"(sysinfo), "0"(TINY_pause), "b"(0x5a0b0011), "S"(0x5a050014)
			 : "memory");
	return ret;
}

static void tiny_facts(const char *role, const char *chain, const char *regs)
{
	tiny_begin("role");
	tiny_put("\"bits\":32,\"role\":\"");
	tiny_put(role);
	tiny_end("\"");
	tiny_begin("marker");
	tiny_put("\"where\":\"data\",\"addr\":\"");
	tiny_put_hex((u32)tiny_data);
	tiny_put("\",\"text\":\"");
	tiny_put(tiny_data);
	tiny_end("\"");
	tiny_begin("chain");
	tiny_put("\"frames\":\"");
	tiny_put(chain);
	tiny_end("\"");
	tiny_begin("regs");
	tiny_put("\"regs\":{");
	tiny_put(regs);
	tiny_end("}");
	tiny_begin("stop");
	tiny_end("\"kind\":\"syscall\",\"syscall\":\"pause\"");
}

static TINY_FN long tiny_vdso(u32 sysinfo)
{
	static const char role[16] = "zoo-tiny32-vdso";
	long r;

	tiny_call(TINY_prctl, 15, (long)role, 0);
	tiny_facts(role, "?,tiny_fast,tiny_vdso,tiny_start,_start",
		   "\"rbx\":\"0x5a0b0011\",\"rsi\":\"0x5a050014\",\"orig_rax\":\"0x1d\"");
	tiny_begin("ready");
	tiny_end("\"what\":\"tiny32\"");
	r = tiny_fast(sysinfo);
	TINY_KEEP();
	return r + 1;
}

/* Two processes; sp is where the kernel put the arguments. */
TINY_FN void tiny_start(const u32 *sp)
{
	const u32 *p = sp + 1 + sp[0] + 1;
	u32 sysinfo = 0;

	while (*p++)
		; // the environment
	for (; p[0]; p += 2)
		if (p[0] == 32) // AT_SYSINFO
			sysinfo = p[1];
	if (tiny_call(TINY_fork, 0, 0, 0)) {
		tiny_facts(
			"zoo-tiny32", "tiny_wait,tiny_inner,tiny_outer,tiny_start,_start",
			"\"rbx\":\"0x5a0b0001\",\"rcx\":\"0x5a0c0002\",\"rdx\":\"0x5a0d0003\",\"rsi\":\"0x5a050004\","
			"\"rdi\":\"0x5a0d0005\",\"rbp\":\"0x5a0ebb00\",\"orig_rax\":\"0x1d\"");
		tiny_outer();
	} else if (sysinfo) {
		tiny_vdso(sysinfo);
	}
	tiny_call(TINY_exit, 0, 0, 0);
}

__asm__(".globl _start\n.type _start, @function\n_start:\n.cfi_startproc\n.cfi_undefined eip\n"
	"mov %esp, %eax\nsub $12, %esp\n.cfi_adjust_cfa_offset 12\npush %eax\n.cfi_adjust_cfa_offset 4\ncall tiny_start\n"
	"hlt\n.cfi_endproc\n.size _start, . - _start\n");
