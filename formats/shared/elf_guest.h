// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The core of a process in which a mapped file is the memory of a machine.
 *
 * Such a process is itself a kernel (User-Mode Linux): its address space is the
 * kernel's, and what it maps of the file once, in one piece, is the machine's
 * physical memory from its own program on:
 *
 *   base          base + s             base + e                    va
 *   | the program | the file from s on | ...  | other pieces of the file |
 *   0             s                    e                           pa
 *
 * The note NT_FILE lists what was mapped (Linux fs/binfmt_elf.c, fill_files_note()):
 *
 *   count | page size | count * { start, end, offset in pages } | count * name\0
 *
 * in words of the file's class. gdb's gcore has a page size of 1.
 */
#ifndef KCO_ELF_GUEST_H
#define KCO_ELF_GUEST_H

#include <kco/image.h>

#include "elf_pieces.h"

struct kco_elf_guest;

/**
 * Look for such a file among the notes of @img; *@ret is NULL when there is
 * none, and the core is any process's. In the image's arena.
 */
enum kco_status kco_elf_guest_find(struct kco_image *img, bool class32, struct kco_elf_guest **ret,
				   struct kco_err *err) KCO_MUST_USE;
/**
 * Add the pieces @v of the process's address space as virtual segments that
 * know their physical places, and what is the machine's memory as physical
 * segments. Warns when the core's filter left that memory out.
 */
enum kco_status kco_elf_guest_add(struct kco_image *img, struct kco_io *io, struct kco_elf_guest *guest,
				  const struct kco_elf_piece *v, size_t n, struct kco_err *err) KCO_MUST_USE;

#endif
