// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Inside of a process's images.
 *
 *   uimage.c          what is mapped where: one struct uimage for each
 *   uimage_files.c    what all processes share: symbols of a file, its sections
 *   uimage_search.c   where these may come from
 *   uimage_lookup.c   symbols, unwind tables, bytes
 */
#ifndef KCO_PROC_UIMAGE_PRIV_H
#define KCO_PROC_UIMAGE_PRIV_H

#include <kco/io.h>
#include <kco/uimage.h>

#include "process_priv.h"
#include "uelf.h"
#include "usymtab.h"

/** An ELF file that is open: of this machine, out of the page cache, or unpacked. */
struct uimage_source {
	struct kco_session *session;
	struct kco_io *io;	     /* NULL: */
	const struct kco_file *file; /* in the page cache */
	struct kco_uelf elf;
	bool open;
};

/** What belongs to a file that is mapped, in however many processes. */
struct uimage_file {
	struct uimage_file *next;
	uint64_t inode_addr; /* 0: the vdso */
	uint8_t build_id[KCO_UELF_BUILD_ID];
	size_t build_id_size;
	bool loaded;
	struct kco_usymtab syms;
	struct uimage_source symbols; /* with .symtab, or unpacked; often one of the two below: not open then */
	struct uimage_source binary;  /* the file itself as this machine has it */
	struct uimage_source cached;  /* the file itself in the page cache */
	const char *symbol_file;      /* of struct kco_uimage */
	bool frame_tried;
	void *debug_frame;
	size_t debug_frame_size;
};

/** An image of one process; beside each struct kco_uimage. */
struct uimage {
	struct kco_process *p;
	const struct kco_file *file; /* NULL: the vdso */
	struct kco_uelf elf;	     /* as it is mapped */
	struct uimage_file *shared;  /* NULL: nobody has asked */
	uint32_t id;		     /* the order in which it was found */
};

struct process_images {
	struct kco_lazy lazy;
	struct kco_err torn; /* areas are missing */
	struct kco_uimage *list;
	struct uimage *priv;
	size_t n, cap;
	uint32_t *owner; /* of each area: index of its image + 1 */
	size_t main;	 /* of the main program, or n */
};

/** All images of @p, made on first use. */
enum kco_status uimage_get(struct kco_process *p, struct process_images **ret, struct kco_err *err) KCO_MUST_USE;
/** What @image shares with others, symbols loaded. */
enum kco_status uimage_file_get(struct kco_uimage *image, struct uimage *priv, struct uimage_file **ret,
				struct kco_err *err) KCO_MUST_USE;
/** Open a file below @root (NULL: of this machine), the page cache's copy, or an @io (taken). */
enum kco_status uimage_source_path(struct uimage_source *src, struct kco_session *s, const char *root, const char *path,
				   struct kco_err *err) KCO_MUST_USE;
enum kco_status uimage_source_cached(struct uimage_source *src, struct kco_session *s, const struct kco_file *file,
				     struct kco_err *err) KCO_MUST_USE;
enum kco_status uimage_source_io(struct uimage_source *src, struct kco_session *s, struct kco_io *io,
				 struct kco_err *err) KCO_MUST_USE;
void uimage_source_close(struct uimage_source *src);
/** Fill file->syms from the best place that there is. */
void uimage_search(const struct kco_uimage *image, const struct uimage *priv, struct uimage_file *file);

#endif
