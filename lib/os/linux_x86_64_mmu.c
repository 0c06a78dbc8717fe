// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The address space of a Linux kernel on x86_64.
 *
 * The kernel image is mapped at __START_KERNEL_map (0xffffffff80000000, Linux
 * Documentation/arch/x86/x86_64/mm.rst), so that its page-table root, a symbol
 * of the image, has the physical address
 *
 *   init_top_pgt - __START_KERNEL_map + phys_base
 *
 * From there on everything is a page walk: nothing else is assumed about the
 * layout, which KASLR shuffles.
 */
#include "linux_x86_64_mmu.h"

#include <elf.h>
#include <inttypes.h>
#include <string.h>

#include "debuginfo.h"

#define MMU_KERNEL_MAP 0xffffffff80000000ull
#define MMU_KERNEL_MAP_SIZE 0x40000000ull /* KERNEL_IMAGE_SIZE at its largest */
#define MMU_STEP 0x200000ull		  /* the kernel is aligned to 2 MiB */

/* What must be known before the first walk. */
struct mmu_facts {
	uint64_t root_va, text_va, phys_base, sme_mask;
	bool has_levels;
	unsigned levels;
};

static enum kco_status mmu_from_vmlinux(struct kco_session *s, struct mmu_facts *facts, struct kco_err *err)
{
	struct kco_debuginfo_request req = { .path = s->opts.vmlinux, .release = "" };
	struct kco_debuginfo *di;
	struct kco_symbol_source *src;
	struct kco_symbol root, text;
	enum kco_status st = kco_debuginfo_open_new(&req, &di, err);

	if (st)
		return st;
	st = kco_debuginfo_symbols_new(di, &src, err);
	if (!st) {
		st = src->ops->by_name(src, "init_top_pgt", &root, err);
		if (st)
			st = src->ops->by_name(src, "init_level4_pgt", &root, NULL);
		if (!st)
			st = src->ops->by_name(src, "_stext", &text, err);
		if (!st) {
			facts->root_va = root.addr + s->opts.kaslr;
			facts->text_va = text.addr + s->opts.kaslr;
		}
		src->ops->free(src);
	}
	kco_debuginfo_free(di);
	return st;
}

static enum kco_status mmu_collect(struct kco_session *s, struct mmu_facts *facts, struct kco_err *err)
{
	struct linux_os *os = linux_of(s);
	uint64_t l5;
	enum kco_status st;

	memset(facts, 0, sizeof(*facts));
	os->has_kaslr = !kco_session_vmcoreinfo_uint(s, "KERNELOFFSET", &os->kaslr, NULL);
	if (s->opts.has_kaslr) {
		os->has_kaslr = true;
		os->kaslr = s->opts.kaslr;
	}
	st = kco_session_vmcoreinfo_uint(s, "SYMBOL(init_top_pgt)", &facts->root_va, NULL);
	if (st)
		st = kco_session_vmcoreinfo_uint(s, "SYMBOL(init_level4_pgt)", &facts->root_va, NULL);
	if (st)
		st = kco_session_vmcoreinfo_uint(s, "SYMBOL(swapper_pg_dir)", &facts->root_va, err);
	if (!st)
		(void)!kco_session_vmcoreinfo_uint(s, "SYMBOL(_stext)", &facts->text_va, NULL);
	if (st && s->opts.vmlinux)
		st = mmu_from_vmlinux(s, facts, err);
	if (st)
		return kco_context(err, st, "where the kernel's page tables are is not known");
	if (s->opts.has_phys_base) {
		facts->phys_base = s->opts.phys_base;
	} else if (kco_session_vmcoreinfo_uint(s, "NUMBER(phys_base)", &facts->phys_base, NULL)) {
		/* Before Linux 401721ecd1dc (v4.10) only the dump's header has it. */
		if (!s->image->facts.has_phys_base)
			return kco_fail(err, KCO_E_NOSYM, "phys_base is not known: give --phys-base");
		facts->phys_base = s->image->facts.phys_base;
	}
	if (kco_session_vmcoreinfo_uint(s, "NUMBER(sme_mask)", &facts->sme_mask, NULL))
		facts->sme_mask = 0;
	if (!kco_session_vmcoreinfo_uint(s, "NUMBER(pgtable_l5_enabled)", &l5, NULL)) {
		facts->has_levels = true;
		facts->levels = l5 ? 5 : 4;
	}
	return KCO_OK;
}

/* Does the walk from this root find the kernel's text where phys_base puts it? */
static enum kco_status mmu_prove(struct kco_session *s, const struct mmu_facts *facts, struct kco_err *err)
{
	uint64_t va = facts->text_va ? facts->text_va : facts->root_va;
	uint64_t expected = va - MMU_KERNEL_MAP + facts->phys_base;
	struct kco_paddr pa;
	enum kco_status st = kco_translate(s->mem, &s->kernel, va, &pa, NULL, err);

	if (st)
		return kco_context(err, st, "page tables at physical 0x%" PRIx64, s->kernel.root.v);
	if (pa.v != expected)
		return kco_fail(err, KCO_E_CORRUPT,
				"page tables at physical 0x%" PRIx64 " put the kernel's text at 0x%" PRIx64
				", phys_base at 0x%" PRIx64,
				s->kernel.root.v, pa.v, expected);
	return KCO_OK;
}

enum kco_status linux_x86_64_space(struct kco_session *s, struct kco_err *err)
{
	const struct kco_arch_ops *arch = kco_arch_by_machine(EM_X86_64);
	struct linux_os *os = linux_of(s);
	struct mmu_facts facts;
	enum kco_status st = mmu_collect(s, &facts, err);
	uint64_t root;

	if (st)
		return st;
	if (!arch)
		return kco_fail(err, KCO_E_UNSUPPORTED, "x86_64 is not built in");
	root = facts.root_va - MMU_KERNEL_MAP + facts.phys_base;
	st = KCO_E_UNSUPPORTED;
	for (const struct kco_paging *const *form = arch->paging; *form; form++) {
		struct kco_err mine = KCO_ERR_INIT;

		if (facts.has_levels && (*form)->levels != facts.levels)
			continue;
		kco_session_set_kernel(s, arch, *form, KCO_PADDR(root), arch->phys_mask & ~facts.sme_mask);
		st = mmu_prove(s, &facts, &mine);
		if (!st) {
			os->levels = (*form)->levels;
			return KCO_OK;
		}
		if (err)
			*err = mine;
	}
	memset(&s->kernel, 0, sizeof(s->kernel));
	return st;
}

enum kco_status linux_x86_64_kernel_range(struct kco_session *s, uint64_t *first, uint64_t *end, struct kco_err *err)
{
	uint64_t va = MMU_KERNEL_MAP, stop = MMU_KERNEL_MAP + MMU_KERNEL_MAP_SIZE;
	struct kco_paddr pa;

	while (va < stop && kco_translate(s->mem, &s->kernel, va, &pa, NULL, NULL))
		va += MMU_STEP;
	if (va == stop)
		return kco_fail(err, KCO_E_UNMAPPED, "no kernel image is mapped above 0x%llx", MMU_KERNEL_MAP);
	*first = va;
	while (va < stop && !kco_translate(s->mem, &s->kernel, va, &pa, NULL, NULL))
		va += MMU_STEP;
	*end = va;
	return KCO_OK;
}
