// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vm: an address space in crash's layout: its size, its areas and, when asked
 * for, what became of each of their pages.
 */
#include <kco/cmd.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <kco/page.h>
#include <kco/vma.h>

#include "areas.h"
#include "pagestate.h"
#include "process.h"

struct vm_opts {
	int64_t pid;
	bool has_pid, mm, pages, has_area, has_flags;
	uint64_t area, flags;
};

#define VM_PAGE UINT64_C(4096)

/* crash's headings, of which START and END stand a little off their columns. */
#define VM_HEAD_MM "       MM               PGD          RSS    TOTAL_VM\n"
#define VM_HEAD_AREA "      VMA           START       END     FLAGS FILE\n"

/* "(READ|EXEC)": the bits by name, the others in hexadecimal. */
static void vm_flags_text(struct kco_cmd_ctx *ctx, uint64_t flags, char *buf, size_t size)
{
	uint64_t rest = flags;
	size_t used = 0;

	buf[0] = '\0';
	for (unsigned bit = 0; bit < 64; bit++) {
		const char *name = flags >> bit & 1 ? kco_vma_flag_name(ctx->session, bit) : NULL;

		if (!name)
			continue;
		rest &= ~(UINT64_C(1) << bit);
		used += (size_t)snprintf(buf + used, size - used, "%s%s", used ? "|" : "", name);
	}
	if (rest)
		snprintf(buf + used, size - used, "%s0x%" PRIx64, used ? "|" : "", rest);
}

static enum kco_status vm_flags(struct kco_cmd_ctx *ctx, uint64_t flags)
{
	char text[512];

	vm_flags_text(ctx, flags, text, sizeof(text));
	kco_text(ctx->out, "%" PRIx64 ": (%s)\n", flags, text);
	kco_json_row(ctx->out);
	kco_json_addr(ctx->out, "flags", flags);
	kco_json_str(ctx->out, "flags_text", text);
	kco_json_row_end(ctx->out);
	return KCO_OK;
}

static void vm_page_text(struct kco_out *out, const struct kco_page *page, uint64_t va)
{
	kco_text(out, "%10" PRIx64 "  ", va);
	switch (page->state) {
	case KCO_PAGE_PRESENT:
	case KCO_PAGE_PROTNONE:
		kco_text(out, "%" PRIx64 "\n", page->pa.v + (va - page->va));
		break;
	case KCO_PAGE_SWAP_FILE:
	case KCO_PAGE_ZRAM:
	case KCO_PAGE_ZSWAP:
	case KCO_PAGE_SWAP_CACHE:
		kco_text(out, "SWAP: %s  OFFSET: %" PRIu64,
			 page->swap_name ? page->swap_name : "(unknown swap location)", page->swap_offset);
		kco_text(out, page->state == KCO_PAGE_SWAP_FILE ? "\n" : "  (%s)\n", kco_page_state_name(page->state));
		break;
	case KCO_PAGE_FILE:
	case KCO_PAGE_CACHE:
	case KCO_PAGE_SYSROOT:
		if (!page->vma || !page->vma->file) { // the vdso: its pages are the kernel's
			kco_text(out, "%" PRIx64 "  (not touched)\n", page->pa.v + (va - page->va));
			break;
		}
		kco_text(out, "FILE: %s  OFFSET: %" PRIx64, page->vma->file->path, page->file_offset);
		kco_text(out, page->state == KCO_PAGE_FILE ? "\n" : "  (%s)\n", kco_page_state_name(page->state));
		break;
	case KCO_PAGE_ZERO:
		kco_text(out, page->pte ? "(zero page)\n" : "(not mapped)\n");
		break;
	default:
		kco_text(out, "(%s)\n", page->why ? page->why : kco_page_state_name(page->state));
		break;
	}
}

static void vm_page_json(struct kco_out *out, const struct kco_page *page, uint64_t va)
{
	kco_json_object(out, NULL);
	kco_json_addr(out, "va", va);
	kco_page_json(out, page);
	kco_json_end(out);
}

static enum kco_status vm_pages(struct kco_cmd_ctx *ctx, struct kco_process *p, const struct kco_vma *vma,
				struct kco_err *err)
{
	bool json = kco_out_json(ctx->out);
	enum kco_status st = KCO_OK;

	kco_text(ctx->out, " VIRTUAL    PHYSICAL\n");
	kco_json_array(ctx->out, "pages");
	for (uint64_t va = vma->start; va < vma->end && !st && !kco_out_closed(ctx->out); va += VM_PAGE) {
		struct kco_page page;

		if (kco_session_cancelled(ctx->session))
			return kco_fail(err, KCO_E_CANCELLED, "interrupted");
		st = kco_page_get(p, va, &page, err);
		if (!st && json)
			vm_page_json(ctx->out, &page, va);
		else if (!st)
			vm_page_text(ctx->out, &page, va);
	}
	kco_json_end(ctx->out);
	return st;
}

/* FILE, or where anonymous pages come from on systems that tell. */
static const char *vm_area_file(struct kco_cmd_ctx *ctx, const struct kco_vma *vma)
{
	return vma->name[0] || !vma->object ? kco_area_name(ctx, vma) : vma->object;
}

static enum kco_status vm_area(struct kco_cmd_ctx *ctx, struct kco_process *p, const struct kco_vma *vma, bool pages,
			       struct kco_err *err)
{
	enum kco_status st = KCO_OK;

	if (pages)
		kco_text(ctx->out, VM_HEAD_AREA);
	kco_text(ctx->out, "%16" PRIx64 " %10" PRIx64 " %10" PRIx64 " %6" PRIx64 " %s\n", vma->addr, vma->start,
		 vma->end, vma->raw_flags, vm_area_file(ctx, vma));
	kco_json_object(ctx->out, NULL);
	kco_area_json(ctx->out, vma);
	if (pages)
		st = vm_pages(ctx, p, vma, err);
	kco_json_end(ctx->out);
	return st;
}

struct vm_fact {
	const char *name;
	uint64_t value;
};

/* -m: what the address space's structure says besides. */
static void vm_mm(struct kco_cmd_ctx *ctx, const struct kco_mm_info *mm)
{
	const struct vm_fact facts[] = {
		{ "start_code", mm->start_code },   { "end_code", mm->end_code },   { "start_data", mm->start_data },
		{ "end_data", mm->end_data },	    { "start_brk", mm->start_brk }, { "brk", mm->brk },
		{ "start_stack", mm->start_stack }, { "arg_start", mm->arg_start }, { "arg_end", mm->arg_end },
		{ "env_start", mm->env_start },	    { "env_end", mm->env_end },	    { "flags", mm->flags },
	};
	const struct vm_fact pages[] = {
		{ "rss_file", mm->rss_file },
		{ "rss_anon", mm->rss_anon },
		{ "rss_shmem", mm->rss_shmem },
		{ "swap", mm->swap },
	};
	const char *exe = mm->exe ? mm->exe->path : "";

	for (size_t i = 0; i < sizeof(facts) / sizeof(*facts); i++) {
		kco_text(ctx->out, "%12s: %" PRIx64 "\n", facts[i].name, facts[i].value);
		kco_json_addr(ctx->out, facts[i].name, facts[i].value);
	}
	for (size_t i = 0; i < sizeof(pages) / sizeof(*pages); i++) {
		if (mm->rss_mixed) {
			kco_json_null(ctx->out, pages[i].name);
			continue;
		}
		kco_text(ctx->out, "%12s: %" PRIu64 " pages\n", pages[i].name, pages[i].value);
		kco_json_uint(ctx->out, pages[i].name, pages[i].value);
	}
	kco_text(ctx->out, "%12s: %s\n", "exe", exe);
	kco_json_str(ctx->out, "exe", exe);
}

/* The head of an address space; false when its facts cannot be read (that is told). */
static void vm_head(struct kco_cmd_ctx *ctx, const struct kco_process *p, const struct kco_mm_info *mm)
{
	uint64_t rss = mm->rss * VM_PAGE / 1024;
	uint64_t total = mm->total_pages * VM_PAGE / 1024;
	char rss_text[24], total_text[24];

	snprintf(rss_text, sizeof(rss_text), "%" PRIu64 "k", rss);
	snprintf(total_text, sizeof(total_text), "%" PRIu64 "k", total);
	kco_text(ctx->out, VM_HEAD_MM "%-16" PRIx64 "  %-16" PRIx64 "  %-6s  %s\n", p->mm, mm->pgd, rss_text,
		 total_text);
	kco_json_addr(ctx->out, "mm", p->mm);
	kco_json_addr(ctx->out, "pgd", mm->pgd);
	kco_json_uint(ctx->out, "rss_kb", rss);
	kco_json_uint(ctx->out, "total_vm_kb", total);
}

static enum kco_status vm_areas(struct kco_cmd_ctx *ctx, const struct vm_opts *opts, struct kco_process *p,
				struct kco_err *torn, struct kco_err *err)
{
	const struct kco_vma *vmas = NULL;
	size_t n = 0, shown = 0;
	enum kco_status st = KCO_OK;

	if (p->mm)
		st = kco_areas_get(p, &vmas, &n, torn, err);
	if (st)
		return st;
	if (p->mm && !opts->pages && !opts->has_area)
		kco_text(ctx->out, VM_HEAD_AREA);
	kco_json_array(ctx->out, "areas");
	for (size_t i = 0; i < n && !st && !kco_out_closed(ctx->out); i++) {
		if (opts->has_area && vmas[i].addr != opts->area)
			continue;
		st = vm_area(ctx, p, &vmas[i], opts->pages || opts->has_area, err);
		shown++;
	}
	kco_json_end(ctx->out);
	if (!st && opts->has_area && !shown && !torn->code)
		(void)!kco_fail(torn, KCO_E_USAGE, "no area of process %" PRId64 " is at 0x%" PRIx64, p->pid,
				opts->area);
	return st;
}

static enum kco_status vm_process(struct kco_cmd_ctx *ctx, const struct vm_opts *opts, struct kco_process *p,
				  const struct kco_task *task, struct kco_err *err)
{
	static const struct kco_mm_info none;
	const struct kco_mm_info *mm = &none;
	struct kco_err torn = KCO_ERR_INIT;
	enum kco_status st = KCO_OK;

	kco_text_task_header(ctx->out, task);
	kco_json_row(ctx->out);
	kco_json_int(ctx->out, "pid", p->pid);
	kco_json_int(ctx->out, "tid", task->tid);
	kco_json_str(ctx->out, "comm", task->comm);
	if (p->mm && kco_mm_get(p, &mm, &torn))
		mm = &none;
	if (!opts->has_area)
		vm_head(ctx, p, mm);
	if (opts->mm && p->mm)
		vm_mm(ctx, mm);
	else if (!opts->mm && !torn.code)
		st = vm_areas(ctx, opts, p, &torn, err);
	if (!st && torn.code)
		kco_row_failed(ctx, torn.code, torn.msg);
	kco_json_row_end(ctx->out);
	return st;
}

static enum kco_status vm_run(struct kco_cmd_ctx *ctx, struct kco_err *err)
{
	const struct vm_opts *opts = ctx->opts;
	const struct kco_task **tasks;
	struct kco_process *p;
	size_t n;
	enum kco_status st;

	if (opts->has_flags)
		return vm_flags(ctx, opts->flags);
	if (opts->mm && (opts->pages || opts->has_area))
		return kco_fail(err, KCO_E_USAGE, "-m shows no areas: -p and -P make no sense with it");
	if (!ctx->argc) {
		st = kco_current_process(ctx, opts->has_pid, opts->pid, &p, err);
		if (!st && !p->pid)
			st = kco_areas_get(p, &(const struct kco_vma *){ NULL }, &n, &(struct kco_err){ 0 }, err);
		return st ? st : vm_process(ctx, opts, p, kco_current_thread(ctx, p), err);
	}
	if (opts->has_pid)
		return kco_fail(err, KCO_E_USAGE, "--pid and tasks by name: choose one");
	st = kco_parse_tasks(ctx, ctx->argv, ctx->argc, &tasks, &n, err);
	for (size_t i = 0; i < n && !st && !kco_out_closed(ctx->out); i++) {
		p = kco_process_of(ctx->session, tasks[i]);
		if (i)
			kco_text(ctx->out, "\n");
		st = p ? vm_process(ctx, opts, p, tasks[i], err)
		       : kco_fail(err, KCO_E_USAGE, "task 0x%" PRIx64 " is in no process", tasks[i]->addr);
	}
	return st;
}

static const struct kco_arg vm_args[] = { { KCO_WORD_TASK, "PID|TASK|COMM", true, true }, { 0 } };

#define VM(field) offsetof(struct vm_opts, field)
static const struct kco_opt vm_optv[] = {
	KCO_PROCESS_LONG_OPT(struct vm_opts),
	{ 'p', "pages", KCO_OPT_FLAG, VM(pages), .help = "for each page where it is" },
	{ 'P', "area", KCO_OPT_ADDR, VM(area), "VMA", KCO_WORD_ADDR, .help = "the pages of this area only",
	  .seen = VM(has_area) },
	{ 'm', "mm", KCO_OPT_FLAG, VM(mm), .help = "where code, data, heap, stack, arguments lie, instead of areas" },
	{ 'f', "flags", KCO_OPT_ADDR, VM(flags), "FLAGS", KCO_WORD_NUMBER, .help = "the names of an area's flags",
	  .seen = VM(has_flags) },
	{ 0 },
};

static const struct kco_json_field vm_json_fields[] = {
	{ "pid", "integer", "the process" },
	{ "tid", "integer", "the thread that was asked for" },
	{ "comm", "string", "its command name" },
	{ "mm", "address", "struct mm_struct; 0x0: it has no user memory" },
	{ "pgd", "address", "its highest page table" },
	{ "rss_kb", "integer", "resident memory, KiB" },
	{ "total_vm_kb", "integer", "mapped memory, KiB" },
	{ "areas", "array", "what is mapped, in address order; not with -m" },
	KCO_AREA_JSON_FIELDS("areas[]."),
	{ "areas[].pages", "array", "-p, -P: each page" },
	{ "areas[].pages[].va", "address", "its address" },
	KCO_PAGE_JSON_FIELDS("areas[].pages[]."),
	{ "start_code", "address", "-m: the executable's code ..." },
	{ "end_code", "address", "-m: ... and its end" },
	{ "start_data", "address", "-m: the executable's data ..." },
	{ "end_data", "address", "-m: ... and its end" },
	{ "start_brk", "address", "-m: the heap of brk() ..." },
	{ "brk", "address", "-m: ... and its end" },
	{ "start_stack", "address", "-m: where the main thread's stack began" },
	{ "arg_start", "address", "-m: the arguments ..." },
	{ "arg_end", "address", "-m: ... and their end" },
	{ "env_start", "address", "-m: the environment ..." },
	{ "env_end", "address", "-m: ... and its end" },
	{ "rss_file", "integer|null", "-m: resident pages of files; null when the kernel does not count by kinds" },
	{ "rss_anon", "integer|null", "-m: resident anonymous pages; null when the kernel does not count by kinds" },
	{ "rss_shmem", "integer|null",
	  "-m: resident pages of shared memory; null when the kernel does not count by kinds" },
	{ "swap", "integer|null", "-m: pages in swap; null when the kernel does not count by kinds" },
	{ "exe", "string", "-m: the executable" },
	{ "flags", "address", "-m: the kernel's flags of the address space; -f: those that were asked for" },
	{ "flags_text", "string", "-f: the bits by name" },
	{ 0 },
};

const struct kco_cmd kco_cmd_vm = {
	.name = "vm",
	.summary = "an address space: its size, areas and pages",
	.description =
		"The address space of a process in crash's layout: its structure, its highest page table, resident and "
		"mapped memory, then one line for each area. RSS is exact: what CPUs have counted and not yet added is "
		"in it. FILE is what maps shows as the name.\n\n"
		"-p says for each page where it is: its physical address, the swap area or the file and where in it, or "
		"why there is none.",
	.examples = "vm 108\n    of process 108\n"
		    "vm -p --pid 108\n    with each page\n"
		    "vm -f 8100073\n    what the flags mean\n",
	.args = vm_args,
	.opts = vm_optv,
	.opts_size = sizeof(struct vm_opts),
	.needs = KCO_NEED_IMAGE | KCO_NEED_OS | KCO_NEED_TASKS,
	.features = KCO_FEATURE_AREAS,
	.json = vm_json_fields,
	.run = vm_run,
};
