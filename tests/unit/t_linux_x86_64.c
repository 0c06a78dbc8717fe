// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which registers belong to which CPU: notes of hypervisors and of kexec, in
 * whatever order, and what the crashed kernel left in its memory.
 */
#include "linux_x86_64.h"

#include <string.h>

#include "linux.h"
#include "memimage.h"
#include "unit.h"
#include "x86_64.h"

#define ROOT 0x1000
#define DATA UINT64_C(0xffffffff82000000)				    /* kernel variables, page 32 */
#define PERCPU(cpu) (UINT64_C(0xffff888000000000) + 4096 * (uint64_t)(cpu)) /* page 33 and on */
#define NOTES_OFFSET 0x40
#define CPUS 4

struct fixture {
	struct memimage m;
	struct kco_session s;
	struct linux_os os;
	uint64_t percpu[CPUS];
	uint8_t online[CPUS];
	struct kco_note notes[2 * CPUS];
	uint8_t desc[2 * CPUS][440];
	bool crash_notes; /* the symbol exists */
	struct kco_err err;
	struct kco_regs regs;
};

static struct fixture *current;

static enum kco_status by_name(struct kco_symbol_source *src, const char *name, struct kco_symbol *ret,
			       struct kco_err *err)
{
	(void)src;
	if (strcmp(name, "crash_notes") != 0 || !current->crash_notes)
		return kco_fail(err, KCO_E_NOSYM, "no symbol %s", name);
	*ret = (struct kco_symbol){ .addr = DATA, .name = "crash_notes", .type = 'B' };
	return KCO_OK;
}

static void source_free(struct kco_symbol_source *src)
{
	(void)src;
}

static const struct kco_symbol_source_ops source_ops = { .name = "test", .by_name = by_name, .free = source_free };
static struct kco_symbol_source source = { .ops = &source_ops, .last = UINT64_MAX };

static void fixture_init(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	current = f;
	f->m.next_table = 2;
	memimage_map_at(&f->m, ROOT, 4, DATA, 32 * 4096 | 3, 1);
	memimage_put(&f->m, 32 * 4096, NOTES_OFFSET);
	for (unsigned cpu = 0; cpu < CPUS; cpu++) {
		memimage_map_at(&f->m, ROOT, 4, PERCPU(cpu), (uint64_t)(33 + cpu) * 4096 | 3, 1);
		f->percpu[cpu] = PERCPU(cpu);
		f->online[cpu] = 1;
	}
	f->os = (struct linux_os){ .percpu_offset = f->percpu, .nr_cpus = CPUS, .online = f->online };
	f->os.lazy_cpus.tried = f->s.lazy_os.tried = f->s.lazy_symbols.tried = f->s.lazy_types.tried = true;
	kco_fail(&f->s.lazy_types.err, KCO_E_NOTYPE, "no types in this test");
	f->s.os_priv = &f->os;
	f->s.arch = kco_arch_by_machine(62);
	f->s.kernel = (struct kco_space){
		.arch = f->s.arch,
		.form = f->s.arch->paging[0],
		.root = KCO_PADDR(ROOT),
		.addr_mask = f->s.arch->phys_mask,
		.id = 1,
	};
	memimage_open(&f->m);
	f->s.image = f->m.image;
	f->m.image->notes = f->notes;
	assert_int_equal(kco_mem_new(f->m.image, &f->s.mem, NULL), KCO_OK);
	f->s.symbols = kco_symbols_new();
	kco_symbols_add_take(f->s.symbols, &source);
}

static void fixture_fini(struct fixture *f)
{
	linux_x86_64_fini(&f->s);
	kco_symbols_free(f->s.symbols);
	kco_mem_free(f->s.mem);
	f->m.image->notes = NULL;
	f->m.image->nr_notes = 0;
	kco_image_free(f->m.image);
}

static uint8_t *add_note(struct fixture *f, const char *name, uint32_t type, uint32_t size)
{
	size_t i = f->m.image->nr_notes++;

	f->notes[i] = (struct kco_note){ .name = name, .type = type, .size = size, .desc = f->desc[i] };
	return f->desc[i];
}

static void set64(uint8_t *desc, size_t offset, uint64_t value)
{
	memcpy(desc + offset, &value, 8);
}

/* A QEMU note: rip at 136, GS base at 264, cr0 at 392, kernel GS base at 432. */
static void qemu(struct fixture *f, uint64_t rip, uint64_t gs, uint64_t kernel_gs, uint64_t cr0)
{
	uint8_t *desc = add_note(f, "QEMU", 0, 440);

	set64(desc, 136, rip);
	set64(desc, 264, gs);
	set64(desc, 392, cr0);
	set64(desc, 432, kernel_gs);
}

static void prstatus(struct fixture *f, uint64_t rip)
{
	set64(add_note(f, "CORE", 1, 336), 112 + 16 * 8, rip);
}

/* What crash_save_cpu() leaves: an ELF note. */
static void left_in_memory(struct fixture *f, unsigned cpu, uint64_t rip)
{
	uint8_t *note = f->m.bytes + (33 + cpu) * 4096 + NOTES_OFFSET;

	memcpy(note, (uint32_t[]){ 5, 336, 1 }, 12);
	memcpy(note + 12, "CORE", 5);
	set64(note + 20, 112 + 16 * 8, rip);
}

static enum kco_status cpu_regs(struct fixture *f, unsigned cpu)
{
	f->err = KCO_ERR_INIT;
	return linux_x86_64_cpu_regs(&f->s, cpu, &f->regs, &f->err);
}

static void has_rip(struct fixture *f, unsigned cpu, uint64_t rip)
{
	// Asked twice: from the note, and from what is remembered.
	for (int i = 0; i < 2; i++) {
		if (cpu_regs(f, cpu))
			fail_msg("CPU %u: %s", cpu, f->err.msg);
		assert_int_equal(f->regs.v[X86_64_RIP], rip);
	}
}

static void test_cpu_regs__qemu_notes_are_matched_by_their_gs_base(void **state)
{
	static struct fixture f;

	(void)state;
	fixture_init(&f);
	qemu(&f, 0x100, PERCPU(2), 0, 0x80000001);
	qemu(&f, 0x101, 0x7f1234, PERCPU(0), 0x80000001); // in user mode
	qemu(&f, 0x102, PERCPU(1), 0, 0x80000001);
	qemu(&f, 0x103, PERCPU(3), 0, 0x00000010); // still in real mode
	has_rip(&f, 0, 0x101);
	has_rip(&f, 1, 0x102);
	has_rip(&f, 2, 0x100);
	assert_int_equal(cpu_regs(&f, 3), KCO_E_RANGE);
	assert_msg(&f.err, "CPU 3 did not run the kernel");
	assert_int_equal(cpu_regs(&f, 3), KCO_E_RANGE);
	assert_msg(&f.err, "CPU 3 did not run the kernel");
	assert_int_equal(cpu_regs(&f, 4), KCO_E_RANGE);
	assert_msg(&f.err, "no CPU 4: there are 4");
	fixture_fini(&f);
}

static void test_cpu_regs__qemu_number_counts_where_gs_tells_nothing(void **state)
{
	static struct fixture f;

	(void)state;
	fixture_init(&f);
	qemu(&f, 0x100, 1, 2, 0x80000001);
	qemu(&f, 0x101, PERCPU(2), 0, 0x80000001);
	has_rip(&f, 0, 0x100);
	// The second note is another CPU's, the third and fourth are not there.
	assert_int_equal(cpu_regs(&f, 1), KCO_E_RANGE);
	assert_msg(&f.err, "no note holds the registers of CPU 1");
	has_rip(&f, 2, 0x101);
	assert_int_equal(cpu_regs(&f, 3), KCO_E_RANGE);
	fixture_fini(&f);
}

static void test_cpu_regs__kexec_by_what_each_cpu_left_in_memory(void **state)
{
	static struct fixture f;

	(void)state;
	fixture_init(&f);
	f.crash_notes = true;
	left_in_memory(&f, 1, 0x201);
	left_in_memory(&f, 3, 0x203);
	// The file has the notes of those that left some, so its order is no CPU number.
	prstatus(&f, 0x201);
	prstatus(&f, 0x203);
	has_rip(&f, 1, 0x201);
	has_rip(&f, 3, 0x203);
	assert_int_equal(cpu_regs(&f, 0), KCO_E_RANGE);
	assert_msg(&f.err, "CPU 0 left no registers");
	assert_int_equal(cpu_regs(&f, 2), KCO_E_RANGE);
	fixture_fini(&f);
}

static void test_cpu_regs__notes_in_the_order_of_online_cpus(void **state)
{
	static struct fixture f;

	(void)state;
	for (int with_symbol = 0; with_symbol < 2; with_symbol++) {
		fixture_init(&f);
		f.crash_notes = with_symbol; // there, but nobody wrote to it
		f.online[1] = 0;
		for (uint64_t i = 0; i < 3; i++)
			prstatus(&f, 0x300 + i);
		has_rip(&f, 0, 0x300);
		has_rip(&f, 2, 0x301);
		has_rip(&f, 3, 0x302);
		assert_int_equal(cpu_regs(&f, 1), KCO_E_RANGE);
		assert_msg(&f.err, "CPU 1 was offline");
		fixture_fini(&f);
	}
}

static void test_cpu_regs__note_of_a_cpu_outside_long_mode(void **state)
{
	static struct fixture f;

	(void)state;
	fixture_init(&f);
	add_note(&f, "CORE", 1, 144);
	assert_int_equal(cpu_regs(&f, 0), KCO_E_RANGE);
	assert_msg(&f.err, "its note has 144 bytes");
	fixture_fini(&f);
	fixture_init(&f);
	add_note(&f, "QEMU", 0, 100);
	assert_int_equal(cpu_regs(&f, 0), KCO_E_UNSUPPORTED);
	assert_msg(&f.err, "100 bytes, not 440");
	fixture_fini(&f);
}

static void test_cpu_regs__no_notes_at_all(void **state)
{
	static struct fixture f;

	(void)state;
	fixture_init(&f);
	assert_true(cpu_regs(&f, 0) < 0);
	assert_msg(&f.err, "CPU 0");
	fixture_fini(&f);
}

static void test_user_regs__lie_at_the_end_of_the_stack(void **state)
{
	static struct fixture f;
	struct kco_task task = { .stack = 0xffffc90000000000, .stack_size = 16384 };

	(void)state;
	fixture_init(&f);
	assert_int_equal(linux_x86_64_user_regs(&f.s, &task), 0xffffc90000000000 + 16384 - 168);
	task.flags = KCO_TASK_KTHREAD;
	assert_int_equal(linux_x86_64_user_regs(&f.s, &task), 0);
	task = (struct kco_task){ .stack_size = 16384 };
	assert_int_equal(linux_x86_64_user_regs(&f.s, &task), 0);
	fixture_fini(&f);
}

static void test_trap_frame__both_forms_agree(void **state)
{
	const struct kco_regset *all = linux_x86_64_trap_frame(NULL, false),
				*part = linux_x86_64_trap_frame(NULL, true);
	struct kco_regs a = { 0 }, b = { 0 };
	uint8_t bytes[168];

	(void)state;
	assert_int_equal(all->desc_size, 168);
	assert_int_equal(part->desc_size, 40);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 3);
	kco_regset_decode(all, bytes, sizeof(bytes), &a);
	kco_regset_decode(part, bytes + 128, 40, &b);
	assert_int_equal(__builtin_popcountll(a.known), 21);
	assert_int_equal(__builtin_popcountll(b.known), 5);
	for (unsigned reg = 0; reg < KCO_REGS_MAX; reg++)
		if (b.known >> reg & 1)
			assert_int_equal(a.v[reg], b.v[reg]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cpu_regs__qemu_notes_are_matched_by_their_gs_base),
		cmocka_unit_test(test_cpu_regs__qemu_number_counts_where_gs_tells_nothing),
		cmocka_unit_test(test_cpu_regs__kexec_by_what_each_cpu_left_in_memory),
		cmocka_unit_test(test_cpu_regs__notes_in_the_order_of_online_cpus),
		cmocka_unit_test(test_cpu_regs__note_of_a_cpu_outside_long_mode),
		cmocka_unit_test(test_cpu_regs__no_notes_at_all),
		cmocka_unit_test(test_user_regs__lie_at_the_end_of_the_stack),
		cmocka_unit_test(test_trap_frame__both_forms_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
