// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The registers that a Linux thread has in user mode, on x86_64.
 *
 * Wherever a thread entered the kernel from user mode, by system call,
 * interrupt, exception or NMI, the entry code left a struct pt_regs at the top
 * of its kernel stack (arch/x86/entry/entry_64.S; an exception that begins on
 * another stack is moved there when it came from user mode). Only a thread
 * that was in user mode on a CPU has none: its registers are the CPU's own.
 *
 * What brought it in is told by pt_regs.orig_ax, as the kernel itself does
 * (syscall_get_nr()): the number of a system call, else negative. An
 * exception's error code and an interrupt's vector are there for the few
 * instructions before the entry code puts -1 in their place (idtentry_body;
 * FRED's fred_entry_from_user()), so a thread on a CPU which was in the entry
 * code is KCO_ENTRY_UNKNOWN. rt_sigreturn() puts -1 there too: it looks like an
 * interrupt from then on, and the kernel thinks so as well (no restart).
 *
 * Segment bases are in no pt_regs. Switching away saves them in task.thread;
 * a thread on a CPU has them in the CPU, where user mode's GS base is the one
 * of the two that is not the kernel's.
 */
#include "linux_x86_64_thread.h"

#include <inttypes.h>
#include <string.h>

#include "linux.h"
#include "linux_x86_64.h"
#include "x86_64.h"

#define PT_REGS_SIZE 168
#define USER32_CS 0x23	     /* __USER32_CS, arch/x86/include/asm/segment.h */
#define USER32_CS_XEN 0xe023 /* FLAT_USER_CS32 of Xen's paravirtual guests */
#define TS_COMPAT 0x2	     /* thread_info.status: a 32-bit system call is being run */
#define TLS_FIRST 12	     /* GDT_ENTRY_TLS_MIN */

static void thread_set_field(struct kco_session *s, const struct kco_task *task, struct kco_regs *regs, unsigned reg,
			     const char *path, const char *older)
{
	struct kco_field field;
	uint64_t value;

	if (!os_field(s, "task_struct", &field, NULL, path, older, NULL) &&
	    !kco_kread_field(s, task->addr, &field, &value, NULL))
		kco_regs_set(regs, reg, value);
}

/* The base in the thread's own descriptor that @selector names: what 32-bit programs have for thread-local data. */
static bool thread_tls_base(struct kco_session *s, const struct kco_task *task, uint64_t selector, uint64_t *base)
{
	uint64_t index = selector >> 3, desc;
	struct kco_field field;

	if (selector & 4 || index < TLS_FIRST || index >= TLS_FIRST + 3 ||
	    os_field(s, "task_struct", &field, NULL, "thread.tls_array", NULL) || field.size != 24 ||
	    kco_kread_uint(s, task->addr + field.offset + 8 * (index - TLS_FIRST), 8, &desc, NULL))
		return false;
	// Intel SDM volume 3, figure 3-8: base 15:0 from bit 16, 23:16 from bit 32, 31:24 from bit 56.
	*base = (desc >> 16 & 0xffffff) | (desc >> 56 & 0xff) << 24;
	return true;
}

/* As x86_fsbase_read_task() does: without FSGSBASE instructions a base of 0 may mean: that of the descriptor. */
static void thread_base_of_selector(struct kco_session *s, const struct kco_task *task, struct kco_regs *regs,
				    unsigned selector_reg, unsigned base_reg)
{
	uint64_t selector, base;

	if (kco_regs_get(regs, selector_reg, &selector) && selector > 3 &&
	    (!kco_regs_get(regs, base_reg, &base) || !base) && thread_tls_base(s, task, selector, &base))
		kco_regs_set(regs, base_reg, base);
}

/* Segment registers as switching away saved them. Since Linux 296f781a4b7801 (v4.7) fs and gs are fsbase and gsbase. */
static void thread_saved_segments(struct kco_session *s, const struct kco_task *task, struct kco_regs *regs)
{
	thread_set_field(s, task, regs, X86_64_DS, "thread.ds", NULL);
	thread_set_field(s, task, regs, X86_64_ES, "thread.es", NULL);
	thread_set_field(s, task, regs, X86_64_FS, "thread.fsindex", NULL);
	thread_set_field(s, task, regs, X86_64_GS, "thread.gsindex", NULL);
	thread_set_field(s, task, regs, X86_64_FS_BASE, "thread.fsbase", "thread.fs");
	thread_set_field(s, task, regs, X86_64_GS_BASE, "thread.gsbase", "thread.gs");
	thread_base_of_selector(s, task, regs, X86_64_FS, X86_64_FS_BASE);
	thread_base_of_selector(s, task, regs, X86_64_GS, X86_64_GS_BASE);
}

/* Segment registers of a thread that was on a CPU with the registers @cpu. */
static void thread_cpu_segments(struct kco_session *s, const struct kco_task *task, const struct kco_regs *cpu,
				struct kco_thread_regs *ret)
{
	static const uint8_t selectors[] = { X86_64_DS, X86_64_ES, X86_64_FS, X86_64_GS };
	uint64_t value, kernel_gs, base;

	thread_saved_segments(s, task, &ret->regs);
	for (size_t i = 0; i < sizeof(selectors); i++)
		if (kco_regs_get(cpu, selectors[i], &value))
			kco_regs_set(&ret->regs, selectors[i], value);
	ret->bases_old = !kco_regs_get(cpu, X86_64_FS_BASE, &value);
	if (!ret->bases_old)
		kco_regs_set(&ret->regs, X86_64_FS_BASE, value);
	// The kernel's is the CPU's per-CPU base; at the border (swapgs) either may be in either place.
	if (!kco_regs_get(cpu, X86_64_GS_BASE, &value) || !kco_regs_get(cpu, X86_64_KERNEL_GS_BASE, &kernel_gs) ||
	    linux_percpu(s, 0, (unsigned)task->cpu, &base, NULL)) {
		ret->bases_old = true;
		return;
	}
	kco_regs_set(&ret->regs, X86_64_GS_BASE, value == base ? kernel_gs : value);
}

/* The CPU's own registers, without those that are no user's. */
static void thread_cpu_own(const struct kco_regs *cpu, struct kco_regs *regs)
{
	uint64_t value;

	for (unsigned reg = X86_64_RAX; reg <= X86_64_SS; reg++)
		if (kco_regs_get(cpu, reg, &value))
			kco_regs_set(regs, reg, value);
	kco_regs_set(regs, X86_64_ORIG_RAX, UINT64_MAX);
}

static enum kco_status thread_saved_regs(struct kco_session *s, const struct kco_task *task,
					 struct kco_thread_regs *ret, struct kco_err *err)
{
	uint8_t raw[PT_REGS_SIZE];
	enum kco_status st;

	ret->frame = linux_x86_64_user_regs(s, task);
	if (!ret->frame)
		return kco_fail(err, KCO_E_RANGE, "its stack is gone, and its user registers with it");
	st = kco_kread(s, ret->frame, raw, sizeof(raw), NULL, err);
	if (st)
		return kco_context(err, st, "user registers");
	kco_regset_decode(linux_x86_64_trap_frame(s, false), raw, sizeof(raw), &ret->regs);
	// Threads of the kernel's own making (io_uring's, a helper before its execve) never were in user mode.
	if (!linux_x86_64_regs_user(s, &ret->regs))
		return kco_fail(err, KCO_E_RANGE, "it never was in user mode: %#" PRIx64 " holds no user registers",
				ret->frame);
	return KCO_OK;
}

/* Was the CPU in the code that makes and takes down pt_regs? */
static bool thread_in_entry_code(struct kco_session *s, const struct kco_regs *cpu)
{
	uint64_t pc, first, end;

	return kco_regs_get(cpu, X86_64_RIP, &pc) && !os_symbol(s, &first, NULL, "__entry_text_start", NULL) &&
	       !os_symbol(s, &end, NULL, "__entry_text_end", NULL) && pc >= first && pc < end;
}

/* How it came into the kernel, and with which system call. */
static void thread_entry(struct kco_session *s, const struct kco_task *task, struct kco_thread_regs *ret)
{
	static const uint8_t args64[6] = { X86_64_RDI, X86_64_RSI, X86_64_RDX, X86_64_R10, X86_64_R8, X86_64_R9 };
	static const uint8_t args32[6] = { X86_64_RBX, X86_64_RCX, X86_64_RDX, X86_64_RSI, X86_64_RDI, X86_64_RBP };
	struct kco_field field;
	uint64_t orig, status;

	if (!kco_regs_get(&ret->regs, X86_64_ORIG_RAX, &orig) || (int32_t)orig < 0) {
		ret->entry = KCO_ENTRY_INTERRUPT;
		return;
	}
	ret->entry = KCO_ENTRY_SYSCALL;
	ret->syscall = (int32_t)orig;
	/*
	 * Since Linux 37a8f7c38339 (v4.16) status is in thread_info within the
	 * task; kernels from b9d989c7218a (v4.9) on had it in thread_struct for
	 * a while, and older ones at the lowest end of the stack.
	 */
	if (!os_field(s, "task_struct", &field, NULL, "thread_info.status", "thread.status", NULL) &&
	    !kco_kread_field(s, task->addr, &field, &status, NULL))
		ret->syscall32 = (status & TS_COMPAT) != 0;
	else
		ret->syscall32 = ret->compat;
	for (size_t i = 0; i < 6; i++) {
		uint64_t value = 0;

		(void)kco_regs_get(&ret->regs, ret->syscall32 ? args32[i] : args64[i], &value);
		ret->args[i] = ret->syscall32 ? (uint32_t)value : value;
	}
}

/* A thread in 32-bit code has the lower halves only, and no r8 to r15. */
static void thread_compat(struct kco_thread_regs *ret)
{
	uint64_t cs, value;

	if (!kco_regs_get(&ret->regs, X86_64_CS, &cs) || (cs != USER32_CS && cs != USER32_CS_XEN))
		return;
	ret->compat = true;
	for (unsigned reg = X86_64_RAX; reg <= X86_64_RIP; reg++)
		if (kco_regs_get(&ret->regs, reg, &value))
			kco_regs_set(&ret->regs, reg, (uint32_t)value);
}

enum kco_status linux_x86_64_thread_regs(struct kco_process *p, const struct kco_task *task,
					 struct kco_thread_regs *ret, struct kco_err *err)
{
	struct kco_session *s = p->session;
	struct kco_regs cpu = { 0 };
	bool active = task->flags & KCO_TASK_ACTIVE;
	enum kco_status st = KCO_OK;

	if (task->flags & (KCO_TASK_KTHREAD | KCO_TASK_IDLE))
		return kco_fail(err, KCO_E_RANGE, "a kernel thread has no user registers");
	if (active)
		st = linux_x86_64_task_regs(s, s->mem, task, &cpu, err);
	if (st)
		return st;
	if (active && linux_x86_64_regs_user(s, &cpu)) {
		thread_cpu_own(&cpu, &ret->regs);
		ret->entry = KCO_ENTRY_NONE;
	} else {
		st = thread_saved_regs(s, task, ret, err);
		if (st)
			return st;
	}
	thread_compat(ret);
	if (ret->frame && !(active && thread_in_entry_code(s, &cpu)))
		thread_entry(s, task, ret);
	if (active)
		thread_cpu_segments(s, task, &cpu, ret);
	else
		thread_saved_segments(s, task, &ret->regs);
	return KCO_OK;
}
