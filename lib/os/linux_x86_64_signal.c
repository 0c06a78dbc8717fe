// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Frames that Linux puts on a stack of user mode to run a signal handler, on
 * x86_64. All of this is ABI, fixed for good: what a handler gets as its third
 * argument, and the code that C libraries return from it with.
 *
 *   64 bits   [return address] ucontext, siginfo
 *             (arch/x86/include/asm/sigframe.h struct rt_sigframe,
 *             uapi/asm/ucontext.h, uapi/asm/sigcontext.h)
 *   32 bits   [return address] signo, sigcontext_32, ...        sigreturn
 *             [return address] signo, &siginfo, &ucontext, ...  rt_sigreturn
 *
 * The trampoline runs with the return address popped. It is told by its code,
 * which no other function has: these very instructions are what the kernel's
 * own check for interrupted system calls and gdb look for, too.
 */
#include "linux_x86_64_signal.h"

#include <inttypes.h>
#include <string.h>

#include <kco/endian.h>

#include "x86_64.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define SIGNAL_CODE_MAX 16

/* mov $15,%rax; syscall. An older form has a mov of 32 bits. */
static const uint8_t signal_code_64[] = { 0x48, 0xc7, 0xc0, 0x0f, 0x00, 0x00, 0x00, 0x0f, 0x05 };
static const uint8_t signal_code_64_short[] = { 0xb8, 0x0f, 0x00, 0x00, 0x00, 0x0f, 0x05 };
/* pop %eax; mov $119,%eax; int $0x80 */
static const uint8_t signal_code_32[] = { 0x58, 0xb8, 0x77, 0x00, 0x00, 0x00, 0xcd, 0x80 };
/* mov $173,%eax; int $0x80 */
static const uint8_t signal_code_32_rt[] = { 0xb8, 0xad, 0x00, 0x00, 0x00, 0xcd, 0x80 };

/* struct sigcontext_64 */
static const struct kco_regset_entry signal_context_64[] = {
	{ X86_64_R8, 0, 8 },	{ X86_64_R9, 8, 8 },	   { X86_64_R10, 16, 8 },  { X86_64_R11, 24, 8 },
	{ X86_64_R12, 32, 8 },	{ X86_64_R13, 40, 8 },	   { X86_64_R14, 48, 8 },  { X86_64_R15, 56, 8 },
	{ X86_64_RDI, 64, 8 },	{ X86_64_RSI, 72, 8 },	   { X86_64_RBP, 80, 8 },  { X86_64_RBX, 88, 8 },
	{ X86_64_RDX, 96, 8 },	{ X86_64_RAX, 104, 8 },	   { X86_64_RCX, 112, 8 }, { X86_64_RSP, 120, 8 },
	{ X86_64_RIP, 128, 8 }, { X86_64_RFLAGS, 136, 8 }, { X86_64_CS, 144, 2 },  { X86_64_SS, 150, 2 },
};
static const struct kco_regset signal_set_64 = { "", 0, 152, signal_context_64, ARRAY_SIZE(signal_context_64) };

/* struct sigcontext_32 */
static const struct kco_regset_entry signal_context_32[] = {
	{ X86_64_GS, 0, 2 },   { X86_64_FS, 4, 2 },   { X86_64_ES, 8, 2 },	{ X86_64_DS, 12, 2 },
	{ X86_64_RDI, 16, 4 }, { X86_64_RSI, 20, 4 }, { X86_64_RBP, 24, 4 },	{ X86_64_RSP, 28, 4 },
	{ X86_64_RBX, 32, 4 }, { X86_64_RDX, 36, 4 }, { X86_64_RCX, 40, 4 },	{ X86_64_RAX, 44, 4 },
	{ X86_64_RIP, 56, 4 }, { X86_64_CS, 60, 2 },  { X86_64_RFLAGS, 64, 4 }, { X86_64_SS, 72, 2 },
};
static const struct kco_regset signal_set_32 = { "", 0, 76, signal_context_32, ARRAY_SIZE(signal_context_32) };

#define SIGNAL_MCONTEXT_64 40 /* in struct ucontext: behind flags, link and stack */
#define SIGNAL_MCONTEXT_32 20

#define SIGNAL_IS(code, n, which) ((n) >= sizeof(which) && !memcmp(code, which, sizeof(which)))

static bool signal_is_64(const uint8_t *code, size_t n)
{
	return SIGNAL_IS(code, n, signal_code_64) || SIGNAL_IS(code, n, signal_code_64_short);
}

/* Where the registers lie on the stack of 32-bit code at @sp. */
static enum kco_status signal_find_32(struct kco_process *p, const uint8_t *code, size_t n, uint64_t sp, uint64_t *at,
				      struct kco_err *err)
{
	enum kco_status st;

	if (SIGNAL_IS(code, n, signal_code_32)) {
		*at = sp + 4;
		return KCO_OK;
	}
	if (!SIGNAL_IS(code, n, signal_code_32_rt))
		return kco_fail(err, KCO_E_NOSYM, "no signal trampoline");
	st = kco_process_read_uint(p, sp + 8, 4, at, err);
	*at += SIGNAL_MCONTEXT_32;
	return st;
}

enum kco_status linux_x86_64_signal_frame(struct kco_process *p, const struct kco_regs *regs, bool compat,
					  struct kco_regs *interrupted, uint64_t *frame, struct kco_err *err)
{
	const struct kco_regset *set = compat ? &signal_set_32 : &signal_set_64;
	uint64_t sp = regs->v[X86_64_RSP], at = 0;
	enum kco_status st = KCO_OK;
	uint8_t code[SIGNAL_CODE_MAX], bytes[160];
	size_t n = 0;

	// The code may be the last in its page.
	(void)!kco_process_read(p, regs->v[X86_64_RIP], code, sizeof(code), &n, NULL);
	if (compat)
		st = signal_find_32(p, code, n, sp, &at, err);
	else if (signal_is_64(code, n))
		at = sp + SIGNAL_MCONTEXT_64;
	else
		st = kco_fail(err, KCO_E_NOSYM, "no signal trampoline");
	if (!st)
		st = kco_process_read(p, at, bytes, set->desc_size, NULL, err);
	if (st)
		return st == KCO_E_NOSYM ? st : kco_context(err, st, "signal frame at %#" PRIx64, sp);
	*interrupted = (struct kco_regs){ 0 };
	kco_regset_decode(set, bytes, set->desc_size, interrupted);
	*frame = at;
	return KCO_OK;
}
