// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The ELF images of a process: its executable, its libraries, its loader, the
 * vdso. Read from the process's own memory, from the page cache, or from files
 * that are proved to be the same by build-id.
 */
#ifndef KCO_UIMAGE_H
#define KCO_UIMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kco/process.h>
#include <kco/vma.h>

struct kco_uimage {
	const char *path;	   /* as mapped; "[vdso]" */
	const struct kco_vma *vma; /* the first that maps it */
	uint64_t bias;		   /* what was added to the addresses in the file; 0 for a fixed executable */
	uint64_t start, end;	   /* of all that is mapped of it */
	uint8_t build_id[64];
	size_t build_id_size; /* 0: none is known */
	uint16_t elf_machine;
	bool elf32;
	bool executable;    /* the process's main program */
	bool shared_object; /* ET_DYN */
	const char
		*symbol_file; /* where symbols come from beyond memory, or NULL; "" until somebody asked for symbols */
	enum kco_status status; /* KCO_OK, or what is wrong with its headers */
	const char *why;
};

/** All images by start address. A process without an address space has none (KCO_OK, *n 0). */
enum kco_status kco_uimages_get(struct kco_process *p, const struct kco_uimage **ret, size_t *n,
				struct kco_err *err) KCO_MUST_USE;
/** The image that holds @va, or NULL. */
const struct kco_uimage *kco_uimage_at(struct kco_process *p, uint64_t va);

struct kco_usymbol {
	uint64_t addr, size; /* in the process; size 0 unknown */
	const char *name;    /* raw bytes; lives as long as the session */
	const struct kco_uimage *image;
	char type; /* as nm has it */
};
/** The function or object that covers @va. Symbols are loaded on first use. KCO_E_NOSYM. */
enum kco_status kco_usymbol_by_addr(struct kco_process *p, uint64_t va, struct kco_usymbol *ret,
				    struct kco_err *err) KCO_MUST_USE;
/** By name in all images, or in one as "image`name" (image: its last path component or a beginning of that). */
enum kco_status kco_usymbol_by_name(struct kco_process *p, const char *name, struct kco_usymbol *ret,
				    struct kco_err *err) KCO_MUST_USE;
/** The same in one image after the other: *@cursor is 0 to begin with. KCO_E_NOSYM: none has it, or no other. */
enum kco_status kco_usymbol_next(struct kco_process *p, const char *name, size_t *cursor, struct kco_usymbol *ret,
				 struct kco_err *err) KCO_MUST_USE;

/**
 * The unwind information of an image, as addresses in the process; 0: it has
 * none. Sections that are in no segment (.debug_frame) are given as bytes.
 */
struct kco_uimage_unwind {
	uint64_t eh_frame_hdr, eh_frame_hdr_size;
	uint64_t eh_frame, eh_frame_size; /* size 0: not known, ends with a zero CIE or at the segment's end */
	const uint8_t *debug_frame;	  /* from a file, borrowed; addresses in it are without the bias */
	size_t debug_frame_size;
};
enum kco_status kco_uimage_unwind_get(struct kco_process *p, const struct kco_uimage *image,
				      struct kco_uimage_unwind *ret, struct kco_err *err) KCO_MUST_USE;
/** Read @n bytes of the image at process address @va: from memory, else from the file that symbols come from. */
enum kco_status kco_uimage_read(struct kco_process *p, const struct kco_uimage *image, uint64_t va, void *buf, size_t n,
				size_t *done, struct kco_err *err) KCO_MUST_USE;

#endif
