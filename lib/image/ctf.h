// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * CTF: the compact types of Solaris that the BSDs' kernels carry in .SUNW_ctf,
 * and the later form that GNU compilers write to .ctf.
 */
#ifndef KCO_CTF_H
#define KCO_CTF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kco/err.h>
#include <kco/type.h>

/** What CTF leaves to the ELF file around it. All borrowed: it must outlive the source. */
struct kco_ctf_elf {
	unsigned ptr_size;
	bool elf64; /* of the symbol tables */
	struct kco_ctf_symtab {
		const void *syms; /* Elf32_Sym or Elf64_Sym, little-endian; NULL: none */
		size_t syms_size;
		const char *strs;
		size_t strs_size;
	} symtab, dynsym;
};

/**
 * A type source from the @size bytes of a section at @data, which is not kept.
 * @parent is NULL, or the source whose types a child goes on from; it must
 * outlive the result. Inflates what is compressed, checks header and bounds at
 * once and each type when it is first met. KCO_E_UNSUPPORTED: another version,
 * or a child without its parent (which is named).
 */
enum kco_status kco_ctf_new(const void *data, size_t size, const struct kco_ctf_elf *elf,
			    const struct kco_types *parent, struct kco_types **ret, struct kco_err *err) KCO_MUST_USE;

/** Why types from some point on could not be read, borrowed from the source; NULL: it is whole. */
const char *kco_ctf_torn(const struct kco_types *types);

#endif
