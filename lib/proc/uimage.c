// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Images of a process, found by its areas and not by what its loader says.
 *
 *   1. an area that maps the first byte of a file: is there an ELF header?
 *   2. an area that may be executed and belongs to none yet: the header is in
 *      the page cache, or nobody knows more than the file's name
 *
 * The program headers tell which offset is loaded to which address; with one
 * area that gives the bias. All areas that agree with it are the image's, so
 * that a file that is mapped twice is two images, and a file that was merely
 * read into memory is none.
 */
#include <kco/uimage.h>

#include <elf.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <kco/page.h>

#include "uimage_priv.h"

#define UIMAGE_MAX 16384	  /* images of one process */
#define UIMAGE_VISITS (16u << 20) /* of areas: headers may claim all of them again and again */
#define UIMAGE_PAGE UINT64_C(4096)

struct uimage_find {
	struct kco_process *p;
	struct process_images *images;
	const struct kco_vma *vmas;
	size_t n, visits;
};

static enum kco_status uimage_read_memory(void *arg, uint64_t at, void *buf, size_t n, size_t *done,
					  struct kco_err *err)
{
	return kco_process_read(arg, at, buf, n, done, err);
}

static void uimage_fini(void *data)
{
	struct process_images *images = data;

	for (size_t i = 0; i < images->n; i++)
		kco_uelf_fini(&images->priv[i].elf);
	free(images->list);
	free(images->priv);
	free(images->owner);
	free(images);
}

static bool uimage_same_file(const struct kco_file *a, const struct kco_file *b)
{
	return a && b && (a == b || (a->inode_addr && a->inode_addr == b->inode_addr));
}

/* Index of the first area that ends beyond @va. */
static size_t uimage_vma_from(const struct uimage_find *f, uint64_t va)
{
	size_t low = 0, high = f->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (f->vmas[mid].end <= va)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static enum kco_status uimage_add(struct uimage_find *f, struct kco_err *err)
{
	struct process_images *images = f->images;
	size_t cap = images->cap ? images->cap * 2 : 8;
	struct kco_uimage *list;
	struct uimage *priv;

	if (images->n < images->cap)
		return KCO_OK;
	if (cap > UIMAGE_MAX)
		return kco_fail(err, KCO_E_CORRUPT, "process %" PRId64 " has more than %d images", f->p->pid,
				UIMAGE_MAX);
	list = realloc(images->list, cap * sizeof(*list));
	if (list)
		images->list = list;
	priv = realloc(images->priv, cap * sizeof(*priv));
	if (priv)
		images->priv = priv;
	if (!list || !priv)
		return kco_fail(err, KCO_E_NOMEM, "images: out of memory");
	images->cap = cap;
	return KCO_OK;
}

/* Whether @vma holds what @elf's headers say of its addresses. */
static bool uimage_agrees(const struct kco_uelf *elf, const struct kco_file *file, const struct kco_vma *vma)
{
	// Without a file it is .bss, or pages that were changed and moved.
	return !vma->file || (uimage_same_file(vma->file, file) && kco_uelf_maps(elf, vma->start, vma->offset));
}

/* Is each segment mapped where it belongs? A file that was read as data has its writable one elsewhere. */
static bool uimage_complete(const struct uimage_find *f, const struct kco_uelf *elf, const struct kco_file *file)
{
	for (size_t i = 0; i < elf->nr_phdrs; i++) {
		const struct kco_uelf_phdr *ph = &elf->phdrs[i];
		uint64_t at = ph->vaddr + elf->bias;
		size_t v = uimage_vma_from(f, at);

		if (ph->type != PT_LOAD || !ph->filesz)
			continue;
		if (v == f->n || f->vmas[v].start > at || !uimage_same_file(f->vmas[v].file, file) ||
		    f->vmas[v].offset + (at - f->vmas[v].start) != ph->offset)
			return false;
	}
	return elf->high > elf->low;
}

/*
 * The areas of the image at images->n: [low, high) and what agrees in it. With
 * headers that are lost: all of its file. False: none may be executed.
 */
static bool uimage_claim(struct uimage_find *f, struct kco_uimage *image, const struct uimage *priv)
{
	const struct kco_uelf *elf = &priv->elf;
	uint64_t low = (elf->low + elf->bias) & ~(UIMAGE_PAGE - 1), high = elf->high + elf->bias;
	bool exec = false, lost = image->status != KCO_OK;

	for (size_t i = lost ? 0 : uimage_vma_from(f, low); i < f->n && (lost || f->vmas[i].start < high); i++) {
		f->visits++;
		const struct kco_vma *vma = &f->vmas[i];
		uint64_t end = vma->file || lost || vma->end < high ? vma->end : high;

		if (f->images->owner[i] ||
		    (lost ? !uimage_same_file(vma->file, priv->file) : !uimage_agrees(elf, priv->file, vma)))
			continue;
		f->images->owner[i] = priv->id + 1;
		exec = exec || vma->flags & KCO_VMA_EXEC;
		if (!image->vma) {
			image->vma = vma;
			image->start = vma->start;
		}
		if (end > image->end)
			image->end = end;
	}
	return exec;
}

static void uimage_unclaim(struct uimage_find *f, const struct kco_uimage *image, uint32_t id)
{
	for (size_t i = uimage_vma_from(f, image->start); i < f->n && f->vmas[i].start < image->end; i++)
		if (f->images->owner[i] == id + 1)
			f->images->owner[i] = 0;
}

static void uimage_fill(struct kco_uimage *image, struct uimage *priv)
{
	const struct kco_uelf *elf = &priv->elf;

	image->bias = elf->bias;
	image->elf_machine = elf->machine;
	image->elf32 = elf->elf32;
	image->shared_object = elf->type == ET_DYN;
	if (kco_uelf_build_id(elf, image->build_id, &image->build_id_size, NULL))
		image->build_id_size = 0;
}

/* The headers of the file behind @vma, from where they are mapped or from the page cache. */
static enum kco_status uimage_headers(struct uimage_find *f, const struct kco_vma *vma, struct kco_uelf *elf,
				      struct kco_err *err)
{
	struct kco_uelf_io memory = { .read = uimage_read_memory, .arg = f->p, .mapped = true };
	struct uimage_source cached = { 0 };
	struct kco_err why = KCO_ERR_INIT;
	enum kco_status st = KCO_E_UNMAPPED;

	*elf = (struct kco_uelf){ 0 };
	if (!vma->offset) {
		st = kco_uelf_init(elf, &memory, vma->start, err);
		if (!st || st == KCO_E_BADFILE || !vma->file)
			return st;
		kco_uelf_fini(elf);
	}
	if (!vma->file || uimage_source_cached(&cached, f->p->session, vma->file, &why)) {
		uimage_source_close(&cached);
		// Memory's own reason, if there was memory to look at.
		return vma->offset ? kco_fail(err, why.code ? why.code : st, "%s", why.msg) : st;
	}
	*elf = cached.elf;
	elf->io = memory;
	cached.elf = (struct kco_uelf){ 0 };
	uimage_source_close(&cached);
	return KCO_OK;
}

/* An image that has @vma, if it is one. @sure: it is, whatever can be read of it. */
static enum kco_status uimage_try(struct uimage_find *f, const struct kco_vma *vma, bool sure, struct kco_err *err)
{
	struct process_images *images = f->images;
	struct kco_err why = KCO_ERR_INIT;
	struct kco_uimage *image;
	struct uimage *priv;
	bool exec;
	enum kco_status st = uimage_add(f, err);

	if (!st && f->visits > UIMAGE_VISITS)
		st = kco_fail(err, KCO_E_CORRUPT, "process %" PRId64 ": its images claim each other's memory",
			      f->p->pid);
	if (st)
		return st;
	image = &images->list[images->n];
	priv = &images->priv[images->n];
	*image = (struct kco_uimage){ .path = vma->file ? vma->file->path : vma->name, .symbol_file = "" };
	*priv = (struct uimage){ .p = f->p, .file = vma->file, .id = (uint32_t)images->n };
	st = uimage_headers(f, vma, &priv->elf, &why);
	if (!st &&
	    !kco_uelf_bias(&priv->elf, vma->start, vma->offset, (vma->flags & KCO_VMA_EXEC) != 0, &priv->elf.bias))
		st = kco_fail(&why, KCO_E_CORRUPT,
			      "no segment is loaded from offset %#" PRIx64 ", which is mapped at %#" PRIx64,
			      vma->offset, vma->start);
	if (st && !sure) {
		kco_uelf_fini(&priv->elf);
		return KCO_OK;
	}
	if (st) {
		kco_uelf_fini(&priv->elf);
		image->status = st;
		image->why = kco_session_text(f->p->session, "%s", why.msg);
	}
	exec = uimage_claim(f, image, priv);
	if (!image->vma || (!exec && !uimage_complete(f, &priv->elf, vma->file))) {
		uimage_unclaim(f, image, priv->id);
		kco_uelf_fini(&priv->elf);
		return KCO_OK;
	}
	if (!st)
		uimage_fill(image, priv);
	images->n++;
	return KCO_OK;
}

/* The main program: the file that was executed, and of several copies the one with the program headers. */
static void uimage_main(struct uimage_find *f)
{
	struct process_images *images = f->images;
	const struct kco_mm_info *mm;
	uint64_t phdr = 0;

	images->main = images->n;
	if (kco_mm_get(f->p, &mm, NULL))
		return;
	for (size_t i = 0; i + 1 < mm->nr_auxv && i + 1 < sizeof(mm->auxv) / sizeof(mm->auxv[0]); i += 2)
		if (mm->auxv[i] == AT_PHDR)
			phdr = mm->auxv[i + 1];
	for (size_t i = images->n; i-- > 0;) {
		const struct kco_uimage *image = &images->list[i];
		bool has_phdr = phdr >= image->start && phdr < image->end;

		if (mm->exe ? !uimage_same_file(mm->exe, images->priv[i].file) : !has_phdr)
			continue;
		images->main = i;
		if (has_phdr)
			break;
	}
	if (images->main < images->n)
		images->list[images->main].executable = true;
}

static int uimage_compare(const void *a, const void *b)
{
	const struct kco_uimage *x = *(const struct kco_uimage *const *)a, *y = *(const struct kco_uimage *const *)b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/* By start address; the owners of areas follow. */
static enum kco_status uimage_sort(struct uimage_find *f, struct kco_err *err)
{
	struct process_images *images = f->images;
	size_t n = images->n;
	const struct kco_uimage **order = calloc(n + 1, sizeof(*order));
	struct kco_uimage *list = calloc(n + 1, sizeof(*list));
	struct uimage *priv = calloc(n + 1, sizeof(*priv));
	uint32_t *place = calloc(n + 1, sizeof(*place));
	bool ok = order && list && priv && place;

	for (size_t i = 0; ok && i < n; i++)
		order[i] = &images->list[i];
	if (ok && n)
		qsort(order, n, sizeof(struct kco_uimage *), uimage_compare);
	for (size_t i = 0; ok && i < n; i++) {
		size_t from = (size_t)(order[i] - images->list);

		list[i] = images->list[from];
		priv[i] = images->priv[from];
		place[from] = (uint32_t)i + 1;
	}
	for (size_t i = 0; ok && i < f->n; i++)
		if (images->owner[i])
			images->owner[i] = place[images->owner[i] - 1];
	if (ok) {
		free(images->list);
		free(images->priv);
		images->list = list;
		images->priv = priv;
		images->cap = n + 1;
	} else {
		free(list);
		free(priv);
	}
	free(order);
	free(place);
	return ok ? KCO_OK : kco_fail(err, KCO_E_NOMEM, "images: out of memory");
}

static enum kco_status uimage_make(struct kco_process *p, struct process_images *images, struct kco_err *err)
{
	struct uimage_find f = { .p = p, .images = images };
	enum kco_status st = kco_vmas_get(p, &f.vmas, &f.n, &images->torn);

	if (st) {
		if (err)
			*err = images->torn;
		return st;
	}
	images->owner = calloc(f.n + 1, sizeof(*images->owner));
	if (!images->owner)
		return kco_fail(err, KCO_E_NOMEM, "images: out of memory");
	for (size_t i = 0; !st && i < f.n; i++) {
		const struct kco_vma *vma = &f.vmas[i];
		bool kernels = vma->kind == KCO_VMA_VDSO && vma->flags & KCO_VMA_EXEC;

		if (!images->owner[i] && (kernels || (vma->file && !vma->offset && !(vma->flags & KCO_VMA_IO))))
			st = uimage_try(&f, vma, false, err);
	}
	for (size_t i = 0; !st && i < f.n; i++)
		if (!images->owner[i] && f.vmas[i].file && f.vmas[i].flags & KCO_VMA_EXEC)
			st = uimage_try(&f, &f.vmas[i], true, err);
	if (!st)
		st = uimage_sort(&f, err);
	if (!st)
		uimage_main(&f);
	return st;
}

static enum kco_status uimage_load(struct kco_process *p, struct process_images *images, struct kco_err *err)
{
	KCO_LAZY(images->lazy, uimage_make(p, images, &images->lazy.err), err);
}

enum kco_status uimage_get(struct kco_process *p, struct process_images **ret, struct kco_err *err)
{
	struct process_images *images = process_part(p, PROCESS_IMAGES);

	if (!images) {
		images = calloc(1, sizeof(*images));
		if (!images)
			return kco_fail(err, KCO_E_NOMEM, "images: out of memory");
		process_part_set(p, PROCESS_IMAGES, images, uimage_fini);
	}
	*ret = images;
	return uimage_load(p, images, err);
}

enum kco_status kco_uimages_get(struct kco_process *p, const struct kco_uimage **ret, size_t *n, struct kco_err *err)
{
	struct process_images *images;
	enum kco_status st = uimage_get(p, &images, err);

	*ret = NULL;
	*n = 0;
	if (st)
		return st;
	if (images->torn.code && err)
		*err = images->torn;
	*ret = images->list;
	*n = images->n;
	return KCO_OK;
}

const struct kco_uimage *kco_uimage_at(struct kco_process *p, uint64_t va)
{
	const struct kco_vma *vma = kco_vma_at(p, va), *all;
	struct process_images *images;
	uint32_t owner;
	size_t n;

	if (!vma || uimage_get(p, &images, NULL) || kco_vmas_get(p, &all, &n, NULL))
		return NULL;
	owner = images->owner[vma - all];
	// The end of .bss may share an area with the heap behind it.
	return owner && va < images->list[owner - 1].end ? &images->list[owner - 1] : NULL;
}
