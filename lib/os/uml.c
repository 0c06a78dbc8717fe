// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The personality of User-Mode Linux: its row, finding the kernel, tasks.
 *
 * The dump is the core of the host's process that was the kernel. Its address
 * space is the kernel's, so that nothing needs a page walk but guest processes.
 * Physical address 0 is where the kernel's program was loaded (uml_physmem,
 * arch/um/kernel/um_arch.c), and there its ELF header lies, which says how far
 * the image reaches and where its notes are, build-id among them.
 */
#include "uml.h"

#include <elf.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <kco/endian.h>

#include "linux_page.h"
#include "linux_process.h"

#define UML_PHDRS_MAX 64
#define UML_NOTES_MAX 4096
#define UML_VMCOREINFO_MAX 65536
/* Without an ELF header at the beginning: how far tables of symbols are looked for. */
#define UML_IMAGE_GUESS (UINT64_C(64) << 20)

/* The segment of virtual memory whose first byte is physical address 0. */
static enum kco_status uml_find_base(struct kco_session *s, uint64_t *ret, struct kco_err *err)
{
	struct kco_reader *rd = kco_mem_reader(s->mem);
	const struct kco_segment *seg;
	uint64_t va = 0, first;

	while ((seg = kco_reader_next(rd, KCO_VIRT, va)) != NULL) {
		struct kco_segment_page page;

		first = seg->first;
		va = seg->last + 1;
		// The linear map has no pages; other pieces of the memory have.
		if (!kco_reader_translate(rd, first, &page, NULL) && page.size == 0) {
			*ret = first - page.pa.v;
			return KCO_OK;
		}
		if (!va)
			break;
	}
	*ret = 0;
	return kco_fail(err, KCO_E_CORRUPT, "the core does not tell where the machine's memory begins");
}

/* A process whose core has a machine's memory in it: the format has found that by what was mapped where. */
static int uml_detect(struct kco_session *s)
{
	uint64_t base;

	if (!kco_image_note(s->image, "CORE", NT_FILE, 0) || uml_find_base(s, &base, NULL))
		return 0;
	return 100;
}

/* What the program's own ELF header, at @base, says of the image. */
static bool uml_image_header(struct kco_session *s, struct uml *uml, uint64_t base)
{
	uint8_t raw[sizeof(Elf64_Ehdr)], ph[sizeof(Elf64_Phdr)];
	uint64_t lowest = UINT64_MAX, end = 0;
	Elf64_Ehdr e;
	Elf64_Phdr p;

	if (kco_kread(s, base, raw, sizeof(raw), NULL, NULL) || memcmp(raw, ELFMAG, SELFMAG) ||
	    raw[EI_CLASS] != ELFCLASS64 || raw[EI_DATA] != ELFDATA2LSB)
		return false;
	memcpy(&e, raw, sizeof(e));
	if (e.e_phentsize != sizeof(Elf64_Phdr) || e.e_phnum > UML_PHDRS_MAX)
		return false;
	for (unsigned i = 0; i < e.e_phnum; i++) {
		if (kco_kread(s, base + e.e_phoff + i * sizeof(ph), ph, sizeof(ph), NULL, NULL))
			return false;
		memcpy(&p, ph, sizeof(p));
		if (p.p_type == PT_LOAD && p.p_memsz && p.p_vaddr < lowest)
			lowest = p.p_vaddr;
		if (p.p_type == PT_LOAD && p.p_memsz <= UINT64_MAX - p.p_vaddr && p.p_vaddr + p.p_memsz > end)
			end = p.p_vaddr + p.p_memsz;
		if (p.p_type == PT_NOTE && !uml->notes) {
			uml->notes = p.p_vaddr;
			uml->notes_size = p.p_memsz;
		}
	}
	lowest &= ~UINT64_C(4095);
	if (end <= lowest)
		return false;
	uml->first = base;
	uml->end = end - lowest + base;
	if (uml->notes)
		uml->notes += base - lowest;
	return true;
}

static enum kco_status uml_kernel_range(struct kco_session *s, uint64_t *first, uint64_t *end, struct kco_err *err)
{
	(void)err;
	*first = uml_of(s)->first;
	*end = uml_of(s)->end;
	return KCO_OK;
}

/* Does it name this kernel's build? Those of other kernels may lie in memory, in a page of a file. */
static enum kco_status uml_prove(struct kco_session *s, struct kco_err *err)
{
	uint64_t text;
	enum kco_status st = kco_session_vmcoreinfo_uint(s, "SYMBOL(_stext)", &text, err);

	if (!st && (text < uml_of(s)->first || text >= uml_of(s)->end))
		st = kco_fail(err, KCO_E_CORRUPT, "VMCOREINFO of a kernel at %#" PRIx64 ", this one is at %#" PRIx64,
			      text, uml_of(s)->first);
	return st;
}

static const struct linux_variant uml_variant = {
	.kernel_range = uml_kernel_range,
	.prove = uml_prove,
	.entry = uml_entry,
};

static enum kco_status uml_init(struct kco_session *s, struct kco_err *err)
{
	const struct kco_arch_ops *arch = kco_arch_by_machine(s->image->facts.elf_machine);
	struct linux_os *os;
	enum kco_status st;
	uint64_t base;

	if (s->image->facts.elf_machine != EM_X86_64 || !arch)
		return kco_fail(err, KCO_E_UNSUPPORTED, "User-Mode Linux on ELF machine %u: only x86_64 is supported",
				s->image->facts.elf_machine);
	st = linux_os_new(s, err);
	if (st)
		return st;
	os = linux_of(s);
	os->variant = &uml_variant;
	os->uml = kco_arena_alloc(&s->arena, sizeof(*os->uml));
	if (!os->uml)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	kco_session_set_kernel(s, arch, NULL, KCO_PADDR(0), arch->phys_mask);
	st = uml_find_base(s, &base, err);
	if (st)
		return st;
	if (!uml_image_header(s, os->uml, base)) {
		os->uml->first = base;
		os->uml->end = base + UML_IMAGE_GUESS;
	}
	return KCO_OK;
}

/*
 * The text of VMCOREINFO, which a kernel with CONFIG_CRASH_CORE keeps. Symbols of
 * variables (CONFIG_KALLSYMS_ALL) say where, and then it is not needed for much;
 * without them it is all that tells the kernel's release, and worth a search.
 */
static void uml_vmcoreinfo(struct kco_session *s)
{
	const struct kco_err none = KCO_ERR_INIT;
	uint64_t at, size;
	char *text;

	if (s->vmcoreinfo)
		return;
	if (os_variable(s, "vmcoreinfo_data", 8, &at, NULL) || !at ||
	    os_variable(s, "vmcoreinfo_size", 8, &size, NULL) || !size || size > UML_VMCOREINFO_MAX) {
		if (os_symbol(s, &at, NULL, "init_uts_ns", NULL))
			(void)!linux_boot_scan(s, &none, NULL);
		return;
	}
	text = calloc(1, (size_t)size + 1);
	if (!text)
		return;
	if (kco_kread(s, at, text, (size_t)size, NULL, NULL)) {
		free(text);
		return;
	}
	s->vmcoreinfo = text;
	s->vmcoreinfo_size = strlen(text);
}

static enum kco_status uml_symbols(struct kco_session *s, struct kco_symbols *syms, struct kco_err *err)
{
	enum kco_status st = kco_os_linux.symbols(s, syms, err);

	if (!st)
		uml_vmcoreinfo(s);
	return st;
}

static enum kco_status uml_build_id(struct kco_session *s, uint8_t *id, size_t *size, struct kco_err *err)
{
	struct uml *uml = uml_of(s);
	uint64_t n = uml->notes_size < UML_NOTES_MAX ? uml->notes_size : UML_NOTES_MAX;

	if (!uml->notes)
		return kco_os_linux.build_id(s, id, size, err);
	return linux_read_build_id(s, uml->notes, n, id, size, err);
}

/* The program lies where it was linked. */
static enum kco_status uml_bias(struct kco_session *s, struct kco_debuginfo *di, uint64_t *ret, struct kco_err *err)
{
	(void)s;
	(void)di;
	(void)err;
	*ret = 0;
	return KCO_OK;
}

struct uml_tasks {
	enum kco_status (*add)(void *arg, const struct kco_task *task);
	void *arg;
};

/* There is one CPU, and no task says on which it runs. */
static enum kco_status uml_task(void *arg, const struct kco_task *task)
{
	const struct uml_tasks *tasks = arg;
	struct kco_task copy = *task;

	if (copy.cpu < 0)
		copy.cpu = 0;
	return tasks->add(tasks->arg, &copy);
}

static enum kco_status uml_tasks(struct kco_session *s, enum kco_status (*add)(void *arg, const struct kco_task *task),
				 void *arg, struct kco_err *err)
{
	struct uml_tasks tasks = { add, arg };
	struct kco_err why = KCO_ERR_INIT;

	if (uml_fields_load(s, &why))
		kco_session_warn(s, "registers of tasks are not known: %s", why.msg);
	return kco_os_linux.tasks(s, uml_task, &tasks, err);
}

/* The stack on which the host delivers signals, which are the machine's interrupts. */
static size_t uml_cpu_stacks(struct kco_session *s, unsigned cpu, struct kco_stack_range *ranges, size_t max)
{
	uint64_t first, size;

	if (cpu || !max || os_symbol(s, &first, NULL, "cpu0_irqstack", NULL) || !s->types ||
	    kco_types_sizeof(s->types, "thread_union", &size, NULL))
		return 0;
	*ranges = (struct kco_stack_range){ "IRQ", first, first + size };
	return 1;
}

static enum kco_status uml_space(struct kco_process *p, struct kco_space *ret, struct kco_err *err)
{
	struct kco_session *s = p->session;
	enum kco_status st = kco_os_linux.process->space(p, ret, err);

	if (st)
		return st;
	(void)!uml_fields_load(s, NULL);
	ret->form = uml_of(s)->paging;
	if (!ret->form)
		return kco_fail(err, KCO_E_UNSUPPORTED, "the kernel's page tables have a form that is not known");
	return KCO_OK;
}

struct uml_vmas {
	enum kco_status (*add)(void *arg, const struct kco_vma *vma);
	void *arg;
	uint64_t vdso;
};

static enum kco_status uml_vma(void *arg, const struct kco_vma *vma)
{
	const struct uml_vmas *vmas = arg;
	struct kco_vma copy = *vma;

	if (vmas->vdso && copy.start == vmas->vdso && !copy.file) {
		copy.kind = KCO_VMA_VDSO;
		copy.name = "[vdso]";
	}
	return vmas->add(vmas->arg, &copy);
}

/* The vdso is known by where it is: arch_vma_name() (arch/x86/um/mem_64.c) compares with um_vdso_addr. */
static enum kco_status uml_vmas(struct kco_process *p, enum kco_status (*add)(void *arg, const struct kco_vma *vma),
				void *arg, struct kco_err *torn, struct kco_err *err)
{
	struct uml_vmas vmas = { add, arg, 0 };

	if (os_variable(p->session, "um_vdso_addr", 8, &vmas.vdso, NULL))
		vmas.vdso = 0;
	return kco_os_linux.process->vmas(p, uml_vma, &vmas, torn, err);
}

static const struct kco_os_process_ops uml_process = {
	.space = uml_space,
	.vmas = uml_vmas,
	.thread_regs = uml_thread_regs,
};

static const char *const uml_archs[] = { "x86_64", NULL };

const struct kco_os_ops kco_os_uml = {
	.name = "uml",
	.title = "User-Mode Linux",
	.base = &kco_os_linux,
	.archs = uml_archs,
	.process = &uml_process,
	.detect = uml_detect,
	.init = uml_init,
	.symbols = uml_symbols,
	.tasks = uml_tasks,
	.task_regs = uml_task_regs,
	.cpu_stacks = uml_cpu_stacks,
	.trap_frame = uml_trap_frame,
	.user_regs = uml_user_regs,
	.regs_user = uml_regs_user,
	.cpu_regs = uml_cpu_regs,
	.build_id = uml_build_id,
	.bias = uml_bias,
};
