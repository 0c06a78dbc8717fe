// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The address space of a FreeBSD kernel.
 *
 * A minidump carries the maps of the kernel (its format gives them as virtual
 * segments): nothing is walked, and page tables above the lowest level are not
 * even in the file.
 *
 * A full dump is physical memory and nothing else. The root of the page tables
 * is what the kernel's variable KPML4phys (KPML5phys with 57-bit addresses)
 * holds, sys/amd64/amd64/pmap.c, and that variable lies where the loader put
 * the kernel:
 *
 *   physical = virtual - kernbase + delta
 *
 * The delta is 0 in kernels that cannot be moved, what the dump's auxiliary
 * header (PT_DUMP_DELTA) says, or unknown (amd64 kernels can be moved since FreeBSD 13.1):
 * then each 2 MiB step of memory is tried. A candidate is taken when its page
 * tables map the variable to where it was read, and the kernel's `version` to
 * a text that begins like one.
 */
#include "freebsd.h"

#include <elf.h>
#include <inttypes.h>
#include <string.h>

#include <kco/endian.h>

#include "debuginfo.h"
#include "freebsd_symbols.h"

#define BOOT_KERNBASE UINT64_C(0xffffffff80000000) /* KERNBASE of amd64, for a kernel file without the symbol */
#define BOOT_STEP UINT64_C(0x200000)		   /* the kernel is mapped by 2 MiB pages */
#define BOOT_MAX (UINT64_C(1) << 40)		   /* nobody loads a kernel higher */

struct boot_root {
	const char *symbol;
	unsigned levels;
	uint64_t va; /* 0: the kernel has none */
};

struct boot {
	struct boot_root roots[2];
	uint64_t version; /* 0 unknown */
	uint64_t kernbase;
};

bool freebsd_has_maps(struct kco_session *s)
{
	const struct kco_segment *seg = kco_reader_next(kco_mem_reader(s->mem), KCO_VIRT, 0);

	return seg && seg->ops->translate;
}

static uint64_t boot_symbol(struct kco_session *s, const char *name, uint64_t otherwise)
{
	const char *const names[] = { name, NULL };
	struct kco_symbol sym;

	return kco_session_kernel_symbol(s, names, &sym, NULL) ? otherwise : sym.addr;
}

/* Whose symbols were taken. */
static const char *boot_who(const struct kco_session *s)
{
	return s->debuginfo ? kco_debuginfo_path(s->debuginfo) : "the kernel in this dump";
}

static enum kco_status boot_symbols(struct kco_session *s, struct boot *boot, struct kco_err *err)
{
	struct kco_debuginfo *di;
	enum kco_status st = kco_session_kernel_file(s, &di, err);

	// A file that was named and cannot be used is an error; one that was not found can be done without.
	if (st == KCO_E_NOSYM && !s->opts.vmlinux && !freebsd_symbols_phys(s, NULL))
		st = KCO_OK;
	if (st)
		return kco_context(err, st,
				   "a full dump does not say where its kernel is mapped, only its kernel file does");
	for (size_t i = 0; i < 2; i++)
		boot->roots[i].va = boot_symbol(s, boot->roots[i].symbol, 0);
	boot->version = boot_symbol(s, "version", 0);
	boot->kernbase = boot_symbol(s, "kernbase", BOOT_KERNBASE);
	if (!boot->roots[0].va && !boot->roots[1].va)
		return kco_fail(err, KCO_E_NOSYM, "%s has neither KPML4phys nor KPML5phys: is it a FreeBSD kernel?",
				boot_who(s));
	return KCO_OK;
}

/* "FreeBSD 12.1-RELEASE ...", in old kernels after "@(#)". */
static bool boot_is_version(struct kco_session *s, uint64_t va)
{
	char text[16] = "";

	return !va || (!kco_vread_str(s->mem, &s->kernel, va, text, sizeof(text), NULL) && strstr(text, "FreeBSD"));
}

/* Do the page tables that the variable at @pa names map the variable to @pa? */
static bool boot_try(struct kco_session *s, const struct kco_arch_ops *arch, const struct boot *boot,
		     const struct boot_root *root, uint64_t pa)
{
	uint8_t raw[8];
	struct kco_paddr found;
	uint64_t table;

	if (kco_pread(kco_mem_reader(s->mem), KCO_PADDR(pa), raw, sizeof(raw), NULL, NULL))
		return false;
	table = kco_le64(raw);
	if (!table || table % arch->page_size || table & ~arch->phys_mask)
		return false;
	for (const struct kco_paging *const *form = arch->paging; *form; form++) {
		if ((*form)->levels != root->levels)
			continue;
		kco_session_set_kernel(s, arch, *form, KCO_PADDR(table), arch->phys_mask);
		if (!kco_translate(s->mem, &s->kernel, root->va, &found, NULL, NULL) && found.v == pa &&
		    boot_is_version(s, boot->version)) {
			freebsd_of(s)->levels = root->levels;
			return true;
		}
	}
	return false;
}

static bool boot_try_delta(struct kco_session *s, const struct kco_arch_ops *arch, const struct boot *boot,
			   uint64_t delta)
{
	for (size_t i = 0; i < 2; i++)
		if (boot->roots[i].va &&
		    boot_try(s, arch, boot, &boot->roots[i], boot->roots[i].va - boot->kernbase + delta))
			return true;
	return false;
}

/* Each 2 MiB step that puts the root's variable into memory that there is. KCO_DONE: it is nowhere. */
static enum kco_status boot_search(struct kco_session *s, const struct kco_arch_ops *arch, const struct boot *boot,
				   const struct boot_root *root)
{
	const uint64_t offset = root->va - boot->kernbase;
	struct kco_reader *rd = kco_mem_reader(s->mem);
	uint64_t addr = 0;

	for (const struct kco_segment *seg; (seg = kco_reader_next(rd, KCO_PHYS, addr)) != NULL;) {
		const uint64_t first = seg->first, last = seg->last;
		uint64_t delta = first > offset ? first - offset : 0;

		for (delta = (delta + BOOT_STEP - 1) & ~(BOOT_STEP - 1); delta < BOOT_MAX && offset + delta <= last;
		     delta += BOOT_STEP) {
			if (kco_session_cancelled(s))
				return KCO_E_CANCELLED;
			if (boot_try(s, arch, boot, root, offset + delta))
				return KCO_OK;
		}
		if (last >= BOOT_MAX)
			break;
		addr = last + 1;
	}
	return KCO_DONE;
}

static enum kco_status boot_full(struct kco_session *s, const struct kco_arch_ops *arch, struct kco_err *err)
{
	struct boot boot = { .roots = { { .symbol = "KPML4phys", .levels = 4 },
					{ .symbol = "KPML5phys", .levels = 5 } } };
	const struct kco_facts *facts = &s->image->facts;
	enum kco_status st = boot_symbols(s, &boot, err);

	if (st)
		return st;
	if (facts->has_kernel_pa &&
	    boot_try_delta(s, arch, &boot, facts->kernel_pa - (facts->kernel_va - boot.kernbase)))
		return KCO_OK;
	if (facts->has_phys_base && boot_try_delta(s, arch, &boot, facts->phys_base))
		return KCO_OK;
	if (s->opts.has_phys_base && boot_try_delta(s, arch, &boot, s->opts.phys_base))
		return KCO_OK;
	for (size_t i = 0; i < 2; i++) {
		if (!boot.roots[i].va || boot.roots[i].va < boot.kernbase)
			continue;
		st = boot_search(s, arch, &boot, &boot.roots[i]);
		if (st != KCO_DONE)
			return st ? kco_fail(err, st, "interrupted") : KCO_OK;
	}
	memset(&s->kernel, 0, sizeof(s->kernel));
	return kco_fail(
		err, KCO_E_CORRUPT,
		"no page tables in this dump map the kernel as %s was linked: is it the file of another kernel?",
		boot_who(s));
}

/* A full dump that was converted (convert -t elf) says where its tables are. */
static enum kco_status boot_root(struct kco_session *s, const struct kco_arch_ops *arch, struct kco_err *err)
{
	const struct kco_facts *facts = &s->image->facts;

	for (const struct kco_paging *const *form = arch->paging; *form; form++) {
		if (facts->root_levels && (*form)->levels != facts->root_levels)
			continue;
		kco_session_set_kernel(s, arch, *form, KCO_PADDR(facts->root_pa), arch->phys_mask);
		freebsd_of(s)->levels = (*form)->levels;
		return KCO_OK;
	}
	return kco_fail(err, KCO_E_CORRUPT, "its header says that page tables have %" PRIu32 " levels, not so on %s",
			facts->root_levels, arch->name);
}

enum kco_status freebsd_boot(struct kco_session *s, struct kco_err *err)
{
	const struct kco_facts *facts = &s->image->facts;
	const struct kco_arch_ops *arch = kco_arch_by_machine(facts->elf_machine);

	freebsd_of(s)->machine = freebsd_machine_by_elf(facts->elf_machine);
	if (!arch || !freebsd_of(s)->machine)
		return kco_fail(err, KCO_E_UNSUPPORTED, "a FreeBSD kernel of %s (ELF machine %u) is not known here",
				*facts->machine ? facts->machine : "some machine", facts->elf_machine);
	if (facts->has_root_pa)
		return boot_root(s, arch, err);
	if (freebsd_has_maps(s)) {
		kco_session_set_kernel(s, arch, NULL, KCO_PADDR(0), arch->phys_mask);
		return KCO_OK;
	}
	if (facts->elf_machine != EM_X86_64)
		return kco_fail(err, KCO_E_UNSUPPORTED,
				"a full dump of %s: only minidumps and those of amd64 are known",
				freebsd_of(s)->machine->name);
	return boot_full(s, arch, err);
}
