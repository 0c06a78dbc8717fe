// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * LKCD, s390 dumps and Xen cores: rare formats, read by libkdumpfile. Their
 * layouts, as far as they are checked here, are in shared/foreign.c.
 *
 * Handle with care (Debian 12 has 0.5.1): file.mmap_policy is set to NEVER
 * before the open, for a mapped file that is short kills with SIGBUS; sizes
 * are checked before, for without mapping it reads zeros behind the end. One
 * context behind one lock, for its clones are not faster. KDUMP and flattened
 * files never come here, nor SADUMP, where it gives the first page of a run of
 * pages for each of them (up to the version of October 2024 at least).
 */
#include "foreign.h"
#include "spool.h"

#include <kco/format.h>

#include <elf.h>
#include <inttypes.h>
#include <libkdumpfile/kdumpfile.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct lk {
	kdump_ctx_t *ctx;
	pthread_mutex_t lock;
	struct kco_io *plain; /* the file, or a copy of what is no plain file */
	uint32_t page_size;
};

static int lk_probe(const struct kco_head *head)
{
	switch (kco_foreign_kind(head->head, head->head_size)) {
	case KCO_FOREIGN_NONE:
		return 0;
	case KCO_FOREIGN_XEN:
		return 80;
	default:
		return 95;
	}
}

/* The library's status and words in ours; @ctx' lock is held or nobody else knows it. */
static enum kco_status lk_fail(kdump_ctx_t *ctx, kdump_status status, const char *what, struct kco_err *err)
{
	enum kco_status code;

	switch (status) {
	case KDUMP_ERR_SYSTEM:
		code = KCO_E_IO;
		break;
	case KDUMP_ERR_NOTIMPL:
		code = KCO_E_UNSUPPORTED;
		break;
	case KDUMP_ERR_NODATA:
		code = KCO_E_NOT_SAVED;
		break;
	case KDUMP_ERR_EOF:
		code = KCO_E_TRUNCATED;
		break;
	default:
		code = KCO_E_CORRUPT;
		break;
	}
	kco_fail(err, code, "%s: libkdumpfile: %s", what, kdump_get_err(ctx));
	kdump_clear_err(ctx);
	return code;
}

static enum kco_status lk_read(const struct kco_segment *seg, struct kco_codec *codec, uint64_t addr, void *buf,
			       size_t n, size_t *done, struct kco_err *err)
{
	struct lk *lk = seg->source;
	enum kco_status status = KCO_OK;
	kdump_status r;

	(void)codec;
	*done = n;
	pthread_mutex_lock(&lk->lock);
	r = kdump_read(lk->ctx, KDUMP_MACHPHYSADDR, addr, buf, done);
	if (r != KDUMP_OK)
		status = lk_fail(lk->ctx, r, "page", err);
	pthread_mutex_unlock(&lk->lock);
	return status;
}

static const struct kco_segment_ops lk_segment_ops = {
	.read = lk_read,
};

static void lk_free(struct lk *lk)
{
	if (lk->ctx)
		kdump_free(lk->ctx);
	kco_io_unref(lk->plain);
	pthread_mutex_destroy(&lk->lock);
	free(lk);
}

static void lk_string(kdump_ctx_t *ctx, const char *key, char *buf, size_t size)
{
	const char *s;

	if (kdump_get_string_attr(ctx, key, &s) == KDUMP_OK)
		strncpy(buf, s, size - 1);
	else
		kdump_clear_err(ctx);
}

static uint64_t lk_number(kdump_ctx_t *ctx, const char *key)
{
	kdump_num_t n;

	if (kdump_get_number_attr(ctx, key, &n) == KDUMP_OK)
		return n;
	kdump_clear_err(ctx);
	return 0;
}

static uint16_t lk_machine(const char *arch)
{
	static const struct {
		const char *name;
		uint16_t machine;
	} machines[] = {
		{ KDUMP_ARCH_X86_64, EM_X86_64 }, { KDUMP_ARCH_IA32, EM_386 },	      { KDUMP_ARCH_S390X, EM_S390 },
		{ KDUMP_ARCH_S390, EM_S390 },	  { KDUMP_ARCH_PPC64, EM_PPC64 },     { KDUMP_ARCH_IA64, EM_IA_64 },
		{ KDUMP_ARCH_ARM, EM_ARM },	  { KDUMP_ARCH_AARCH64, EM_AARCH64 },
	};

	for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++)
		if (!strcmp(arch, machines[i].name))
			return machines[i].machine;
	return 0;
}

static void lk_facts(struct kco_image *img, struct lk *lk)
{
	struct kco_facts *facts = &img->facts;
	kdump_ctx_t *ctx = lk->ctx;
	char arch[32] = "", *raw;

	lk_string(ctx, "linux.uts.sysname", facts->sysname, sizeof(facts->sysname));
	lk_string(ctx, "linux.uts.nodename", facts->nodename, sizeof(facts->nodename));
	lk_string(ctx, "linux.uts.release", facts->release, sizeof(facts->release));
	lk_string(ctx, "linux.uts.version", facts->version, sizeof(facts->version));
	lk_string(ctx, "linux.uts.machine", facts->machine, sizeof(facts->machine));
	lk_string(ctx, "linux.uts.domainname", facts->domainname, sizeof(facts->domainname));
	lk_string(ctx, KDUMP_ATTR_ARCH_NAME, arch, sizeof(arch));
	facts->elf_machine = lk_machine(arch);
	facts->elf32 = lk_number(ctx, KDUMP_ATTR_PTR_SIZE) == 4;
	facts->block_size = lk->page_size;
	facts->max_pfn = lk_number(ctx, "max_pfn");
	facts->nr_cpus = (uint32_t)lk_number(ctx, KDUMP_ATTR_NUM_CPUS);
	if (kdump_vmcoreinfo_raw(ctx, &raw) != KDUMP_OK) {
		kdump_clear_err(ctx);
		return;
	}
	facts->vmcoreinfo = kco_arena_strndup(&img->arena, raw, strlen(raw));
	facts->vmcoreinfo_size = facts->vmcoreinfo ? strlen(raw) : 0;
	free(raw);
}

static enum kco_status lk_copy_push(void *arg, struct kco_spool *spool, const uint8_t *buf, size_t n,
				    struct kco_err *err)
{
	(void)arg;
	return n ? kco_spool_write(spool, buf, n, err) : KCO_DONE;
}

/* The library wants a file descriptor: what comes out of a wrapper is copied to a temporary file. */
static enum kco_status lk_plain(struct kco_image *img, const struct kco_image_options *opts, struct lk *lk,
				struct kco_err *err)
{
	if (kco_io_fd(img->files[0]) < 0)
		return kco_spool_unwrap(img->files[0], opts, lk_copy_push, NULL, &lk->plain, err);
	lk->plain = kco_io_ref(img->files[0]);
	return KCO_OK;
}

static enum kco_status lk_setup(struct kco_image *img, struct lk *lk, struct kco_err *err)
{
	kdump_status r;
	uint64_t max_pfn;

	lk->ctx = kdump_new();
	if (!lk->ctx)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	r = kdump_set_number_attr(lk->ctx, KDUMP_ATTR_FILE_MMAP_POLICY, KDUMP_MMAP_NEVER);
	if (r != KDUMP_OK)
		return lk_fail(lk->ctx, r, "setting " KDUMP_ATTR_FILE_MMAP_POLICY, err);
	r = kdump_open_fd(lk->ctx, kco_io_fd(lk->plain));
	if (r != KDUMP_OK)
		return lk_fail(lk->ctx, r, "opening", err);
	lk->page_size = (uint32_t)lk_number(lk->ctx, KDUMP_ATTR_PAGE_SIZE);
	if (lk->page_size < 4096 || lk->page_size > 65536 || (lk->page_size & (lk->page_size - 1)))
		return kco_fail(err, KCO_E_CORRUPT, "page size %" PRIu32, lk->page_size);
	lk_facts(img, lk);
	max_pfn = img->facts.max_pfn;
	if (max_pfn == 0 || max_pfn > (UINT64_C(1) << 52) / lk->page_size)
		return kco_fail(err, KCO_E_CORRUPT, "%#" PRIx64 " pages of memory", max_pfn);
	return kco_image_add_segment(img, KCO_PHYS, 0, max_pfn * lk->page_size, &lk_segment_ops, lk, 0, err);
}

static enum kco_status lk_open(struct kco_image *img, const struct kco_image_options *opts, struct kco_err *err)
{
	uint8_t head[sizeof(Elf64_Ehdr)];
	enum kco_foreign_kind kind;
	struct lk *lk;
	enum kco_status status = kco_io_read(img->files[0], head, sizeof(head), 0, NULL, err);

	if (status != KCO_OK)
		return status;
	kind = kco_foreign_kind(head, sizeof(head));
	if (img->nr_files > 1)
		return kco_fail(err, KCO_E_USAGE, "%zu files given, but this format (%s) has one", img->nr_files,
				kco_foreign_name(kind));
	status = kco_foreign_check(kind, img->files[0], err);
	if (status != KCO_OK)
		return status;
	lk = calloc(1, sizeof(*lk));
	if (!lk)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	pthread_mutex_init(&lk->lock, NULL);
	status = lk_plain(img, opts, lk, err);
	if (status == KCO_OK)
		status = lk_setup(img, lk, err);
	if (status != KCO_OK) {
		lk_free(lk);
		return status;
	}
	img->priv = lk;
	return KCO_OK;
}

static void lk_close(struct kco_image *img)
{
	lk_free(img->priv);
}

const struct kco_format_ops kco_format_libkdumpfile = {
	.name = "libkdumpfile",
	.description = "LKCD, s390 dump, Xen core (through libkdumpfile)",
	.probe = lk_probe,
	.open = lk_open,
	.close = lk_close,
};
