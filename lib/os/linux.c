// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The Linux personality: its table row, and what the dump itself carries of
 * symbols (kallsyms) and types (BTF).
 *
 * Nothing here asks for a version: symbols and members are looked up by name,
 * with the names that older and newer kernels gave them.
 */
#include "linux.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "btf.h"
#include "bulk.h"
#include "debuginfo.h"
#include "kallsyms.h"
#include "linux_filter.h"
#include "linux_redact.h"
#include "linux_page.h"
#include "linux_process.h"
#include "linux_x86_64.h"
#include "linux_x86_64_mmu.h"
#include "linux_zpool.h"

/* The BTF of a big kernel is about 10 MiB; what claims far more is broken. */
#define LINUX_BTF_MAX (256u << 20)

/* A kernel's VMCOREINFO (or the word of the header) says Linux; so do the notes of a hypervisor, weakly. */
static int linux_detect(struct kco_session *s)
{
	const struct kco_facts *facts = &s->image->facts;

	if (facts->vmcoreinfo_size || s->opts.vmcoreinfo)
		return 100;
	if (!strcmp(facts->sysname, "Linux"))
		return 90;
	return 10;
}

enum kco_status linux_os_new(struct kco_session *s, struct kco_err *err)
{
	s->os_priv = calloc(1, sizeof(struct linux_os));
	return s->os_priv ? KCO_OK : kco_fail(err, KCO_E_NOMEM, "out of memory");
}

static enum kco_status linux_init(struct kco_session *s, struct kco_err *err)
{
	enum kco_status st = linux_os_new(s, err);

	return st ? st : linux_boot(s, err);
}

static void linux_fini(struct kco_session *s)
{
	struct linux_os *os = linux_of(s);

	if (!os)
		return;
	linux_x86_64_fini(s);
	linux_areas_fini(s);
	linux_pages_fini(s);
	linux_zpools_fini(s);
	linux_paths_fini(s);
	linux_stops_fini(s);
	free(os->percpu_offset);
	free(os->online);
	free(os->text);
	free(os);
	s->os_priv = NULL;
}

/* Where VMCOREINFO says the arrays of kallsyms are (since Linux 5fd8fea935a1, v6.0). */
static bool linux_kallsyms_told(struct kco_session *s, struct kco_kallsyms_layout *layout)
{
	const struct {
		const char *key;
		uint64_t *where;
	} wanted[] = {
		{ "SYMBOL(kallsyms_names)", &layout->names },
		{ "SYMBOL(kallsyms_num_syms)", &layout->num_syms },
		{ "SYMBOL(kallsyms_token_table)", &layout->token_table },
		{ "SYMBOL(kallsyms_token_index)", &layout->token_index },
		{ "SYMBOL(kallsyms_offsets)", &layout->offsets },
		{ "SYMBOL(kallsyms_relative_base)", &layout->relative_base },
		{ "SYMBOL(kallsyms_addresses)", &layout->addresses },
	};

	memset(layout, 0, sizeof(*layout));
	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++)
		if (kco_session_vmcoreinfo_uint(s, wanted[i].key, wanted[i].where, NULL))
			*wanted[i].where = 0;
	return layout->names && layout->num_syms && layout->token_table && layout->token_index &&
	       (layout->offsets || layout->addresses);
}

static enum kco_status linux_kernel_range(struct kco_session *s, uint64_t *first, uint64_t *end, struct kco_err *err)
{
	const struct linux_variant *variant = linux_of(s)->variant;

	if (variant && variant->kernel_range)
		return variant->kernel_range(s, first, end, err);
	return linux_x86_64_kernel_range(s, first, end, err);
}

static enum kco_status linux_symbols(struct kco_session *s, struct kco_symbols *syms, struct kco_err *err)
{
	struct kco_kallsyms_layout layout;
	struct kco_symbol_source *src;
	enum kco_status st = KCO_E_NOSYM;

	if (linux_kallsyms_told(s, &layout))
		st = kco_kallsyms_new(s->mem, &s->kernel, &layout, &src, err);
	if (st) {
		uint64_t first, end;

		st = linux_kernel_range(s, &first, &end, err);
		if (!st)
			st = kco_kallsyms_scan(s->mem, &s->kernel, first, end, &layout, err);
		if (!st)
			st = kco_kallsyms_new(s->mem, &s->kernel, &layout, &src, err);
	}
	if (st)
		return kco_context(err, st, "kallsyms");
	kco_symbols_add_take(syms, src);
	return KCO_OK;
}

static enum kco_status linux_types(struct kco_session *s, struct kco_types **ret, struct kco_err *err)
{
	uint64_t start, stop;
	enum kco_status st = os_symbol(s, &start, err, "__start_BTF", NULL);
	void *data;

	if (!st)
		st = os_symbol(s, &stop, err, "__stop_BTF", NULL);
	if (st)
		return st;
	if (stop <= start || stop - start > LINUX_BTF_MAX)
		return kco_fail(err, KCO_E_CORRUPT, "BTF from 0x%llx to 0x%llx makes no sense",
				(unsigned long long)start, (unsigned long long)stop);
	st = kco_kread_bulk_new(s, start, stop - start, &data, err);
	if (st)
		return kco_context(err, st, "BTF");
	st = kco_btf_new_take(data, stop - start, NULL, s->arch->ptr_size, ret, err);
	if (!st && kco_btf_torn(*ret))
		kco_session_warn(s,
				 "the kernel's types (BTF) are torn, what comes from the lost ones is missing or "
				 "guessed: %s",
				 kco_btf_torn(*ret));
	return st;
}

static enum kco_status linux_bias(struct kco_session *s, struct kco_debuginfo *di, uint64_t *ret, struct kco_err *err)
{
	struct linux_os *os = linux_of(s);
	struct kco_symbol_source *src;
	struct kco_symbol sym;
	uint64_t stext;
	enum kco_status st;

	if (os->has_kaslr) {
		*ret = os->kaslr;
		return KCO_OK;
	}
	st = kco_session_vmcoreinfo_uint(s, "SYMBOL(_stext)", &stext, err);
	if (!st)
		st = kco_debuginfo_symbols_new(di, &src, err);
	if (st)
		return st;
	st = src->ops->by_name(src, "_stext", &sym, err);
	if (!st)
		*ret = stext - sym.addr;
	src->ops->free(src);
	return st;
}

const struct kco_os_ops kco_os_linux = {
	.name = "linux",
	.kernel_whole = "the vmlinux as it was linked (Debian: package linux-image-RELEASE-dbg)",
	.title = "Linux",
	.features = KCO_FEATURE_POLICIES | KCO_FEATURE_THREAD_SP | KCO_FEATURE_TAINTS | KCO_FEATURE_DMI,
	.archs = (const char *const[]){ "x86_64", NULL },
	.process = &kco_os_linux_process,
	.detect = linux_detect,
	.init = linux_init,
	.fini = linux_fini,
	.symbols = linux_symbols,
	.module_symbols = linux_module_symbols,
	.types = linux_types,
	.unwind_tables = linux_unwind_tables,
	.tasks = linux_tasks,
	.task_regs = linux_x86_64_task_regs,
	.cpu_stacks = linux_x86_64_cpu_stacks,
	.is_text = linux_is_text,
	.trap_frame = linux_x86_64_trap_frame,
	.user_regs = linux_x86_64_user_regs,
	.regs_user = linux_x86_64_regs_user,
	.cpu_count = linux_cpu_count,
	.cpu_online = linux_cpu_online,
	.cpu_regs = linux_x86_64_cpu_regs,
	.percpu = linux_percpu,
	.modules = linux_modules,
	.module_types = linux_module_types,
	.module_sections = linux_module_sections,
	.read_build_id = linux_read_build_id,
	.maps = linux_maps,
	.page_filter = linux_filter,
	.redact = linux_redact,
	.log = linux_log,
	.system = linux_system,
	.build_id = linux_build_id,
	.bias = linux_bias,
};
