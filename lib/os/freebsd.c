// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The FreeBSD personality: its table row, detection, and looking things up by
 * name.
 *
 * Symbols and types are the kernel file's (kcodbg VMCORE KERNEL). Without it
 * there still are the symbols that the loader left in memory, and no types.
 * Nothing here asks for a version.
 */
#include "freebsd.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "bsd_maps.h"
#include "debuginfo.h"
#include "freebsd_klds.h"
#include "freebsd_process.h"
#include "freebsd_symbols.h"

/* EI_OSABI of a full dump: kern_dump.c's ELFOSABI_STANDALONE. */
#define FREEBSD_OSABI_DUMP 255

bool freebsd_is_pointer(struct kco_session *s, const char *name)
{
	struct kco_type_info info;
	struct kco_symbol sym;
	struct kco_type type;

	if (s->types && !kco_types_variable(s->types, name, &type, NULL) && !kco_type_strip(type, &type, NULL) &&
	    !kco_type_info(type, &info, NULL))
		return info.kind == KCO_TYPE_POINTER;
	return s->symbols && !kco_symbols_by_name(s->symbols, name, &sym, NULL) && sym.size == s->arch->ptr_size;
}

/* A minidump's header says it. A full dump is an ELF core of no system, and has no notes. */
static int freebsd_detect(struct kco_session *s)
{
	const struct kco_facts *facts = &s->image->facts;

	if (!strcmp(facts->sysname, "FreeBSD"))
		return 95;
	if (facts->elf_osabi == FREEBSD_OSABI_DUMP && !s->image->nr_notes)
		return 80;
	return 0;
}

static enum kco_status freebsd_init(struct kco_session *s, struct kco_err *err)
{
	s->os_priv = calloc(1, sizeof(struct freebsd_os));
	if (!s->os_priv)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	return freebsd_boot(s, err);
}

static void freebsd_fini(struct kco_session *s)
{
	if (!freebsd_of(s))
		return;
	freebsd_process_fini(s);
	freebsd_cpus_fini(s);
	freebsd_regs_fini(s);
	freebsd_text_fini(s);
	freebsd_tasks_fini(s);
	freebsd_kldsyms_fini(s);
	free(s->os_priv);
	s->os_priv = NULL;
}

/*
 * savecore(8) leaves the dump alone in /var/crash; people put the kernel beside it. With the
 * debug distribution set, types and CFI are in a file of their own that has symbols, too.
 */
static const struct kco_kernel_place freebsd_places[] = {
	{ KCO_KERNEL_BESIDE, "kernel.debug" },
	{ KCO_KERNEL_BESIDE, "kernel.full" },
	{ KCO_KERNEL_BESIDE, "kernel" },
	{ KCO_KERNEL_SYSROOT, "usr/lib/debug/boot/kernel/kernel.debug" },
	{ KCO_KERNEL_SYSROOT, "boot/kernel/kernel" },
	{ KCO_KERNEL_DEBUG, "boot/kernel/kernel.debug" },
	{ 0, NULL },
};

const struct kco_os_ops kco_os_freebsd = {
	.name = "freebsd",
	.title = "FreeBSD",
	.process = &kco_os_freebsd_process,
	.own_tids = true,
	.facts_in_notes = true,
	.archs = (const char *const[]){ "x86_64", "i386", "aarch64", "riscv64", NULL },
	.kernel_places = freebsd_places,
	.kernel_whole = "its kernel.debug (FreeBSD's distribution set kernel-dbg)",
	.kernel_matches = kco_kernel_matches_version,
	.without_types = true,
	.detect = freebsd_detect,
	.init = freebsd_init,
	.fini = freebsd_fini,
	.symbols = freebsd_symbols,
	.build_id = freebsd_build_id,
	.tasks = freebsd_tasks,
	.task_regs = freebsd_task_regs,
	.cpu_stacks = freebsd_cpu_stacks,
	.is_text = freebsd_is_text,
	.entry_frame = freebsd_entry_frame,
	.trap_frame = freebsd_trap_frame,
	.user_regs = freebsd_user_regs,
	.regs_user = freebsd_regs_user,
	.cpu_count = freebsd_cpu_count,
	.cpu_online = freebsd_cpu_online,
	.cpu_regs = freebsd_cpu_regs,
	.percpu = freebsd_percpu,
	.modules = freebsd_klds,
	.module_symbols = freebsd_kld_symbols,
	.module_sections = freebsd_kld_module_sections,
	.module_file = freebsd_kld_module_file,
	.maps = bsd_maps,
	.log = freebsd_log,
	.system = freebsd_system,
};
