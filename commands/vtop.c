// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vtop: a virtual address translated, table entry by table entry; of a process
 * also what became of the page, and the area it is in.
 */
#include <kco/cmd.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <kco/mem.h>
#include <kco/page.h>

#include "areas.h"
#include "pagestate.h"
#include "process.h"

struct vtop_opts {
	bool kernel, user, has_pid;
	int64_t pid;
};

struct vtop_run {
	struct kco_cmd_ctx *ctx;
	struct kco_process *process; /* NULL: the kernel's addresses */
	const struct kco_space *space;
	size_t shown;
};

/* One address and what is known of it. */
struct vtop_answer {
	uint64_t va;
	struct kco_walk walk;
	enum kco_status status; /* of the walk */
	struct kco_err err;
	bool has_page;
	struct kco_page page;
};

static const char *vtop_kind_name(enum kco_pte_kind kind)
{
	switch (kind) {
	case KCO_PTE_EMPTY:
		return "empty";
	case KCO_PTE_TABLE:
		return "table";
	case KCO_PTE_PAGE:
		return "page";
	case KCO_PTE_NOT_PRESENT:
		return "not present";
	case KCO_PTE_BAD:
		break;
	}
	return "bad";
}

static const char *vtop_level_name(const struct vtop_run *run, unsigned level)
{
	const char *name = level <= KCO_LEVELS_MAX ? run->space->form->level_names[level] : NULL;

	return name ? name : "?";
}

static void vtop_flags(const struct vtop_run *run, const struct kco_walk_step *step, char *buf, size_t size)
{
	buf[0] = '\0';
	if (run->space->form->flags)
		run->space->form->flags(step->entry, step->level, buf, size);
}

/* "4KB", "2MB", "1GB". */
static const char *vtop_size(uint64_t size, char *buf, size_t n)
{
	if (size >= UINT64_C(1) << 30)
		snprintf(buf, n, "%" PRIu64 "GB", size >> 30);
	else if (size >= UINT64_C(1) << 20)
		snprintf(buf, n, "%" PRIu64 "MB", size >> 20);
	else
		snprintf(buf, n, "%" PRIu64 "KB", size >> 10);
	return buf;
}

/* Could the entry of step @i be read? A table that cannot be is where the walk ends, and no bad entry. */
static bool vtop_is_read(const struct kco_walk *walk, unsigned i, enum kco_status status)
{
	return status == KCO_OK || status == KCO_E_UNMAPPED || i + 1 < walk->nr_steps ||
	       walk->steps[i].kind != KCO_PTE_BAD;
}

static void vtop_json_steps(struct vtop_run *run, const struct kco_walk *walk, enum kco_status status)
{
	struct kco_out *out = run->ctx->out;
	char flags[160];

	kco_json_array(out, "steps");
	for (unsigned i = 0; i < walk->nr_steps; i++) {
		const struct kco_walk_step *step = &walk->steps[i];

		vtop_flags(run, step, flags, sizeof(flags));
		kco_json_object(out, NULL);
		kco_json_uint(out, "level", step->level);
		kco_json_str(out, "table", vtop_level_name(run, step->level));
		kco_json_addr(out, "entry_pa", step->entry_pa.v);
		if (vtop_is_read(walk, i, status)) {
			kco_json_addr(out, "entry", step->entry);
			kco_json_str(out, "kind", vtop_kind_name(step->kind));
			kco_json_str(out, "flags", flags);
		} else {
			kco_json_null(out, "entry");
			kco_json_null(out, "kind");
			kco_json_null(out, "flags");
		}
		kco_json_end(out);
	}
	kco_json_end(out);
}

/* The reason why there is nothing at the address: the page's, else the walk's. */
static void vtop_failed(struct vtop_run *run, const struct vtop_answer *answer)
{
	if (answer->has_page && !answer->page.readable)
		kco_row_failed(run->ctx, answer->page.status, answer->page.why);
	else if (!answer->has_page && answer->status)
		kco_row_failed(run->ctx, answer->status, answer->err.msg);
}

static void vtop_json(struct vtop_run *run, const struct vtop_answer *answer)
{
	struct kco_out *out = run->ctx->out;
	const struct kco_walk *walk = &answer->walk;
	enum kco_status status = answer->status;

	kco_json_row(out);
	kco_json_addr(out, "va", answer->va);
	if (status == KCO_OK)
		kco_json_addr(out, "pa", walk->pa.v);
	else
		kco_json_null(out, "pa");
	if (status == KCO_OK)
		kco_json_uint(out, "page_size", walk->page_size);
	else
		kco_json_null(out, "page_size");
	if (run->space->form) {
		kco_json_str(out, "form", run->space->form->name);
		kco_json_addr(out, "root", run->space->root.v);
	}
	if (status == KCO_OK && walk->by_file) {
		kco_json_str(out, "map", walk->page_size ? "kernel" : "direct");
		kco_json_bool(out, "write", walk->write);
		kco_json_bool(out, "exec", walk->exec);
	}
	vtop_json_steps(run, walk, status);
	if (answer->has_page) {
		kco_json_int(out, "pid", run->process->pid);
		kco_json_object(out, "page");
		kco_page_json(out, &answer->page);
		kco_json_end(out);
		if (answer->page.vma) {
			kco_json_object(out, "area");
			kco_area_json(out, answer->page.vma);
			kco_json_end(out);
		} else {
			kco_json_null(out, "area");
		}
	}
	vtop_failed(run, answer);
	kco_json_row_end(out);
}

/* @s in the middle of @width columns. */
static void vtop_centre(struct kco_out *out, const char *s, int width)
{
	int n = (int)strlen(s), left = n < width ? (width - n) / 2 : 0;

	kco_text(out, "%*s%s%*s", left, "", s, n < width ? width - n - left : 0, "");
}

/* The page and the entry that maps it, with its flags in words. */
static void vtop_page_text(struct vtop_run *run, const struct kco_walk *walk)
{
	const struct kco_walk_step *last = &walk->steps[walk->nr_steps - 1];
	uint64_t page = walk->pa.v & ~(walk->page_size - 1);
	struct kco_out *out = run->ctx->out;
	char size[32], pte[24], flags[160];
	int width;

	vtop_flags(run, last, flags, sizeof(flags));
	kco_text(out, "  PAGE: %" PRIx64, page);
	if (last->level > 1)
		kco_text(out, "  (%s)", vtop_size(walk->page_size, size, sizeof(size)));
	width = snprintf(pte, sizeof(pte), "%" PRIx64, last->entry);
	kco_text(out, "\n\n");
	vtop_centre(out, "PTE", width);
	kco_text(out, "  PHYSICAL  FLAGS\n%s  %8" PRIx64 "  (%s)\n", pte, page, flags);
}

/* What a dump with maps of its own tells: no tables, only what they lead to. */
static void vtop_map_text(struct vtop_run *run, const struct kco_walk *walk)
{
	char size[32];

	if (!walk->page_size) {
		kco_text(run->ctx->out, "   MAP: the dump's direct map\n");
		return;
	}
	kco_text(run->ctx->out, "   MAP: the dump's kernel map\n  PAGE: %" PRIx64 "  (%s)  (%s%s)\n",
		 walk->pa.v & ~(walk->page_size - 1), vtop_size(walk->page_size, size, sizeof(size)),
		 walk->write ? "RW" : "RO", walk->exec ? "" : "|NX");
}

/* The entry that says where a page went, as crash has it. */
static void vtop_swap_text(struct vtop_run *run, const struct kco_page *page)
{
	struct kco_out *out = run->ctx->out;
	char pte[24];
	int width = snprintf(pte, sizeof(pte), "%" PRIx64, page->pte);
	const char *name = page->swap_name ? page->swap_name : "?";
	int name_width = (int)strlen(name) < 4 ? 4 : (int)strlen(name);

	kco_text(out, "\n");
	vtop_centre(out, "PTE", width);
	kco_text(out, "  ");
	vtop_centre(out, "SWAP", name_width);
	kco_text(out, "  OFFSET\n%s  %-*s  %" PRIu64 "\n", pte, name_width, name, page->swap_offset);
}

static void vtop_process_text(struct vtop_run *run, const struct kco_page *page)
{
	struct kco_out *out = run->ctx->out;
	const struct kco_vma *vma = page->vma;

	if (page->pte && page->swap_name)
		vtop_swap_text(run, page);
	kco_text(out, "\n STATE: ");
	kco_page_text(out, page);
	kco_text(out, "\n");
	if (!vma)
		return;
	kco_text(out, "\n       VMA           START        END       FLAGS  FILE\n");
	kco_text(out, "%-16" PRIx64 "  %12" PRIx64 " %12" PRIx64 " %8" PRIx64 "  %s\n", vma->addr, vma->start, vma->end,
		 vma->raw_flags, kco_area_name(run->ctx, vma));
}

static void vtop_text(struct vtop_run *run, const struct vtop_answer *answer)
{
	struct kco_out *out = run->ctx->out;
	const struct kco_walk *walk = &answer->walk;
	enum kco_status status = answer->status;

	if (run->shown++)
		kco_text(out, "\n");
	kco_style(out, KCO_STYLE_HEAD);
	kco_text(out, "VIRTUAL           PHYSICAL        ");
	kco_style(out, KCO_STYLE_PLAIN);
	if (status == KCO_OK)
		kco_text(out, "\n%-16" PRIx64 "  %-16" PRIx64 "\n\n", answer->va, walk->pa.v);
	else
		kco_text(out, "\n%-16" PRIx64 "  (not mapped)\n\n", answer->va);
	if (run->space->form)
		kco_text(out, "PAGE DIRECTORY: %" PRIx64 "  (%s)\n", run->space->root.v, run->space->form->name);
	for (unsigned i = 0; i < walk->nr_steps; i++) {
		kco_text(out, "%6s: %" PRIx64, vtop_level_name(run, walk->steps[i].level), walk->steps[i].entry_pa.v);
		if (vtop_is_read(walk, i, status))
			kco_text(out, " => %" PRIx64 "\n", walk->steps[i].entry);
		else
			kco_text(out, " => ?\n");
	}
	if (status == KCO_OK && walk->nr_steps)
		vtop_page_text(run, walk);
	if (status == KCO_OK && walk->by_file)
		vtop_map_text(run, walk);
	if (answer->has_page)
		vtop_process_text(run, &answer->page);
	vtop_failed(run, answer);
}

/* Whose address is @va? The lower half is the current process's, unless -k says other. */
static enum kco_status vtop_space(struct vtop_run *run, uint64_t va, struct kco_err *err)
{
	const struct vtop_opts *opts = run->ctx->opts;
	struct kco_session *s = run->ctx->session;
	bool asked = opts->user || opts->has_pid;
	enum kco_status status;

	run->process = NULL;
	run->space = kco_session_kernel_space(s);
	if (!asked && (opts->kernel || va >> 63))
		return KCO_OK;
	status = kco_session_need(s, KCO_NEED_TASKS, err);
	if (status == KCO_OK)
		status = kco_current_process(run->ctx, opts->has_pid, opts->pid, &run->process, err);
	if (status == KCO_OK && run->process->pid && run->process->space.form) {
		run->space = &run->process->space;
		return KCO_OK;
	}
	if (status == KCO_OK && run->process->space_status) {
		run->space = &run->process->space;
		return KCO_OK;
	}
	if (status == KCO_OK && asked && run->process->pid)
		status = kco_fail(err, KCO_E_UNMAPPED, "process %" PRId64 " has no address space", run->process->pid);
	run->process = NULL;
	return asked || status == KCO_E_CANCELLED || status == KCO_E_NOMEM ? status : KCO_OK;
}

static enum kco_status vtop_address(struct vtop_run *run, uint64_t va, struct kco_err *err)
{
	struct vtop_answer answer = { .va = va, .err = KCO_ERR_INIT };
	struct kco_paddr pa;
	enum kco_status status = vtop_space(run, va, err);

	if (status == KCO_OK && run->process) {
		status = kco_page_get(run->process, va, &answer.page, err);
		answer.has_page = true;
	}
	if (status != KCO_OK)
		return status;
	if (run->process && run->process->space_status)
		answer.status = kco_fail(&answer.err, run->process->space_status, "%s", run->process->space_why);
	else
		answer.status = kco_translate(kco_session_mem(run->ctx->session), run->space, va, &pa, &answer.walk,
					      &answer.err);
	if (kco_out_json(run->ctx->out))
		vtop_json(run, &answer);
	else
		vtop_text(run, &answer);
	return KCO_OK;
}

static enum kco_status vtop_run(struct kco_cmd_ctx *ctx, struct kco_err *err)
{
	struct vtop_run run = { .ctx = ctx };
	const struct vtop_opts *opts = ctx->opts;

	if (!ctx->argc)
		return kco_fail(err, KCO_E_USAGE, "wanted are addresses or symbols");
	if (opts->kernel && (opts->user || opts->has_pid))
		return kco_fail(err, KCO_E_USAGE, "choose one of -k and -u (or -p)");
	for (int i = 0; i < ctx->argc && !kco_out_closed(ctx->out); i++) {
		struct kco_err why = KCO_ERR_INIT;
		enum kco_status status;
		uint64_t va;

		status = kco_parse_addr(ctx->session, ctx->argv[i], &va, &why);
		if (status == KCO_E_CANCELLED || status == KCO_E_NOMEM)
			return kco_fail(err, status, "%s", why.msg);
		if (status != KCO_OK) {
			if (run.shown++)
				kco_text(ctx->out, "\n");
			kco_word_failed(ctx, ctx->argv[i], status, why.msg);
			continue;
		}
		status = vtop_address(&run, va, err);
		if (status != KCO_OK)
			return status;
	}
	return KCO_OK;
}

static const struct kco_arg vtop_args[] = { { KCO_WORD_ADDR, "ADDR|SYMBOL", false, true }, { 0 } };

static const struct kco_opt vtop_optv[] = {
	{ 'k', "kernel", KCO_OPT_FLAG, offsetof(struct vtop_opts, kernel),
	  .help = "the kernel's address space, whatever the address" },
	{ 'u', "user", KCO_OPT_FLAG, offsetof(struct vtop_opts, user),
	  .help = "the address space of the attached process, or the current task's" },
	KCO_PROCESS_OPT(struct vtop_opts),
	{ 0 },
};

static const struct kco_json_field vtop_json_fields[] = {
	{ "va", "address", "the virtual address" },
	{ "pa", "address|null", "the physical address, null when there is none" },
	{ "page_size", "integer|null", "of the page that maps it, bytes" },
	{ "form", "string", "the paging form" },
	{ "map", "string", "where the dump itself tells where memory lies, instead of tables: kernel or direct" },
	{ "write", "boolean", "with map: the kernel may write the page" },
	{ "exec", "boolean", "with map: the kernel may execute it" },
	{ "root", "address", "physical address of the highest table" },
	{ "steps", "array", "the entries on the way, from the highest table" },
	{ "steps[].level", "integer", "of the table, 1 is the lowest" },
	{ "steps[].table", "string", "name of the level: PGD, P4D, PUD, PMD, PTE" },
	{ "steps[].entry_pa", "address", "where the entry lies" },
	{ "steps[].entry", "address|null", "the entry; null when it cannot be read, as kind and flags are" },
	{ "steps[].kind", "string|null", "table, page, empty, not present or bad" },
	{ "steps[].flags", "string|null", "its bits by name" },
	{ "pid", "integer", "of an address of a process, as page and area" },
	{ "page", "object", "what became of the page" },
	KCO_PAGE_JSON_FIELDS("page."),
	{ "area", "object|null", "the area that holds the address" },
	{ "word", "string", "in a row that is neither an address nor a symbol: what was asked; instead of all others" },
	{ "error", "string", "why there is no translation, as a fixed word" },
	{ "why", "string", "the same in words, with the level" },
	{ 0 },
};

const struct kco_cmd kco_cmd_vtop = {
	.name = "vtop",
	.summary = "translate a virtual address",
	.description =
		"The physical address of a kernel virtual address and the walk that leads to it: for each level of the "
		"page tables where the entry lies (physical) and what it holds; then the entry that maps the page, with "
		"its bits in words. When the walk fails, the entries up to there and the reason, which names the level.",
	.examples = "vtop jiffies\n    a variable\n"
		    "vtop ffff8e7603204180 ffffffffc0000000\n    two addresses\n",
	.args = vtop_args,
	.opts = vtop_optv,
	.opts_size = sizeof(struct vtop_opts),
	.needs = KCO_NEED_IMAGE | KCO_NEED_OS,
	.json = vtop_json_fields,
	.run = vtop_run,
};
