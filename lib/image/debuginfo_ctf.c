// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The CTF of a kernel file: its section, and the symbol tables that it counts on.
 */
#include "debuginfo.h"

#include <stdlib.h>
#include <string.h>

#include <gelf.h>

#include "ctf.h"
#include "debuginfo_priv.h"

static void debuginfo_ctf_symtab(Elf *elf, Elf_Scn *scn, const GElf_Shdr *sh, struct kco_ctf_symtab *table)
{
	Elf_Data *syms = elf_rawdata(scn, NULL), *strs = NULL;
	Elf_Scn *linked = elf_getscn(elf, sh->sh_link);

	if (linked)
		strs = elf_rawdata(linked, NULL);
	if (!syms || !syms->d_buf || !strs || !strs->d_buf)
		return;
	*table = (struct kco_ctf_symtab){ syms->d_buf, syms->d_size, strs->d_buf, strs->d_size };
}

static void debuginfo_ctf_elf(Elf *elf, struct kco_ctf_elf *ret)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr sh;

	*ret = (struct kco_ctf_elf){ .elf64 = gelf_getclass(elf) == ELFCLASS64 };
	ret->ptr_size = ret->elf64 ? 8 : 4;
	while ((scn = elf_nextscn(elf, scn))) {
		if (!gelf_getshdr(scn, &sh))
			continue;
		if (sh.sh_type == SHT_SYMTAB)
			debuginfo_ctf_symtab(elf, scn, &sh, &ret->symtab);
		else if (sh.sh_type == SHT_DYNSYM)
			debuginfo_ctf_symtab(elf, scn, &sh, &ret->dynsym);
	}
}

static Elf_Scn *debuginfo_ctf_find(struct kco_debuginfo *di, Elf **elf)
{
	Elf_Scn *scn;

	*elf = di->elf;
	scn = kco_debuginfo_section(*elf, ".SUNW_ctf");
	return scn ? scn : kco_debuginfo_section(*elf, ".ctf");
}

enum kco_status kco_debuginfo_ctf_new(struct kco_debuginfo *di, struct kco_types **ret, struct kco_err *err)
{
	struct kco_ctf_elf around;
	enum kco_status st;
	Elf_Data *data;
	Elf_Scn *scn;
	Elf *elf;

	*ret = NULL;
	pthread_mutex_lock(&di->lock);
	scn = debuginfo_ctf_find(di, &elf);
	if (!scn && kco_debuginfo_pair(di))
		scn = debuginfo_ctf_find(di->pair, &elf);
	data = scn ? elf_rawdata(scn, NULL) : NULL;
	if (!scn) {
		st = kco_fail(err, KCO_E_NOTYPE, "%s has no CTF (no section .SUNW_ctf or .ctf)", di->path);
	} else if (!data || !data->d_buf) {
		st = kco_fail(err, KCO_E_CORRUPT, "%s: its CTF: %s", di->path, elf_errmsg(-1));
	} else {
		debuginfo_ctf_elf(elf, &around);
		st = kco_ctf_new(data->d_buf, data->d_size, &around, NULL, ret, err);
		if (st)
			st = kco_context(err, st, "%s", di->path);
	}
	pthread_mutex_unlock(&di->lock);
	return st;
}
