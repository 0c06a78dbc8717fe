// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The CFI row of a program counter, found once for each image of a process:
 * its threads wait in few places.
 *
 *   (file, address in it) -> row        struct uunwind_memo, hung on process 0
 *   image of a process    -> its file   struct uunwind_images, hung on it
 *
 * Nothing is shared between processes: tables are read from a process's own
 * memory, where it may have written over its private copy of a library, and no
 * process may spoil another one's rows. Images of one file that are mapped
 * twice in a process are told to be the same by its inode in the kernel.
 */
#include "uunwind_priv.h"

#include <stdlib.h>
#include <string.h>

#define UROWS_BUCKETS 4096
#define UROWS_MAX 65536 /* rows kept in a session */

struct urows_row {
	struct urows_row *next;
	uint32_t file;
	uint64_t pc; /* in the file */
	bool found;
	struct kco_cfi_row row;
};

struct urows_file {
	int64_t pid;
	uint64_t inode; /* 0: no file, then: */
	uint8_t build_id[64];
	size_t build_id_size;
	uint64_t vma; /* with neither: of this area only */
	bool elf32;
	bool indexed; /* the indices were tried */
	struct kco_cfi_index *eh_frame, *debug_frame;
};

struct uunwind_memo {
	struct urows_file *files;
	uint32_t nr_files, cap_files;
	size_t nr_rows;
	struct urows_row *buckets[UROWS_BUCKETS];
	struct urows_row spare; /* what is found when no more is kept */
};

/* Of one process: what each of its images is. */
struct uunwind_images {
	size_t n;
	uint32_t files[]; /* number in the memo's files + 1, 0: not asked yet */
};

static void urows_memo_fini(void *data)
{
	struct uunwind_memo *memo = data;

	for (size_t b = 0; b < UROWS_BUCKETS; b++) {
		struct urows_row *next;

		for (struct urows_row *r = memo->buckets[b]; r; r = next) {
			next = r->next;
			free(r);
		}
	}
	for (uint32_t i = 0; i < memo->nr_files; i++) {
		kco_cfi_index_free(memo->files[i].eh_frame);
		kco_cfi_index_free(memo->files[i].debug_frame);
	}
	free(memo->files);
	free(memo);
}

static struct uunwind_memo *urows_memo(struct kco_session *s)
{
	struct kco_process *kernel;
	struct uunwind_memo *memo;

	if (kco_process_get(s, 0, &kernel, NULL))
		return NULL;
	memo = process_part(kernel, PROCESS_UNWIND);
	if (!memo) {
		memo = calloc(1, sizeof(*memo));
		if (memo)
			process_part_set(kernel, PROCESS_UNWIND, memo, urows_memo_fini);
	}
	return memo;
}

static void urows_identify(const struct kco_process *p, const struct kco_uimage *image, struct urows_file *ret)
{
	const struct kco_vma *vma = image->vma;

	*ret = (struct urows_file){ .pid = p->pid, .elf32 = image->elf32 };
	ret->inode = vma && vma->file ? vma->file->inode_addr : 0;
	// Pages that the kernel maps itself: the vdso, one for each width.
	if (!ret->inode && image->build_id_size && vma && vma->kind == KCO_VMA_VDSO) {
		ret->build_id_size = image->build_id_size;
		memcpy(ret->build_id, image->build_id, image->build_id_size);
	}
	if (!ret->inode && !ret->build_id_size)
		ret->vma = vma ? vma->addr : image->start;
}

static bool urows_same(const struct urows_file *a, const struct urows_file *b)
{
	return a->pid == b->pid && a->inode == b->inode && a->vma == b->vma && a->elf32 == b->elf32 &&
	       a->build_id_size == b->build_id_size && !memcmp(a->build_id, b->build_id, a->build_id_size);
}

/* The number of the image's file, from 1; 0: memory is out. */
static uint32_t urows_file_new(struct uunwind_memo *memo, const struct kco_process *p, const struct kco_uimage *image)
{
	struct urows_file file;

	urows_identify(p, image, &file);
	for (uint32_t i = 0; i < memo->nr_files; i++)
		if (urows_same(&memo->files[i], &file))
			return i + 1;
	if (memo->nr_files == memo->cap_files) {
		uint32_t cap = memo->cap_files ? memo->cap_files * 2 : 64;
		struct urows_file *files = realloc(memo->files, cap * sizeof(*files));

		if (!files)
			return 0;
		memo->files = files;
		memo->cap_files = cap;
	}
	memo->files[memo->nr_files++] = file;
	return memo->nr_files;
}

static uint32_t urows_file(struct uunwind_memo *memo, struct kco_process *p, const struct kco_uimage *image)
{
	struct uunwind_images *images = process_part(p, PROCESS_UNWIND);
	const struct kco_uimage *list;
	size_t n, i;

	if (kco_uimages_get(p, &list, &n, NULL) || image < list || image >= list + n)
		return 0;
	if (!images) {
		images = calloc(1, sizeof(*images) + n * sizeof(images->files[0]));
		if (!images)
			return 0;
		images->n = n;
		process_part_set(p, PROCESS_UNWIND, images, free);
	}
	i = (size_t)(image - list);
	if (i >= images->n)
		return 0;
	if (!images->files[i])
		images->files[i] = urows_file_new(memo, p, image);
	return images->files[i];
}

struct urows_source {
	struct kco_process *p;
	const struct kco_uimage *image;
	const struct kco_uimage_unwind *unwind;
};

static size_t urows_read_image(void *arg, uint64_t at, void *buf, size_t n)
{
	const struct urows_source *src = arg;
	size_t done = 0;

	(void)!kco_uimage_read(src->p, src->image, at, buf, n, &done, NULL);
	return done;
}

static size_t urows_read_bytes(void *arg, uint64_t at, void *buf, size_t n)
{
	const struct urows_source *src = arg;

	if (at >= src->unwind->debug_frame_size)
		return 0;
	if (n > src->unwind->debug_frame_size - at)
		n = (size_t)(src->unwind->debug_frame_size - at);
	memcpy(buf, src->unwind->debug_frame + at, n);
	return n;
}

/* Sections without a table that can be searched get an index, once for each file. */
static void urows_index(struct urows_file *file, const struct kco_cfi *eh, const struct kco_cfi *debug)
{
	if (file->indexed)
		return;
	file->indexed = true;
	if (!eh->hdr && eh->start && kco_cfi_index_new(eh, &file->eh_frame, NULL))
		file->eh_frame = NULL;
	if (debug->size && kco_cfi_index_new(debug, &file->debug_frame, NULL))
		file->debug_frame = NULL;
}

static enum kco_status urows_find(struct uunwind_walk *w, const struct kco_uimage *image, struct urows_file *file,
				  uint64_t pc, struct kco_cfi_row *row)
{
	struct kco_uimage_unwind unwind = { 0 };
	struct urows_source src = { .p = w->p, .image = image, .unwind = &unwind };
	struct kco_cfi eh = { .read = urows_read_image, .arg = &src, .ptr_size = w->ptr, .bias = image->bias };
	struct kco_cfi debug = { .read = urows_read_bytes, .arg = &src, .ptr_size = w->ptr, .bias = image->bias };
	enum kco_status st = kco_uimage_unwind_get(w->p, image, &unwind, NULL);

	if (st)
		return st;
	eh.hdr = unwind.eh_frame_hdr;
	eh.hdr_size = unwind.eh_frame_hdr_size;
	eh.start = unwind.eh_frame;
	eh.size = unwind.eh_frame_size;
	debug.debug_frame = true;
	debug.size = unwind.debug_frame_size;
	urows_index(file, &eh, &debug);
	eh.index = file->eh_frame;
	debug.index = file->debug_frame;
	st = KCO_E_NOSYM;
	if (eh.hdr || eh.index)
		st = kco_cfi_find(&eh, pc, row, NULL);
	if (st && debug.index && kco_cfi_find(&debug, pc, row, NULL) == KCO_OK)
		st = KCO_OK;
	return st;
}

static struct urows_row *urows_keep(struct uunwind_memo *memo, struct urows_row **bucket, uint32_t file, uint64_t pc)
{
	struct urows_row *r = memo->nr_rows < UROWS_MAX ? malloc(sizeof(*r)) : NULL;

	if (!r)
		return &memo->spare;
	r->file = file;
	r->pc = pc;
	r->next = *bucket;
	*bucket = r;
	memo->nr_rows++;
	return r;
}

const struct kco_cfi_row *uunwind_find_row(struct uunwind_walk *w, uint64_t pc, const struct kco_uimage **ret)
{
	const struct kco_uimage *image = kco_uimage_at(w->p, pc);
	struct uunwind_memo *memo = image ? urows_memo(w->p->session) : NULL;
	uint32_t file = memo ? urows_file(memo, w->p, image) : 0;
	struct urows_row **bucket, *r;
	struct kco_cfi_row row;
	uint64_t at, h;
	enum kco_status st;

	if (!file)
		return NULL;
	*ret = image;
	at = pc - image->bias;
	h = (at + file) * UINT64_C(0x9e3779b97f4a7c15);
	bucket = &memo->buckets[h >> 52];
	for (r = *bucket; r; r = r->next)
		if (r->file == file && r->pc == at)
			return r->found ? &r->row : NULL;
	st = urows_find(w, image, &memo->files[file - 1], pc, &row);
	// Another process may be able to read what this one cannot.
	if (st && st != KCO_E_NOSYM)
		return NULL;
	r = urows_keep(memo, bucket, file, at);
	r->found = st == KCO_OK;
	if (r->found)
		r->row = row;
	return r->found ? &r->row : NULL;
}
