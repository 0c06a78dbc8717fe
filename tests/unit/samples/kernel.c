// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A sample kernel: a freestanding program that is never run. Its DWARF, CFI
 * and symbols are what the unit tests look at.
 */
#include "inlined.h"
#include "kernel.h"
#include "mark.h"

/* Two units disagree on this one; the first in the file counts. */
struct sample_twice {
	long from_the_first_unit;
};

struct sample_outer sample_variable;
struct sample_twice sample_twice_variable;
extern const unsigned short sample_declared[7];
extern int sample_completed[];
extern const int sample_assembled[3];
int sample_completed[9];
enum sample_level sample_level_variable;
enum sample_mask sample_mask_variable;

static inline __attribute__((always_inline)) void sample_middle(int x)
{
	sample_hidden = x + 1;
	MARK_CALL(middle, sample_innermost(x));
}

__attribute__((noinline)) void sample_outermost(int x)
{
	sample_hidden = 7;
	MARK_CALL(outermost, sample_middle(x));
	sample_hidden = 9;
}

__attribute__((noinline)) void sample_plain(void)
{
	MARK(plain);
	sample_hidden = sample_declared[0] + sample_assembled[0];
}

void sample_start(void)
{
	sample_outermost(1);
	sample_plain();
}
extern void sample_alias(void) __attribute__((alias("sample_plain")));
extern void a_weak_sample(void) __attribute__((alias("sample_plain"), weak));

#ifdef SAMPLE_EH_FRAME
__asm__(".cfi_sections .eh_frame");
#else
__asm__(".cfi_sections .debug_frame");
#endif

/* Rows of every kind that struct kco_unwind_row holds, and one that it cannot hold. */
__asm__(".text\n"
	".globl cfi_entry, cfi_pushed, cfi_frame, cfi_realigned, cfi_computed, cfi_end\n"
	".type cfi_entry, @function\n"
	"cfi_entry:\n"
	"	.cfi_startproc\n"
	"	push %rbp\n"
	"	.cfi_def_cfa_offset 16\n"
	"	.cfi_offset %rbp, -16\n"
	"cfi_pushed:\n"
	"	mov %rsp, %rbp\n"
	"	.cfi_def_cfa_register %rbp\n"
	"cfi_frame:\n"
	"	push %rbx\n"
	"	.cfi_offset %rbx, -24\n"
	"	nop\n"
	/* CFA = *(rbp - 24); rbx saved at *(rbp - 40): what GCC makes of a realigned stack. */
	"	.cfi_escape 0x0f, 0x03, 0x76, 0x68, 0x06\n"
	"	.cfi_escape 0x10, 0x03, 0x02, 0x76, 0x58\n"
	"cfi_realigned:\n"
	"	nop\n"
	/* CFA = rbp * rsp: nobody does that. */
	"	.cfi_escape 0x0f, 0x05, 0x76, 0x00, 0x77, 0x00, 0x1e\n"
	"cfi_computed:\n"
	"	nop\n"
	"	.cfi_def_cfa %rsp, 8\n"
	"	.cfi_undefined %rip\n"
	"cfi_end:\n"
	"	nop\n"
	"	.cfi_endproc\n"
	".size cfi_entry, . - cfi_entry\n"
	".globl cfi_signal\n"
	".type cfi_signal, @function\n"
	"cfi_signal:\n"
	"	.cfi_startproc simple\n"
	"	.cfi_signal_frame\n"
	"	.cfi_def_cfa %rsp, 40\n"
	"	.cfi_offset %rip, -40\n"
	"	.cfi_offset %rsp, -16\n"
	"	nop\n"
	"	.cfi_endproc\n"
	".size cfi_signal, . - cfi_signal\n");

/* Defined where no DWARF is: only its declaration tells the type. */
__asm__(".data\n"
	".globl sample_assembled\n"
	"sample_assembled:\n"
	".long 1, 2, 3\n"
	".text\n");

/* What the linker script of an x86_64 kernel does with per-CPU data: offsets from zero. */
__asm__(".section .data..percpu, \"aw\", @progbits\n"
	".globl sample_percpu\n"
	".zero 64\n"
	"sample_percpu:\n"
	".quad 0\n"
	".text\n");
