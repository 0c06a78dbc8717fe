// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Unwinding of made-up stacks: by rows over every kind of stack, by frame
 * pointers, by guessing; torn and looping stacks; many tasks on many threads.
 *
 * The machine of these tests: a page of text full of calls, a task stack of
 * four pages, an IRQ and an NMI stack, ORC tables of the form that kernels
 * since v6.4 have, and a personality that knows just that.
 */
#include <kco/unwind.h>

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "linux_x86_64.h"
#include "memimage.h"
#include "orc.h"
#include "samples.h"
#include "session.h"
#include "unit.h"
#include "x86_64.h"

#define ROOT 0x1000
#define TEXT UINT64_C(0xffffffff81000000)
#define ORC_IP UINT64_C(0xffffffff82000000)
#define ORC_ROWS UINT64_C(0xffffffff82001000)
#define TASK UINT64_C(0xffffc90000000000)
#define IRQ UINT64_C(0xffffc90000010000)
#define NMI UINT64_C(0xfffffe0000001000)
#define TASK_SIZE 16384
#define TASK_END (TASK + TASK_SIZE)
#define USER_REGS (TASK_END - 168)

/* The text is 64 functions of 64 bytes. In each a call of the next ends at byte 32: RET(i). */
#define FUNC(i) (TEXT + 64 * (uint64_t)(i))
#define RET(i) (FUNC(i) + 32)
#define NO_CALL(i) (FUNC(i) + 16)

enum { ORC_UNDEFINED, ORC_END, ORC_CALL, ORC_REGS, ORC_REGS_PARTIAL, ORC_SIGNAL = 8 };
enum { BASE_NONE = 0, BASE_PREV_SP = 1, BASE_BP = 4, BASE_SP = 5, BASE_SP_INDIRECT = 9 };

struct fixture {
	struct memimage m;
	struct kco_session s;
	struct kco_unwind_tables tables;
	struct kco_orc_table table;
	struct kco_unwinder *uw;
	struct kco_task task;
	struct kco_regs regs;
	struct kco_err err;
	struct kco_trace trace;
	bool user_thread;
	bool no_regs;
};

static struct fixture *fixture_of(struct kco_session *s)
{
	return (struct fixture *)((char *)s - offsetof(struct fixture, s));
}

static enum kco_status fake_task_regs(struct kco_session *s, struct kco_mem *mem, const struct kco_task *task,
				      struct kco_regs *regs, struct kco_err *err)
{
	(void)mem;
	(void)task;
	if (fixture_of(s)->no_regs)
		return kco_fail(err, KCO_E_RANGE, "no registers");
	*regs = fixture_of(s)->regs;
	return KCO_OK;
}

static size_t fake_cpu_stacks(struct kco_session *s, unsigned cpu, struct kco_stack_range *ranges, size_t max)
{
	(void)s;
	(void)cpu;
	if (max < 2)
		return 0;
	ranges[0] = (struct kco_stack_range){ "IRQ", IRQ, IRQ + 4096 };
	ranges[1] = (struct kco_stack_range){ "NMI", NMI, NMI + 4096 };
	return 2;
}

static bool fake_is_text(struct kco_session *s, uint64_t pc)
{
	(void)s;
	return pc >= TEXT && pc < TEXT + 4096;
}

static uint64_t fake_user_regs(struct kco_session *s, const struct kco_task *task)
{
	(void)task;
	return fixture_of(s)->user_thread ? USER_REGS : 0;
}

static const struct kco_os_ops fake_os = {
	.name = "fake",
	.task_regs = fake_task_regs,
	.cpu_stacks = fake_cpu_stacks,
	.is_text = fake_is_text,
	.trap_frame = linux_x86_64_trap_frame,
	.user_regs = fake_user_regs,
	.regs_user = linux_x86_64_regs_user,
};

static struct kco_lazy there(enum kco_status status)
{
	struct kco_lazy lazy = { .tried = true, .err = KCO_ERR_INIT };

	if (status)
		kco_fail(&lazy.err, status, "none in this test");
	return lazy;
}

/* Where a virtual address of the fixture lies: pages 32 and on, in the order of the map below. */
static uint64_t pa_of(uint64_t va)
{
	static const struct {
		uint64_t first, pages;
	} map[] = { { TEXT, 1 }, { ORC_IP, 1 }, { ORC_ROWS, 1 }, { TASK, 4 }, { IRQ, 1 }, { NMI, 1 } };
	uint64_t page = 32;

	for (size_t i = 0; i < sizeof(map) / sizeof(map[0]); i++) {
		if (va >= map[i].first && va < map[i].first + map[i].pages * 4096)
			return page * 4096 + (va - map[i].first);
		page += map[i].pages;
	}
	fail_msg("%#llx is not mapped", (unsigned long long)va);
	return 0;
}

static void put(struct fixture *f, uint64_t va, uint64_t value)
{
	memimage_put(&f->m, pa_of(va), value);
}

static void fixture_text(struct fixture *f)
{
	uint8_t *text = f->m.bytes + pa_of(TEXT);

	memset(text, 0x90, 4096);
	for (int i = 0; i < 64; i++) {
		int32_t rel = (int32_t)(FUNC(i + 1) - RET(i));

		text[64 * i + 27] = 0xe8;
		memcpy(text + 64 * i + 28, &rel, 4);
	}
}

/* One row for each function that is set; others are undefined. */
static void row(struct fixture *f, int func, int type, int sp_reg, int sp_offset, int bp_reg, int bp_offset)
{
	uint8_t *p = f->m.bytes + pa_of(ORC_ROWS) + 6 * func;
	int16_t offsets[2] = { (int16_t)sp_offset, (int16_t)bp_offset };
	uint16_t bits = (uint16_t)(sp_reg | bp_reg << 4 | type << 8);

	memcpy(p, offsets, 4);
	memcpy(p + 4, &bits, 2);
}

static struct kco_field bits(uint64_t offset, unsigned shift, unsigned size, bool is_signed)
{
	return (struct kco_field){ .offset = offset,
				   .size = 2,
				   .bit_shift = (uint8_t)shift,
				   .bit_size = (uint8_t)size,
				   .is_signed = is_signed };
}

static void fixture_orc(struct fixture *f)
{
	struct kco_orc_layout *l = &f->tables.layout;

	for (int i = 0; i < 64; i++) {
		int32_t rel = (int32_t)(FUNC(i) - (ORC_IP + 4 * (uint64_t)i));

		memcpy(f->m.bytes + pa_of(ORC_IP) + 4 * i, &rel, 4);
		row(f, i, ORC_UNDEFINED, 0, 0, 0, 0);
	}
	*l = (struct kco_orc_layout){
		.sp_offset = bits(0, 0, 0, true),
		.bp_offset = bits(2, 0, 0, true),
		.sp_reg = bits(4, 0, 4, false),
		.bp_reg = bits(4, 4, 4, false),
		.type = bits(4, 8, 3, false),
		.signal = bits(4, 11, 1, false),
		.entry_size = 6,
		.type_undefined = ORC_UNDEFINED,
		.type_end = ORC_END,
		.type_call = ORC_CALL,
		.type_regs = ORC_REGS,
		.type_regs_partial = ORC_REGS_PARTIAL,
		.regs = { [BASE_BP] = { KCO_RULE_REG, X86_64_RBP, 0 },
			  [BASE_SP] = { KCO_RULE_REG, X86_64_RSP, 0 },
			  [BASE_SP_INDIRECT] = { KCO_RULE_DEREF_REG, X86_64_RSP, 0 } },
		.sp_reg_sp = BASE_SP,
		.bp_cfa = BASE_PREV_SP,
		.bp_self = BASE_BP,
		.fp = X86_64_RBP,
		.ra_offset = -8,
	};
	f->table = (struct kco_orc_table){
		.ip = ORC_IP, .entries = ORC_ROWS, .count = 64, .first_pc = TEXT, .last_pc = TEXT + 4095
	};
	f->tables.tables = &f->table;
	f->tables.nr_tables = 1;
}

static void fixture_init(struct fixture *f, bool tables)
{
	static const uint64_t pages[] = {
		TEXT, ORC_IP, ORC_ROWS, TASK, TASK + 4096, TASK + 8192, TASK + 12288, IRQ, NMI
	};

	memset(f, 0, sizeof(*f));
	f->m.next_table = 2;
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++)
		memimage_map_at(&f->m, ROOT, 4, pages[i], pa_of(pages[i]) | 3, 1);
	fixture_text(f);
	fixture_orc(f);
	kco_arena_init(&f->s.arena);
	f->s.arch = kco_arch_by_machine(62);
	f->s.os = &fake_os;
	f->s.kernel = (struct kco_space){
		.arch = f->s.arch,
		.form = f->s.arch->paging[0],
		.root = KCO_PADDR(ROOT),
		.addr_mask = f->s.arch->phys_mask,
		.id = 1,
	};
	f->s.lazy_os = f->s.lazy_symbols = f->s.lazy_types = there(KCO_OK);
	f->s.lazy_unwind = there(tables ? KCO_OK : KCO_E_UNSUPPORTED);
	if (tables)
		f->s.unwind_tables = &f->tables;
	f->task = (struct kco_task){ .tid = 1, .stack = TASK, .stack_size = TASK_SIZE };
}

static void start_at(struct fixture *f, uint64_t pc, uint64_t sp, uint64_t fp)
{
	kco_regs_set(&f->regs, X86_64_RIP, pc);
	kco_regs_set(&f->regs, X86_64_RSP, sp);
	kco_regs_set(&f->regs, X86_64_RBP, fp);
}

static void fixture_open(struct fixture *f)
{
	memimage_open(&f->m);
	f->s.image = f->m.image;
	assert_int_equal(kco_mem_new(f->m.image, &f->s.mem, NULL), KCO_OK);
	assert_int_equal(kco_unwinder_new(&f->s, &f->uw, NULL), KCO_OK);
}

static enum kco_status unwind(struct fixture *f)
{
	fixture_open(f);
	f->err = KCO_ERR_INIT;
	return kco_unwind_task(f->uw, &f->task, &f->trace, &f->err);
}

static void fixture_fini(struct fixture *f)
{
	kco_unwinder_free(f->uw);
	kco_mem_free(f->s.mem);
	kco_image_free(f->m.image);
	kco_arena_fini(&f->s.arena);
	while (f->s.warnings) {
		// A list whose first word is the next one; see session.c.
		void *next = *(void **)f->s.warnings;

		free(f->s.warnings);
		f->s.warnings = next;
	}
}

static void frame(const struct fixture *f, size_t i, uint64_t pc, enum kco_frame_by by)
{
	assert_true(i < f->trace.n);
	assert_int_equal(f->trace.frames[i].pc, pc);
	assert_int_equal(f->trace.frames[i].by, by);
}

/* A pt_regs (or with @partial its last five words) at @va. */
static void put_regs(struct fixture *f, uint64_t va, bool partial, uint64_t pc, uint64_t cs, uint64_t sp)
{
	if (!partial) {
		for (int i = 0; i < 16; i++)
			put(f, va + 8 * (uint64_t)i, 0x1000 + (uint64_t)i);
		va += 128;
	}
	put(f, va, pc);
	put(f, va + 8, cs);
	put(f, va + 16, 0x246);
	put(f, va + 24, sp);
	put(f, va + 32, cs == 0x10 ? 0x18 : 0x2b);
}

/* Blocked in function 1, called by 2 (by frame pointer), by 3, which is the last. */
static void call_chain(struct fixture *f)
{
	row(f, 1, ORC_CALL, BASE_SP, 24, BASE_PREV_SP, -16);
	row(f, 2, ORC_CALL, BASE_BP, 16, BASE_PREV_SP, -16);
	row(f, 3, ORC_END, 0, 0, 0, 0);
	put(f, TASK_END - 0x100 + 8, TASK_END - 0x80); // rbp that 1 saved
	put(f, TASK_END - 0x100 + 16, RET(2));
	put(f, TASK_END - 0x80, 0);
	put(f, TASK_END - 0x80 + 8, RET(3));
	start_at(f, RET(1), TASK_END - 0x100, 0x7777);
}

static void test_unwind__rows_give_calls_to_the_end(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, true);
	call_chain(&f);
	assert_int_equal(unwind(&f), KCO_OK);
	assert_int_equal(f.trace.n, 3);
	frame(&f, 0, RET(1), KCO_BY_REGS);
	frame(&f, 1, RET(2), KCO_BY_ORC);
	frame(&f, 2, RET(3), KCO_BY_ORC);
	assert_int_equal(f.trace.frames[0].sp, TASK_END - 0x100);
	assert_int_equal(f.trace.frames[1].sp, TASK_END - 0x100 + 24);
	assert_int_equal(f.trace.frames[1].slot, TASK_END - 0x100 + 16);
	assert_int_equal(f.trace.frames[1].fp, TASK_END - 0x80);
	assert_int_equal(f.trace.frames[2].sp, TASK_END - 0x80 + 16);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(f.trace.frames[i].kind, KCO_FRAME_CALL);
		assert_null(f.trace.frames[i].stack);
	}
	assert_string_equal(f.trace.why, "");
	fixture_fini(&f);
}

static void test_unwind__return_address_behind_a_call_that_never_returns(void **state)
{
	struct fixture f;
	int32_t rel = 0;

	(void)state;
	fixture_init(&f, true);
	call_chain(&f);
	// The call is the last of function 2: its return address is the first of function 3, whose row says "end".
	f.m.bytes[pa_of(FUNC(3) - 5)] = 0xe8;
	memcpy(f.m.bytes + pa_of(FUNC(3) - 4), &rel, 4);
	put(&f, TASK_END - 0x100 + 16, FUNC(3));
	assert_int_equal(unwind(&f), KCO_OK);
	assert_int_equal(f.trace.n, 3);
	frame(&f, 1, FUNC(3), KCO_BY_ORC);
	frame(&f, 2, RET(3), KCO_BY_ORC);
	fixture_fini(&f);
}

static void test_unwind__row_with_signal_means_an_exact_caller(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, true);
	row(&f, 1, ORC_CALL | ORC_SIGNAL, BASE_SP, 16, 0, 0);
	row(&f, 5, ORC_END, 0, 0, 0, 0);
	start_at(&f, RET(1), TASK + 0x100, 0);
	put(&f, TASK + 0x108, FUNC(5)); // one byte before it is another function
	assert_int_equal(unwind(&f), KCO_OK);
	assert_int_equal(f.trace.n, 2);
	frame(&f, 1, FUNC(5), KCO_BY_ORC);
	fixture_fini(&f);
}

/* The sample's tables for a machine whose link register is what r15 is here, placed at the start of the text. */
static void use_link_register(struct fixture *f, struct kco_arch_ops *arch, struct kco_reg_desc *regs)
{
	unsigned char *bytes;
	size_t n;

	*arch = *f->s.arch;
	arch->elf_machine = EM_AARCH64;
	memcpy(regs, arch->regs, arch->nr_regs * sizeof(*regs));
	for (size_t i = 0; i < arch->nr_regs; i++)
		regs[i].dwarf = -1;
	regs[X86_64_RBP].dwarf = 29;
	regs[X86_64_R15].dwarf = 30;
	regs[X86_64_RSP].dwarf = 31;
	arch->regs = regs;
	bytes = sample_read(SAMPLE("lr"), &n);
	bytes[offsetof(Elf64_Ehdr, e_machine)] = EM_AARCH64;
	f->s.debuginfo = sample_open(sample_write("lr", bytes, n));
	free(bytes);
	kco_debuginfo_set_bias(f->s.debuginfo, TEXT - sample_symbol(f->s.debuginfo, "lr_start").addr);
	f->s.lazy_debuginfo = f->s.lazy_module_lines = there(KCO_OK);
	f->s.arch = arch;
}

static void test_unwind__return_address_in_a_register_is_the_innermost_frames_only(void **state)
{
	struct kco_reg_desc regs[KCO_REGS_MAX];
	struct kco_arch_ops arch;
	struct fixture f;

	(void)state;
	assert_int_equal(sample_setup(NULL), 0);
	fixture_init(&f, false);
	use_link_register(&f, &arch, regs);
	// Interrupted before it saved anything, called from function 2.
	start_at(&f, TEXT + 2, TASK_END - 0x100, 0x7777);
	kco_regs_set(&f.regs, X86_64_R15, RET(2));
	f.task.flags = KCO_TASK_ACTIVE;
	(void)!unwind(&f); // how it goes on is another matter
	assert_true(f.trace.n >= 2);
	frame(&f, 1, RET(2), KCO_BY_CFI);
	assert_int_equal(f.trace.frames[1].sp, TASK_END - 0x100);
	assert_int_equal(f.trace.frames[1].slot, 0);
	kco_debuginfo_free(f.s.debuginfo);
	fixture_fini(&f);

	// The same code as a caller: it says that its return address is in the register, which its call changed.
	fixture_init(&f, false);
	use_link_register(&f, &arch, regs);
	start_at(&f, TEXT + 6, TASK_END - 0x100, 0x7777);
	f.m.bytes[pa_of(TEXT) + 1] = 0xff; // call *%rax, which returns to the third byte
	f.m.bytes[pa_of(TEXT) + 2] = 0xd0;
	put(&f, TASK_END - 0x100 + 8, TEXT + 3);
	kco_regs_set(&f.regs, X86_64_R15, TEXT + 3);
	f.task.flags = KCO_TASK_ACTIVE;
	(void)!unwind(&f); // how it goes on is another matter
	frame(&f, 1, TEXT + 3, KCO_BY_CFI);
	assert_int_equal(f.trace.frames[1].sp, TASK_END - 0x100 + 32);
	assert_non_null(strstr(f.trace.why, "its return address was never saved"));
	kco_debuginfo_free(f.s.debuginfo);
	fixture_fini(&f);
	assert_int_equal(sample_teardown(NULL), 0);
}

static void test_unwind__task_that_never_ran_begins_at_a_function(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, true);
	row(&f, 5, ORC_END, 0, 0, 0, 0);
	row(&f, 4, ORC_CALL, BASE_SP, 8, 0, 0);
	start_at(&f, FUNC(5), TASK_END - 168, 0);
	f.user_thread = true;
	put_regs(&f, USER_REGS, false, 0x401000, 0x33, 0x7ffc1000);
	assert_int_equal(unwind(&f), KCO_OK);
	assert_int_equal(f.trace.n, 2);
	frame(&f, 0, FUNC(5), KCO_BY_REGS);
	frame(&f, 1, 0x401000, KCO_BY_REGS);
	assert_int_equal(f.trace.frames[1].kind, KCO_FRAME_USER);
	fixture_fini(&f);
}

static void test_unwind__user_boundary_has_the_user_registers(void **state)
{
	struct fixture f;
	uint64_t v;

	(void)state;
	fixture_init(&f, true);
	row(&f, 1, ORC_CALL, BASE_SP, 16, 0, 0);
	row(&f, 2, ORC_REGS, BASE_SP, 0, 0, 0);
	start_at(&f, RET(1), USER_REGS - 16, 0);
	put(&f, USER_REGS - 8, RET(2));
	f.user_thread = true;
	put_regs(&f, USER_REGS, false, 0x401000, 0x33, 0x7ffc1000);
	assert_int_equal(unwind(&f), KCO_OK);
	assert_int_equal(f.trace.n, 3);
	frame(&f, 2, 0x401000, KCO_BY_ORC);
	assert_int_equal(f.trace.frames[2].kind, KCO_FRAME_USER);
	assert_int_equal(f.trace.frames[2].sp, 0x7ffc1000);
	assert_int_equal(f.trace.frames[2].slot, USER_REGS);
	assert_non_null(f.trace.frames[2].regs);
	assert_true(kco_regs_get(f.trace.frames[2].regs, X86_64_R15, &v));
	assert_int_equal(v, 0x1000);
	assert_true(kco_regs_get(f.trace.frames[2].regs, X86_64_ORIG_RAX, &v));
	assert_int_equal(v, 0x100f);
	assert_true(kco_regs_get(f.trace.frames[2].regs, X86_64_CS, &v));
	assert_int_equal(v, 0x33);
	fixture_fini(&f);
}

static void test_unwind__cpu_in_user_mode_is_one_frame(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, true);
	f.task.flags = KCO_TASK_ACTIVE;
	start_at(&f, 0x401000, 0x7ffc1000, 0);
	kco_regs_set(&f.regs, X86_64_CS, 0x33);
	assert_int_equal(unwind(&f), KCO_OK);
	assert_int_equal(f.trace.n, 1);
	frame(&f, 0, 0x401000, KCO_BY_REGS);
	assert_int_equal(f.trace.frames[0].kind, KCO_FRAME_USER);
	assert_ptr_equal(f.trace.frames[0].regs, &f.trace.regs[0]);
	fixture_fini(&f);
}

/*
 * NMI stack: 1 called by 2, whose row is a trap frame that interrupted 4 in the
 * middle on the IRQ stack; 4 was called by 5, which swapped stacks; 6 on the
 * task's stack has a trap frame of the CPU's part only; it interrupted 7, the end.
 */
static void three_stacks(struct fixture *f)
{
	row(f, 1, ORC_CALL, BASE_SP, 16, 0, 0);
	row(f, 2, ORC_REGS, BASE_SP, 8, 0, 0);
	row(f, 4, ORC_CALL, BASE_SP, 8, 0, 0);
	row(f, 5, ORC_CALL, BASE_SP_INDIRECT, 8, 0, 0);
	row(f, 6, ORC_REGS_PARTIAL, BASE_SP, 0, 0, 0);
	row(f, 7, ORC_END, 0, 0, 0, 0);
	f->task.flags = KCO_TASK_ACTIVE;
	start_at(f, NO_CALL(1), NMI + 0x100, 0);
	put(f, NMI + 0x108, RET(2));
	put_regs(f, NMI + 0x118, false, NO_CALL(4), 0x10, IRQ + 4096 - 16);
	put(f, IRQ + 4096 - 16, RET(5));
	put(f, IRQ + 4096 - 8, TASK + 0x800);
	put(f, TASK + 0x800, RET(6));
	put_regs(f, TASK + 0x808, true, NO_CALL(7), 0x10, TASK + 0x900);
}

static void test_unwind__crosses_stacks_and_names_them(void **state)
{
	static const char *const stacks[] = { "NMI", NULL, "IRQ", NULL, "task", NULL };
	struct fixture f;
	uint64_t v;

	(void)state;
	fixture_init(&f, true);
	three_stacks(&f);
	assert_int_equal(unwind(&f), KCO_OK);
	assert_int_equal(f.trace.n, 6);
	frame(&f, 0, NO_CALL(1), KCO_BY_REGS);
	frame(&f, 1, RET(2), KCO_BY_ORC);
	frame(&f, 2, NO_CALL(4), KCO_BY_ORC);
	frame(&f, 3, RET(5), KCO_BY_ORC);
	frame(&f, 4, RET(6), KCO_BY_ORC);
	frame(&f, 5, NO_CALL(7), KCO_BY_ORC);
	for (size_t i = 0; i < 6; i++) {
		if (stacks[i])
			assert_string_equal(f.trace.frames[i].stack, stacks[i]);
		else
			assert_null(f.trace.frames[i].stack);
	}
	assert_int_equal(f.trace.frames[2].kind, KCO_FRAME_EXCEPTION);
	assert_int_equal(f.trace.frames[5].kind, KCO_FRAME_EXCEPTION);
	assert_true(kco_regs_get(f.trace.frames[2].regs, X86_64_R15, &v));
	assert_int_equal(v, 0x1000);
	// The CPU pushed no general registers at the second one.
	assert_true(kco_regs_get(f.trace.frames[5].regs, X86_64_RSP, &v));
	assert_int_equal(v, TASK + 0x900);
	fixture_fini(&f);
}

static void test_unwind__stack_entered_twice_ends_with_a_reason(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, true);
	three_stacks(&f);
	// The interrupted function on the task's stack claims to have been on the NMI stack.
	put_regs(&f, TASK + 0x808, true, NO_CALL(1), 0x10, NMI + 0x100);
	assert_int_equal(unwind(&f), KCO_E_CORRUPT);
	assert_msg(&f.err, "leads back");
	assert_int_equal(f.trace.n, 6);
	assert_string_equal(f.trace.why, f.err.msg);
	fixture_fini(&f);
}

static void test_unwind__stack_that_does_not_go_up_ends(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, true);
	row(&f, 1, ORC_CALL, BASE_SP, 16, 0, 0);
	row(&f, 2, ORC_CALL, BASE_BP, 0, 0, 0);
	start_at(&f, RET(1), TASK + 0x100, TASK + 0x80);
	put(&f, TASK + 0x108, RET(2));
	put(&f, TASK + 0x78, RET(1));
	assert_int_equal(unwind(&f), KCO_E_CORRUPT);
	assert_msg(&f.err, "does not go up");
	assert_int_equal(f.trace.n, 2);
	fixture_fini(&f);
}

static void test_unwind__endless_recursion_is_cut(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, true);
	row(&f, 1, ORC_CALL, BASE_SP, 8, 0, 0);
	for (uint64_t va = TASK; va < TASK_END; va += 8)
		put(&f, va, RET(1));
	start_at(&f, RET(1), TASK + 8, 0);
	assert_int_equal(unwind(&f), KCO_E_RANGE);
	assert_int_equal(f.trace.n, KCO_FRAMES_MAX);
	assert_msg(&f.err, "more than 512 frames");
	fixture_fini(&f);
}

static void test_unwind__torn_stack_has_its_reason_and_marked_guesses(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, true);
	call_chain(&f);
	put(&f, TASK_END - 0x100 + 16, 0xdeadbeefdeadbeef);
	assert_int_equal(unwind(&f), KCO_E_CORRUPT);
	assert_msg(&f.err, "0xdeadbeefdeadbeef");
	assert_msg(&f.err, "is not code");
	// RET(3) lies further up, and its row ends the stack.
	assert_int_equal(f.trace.n, 2);
	frame(&f, 1, RET(3), KCO_BY_SCAN);
	fixture_fini(&f);
}

static void test_unwind__missing_page_of_the_stack_is_told(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, true);
	call_chain(&f);
	f.m.missing[pa_of(TASK_END - 8) / 4096] = 1;
	assert_int_equal(unwind(&f), KCO_E_NOT_SAVED);
	assert_int_equal(f.trace.n, 1);
	frame(&f, 0, RET(1), KCO_BY_REGS);
	assert_msg(&f.err, "stack at 0xffffc90000003f10");
	assert_msg(&f.err, "not saved");
	fixture_fini(&f);
}

static void test_unwind__stack_pointer_off_all_stacks(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, true);
	call_chain(&f);
	start_at(&f, RET(1), 0xffffc90000005000, 0);
	assert_int_equal(unwind(&f), KCO_E_CORRUPT);
	assert_msg(&f.err, "0xffffc90000005000 is on no stack of the task");
	assert_int_equal(f.trace.n, 1);
	fixture_fini(&f);
}

static void test_unwind__call_of_a_null_pointer_leads_to_the_caller(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, true);
	call_chain(&f);
	put(&f, TASK_END - 0x108, RET(1));
	start_at(&f, 0, TASK_END - 0x108, 0);
	f.task.flags = KCO_TASK_ACTIVE;
	assert_int_equal(unwind(&f), KCO_OK);
	assert_int_equal(f.trace.n, 4);
	frame(&f, 0, 0, KCO_BY_REGS);
	frame(&f, 1, RET(1), KCO_BY_ORC);
	frame(&f, 3, RET(3), KCO_BY_ORC);
	fixture_fini(&f);
}

static void test_unwind__function_without_row_is_left_by_its_call(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, true);
	// 2 called 3, which has no row; stale return addresses of other calls lie in its frame.
	row(&f, 2, ORC_CALL, BASE_SP, 8, 0, 0);
	row(&f, 10, ORC_END, 0, 0, 0, 0);
	row(&f, 7, ORC_CALL, BASE_SP, 8, 0, 0);
	row(&f, 8, ORC_CALL, BASE_SP, 8, 0, 0);
	row(&f, 1, ORC_CALL, BASE_SP, 8, 0, 0);
	put(&f, TASK + 0x108, RET(7)); // calls what lies behind
	put(&f, TASK + 0x110, RET(20));
	put(&f, TASK + 0x118, RET(0)); // calls what has a row
	put(&f, TASK + 0x128, RET(2));
	put(&f, TASK + 0x130, RET(10));
	f.task.flags = KCO_TASK_ACTIVE;
	start_at(&f, NO_CALL(3), TASK + 0x100, 0x1234);
	assert_int_equal(unwind(&f), KCO_OK);
	assert_int_equal(f.trace.n, 3);
	frame(&f, 1, RET(2), KCO_BY_SCAN);
	assert_int_equal(f.trace.frames[1].slot, TASK + 0x128);
	assert_int_equal(f.trace.frames[1].fp, 0x1234);
	// One certain step is no reason to doubt what follows.
	frame(&f, 2, RET(10), KCO_BY_ORC);
	fixture_fini(&f);
}

static void test_unwind__entry_code_without_row_has_the_registers_on_top(void **state)
{
	struct fixture f;

	(void)state;
	for (int user = 0; user < 2; user++) {
		fixture_init(&f, true);
		row(&f, 1, ORC_CALL, BASE_SP, 16, 0, 0);
		start_at(&f, RET(1), USER_REGS - 16, 0);
		put(&f, USER_REGS - 8, RET(2));
		f.user_thread = user;
		if (user)
			put_regs(&f, USER_REGS, false, 0x401000, 0x33, 0x7ffc1000);
		assert_int_equal(unwind(&f), KCO_OK);
		assert_int_equal(f.trace.n, 2 + user);
		frame(&f, 1, RET(2), KCO_BY_ORC);
		if (user)
			assert_int_equal(f.trace.frames[2].kind, KCO_FRAME_USER);
		fixture_fini(&f);
	}
	// In the middle of the stack: what was interrupted goes on above it.
	fixture_init(&f, true);
	row(&f, 1, ORC_CALL, BASE_SP, 16, 0, 0);
	row(&f, 4, ORC_END, 0, 0, 0, 0);
	start_at(&f, RET(1), TASK + 0x100, 0);
	put(&f, TASK + 0x108, RET(2));
	put_regs(&f, TASK + 0x110, false, NO_CALL(4), 0x10, TASK + 0x200);
	assert_int_equal(unwind(&f), KCO_OK);
	assert_int_equal(f.trace.n, 3);
	frame(&f, 2, NO_CALL(4), KCO_BY_SCAN);
	assert_int_equal(f.trace.frames[2].kind, KCO_FRAME_EXCEPTION);
	assert_non_null(f.trace.frames[2].regs);
	fixture_fini(&f);
}

static void test_unwind__scan_leaves_an_interrupt_stack_by_its_first_word(void **state)
{
	struct fixture f;

	(void)state;
	for (int tables = 0; tables < 2; tables++) {
		fixture_init(&f, tables);
		row(&f, 1, ORC_CALL, BASE_SP, 16, 0, 0);
		f.task.flags = KCO_TASK_ACTIVE;
		start_at(&f, NO_CALL(1), IRQ + 4096 - 8, 0);
		put(&f, IRQ + 4096 - 8, TASK + 0x800);
		put(&f, TASK + 0x808, RET(3));
		assert_int_equal(unwind(&f), tables ? KCO_E_NOSYM : KCO_OK); // nothing tells about 3
		assert_int_equal(f.trace.n, 2);
		frame(&f, 1, RET(3), KCO_BY_SCAN);
		assert_string_equal(f.trace.frames[0].stack, "IRQ");
		assert_string_equal(f.trace.frames[1].stack, "task");
		fixture_fini(&f);
		// A link to where the walk has been is none.
		fixture_init(&f, tables);
		row(&f, 1, ORC_CALL, BASE_SP, 16, 0, 0);
		f.task.flags = KCO_TASK_ACTIVE;
		start_at(&f, NO_CALL(1), IRQ + 4096 - 8, 0);
		put(&f, IRQ + 4096 - 8, IRQ + 0x800);
		put(&f, IRQ + 0x808, RET(3));
		assert_int_equal(unwind(&f), KCO_OK);
		assert_int_equal(f.trace.n, 1);
		fixture_fini(&f);
	}
}

static void test_unwind__many_addresses_do_not_mix_up_their_rows(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, true);
	for (int i = 0; i < 64; i++) {
		row(&f, i, ORC_CALL, BASE_SP, 8 + 8 * i, 0, 0);
		put(&f, TASK + 8 * (uint64_t)i, RET(63));
	}
	row(&f, 63, ORC_END, 0, 0, 0, 0);
	f.task.flags = KCO_TASK_ACTIVE;
	fixture_open(&f);
	// More than are remembered at once, twice.
	for (uint64_t i = 0; i < UINT64_C(2) * 63 * 64; i++) {
		uint64_t offset = i * 37 % (63 * 64);

		start_at(&f, TEXT + offset, TASK, 0);
		assert_int_equal(kco_unwind_task(f.uw, &f.task, &f.trace, NULL), KCO_OK);
		assert_int_equal(f.trace.n, 2);
		assert_int_equal(f.trace.frames[1].slot, TASK + 8 * (offset / 64));
	}
	fixture_fini(&f);
}

/* rbp chain: function 1, 2, 3. */
static void fp_chain(struct fixture *f)
{
	start_at(f, RET(1), TASK + 0x100, TASK + 0x120);
	put(f, TASK + 0x120, TASK + 0x180);
	put(f, TASK + 0x128, RET(2));
	put(f, TASK + 0x180, 0);
	put(f, TASK + 0x188, RET(3));
}

static void test_unwind__without_tables_by_frame_pointers(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, false);
	fp_chain(&f);
	assert_int_equal(unwind(&f), KCO_OK);
	assert_int_equal(f.trace.n, 3);
	frame(&f, 1, RET(2), KCO_BY_FP);
	frame(&f, 2, RET(3), KCO_BY_FP);
	assert_int_equal(f.trace.frames[1].slot, TASK + 0x128);
	assert_int_equal(f.trace.frames[2].sp, TASK + 0x190);
	fixture_fini(&f);
}

static void test_unwind__looping_frame_pointers_end(void **state)
{
	static const uint64_t back[] = { TASK + 0x120, TASK + 0x180, TASK + 0x100 };
	struct fixture f;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		fixture_init(&f, false);
		fp_chain(&f);
		put(&f, TASK + 0x180, back[i]);
		assert_int_equal(unwind(&f), KCO_E_CORRUPT);
		assert_int_equal(f.trace.n, 3);
		assert_msg(&f.err, "nothing leads on from");
		fixture_fini(&f);
	}
}

static void test_unwind__implausible_frame_pointers_are_not_followed(void **state)
{
	// Off the stack, not aligned, behind its end; and a return address that no call left.
	static const uint64_t bad[] = { 0x1000, TASK + 0x121, TASK_END - 8, UINT64_MAX, TASK + 0x200 };
	struct fixture f;

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		fixture_init(&f, false);
		fp_chain(&f);
		start_at(&f, RET(1), TASK + 0x100, bad[i]);
		put(&f, TASK + 0x208, NO_CALL(9));
		// The scan then finds what is there, and says that it guessed.
		assert_int_equal(unwind(&f), KCO_OK);
		assert_true(f.trace.n >= 2);
		frame(&f, 1, RET(2), KCO_BY_SCAN);
		fixture_fini(&f);
	}
}

static void test_unwind__tagged_frame_pointer_is_a_trap_frame(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, false);
	fp_chain(&f);
	put(&f, TASK + 0x180, (TASK + 0x200) | 1);
	put_regs(&f, TASK + 0x200, false, 0x401000, 0x33, 0x7ffc1000);
	assert_int_equal(unwind(&f), KCO_OK);
	assert_int_equal(f.trace.n, 4);
	frame(&f, 3, 0x401000, KCO_BY_FP);
	assert_int_equal(f.trace.frames[3].kind, KCO_FRAME_USER);
	fixture_fini(&f);
}

static void test_unwind__scan_takes_only_what_a_call_could_have_left(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, false);
	start_at(&f, RET(1), TASK + 0x100, 0);
	put(&f, TASK + 0x100, 0x1234);
	put(&f, TASK + 0x108, NO_CALL(5)); // text, but no call before it
	put(&f, TASK + 0x110, RET(2));	   // found
	put(&f, TASK + 0x11c, RET(4));	   // not aligned
	put(&f, TASK + 0x2000, RET(3));	   // found
	put(&f, USER_REGS + 8, RET(6));	   // a user register
	put_regs(&f, USER_REGS, false, 0x401000, 0x33, 0x7ffc1000);
	put(&f, USER_REGS + 8, RET(6));
	f.user_thread = true;
	kco_regs_set(&f.regs, X86_64_RBP, 0x55);
	assert_int_equal(unwind(&f), KCO_OK);
	assert_int_equal(f.trace.n, 4);
	frame(&f, 1, RET(2), KCO_BY_SCAN);
	frame(&f, 2, RET(3), KCO_BY_SCAN);
	// The user's registers lie where they always do: no guess.
	frame(&f, 3, 0x401000, KCO_BY_REGS);
	assert_int_equal(f.trace.frames[3].kind, KCO_FRAME_USER);
	fixture_fini(&f);
}

static void test_unwind__lost_registers_leave_a_guessed_chain_and_the_reason(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, true);
	call_chain(&f);
	row(&f, 2, ORC_CALL, BASE_SP, 0x80, 0, 0);
	f.no_regs = true;
	put(&f, TASK + 0x500, RET(1)); // leads nowhere
	put(&f, TASK_END - 0x108, RET(1));
	put(&f, TASK_END - 0x100 + 24 + 0x80 - 8, RET(3));
	assert_int_equal(unwind(&f), KCO_E_RANGE);
	assert_string_equal(f.trace.why, "no registers");
	assert_int_equal(f.trace.n, 3);
	frame(&f, 0, RET(1), KCO_BY_SCAN);
	frame(&f, 1, RET(2), KCO_BY_SCAN);
	frame(&f, 2, RET(3), KCO_BY_SCAN);
	fixture_fini(&f);
}

static void test_unwind__dead_task_without_stack_has_no_frames(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, true);
	f.task.stack = 0;
	assert_int_equal(unwind(&f), KCO_OK);
	assert_int_equal(f.trace.n, 0);
	fixture_fini(&f);
}

static void test_unwind__random_stacks_never_hang_or_overrun(void **state)
{
	uint64_t seed = 1;

	(void)state;
	for (int round = 0; round < 200; round++) {
		struct fixture f;

		fixture_init(&f, round % 4 != 0);
		for (int i = 0; i < 64; i++)
			row(&f, i, (int)(unit_random(&seed) % 6), (int)(unit_random(&seed) % 16),
			    (int)(unit_random(&seed) % 256) - 64, (int)(unit_random(&seed) % 6),
			    (int)(unit_random(&seed) % 64) - 32);
		for (uint64_t va = TASK; va < TASK_END; va += 8) {
			uint64_t r = unit_random(&seed);

			put(&f, va,
			    r % 3 == 0	 ? RET(r >> 8 & 63)
			    : r % 3 == 1 ? TASK + (r >> 8 & 0x3ff8)
					 : NMI + (r >> 8 & 0xff8));
		}
		for (uint64_t va = NMI; va < NMI + 4096; va += 8)
			put(&f, va,
			    unit_random(&seed) % 2 ? RET(unit_random(&seed) & 63) : IRQ + (unit_random(&seed) & 0xff8));
		f.task.flags = round % 2 ? KCO_TASK_ACTIVE : 0;
		start_at(&f, RET(unit_random(&seed) & 63), TASK + (unit_random(&seed) & 0x3ff8),
			 TASK + (unit_random(&seed) & 0x3ff8));
		f.no_regs = round % 7 == 0;
		(void)!unwind(&f);
		assert_true(f.trace.n <= KCO_FRAMES_MAX);
		assert_true(f.trace.nr_regs <= 16);
		fixture_fini(&f);
	}
}

struct delivery {
	const struct kco_task *expected;
	size_t n, stop_after;
	struct fixture *f;
};

static bool deliver(void *arg, const struct kco_task *task, const struct kco_trace *trace)
{
	struct delivery *d = arg;

	assert_ptr_equal(task, d->expected + d->n);
	assert_int_equal(trace->status, KCO_OK);
	assert_int_equal(trace->n, 3);
	assert_int_equal(trace->frames[2].pc, RET(3));
	if (++d->n == d->stop_after && d->stop_after == 77)
		kco_session_cancel(&d->f->s);
	return d->n != d->stop_after || d->stop_after == 77;
}

static void test_unwind_each__order_does_not_depend_on_the_number_of_threads(void **state)
{
	enum { N = 3000 };
	static struct kco_task tasks[N];
	static const struct kco_task *list[N];
	struct fixture f;

	(void)state;
	fixture_init(&f, true);
	call_chain(&f);
	fixture_open(&f);
	for (size_t i = 0; i < N; i++) {
		tasks[i] = f.task;
		list[i] = &tasks[i];
	}
	for (unsigned jobs = 1; jobs <= 8; jobs *= 2) {
		struct delivery d = { .expected = tasks, .f = &f };

		f.s.opts.jobs = jobs;
		assert_int_equal(kco_unwind_each(&f.s, list, N, deliver, &d, NULL), KCO_OK);
		assert_int_equal(d.n, N);
		// Stopped by the receiver: no error.
		d = (struct delivery){ .expected = tasks, .stop_after = 5, .f = &f };
		assert_int_equal(kco_unwind_each(&f.s, list, N, deliver, &d, NULL), KCO_OK);
		assert_int_equal(d.n, 5);
		// Cancelled from outside.
		d = (struct delivery){ .expected = tasks, .stop_after = 77, .f = &f };
		assert_int_equal(kco_unwind_each(&f.s, list, N, deliver, &d, &f.err), KCO_E_CANCELLED);
		assert_int_equal(d.n, 77);
		kco_session_cancel_clear(&f.s);
	}
	assert_int_equal(kco_unwind_each(&f.s, list, 0, deliver, NULL, NULL), KCO_OK);
	fixture_fini(&f);
}

static void test_unwind_each__out_of_memory_leaves_nothing_behind(void **state)
{
	enum { N = 200 };
	static struct kco_task tasks[N];
	static const struct kco_task *list[N];
	struct fixture f;

	(void)state;
	fixture_init(&f, true);
	call_chain(&f);
	fixture_open(&f);
	f.s.opts.jobs = 2;
	for (size_t i = 0; i < N; i++) {
		tasks[i] = f.task;
		list[i] = &tasks[i];
	}
	for (long n = 1; n < 100; n++) {
		struct delivery d = { .expected = tasks, .f = &f };
		enum kco_status status;

		unit_fault_arm(n);
		status = kco_unwind_each(&f.s, list, N, deliver, &d, NULL);
		if (!unit_fault_fired())
			break;
		// Fewer threads, or none at all.
		assert_true(status == KCO_E_NOMEM || d.n == N);
	}
	fixture_fini(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unwind__rows_give_calls_to_the_end),
		cmocka_unit_test(test_unwind__return_address_behind_a_call_that_never_returns),
		cmocka_unit_test(test_unwind__row_with_signal_means_an_exact_caller),
		cmocka_unit_test(test_unwind__return_address_in_a_register_is_the_innermost_frames_only),
		cmocka_unit_test(test_unwind__task_that_never_ran_begins_at_a_function),
		cmocka_unit_test(test_unwind__user_boundary_has_the_user_registers),
		cmocka_unit_test(test_unwind__cpu_in_user_mode_is_one_frame),
		cmocka_unit_test(test_unwind__crosses_stacks_and_names_them),
		cmocka_unit_test(test_unwind__stack_entered_twice_ends_with_a_reason),
		cmocka_unit_test(test_unwind__stack_that_does_not_go_up_ends),
		cmocka_unit_test(test_unwind__endless_recursion_is_cut),
		cmocka_unit_test(test_unwind__torn_stack_has_its_reason_and_marked_guesses),
		cmocka_unit_test(test_unwind__missing_page_of_the_stack_is_told),
		cmocka_unit_test(test_unwind__stack_pointer_off_all_stacks),
		cmocka_unit_test(test_unwind__call_of_a_null_pointer_leads_to_the_caller),
		cmocka_unit_test(test_unwind__function_without_row_is_left_by_its_call),
		cmocka_unit_test(test_unwind__entry_code_without_row_has_the_registers_on_top),
		cmocka_unit_test(test_unwind__scan_leaves_an_interrupt_stack_by_its_first_word),
		cmocka_unit_test(test_unwind__many_addresses_do_not_mix_up_their_rows),
		cmocka_unit_test(test_unwind__without_tables_by_frame_pointers),
		cmocka_unit_test(test_unwind__looping_frame_pointers_end),
		cmocka_unit_test(test_unwind__implausible_frame_pointers_are_not_followed),
		cmocka_unit_test(test_unwind__tagged_frame_pointer_is_a_trap_frame),
		cmocka_unit_test(test_unwind__scan_takes_only_what_a_call_could_have_left),
		cmocka_unit_test(test_unwind__lost_registers_leave_a_guessed_chain_and_the_reason),
		cmocka_unit_test(test_unwind__dead_task_without_stack_has_no_frames),
		cmocka_unit_test(test_unwind__random_stacks_never_hang_or_overrun),
		cmocka_unit_test(test_unwind_each__order_does_not_depend_on_the_number_of_threads),
		cmocka_unit_test(test_unwind_each__out_of_memory_leaves_nothing_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
