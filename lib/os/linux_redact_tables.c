// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Pages that are the kernel's own by page tables: the tables themselves, and
 * what the kernel maps besides the map of all memory: modules, fixed maps, ...
 * Of the area of vmalloc(), where anything may lie (windows of compressors, maps
 * of BPF, the lines of terminals), just stacks of tasks, per-CPU data and the
 * types of modules.
 *
 * The map of the image proves nothing: parts of it are given back when it has
 * booted and stay mapped. What was not is reserved.
 *
 * A table is read once, wherever it is met: what it costs is bounded by the
 * tables that the dump holds, whatever their entries say.
 */
#include "linux_redact.h"

#include <inttypes.h>

#include <kco/endian.h>

#include "linux_page.h"
#include "pagewalk.h"

#define TABLES_PAGES_MAX (UINT64_C(1) << 25) /* looked up one by one: 128 GiB of stacks and per-CPU data */

struct tables {
	struct linux_redact *r;
	struct kco_frameset seen; /* tables */
	uint64_t vmalloc, vmalloc_end;
	uint64_t percpu, percpu_end; /* pcpu_get_vm_areas(); 0 unknown */
	uint64_t pages;		     /* that were looked up one by one */
	struct kco_err err;	     /* why the areas' walk was stopped */
	uint64_t image;		     /* virtual less physical address in the kernel's image */
	bool leaves;		     /* what is mapped is wanted, too: the kernel's tables */
};

static enum kco_status tables_add(struct tables *t, uint64_t pa, uint64_t size, struct kco_err *err)
{
	uint64_t frame = pa >> LINUX_PAGE_SHIFT, n = size >> LINUX_PAGE_SHIFT;

	return kco_frameset_add(&t->r->kernel, frame, frame + n - 1) ? kco_fail(err, KCO_E_NOMEM, "out of memory")
								     : KCO_OK;
}

static enum kco_status tables_walk(struct tables *t, uint64_t pa, unsigned level, uint64_t va, struct kco_err *err);

/* What @entry for the addresses from @va on leads to. */
static enum kco_status tables_entry(struct tables *t, uint64_t entry, unsigned level, uint64_t va, struct kco_err *err)
{
	const struct kco_space *kernel = &t->r->s->kernel;
	struct kco_paddr pa;

	switch (kernel->form->decode(entry, level, kernel->addr_mask, &pa)) {
	case KCO_PTE_TABLE:
		// The lowest tables of processes lead to nothing that is wanted.
		return level == 2 && !t->leaves ? tables_add(t, pa.v, LINUX_PAGE_SIZE, err)
						: tables_walk(t, pa.v, level - 1, va, err);
	case KCO_PTE_PAGE:
		if (t->leaves && va - pa.v != t->r->direct && va - pa.v != t->image &&
		    (va < t->vmalloc || va >= t->vmalloc_end))
			return tables_add(t, pa.v, kco_paging_span(kernel->form, level), err);
		return KCO_OK;
	default:
		return KCO_OK;
	}
}

/* The table at @pa, of @level, and those below. Only the root's failure to be read is one: parts may be missing. */
static enum kco_status tables_walk(struct tables *t, uint64_t pa, unsigned level, uint64_t va, struct kco_err *err)
{
	const struct kco_paging *form = t->r->s->kernel.form;
	uint8_t table[LINUX_PAGE_SIZE];
	uint64_t span = kco_paging_span(form, level), frame = pa >> LINUX_PAGE_SHIFT;
	size_t n = sizeof(table) / form->entry_size;
	enum kco_status st;

	if (!level || kco_frameset_has(&t->seen, frame))
		return KCO_OK;
	if (kco_frameset_add(&t->seen, frame, frame))
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	st = tables_add(t, pa, LINUX_PAGE_SIZE, err);
	if (!st && kco_pread(kco_mem_reader(t->r->s->mem), KCO_PADDR(pa), table, sizeof(table), NULL, err))
		return level == form->levels ? err->code : KCO_OK;
	for (size_t i = 0; !st && i < n; i++) {
		uint64_t at = va + i * span;

		// The upper half of the root is the kernel's, the lower one processes'.
		if (level == form->levels && (i >= n / 2) != t->leaves)
			continue;
		if (level == form->levels && t->leaves)
			at = -((n - i) * span);
		st = tables_entry(t, kco_le_uint(table + i * form->entry_size, form->entry_size), level, at, err);
	}
	return st;
}

/* @n bytes of the kernel's memory, as far as they are mapped. */
static enum kco_status tables_keep(struct tables *t, uint64_t va, uint64_t n, struct kco_err *err)
{
	struct kco_session *s = t->r->s;
	uint64_t first = va & ~(LINUX_PAGE_SIZE - 1);
	enum kco_status st = KCO_OK;

	for (uint64_t at = first; !st && at < va + n && t->pages < TABLES_PAGES_MAX;
	     at += LINUX_PAGE_SIZE, t->pages++) {
		struct kco_paddr pa;

		if (!kco_translate(s->mem, &s->kernel, at, &pa, NULL, NULL))
			st = tables_add(t, pa.v, LINUX_PAGE_SIZE, err);
	}
	return st;
}

static bool tables_area(void *arg, const struct linux_vmap_area *area)
{
	struct tables *t = arg;

	return area->caller < t->percpu || area->caller >= t->percpu_end ||
	       !tables_keep(t, area->start, area->end - area->start, &t->err);
}

/* Per-CPU data but the first chunk, which was taken at boot. */
static enum kco_status tables_percpu(struct tables *t, struct kco_err *err)
{
	struct kco_err why = KCO_ERR_INIT, torn = KCO_ERR_INIT;
	struct kco_session *s = t->r->s;
	struct kco_symbol sym;
	enum kco_status st = kco_symbols_by_name(s->symbols, "pcpu_get_vm_areas", &sym, &why);

	if (!st) {
		t->percpu = sym.addr;
		t->percpu_end = sym.addr + (sym.size ? sym.size : 1);
		st = linux_vmap_each(s, tables_area, t, &torn, &why);
	}
	if (st == KCO_E_NOMEM || t->err.code)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	if (!st && torn.code) {
		st = torn.code;
		why = torn;
	}
	if (st)
		kco_session_warn(s, "not all per-CPU data stays: the kernel's areas cannot be listed: %s", why.msg);
	return KCO_OK;
}

/* What system calls are called and take: a table that the kernel made when it booted. */
static enum kco_status tables_syscalls(struct tables *t, struct kco_err *err)
{
	uint64_t at;

	if (os_variable(t->r->s, "syscalls_metadata", 8, &at, NULL) || !at)
		return KCO_OK;
	return tables_keep(t, at, linux_redact_object(t->r, at), err);
}

/* The types of modules, and where their sections were loaded. */
static enum kco_status tables_modules(struct tables *t, struct kco_err *err)
{
	const struct kco_module *mods;
	enum kco_status st = KCO_OK;
	size_t n;

	if (kco_modules_get(t->r->s, &mods, &n, NULL))
		return KCO_OK; // whose loss was told
	for (size_t i = 0; !st && i < n; i++) {
		uint64_t addr, size;

		if (!linux_module_btf(t->r->s, &mods[i], &addr, &size, NULL))
			st = tables_keep(t, addr, size, err);
		if (!st && !linux_module_sections_where(t->r->s, &mods[i], &addr, &size, NULL))
			st = tables_keep(t, addr, size, err);
	}
	return st;
}

/* The tables of a process: what tells where its pages were is no part of them. */
static enum kco_status tables_task(struct tables *t, const struct kco_task *task, struct kco_err *err)
{
	struct kco_session *s = t->r->s;
	enum kco_status st = tables_keep(t, task->stack, task->stack ? task->stack_size : 0, err);
	struct kco_err why = KCO_ERR_INIT;
	struct kco_paddr pa;
	uint64_t pgd;

	if (st || !task->mm || os_read(s, "mm_struct", task->mm, "pgd", &pgd, NULL) ||
	    kco_translate(s->mem, &s->kernel, pgd, &pa, NULL, NULL))
		return st;
	st = tables_walk(t, pa.v, s->kernel.form->levels, 0, &why);
	return st == KCO_E_NOMEM ? kco_fail(err, st, "%s", why.msg) : KCO_OK;
}

static enum kco_status tables_image(struct tables *t, struct kco_err *err)
{
	struct kco_session *s = t->r->s;
	struct kco_paddr pa;
	uint64_t va;
	enum kco_status st = os_symbol(s, &va, err, "_text", "_stext", NULL);

	if (!st)
		st = kco_translate(s->mem, &s->kernel, va, &pa, NULL, err);
	t->image = st ? 0 : va - pa.v;
	return st;
}

enum kco_status linux_redact_tables(struct linux_redact *r, struct kco_err *err)
{
	struct kco_session *s = r->s;
	struct tables t = { .r = r, .leaves = true, .err = KCO_ERR_INIT };
	const struct kco_task *tasks;
	enum kco_status st = kco_session_need(s, KCO_NEED_TASKS, err);
	size_t n;

	if (!st)
		st = kco_tasks_get(s, &tasks, &n, err);
	if (!st)
		st = tables_image(&t, err);
	if (!st && (!s->kernel.form || s->kernel.form->entry_size != 8))
		st = kco_fail(err, KCO_E_UNSUPPORTED, "the kernel's page tables are not known");
	linux_vmap_range(s, &t.vmalloc, &t.vmalloc_end);
	if (!st)
		st = tables_walk(&t, s->kernel.root.v, s->kernel.form->levels, 0, err);
	t.leaves = false;
	for (size_t i = 0; !st && i < n; i++)
		st = tables_task(&t, &tasks[i], err);
	if (!st)
		st = tables_percpu(&t, err);
	if (!st)
		st = tables_modules(&t, err);
	if (!st)
		st = tables_syscalls(&t, err);
	kco_frameset_fini(&t.seen);
	return st ? kco_context(err, st, "the kernel's own pages") : KCO_OK;
}
