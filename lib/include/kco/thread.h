// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The registers of a thread in user mode: what a debugger that had stopped it
 * would show.
 */
#ifndef KCO_THREAD_H
#define KCO_THREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kco/arch.h>
#include <kco/process.h>

enum kco_entry_kind {
	KCO_ENTRY_NONE,	     /* the CPU itself was in user mode: these are its own registers */
	KCO_ENTRY_SYSCALL,   /* syscall is the number */
	KCO_ENTRY_INTERRUPT, /* an interrupt, fault or exception took it from where it was */
	KCO_ENTRY_UNKNOWN,
};

/**
 * General registers of user mode. Those of a 32-bit thread have their upper
 * halves zero; arch->narrow[] has the names that they go by there.
 */
struct kco_thread_regs {
	struct kco_regs regs; /* by arch->regs[]; with fs_base and gs_base */
	enum kco_entry_kind entry;
	bool compat;	  /* was running 32-bit code */
	bool syscall32;	  /* the call was made through the 32-bit interface: syscall and args are of that one */
	int64_t syscall;  /* the number, with entry SYSCALL; -1 none */
	uint64_t args[6]; /* its arguments, with entry SYSCALL */
	uint64_t frame;	  /* kernel address of the saved registers, 0: they are the CPU's */
	/*
	 * It was on a CPU whose segment bases the dump does not hold: fs_base
	 * and gs_base are as the kernel knew them last. Right unless the thread
	 * itself wrote them (wrfsbase, which C libraries do not).
	 */
	bool bases_old;
};

/**
 * KCO_E_RANGE: it has none (a kernel thread, a thread that never was in user
 * mode, the dead whose stack is gone, a CPU whose registers the dump lacks).
 */
enum kco_status kco_thread_regs_get(struct kco_process *p, const struct kco_task *task, struct kco_thread_regs *ret,
				    struct kco_err *err) KCO_MUST_USE;

/** Those that it has in the kernel: its CPU's, or what switching away saved. Errors as kco_thread_regs_get(). */
enum kco_status kco_thread_kernel_regs_get(struct kco_session *s, const struct kco_task *task, struct kco_regs *ret,
					   struct kco_err *err) KCO_MUST_USE;

#define KCO_XSTATE_MAX 16384
#define KCO_XSTATE_COMPONENTS 32

/**
 * Floating-point and vector state in the standard (not compacted) form of
 * XSAVE, which is what NT_X86_XSTATE holds: Intel SDM volume 1, chapter 13.
 * Where a component lies is the processor's choice (AMD's differ from Intel's).
 */
struct kco_xstate {
	uint8_t area[KCO_XSTATE_MAX];
	size_t size;	   /* bytes that are valid: 576 and up; 512 when the kernel has FXSAVE only */
	uint64_t features; /* XCR0-style: the components that area has room for */
	uint64_t in_use;   /* XSTATE_BV: those not in their initial state */
	uint32_t offset[KCO_XSTATE_COMPONENTS]; /* of each component of features in area; 0 and 1 begin at 0 */
	bool stale; /* the CPU ran the thread and nobody saved its state: these are older values */
};
/** Errors as kco_thread_regs_get(). */
enum kco_status kco_thread_xstate_get(struct kco_process *p, const struct kco_task *task, struct kco_xstate *ret,
				      struct kco_err *err) KCO_MUST_USE;

/** The value of a register of arch->xregs[], lowest byte first; 0 bytes: @x has no room for it. */
size_t kco_xstate_register(const struct kco_xstate *x, const struct kco_xreg_desc *reg, uint8_t value[64]);

/** DR0-DR3, DR6, DR7 as the thread would have them (index is the number). */
enum kco_status kco_thread_debugregs_get(struct kco_process *p, const struct kco_task *task, uint64_t dr[8],
					 struct kco_err *err) KCO_MUST_USE;

#endif
