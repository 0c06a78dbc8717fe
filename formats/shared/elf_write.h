// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The writer behind elf.c's table row: an ELF core of a kernel.
 */
#ifndef KCO_ELF_WRITE_H
#define KCO_ELF_WRITE_H

#include <kco/write.h>

/** See the write slot of struct kco_format_ops. Same memory in, same bytes out. */
enum kco_status kco_elf_write(const struct kco_write_source *src, struct kco_sink *sink, struct kco_err *err);

#endif
