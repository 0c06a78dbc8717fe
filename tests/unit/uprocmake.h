// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A process made by hand, for tests and fuzzers of user stacks, of a
 * personality that knows areas, pages, signal frames and one system call.
 *
 *   0x400000  a program by uelfmake.h with .eh_frame for its first functions
 *   0x500000  code that no file describes: functions, signal trampolines
 *   0x600000  data
 *   0x700000  a stack for signal handlers
 *   0x800000  the stack
 *
 * Text is 64 functions of 64 bytes, in each of which a call of the next ends
 * at byte 32. All of it lies low enough for 32-bit code, too.
 */
#ifndef KCO_UNIT_UPROCMAKE_H
#define KCO_UNIT_UPROCMAKE_H

#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

#include <kco/uunwind.h>

#include "cfimake.h"
#include "linux_x86_64_signal.h"
#include "process_priv.h"
#include "uelfmake.h"
#include "x86_64.h"

#define UPROC_IMAGE UINT64_C(0x400000)
#define UPROC_CODE UINT64_C(0x500000)
#define UPROC_DATA UINT64_C(0x600000)
#define UPROC_ALT UINT64_C(0x700000)
#define UPROC_STACK UINT64_C(0x800000)
#define UPROC_STACK_SIZE UINT64_C(0x4000)
#define UPROC_PAGES 40
#define UPROC_CLONE 56

#define UPROC_FUNC(i) (UPROC_IMAGE + UELFMAKE_TEXT + 64 * (uint64_t)(i))
#define UPROC_RET(i) (UPROC_FUNC(i) + 32)
#define UPROC_CODE_FUNC(i) (UPROC_CODE + 64 * (uint64_t)(i))
#define UPROC_CODE_RET(i) (UPROC_CODE_FUNC(i) + 32)

/** The program's functions by what .eh_frame says of them. The CFA is sp + 2 words where nothing else is said. */
enum uproc_func {
	UPROC_PLAIN,
	UPROC_PLAIN2,
	UPROC_OUTERMOST, /* no return address */
	UPROC_FP,	 /* the CFA is the frame pointer + 2 words, the caller's lies right there */
	UPROC_SIGNAL,	 /* 'S': registers are those of a ucontext at sp */
	UPROC_STILL,	 /* the CFA is sp */
	UPROC_DOWN,	 /* the CFA is sp - 2 words */
	UPROC_SP_SAVED,	 /* the caller's sp is the word at sp */
	UPROC_SWITCH,	 /* the CFA is the word at sp */
	UPROC_NR_ROWS,
	UPROC_LEAF = 20, /* symbols without a row: one that makes no frame, one that does */
	UPROC_FRAMED,
};

/** Offsets in UPROC_CODE of what signal handlers return to. */
enum { UPROC_RT_64 = 0x810, UPROC_RT_64_SHORT = 0x850, UPROC_SIGRETURN_32 = 0x890, UPROC_RT_32 = 0x8d0 };

struct uproc {
	struct kco_session s;
	struct kco_process *p;
	struct kco_vma vmas[40];
	unsigned page[40]; /* of their bytes in pages[]: no pointers, so a process not yet opened may be copied */
	size_t nr_vmas;
	uint8_t pages[UPROC_PAGES * 4096];
	unsigned nr_pages;
	uint64_t hole; /* page that cannot be read; 0: none */
	bool compat;
	struct kco_file file;
	struct kco_task task;
	struct kco_thread_regs regs; /* where walks begin */
	struct kco_trace trace;
	struct kco_err err;
};

static inline struct uproc *uproc_of(struct kco_session *s)
{
	return (struct uproc *)((char *)s - offsetof(struct uproc, s));
}

static inline enum kco_status uproc_tasks(struct kco_session *s,
					  enum kco_status (*add)(void *arg, const struct kco_task *task), void *arg,
					  struct kco_err *err)
{
	enum kco_status st = add(arg, &uproc_of(s)->task);

	return st ? kco_fail(err, st, "no more tasks") : KCO_OK;
}

static inline enum kco_status uproc_vmas(struct kco_process *p,
					 enum kco_status (*add)(void *arg, const struct kco_vma *vma), void *arg,
					 struct kco_err *torn, struct kco_err *err)
{
	struct uproc *u = uproc_of(p->session);
	enum kco_status st = KCO_OK;

	(void)torn;
	for (size_t i = 0; i < u->nr_vmas && !st; i++)
		st = add(arg, &u->vmas[i]);
	return st ? kco_fail(err, st, "no more areas") : KCO_OK;
}

static inline uint8_t *uproc_at(struct uproc *u, uint64_t va)
{
	for (size_t i = 0; i < u->nr_vmas; i++)
		if (va >= u->vmas[i].start && va < u->vmas[i].end)
			return u->pages + (size_t)u->page[i] * 4096 + (va - u->vmas[i].start);
	return NULL;
}

static inline enum kco_status uproc_page(struct kco_process *p, uint64_t va, struct kco_page *ret, struct kco_err *err)
{
	struct uproc *u = uproc_of(p->session);

	(void)err;
	*ret = (struct kco_page){ .state = KCO_PAGE_UNMAPPED, .va = va & ~UINT64_C(4095), .size = 4096 };
	ret->status = KCO_E_UNMAPPED;
	ret->why = "nothing is mapped there";
	if (!uproc_at(u, va))
		return KCO_OK;
	ret->state = ret->va == u->hole ? KCO_PAGE_SWAP_FILE : KCO_PAGE_PRESENT;
	ret->readable = ret->va != u->hole;
	ret->status = ret->readable ? KCO_OK : KCO_E_SWAPPED;
	ret->why = ret->readable ? NULL : "not in the dump";
	return KCO_OK;
}

static inline enum kco_status uproc_page_read(struct kco_process *p, const struct kco_page *page, void *buf,
					      struct kco_err *err)
{
	(void)err;
	memcpy(buf, uproc_at(uproc_of(p->session), page->va), 4096);
	return KCO_OK;
}

static inline enum kco_status uproc_syscall(struct kco_session *s, bool compat, int64_t number,
					    const struct kco_syscall **ret, struct kco_err *err)
{
	static const struct kco_syscall calls[] = { { .name = "clone" }, { .name = "futex" } };

	(void)s;
	(void)compat;
	(void)err;
	*ret = &calls[number != UPROC_CLONE];
	return KCO_OK;
}

static const struct kco_os_process_ops uproc_process = {
	.vmas = uproc_vmas,
	.page = uproc_page,
	.page_read = uproc_page_read,
	.signal_frame = linux_x86_64_signal_frame,
	.syscall = uproc_syscall,
};
static const struct kco_os_ops uproc_os = { .name = "made by hand", .process = &uproc_process, .tasks = uproc_tasks };

/** Areas are added by rising addresses; returns their bytes. */
static inline uint8_t *uproc_area(struct uproc *u, uint64_t start, unsigned pages, uint32_t flags)
{
	if (u->nr_vmas == sizeof(u->vmas) / sizeof(u->vmas[0]) || u->nr_pages + pages > UPROC_PAGES)
		abort();
	u->vmas[u->nr_vmas] = (struct kco_vma){
		.start = start, .end = start + 4096 * pages, .flags = flags | KCO_VMA_READ, .name = "", .addr = start
	};
	u->page[u->nr_vmas++] = u->nr_pages;
	u->nr_pages += pages;
	return u->pages + (size_t)(u->nr_pages - pages) * 4096;
}

static inline void uproc_file_area(struct uproc *u, uint64_t at, uint64_t off, uint32_t flags, const struct bytes *file)
{
	uint8_t *to = uproc_area(u, UPROC_IMAGE + at, 1, flags);

	u->vmas[u->nr_vmas - 1].kind = KCO_VMA_FILE;
	u->vmas[u->nr_vmas - 1].file = &u->file;
	u->vmas[u->nr_vmas - 1].offset = off;
	memcpy(to, file->p + off, file->n - off < 4096 ? file->n - off : 4096);
}

/** A page of functions, each of which calls the next. */
static inline void uproc_functions(uint8_t *text)
{
	static const uint8_t call[] = { 0xe8, 32, 0, 0, 0 };

	memset(text, 0x90, 4096);
	for (int i = 0; i < 64; i++)
		memcpy(text + 64 * i + 27, call, sizeof(call));
}

static inline void uproc_trampolines(uint8_t *code)
{
	static const uint8_t rt_64[] = { 0x48, 0xc7, 0xc0, 15, 0, 0, 0, 0x0f, 0x05 };
	static const uint8_t rt_64_short[] = { 0xb8, 15, 0, 0, 0, 0x0f, 0x05 };
	static const uint8_t sigreturn_32[] = { 0x58, 0xb8, 119, 0, 0, 0, 0xcd, 0x80 };
	static const uint8_t rt_32[] = { 0xb8, 173, 0, 0, 0, 0xcd, 0x80 };

	memcpy(code + UPROC_RT_64, rt_64, sizeof(rt_64));
	memcpy(code + UPROC_RT_64_SHORT, rt_64_short, sizeof(rt_64_short));
	memcpy(code + UPROC_SIGRETURN_32, sigreturn_32, sizeof(sigreturn_32));
	memcpy(code + UPROC_RT_32, rt_32, sizeof(rt_32));
}

/* The row of function @f, in DW_CFA_*, from "the CFA is sp + 1 word, the return address lies below it". */
static inline void uproc_row(struct bytes *b, enum uproc_func f, bool compat)
{
	static const uint8_t ucontext[] = {
		DW_CFA_def_cfa_expression, 4,  DW_OP_breg7, 0xa0,	 1,    DW_OP_deref,
		DW_CFA_expression,	   16, 3,	    DW_OP_breg7, 0xa8, 1,
		DW_CFA_expression,	   6,  3,	    DW_OP_breg7, 0xf8, 0,
	};
	const uint8_t sp = compat ? 4 : 7, fp = compat ? 5 : 6, ptr = compat ? 4 : 8;
	const uint8_t plain[] = { DW_CFA_def_cfa_offset, 2 * ptr };
	const uint8_t outermost[] = { DW_CFA_undefined, compat ? 8 : 16 };
	const uint8_t by_fp[] = { DW_CFA_def_cfa, fp, 2 * ptr, DW_CFA_offset + fp, 2 };
	const uint8_t still[] = { DW_CFA_def_cfa_offset, 0 }, down[] = { DW_CFA_def_cfa_offset_sf, 2 };
	const uint8_t saved[] = { DW_CFA_def_cfa_offset, 2 * ptr, DW_CFA_offset + sp, 2 };
	const uint8_t switched[] = { DW_CFA_def_cfa_expression, 3, DW_OP_breg0 + sp, 0, DW_OP_deref };

	if (f == UPROC_OUTERMOST)
		bytes_put(b, outermost, sizeof(outermost));
	else if (f == UPROC_FP)
		bytes_put(b, by_fp, sizeof(by_fp));
	else if (f == UPROC_SIGNAL)
		bytes_put(b, ucontext, sizeof(ucontext));
	else if (f == UPROC_STILL)
		bytes_put(b, still, sizeof(still));
	else if (f == UPROC_DOWN)
		bytes_put(b, down, sizeof(down));
	else if (f == UPROC_SP_SAVED)
		bytes_put(b, saved, sizeof(saved));
	else if (f == UPROC_SWITCH)
		bytes_put(b, switched, sizeof(switched));
	else
		bytes_put(b, plain, sizeof(plain));
}

/* .eh_frame_hdr with its table, then .eh_frame, as they lie at @at. */
static inline void uproc_tables(struct bytes *b, uint64_t at, bool compat)
{
	const uint8_t ra = compat ? 8 : 16,
		      usual[] = { DW_CFA_def_cfa, compat ? 4 : 7, compat ? 4 : 8, DW_CFA_offset + ra, 1 };
	size_t cie[2], entry, row = 12;

	bytes_uint(b, 0x3b031b01, 4);
	bytes_uint(b, 12 + 8 * UPROC_NR_ROWS - 4, 4);
	bytes_uint(b, UPROC_NR_ROWS, 4);
	for (int i = 0; i < UPROC_NR_ROWS; i++)
		bytes_uint(b, 0, 8);
	for (int signal = 0; signal < 2; signal++) {
		cie[signal] = entry = cfimake_begin(b);
		bytes_uint(b, 0, 4);
		bytes_uint(b, 1, 1);
		bytes_put(b, signal ? "zRS" : "zR", signal ? 4 : 3);
		bytes_uint(b, 1, 1);
		bytes_uint(b, compat ? 0x7c : 0x78, 1);
		bytes_uint(b, ra, 1);
		bytes_uint(b, 0x1b01, 2);
		bytes_put(b, usual, sizeof(usual));
		cfimake_end(b, entry);
	}
	for (int i = 0; i < UPROC_NR_ROWS; i++, row += 8) {
		int32_t place[2] = { (int32_t)(UELFMAKE_TEXT + 64 * (uint64_t)i - at), (int32_t)b->n };

		memcpy(b->p + row, place, sizeof(place));
		entry = cfimake_begin(b);
		bytes_uint(b, b->n - cie[i == UPROC_SIGNAL], 4);
		bytes_uint(b, UELFMAKE_TEXT + 64 * (uint64_t)i - (at + b->n), 4);
		bytes_uint(b, 64, 4);
		bytes_uint(b, 0, 1);
		uproc_row(b, (enum uproc_func)i, compat);
		cfimake_end(b, entry);
	}
	bytes_uint(b, 0, 4);
}

static inline void uproc_program(struct uproc *u)
{
	static const struct uelfmake_sym syms[] = {
		{ "leaf", UELFMAKE_TEXT + 64 * UPROC_LEAF, 64, ELF64_ST_INFO(STB_GLOBAL, STT_FUNC), UELFMAKE_SHNDX },
		{ "framed", UELFMAKE_TEXT + 64 * UPROC_FRAMED, 64, ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
		  UELFMAKE_SHNDX },
	};
	struct uelfmake m = { .elf32 = u->compat, .eh_frame_hdr = 0x800, .eh_frame_hdr_size = 12 + 8 * UPROC_NR_ROWS };
	struct bytes tables = { 0 };

	uelfmake(&m, syms, sizeof(syms) / sizeof(syms[0]));
	uproc_tables(&tables, m.eh_frame_hdr, u->compat);
	memcpy(m.file.p + m.eh_frame_hdr, tables.p, tables.n);
	uproc_functions(m.file.p + UELFMAKE_TEXT);
	memcpy(m.file.p + UELFMAKE_TEXT + 64 * UPROC_FRAMED, u->compat ? "\x55\x89\xe5" : "\x55\x48\x89\xe5",
	       u->compat ? 3 : 4);
	u->file = (struct kco_file){ .addr = 0x50, .inode_addr = 0x60, .path = "/made/by/hand" };
	uproc_file_area(u, 0, 0, 0, &m.file);
	uproc_file_area(u, UELFMAKE_TEXT, UELFMAKE_TEXT, KCO_VMA_EXEC, &m.file);
	uproc_file_area(u, UELFMAKE_DATA_AT, UELFMAKE_DATA, KCO_VMA_WRITE, &m.file);
	free(tables.p);
	free(m.file.p);
}

/** Memory and registers of a process that has not been looked at: fill its stack, set u->regs, then uproc_open(). */
static inline void uproc_init(struct uproc *u, bool compat)
{
	const struct kco_lazy there = { .tried = true, .err = KCO_ERR_INIT };
	uint8_t *code;

	unsetenv("DEBUGINFOD_URLS"); // nothing is asked of the network
	memset(u, 0, sizeof(*u));
	u->compat = u->regs.compat = compat;
	u->regs.syscall = -1;
	u->task = (struct kco_task){ .addr = 0x20, .tgid = 100, .tid = 100, .mm = 0x1000 };
	kco_arena_init(&u->s.arena);
	u->s.os = &uproc_os;
	u->s.arch = kco_arch_by_machine(EM_X86_64);
	u->s.opts.debug_dir = "/nowhere";
	u->s.lazy_os = u->s.lazy_symbols = u->s.lazy_types = there;
	uproc_program(u);
	code = uproc_area(u, UPROC_CODE, 1, KCO_VMA_EXEC);
	uproc_functions(code);
	uproc_trampolines(code);
	uproc_area(u, UPROC_DATA, 1, KCO_VMA_WRITE);
	uproc_area(u, UPROC_ALT, 2, KCO_VMA_WRITE);
	uproc_area(u, UPROC_STACK, UPROC_STACK_SIZE / 4096, KCO_VMA_WRITE);
	u->vmas[u->nr_vmas - 1].kind = KCO_VMA_STACK;
}

static inline bool uproc_open(struct uproc *u)
{
	return kco_process_get(&u->s, 100, &u->p, &u->err) == KCO_OK;
}

static inline void uproc_close(struct uproc *u)
{
	kco_session_processes_fini(&u->s);
	kco_session_uimages_fini(&u->s);
	free(u->s.tasks);
	free(u->s.task_by_tid);
	free(u->s.task_by_addr);
	kco_arena_fini(&u->s.arena);
}

#endif
