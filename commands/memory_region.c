// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * memory region: what an address of a process belongs to, and what became of
 * its page.
 */
#include <kco/cmd.h>

#include <inttypes.h>
#include <stdio.h>

#include <kco/page.h>
#include <kco/vma.h>

#include "areas.h"
#include "pagestate.h"
#include "process.h"

struct region_opts {
	int64_t pid;
	bool has_pid, all;
};

struct region_run {
	struct kco_cmd_ctx *ctx;
	struct kco_process *p;
	const struct kco_vma *vmas;
	size_t n;
	uint64_t limit;	     /* one past the highest user address, 0 unknown */
	struct kco_err torn; /* code KCO_OK: what is no area is not mapped */
};

/* Area @i, or what is unmapped between @start and @end (vma NULL). */
static void region_text(struct region_run *run, const struct kco_vma *vma, uint64_t start, uint64_t end)
{
	char perms[5] = "---p";

	if (vma)
		kco_area_perms(vma, perms);
	kco_text(run->ctx->out, "[0x%016" PRIx64 "-0x%016" PRIx64 ") %.3s", start, end, perms);
	if (vma && vma->flags & KCO_VMA_SHARED)
		kco_text(run->ctx->out, " shared");
	if (vma && vma->name[0])
		kco_text(run->ctx->out, " %s", kco_area_name(run->ctx, vma));
	if (vma && vma->file)
		kco_text(run->ctx->out, " +0x%" PRIx64, vma->offset);
	kco_text(run->ctx->out, "\n");
}

static void region_json(struct region_run *run, const struct kco_vma *vma, uint64_t start, uint64_t end)
{
	struct kco_out *out = run->ctx->out;

	kco_json_bool(out, "mapped", vma != NULL);
	if (vma) {
		kco_area_json(out, vma);
		return;
	}
	kco_json_addr(out, "start", start);
	kco_json_addr(out, "end", end);
}

static void region_page_text(struct kco_out *out, const struct kco_page *page)
{
	kco_text(out, "  page 0x%" PRIx64 ": %s", page->va, kco_page_state_name(page->state));
	if (kco_page_has_pa(page))
		kco_text(out, " at physical address 0x%" PRIx64, page->pa.v);
	if (page->size > 4096)
		kco_text(out, ", of %" PRIu64 " KiB", page->size / 1024);
	if (kco_page_has_swap(page))
		kco_text(out, ", page %" PRIu64 " of %s", page->swap_offset,
			 page->swap_name ? page->swap_name : "an unknown swap area");
	if (page->codec)
		kco_text(out, ", %s", page->codec);
	if (page->why)
		kco_text(out, ": %s", page->why);
	kco_text(out, page->readable ? "\n" : " (cannot be read)\n");
}

/* Where the unmapped stretch around @va begins and ends. */
static void region_gap(const struct region_run *run, uint64_t va, uint64_t *start, uint64_t *end)
{
	*start = 0;
	*end = va < run->limit ? run->limit : UINT64_MAX;
	for (size_t i = 0; i < run->n; i++) {
		if (run->vmas[i].end <= va)
			*start = run->vmas[i].end;
		if (run->vmas[i].start > va) {
			*end = run->vmas[i].start < *end ? run->vmas[i].start : *end;
			break;
		}
	}
	if (va >= run->limit && *start < run->limit)
		*start = run->limit;
}

/* No area that is known holds @va, and some are missing. */
static void region_unknown(struct region_run *run, uint64_t va)
{
	kco_text(run->ctx->out, "0x%" PRIx64 "\n", va);
	kco_json_row(run->ctx->out);
	kco_json_int(run->ctx->out, "pid", run->p->pid);
	kco_json_addr(run->ctx->out, "address", va);
	kco_row_failed(run->ctx, run->torn.code, run->torn.msg);
	kco_json_row_end(run->ctx->out);
}

static enum kco_status region_at(struct region_run *run, uint64_t va, struct kco_err *err)
{
	const struct kco_vma *vma = kco_vma_at(run->p, va);
	struct kco_out *out = run->ctx->out;
	uint64_t start, end;
	struct kco_page page;
	enum kco_status st = KCO_OK;

	if (vma) {
		start = vma->start;
		end = vma->end;
		st = kco_page_get(run->p, va, &page, err);
	} else if (run->torn.code) {
		region_unknown(run, va);
		return KCO_OK;
	} else {
		region_gap(run, va, &start, &end);
	}
	if (st)
		return st;
	if (!kco_out_json(out)) {
		region_text(run, vma, start, end);
		if (vma)
			region_page_text(out, &page);
		return KCO_OK;
	}
	kco_json_row(out);
	kco_json_int(out, "pid", run->p->pid);
	kco_json_addr(out, "address", va);
	region_json(run, vma, start, end);
	if (vma) {
		kco_json_object(out, "page");
		kco_page_json(out, &page);
		kco_json_end(out);
	}
	kco_json_row_end(out);
	return KCO_OK;
}

static void region_one(struct region_run *run, const struct kco_vma *vma, uint64_t start, uint64_t end)
{
	if (!kco_out_json(run->ctx->out)) {
		region_text(run, vma, start, end);
		return;
	}
	kco_json_row(run->ctx->out);
	kco_json_int(run->ctx->out, "pid", run->p->pid);
	region_json(run, vma, start, end);
	kco_json_row_end(run->ctx->out);
}

/* All regions, also those where nothing is mapped: when areas are missing nobody knows these. */
static void region_all(struct region_run *run)
{
	uint64_t at = 0;

	for (size_t i = 0; i < run->n && !kco_out_closed(run->ctx->out); i++) {
		const struct kco_vma *vma = &run->vmas[i];

		if (at < vma->start && at < run->limit && !run->torn.code)
			region_one(run, NULL, at, vma->start < run->limit ? vma->start : run->limit);
		region_one(run, vma, vma->start, vma->end);
		at = vma->end;
	}
	if (at < run->limit && !run->torn.code)
		region_one(run, NULL, at, run->limit);
}

static enum kco_status region_run(struct kco_cmd_ctx *ctx, struct kco_err *err)
{
	const struct region_opts *opts = ctx->opts;
	struct region_run run = { .ctx = ctx };
	const struct kco_mm_info *mm;
	enum kco_status st;

	if (opts->all == (ctx->argc > 0))
		return kco_fail(err, KCO_E_USAGE, "wanted are addresses, or --all");
	st = kco_current_process(ctx, opts->has_pid, opts->pid, &run.p, err);
	if (!st)
		st = kco_areas_get(run.p, &run.vmas, &run.n, &run.torn, err);
	if (st)
		return st;
	run.limit = kco_mm_get(run.p, &mm, NULL) ? 0 : mm->task_size;
	if (opts->all)
		region_all(&run);
	for (int i = 0; i < ctx->argc && !st && !kco_out_closed(ctx->out); i++) {
		struct kco_err why = KCO_ERR_INIT;
		uint64_t va;

		st = kco_parse_process_addr(run.p, ctx->argv[i], &va, &why);
		if (st == KCO_E_CANCELLED || st == KCO_E_NOMEM)
			return kco_fail(err, st, "%s", why.msg);
		if (st) {
			kco_word_failed(ctx, ctx->argv[i], st, why.msg);
			st = KCO_OK;
			continue;
		}
		st = region_at(&run, va, err);
	}
	if (!st && opts->all && run.torn.code)
		kco_row_failed(ctx, run.torn.code, run.torn.msg);
	return st;
}

static const struct kco_arg region_args[] = { { KCO_WORD_ADDR, "ADDR", true, true }, { 0 } };

static const struct kco_opt region_optv[] = {
	KCO_PROCESS_OPT(struct region_opts),
	{ 'a', "all", KCO_OPT_FLAG, offsetof(struct region_opts, all),
	  .help = "all regions in address order, also those where nothing is mapped" },
	{ 0 },
};

static const struct kco_json_field region_json_fields[] = {
	{ "pid", "integer", "the process" },
	{ "address", "address", "what was asked; not with --all" },
	{ "mapped", "boolean", "false: nothing is mapped there; the row has start and end only" },
	KCO_AREA_JSON_FIELDS(""),
	{ "page", "object", "the page that holds the address; not with --all" },
	KCO_PAGE_JSON_FIELDS("page."),
	{ "word", "string", "in a row that is neither an address nor a symbol: what was asked; instead of all others" },
	{ 0 },
};

const struct kco_cmd kco_cmd_memory_region = {
	.name = "memory region",
	.summary = "what an address of a process belongs to, and where its page is",
	.description =
		"For each address the region that holds it: where it begins and ends, its permissions, and its name with "
		"the offset of its first byte in the file; then what became of the page. Where nothing is mapped the "
		"region is what lies between two areas, without permissions.",
	.examples = "memory region -p 108 0x7ffe235e5000\n    an address of process 108\n"
		    "memory region --all\n    all of the attached process\n",
	.args = region_args,
	.opts = region_optv,
	.opts_size = sizeof(struct region_opts),
	.needs = KCO_NEED_IMAGE | KCO_NEED_OS | KCO_NEED_TASKS,
	.features = KCO_FEATURE_AREAS,
	.json = region_json_fields,
	.run = region_run,
};
