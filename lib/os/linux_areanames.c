// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What an area is called in /proc/PID/maps: show_map_vma() of fs/proc/task_mmu.c.
 *
 *   a file                    its path; a name that the process gave to shared memory: [anon_shmem:NAME]
 *   vm_ops->name              vm_special_mapping.name ([vdso], [vvar], [uprobes] ...), [vsyscall]
 *   between start_brk and brk [heap]
 *   around start_stack        [stack]
 *   anon_name                 [anon:NAME]
 */
#include "linux_vmas.h"

#include <string.h>

#define NAMES_MAX 96 /* ANON_VMA_NAME_MAX_LEN is 80; those of special mappings are shorter */

/*
 * VM_* of include/linux/mm.h. Bits that mean different things in different
 * kernels (11: DENYWRITE until Linux 8d0920bde5eb, v5.15; all above 31) have
 * no name.
 */
static const char *const names_flags[32] = {
	"READ",	     "WRITE",	     "EXEC",	   "SHARED",	  "MAYREAD",  "MAYWRITE",  "MAYEXEC",	 "MAYSHARE",
	"GROWSDOWN", "UFFD_MISSING", "PFNMAP",	   NULL,	  "UFFD_WP",  "LOCKED",	   "IO",	 "SEQ_READ",
	"RAND_READ", "DONTCOPY",     "DONTEXPAND", "LOCKONFAULT", "ACCOUNT",  "NORESERVE", "HUGETLB",	 "SYNC",
	"ARCH_1",    "WIPEONFORK",   "DONTDUMP",   "SOFTDIRTY",	  "MIXEDMAP", "HUGEPAGE",  "NOHUGEPAGE", "MERGEABLE",
};

const char *linux_vma_flag(unsigned bit)
{
	return bit < 32 ? names_flags[bit] : NULL;
}

enum names_how { NAMES_NOT = 1, NAMES_SPECIAL, NAMES_GATE };
static char names_how[] = { 0, NAMES_NOT, NAMES_SPECIAL, NAMES_GATE };

/* Which of the functions behind vm_ops->name names its areas. */
static enum names_how names_namer(struct kco_session *s, struct linux_areas *areas, uint64_t ops)
{
	static const struct {
		const char *function;
		enum names_how how;
	} functions[] = { { "special_mapping_name", NAMES_SPECIAL }, { "gate_vma_name", NAMES_GATE } };
	const char *known = kco_addrmap_get(&areas->namers, ops);
	enum names_how how = NAMES_NOT;
	struct kco_symbol sym;
	uint64_t function;

	if (known)
		return (enum names_how) * known;
	if (!kco_kread_field(s, ops, &areas->ops_name, &function, NULL) && function &&
	    !kco_symbols_by_addr(s->symbols, function, &sym, NULL) && sym.addr == function)
		for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++)
			if (!strcmp(sym.name, functions[i].function))
				how = functions[i].how;
	(void)!kco_addrmap_put(&areas->namers, ops, &names_how[how]);
	return how;
}

/* The string at @at, put into @format and remembered under @key. */
static enum kco_status names_text(struct kco_session *s, struct kco_addrmap *memo, uint64_t key, uint64_t at,
				  const char *before, const char *after, const char **ret, struct kco_err *torn)
{
	char *name = kco_addrmap_get(memo, key), text[NAMES_MAX];

	if (!name) {
		if (kco_vread_str(s->mem, &s->kernel, at, text, sizeof(text), torn->code ? NULL : torn))
			strcpy(text, "?");
		name = kco_arena_printf(&s->arena, "%s%s%s", before, text, after);
		if (!name || kco_addrmap_put(memo, key, name))
			return KCO_E_NOMEM;
	}
	*ret = name;
	return KCO_OK;
}

static enum kco_status names_special(struct kco_session *s, struct linux_areas *areas, uint64_t mapping,
				     struct kco_vma *vma, struct kco_err *torn)
{
	uint64_t at;

	if (!areas->special_name.size)
		return KCO_OK;
	if (kco_kread_field(s, mapping, &areas->special_name, &at, torn->code ? NULL : torn))
		return KCO_OK;
	return names_text(s, &areas->special, mapping, at, "", "", &vma->name, torn);
}

static enum kco_status names_anon(struct kco_session *s, struct linux_areas *areas, uint64_t anon_name,
				  struct kco_vma *vma, struct kco_err *torn)
{
	vma->kind = KCO_VMA_NAMED;
	return names_text(s, vma->file ? &areas->anon_shmem : &areas->anon, anon_name,
			  anon_name + areas->anon_name_text.offset, vma->file ? "[anon_shmem:" : "[anon:", "]",
			  &vma->name, torn);
}

enum kco_status linux_area_name(struct kco_session *s, struct linux_areas *areas, const uint8_t *bytes,
				const uint8_t *mm, struct kco_vma *vma, struct kco_err *torn)
{
	uint64_t ops = linux_layout_get(&areas->vma, bytes, VF_OPS), stack, brk, start_brk;
	uint64_t anon_name = areas->anon_name_text.size ? linux_layout_get(&areas->vma, bytes, VF_ANON_NAME) : 0;
	enum names_how how = ops && !vma->file && areas->ops_name.size ? names_namer(s, areas, ops) : NAMES_NOT;

	vma->name = "";
	if (vma->file) {
		vma->name = vma->file->path;
		vma->kind = linux_file_pseudo(vma->file) ? KCO_VMA_NAMED : KCO_VMA_FILE;
		/* Since Linux d09e8ca6cb93 (v6.2) shared memory can be named, too. */
		return anon_name && !areas->anon_name_shared ? names_anon(s, areas, anon_name, vma, torn) : KCO_OK;
	}
	if (how == NAMES_GATE)
		vma->name = "[vsyscall]";
	if (how != NAMES_NOT) {
		vma->kind = KCO_VMA_VDSO;
		return how == NAMES_SPECIAL
			       ? names_special(s, areas, linux_layout_get(&areas->vma, bytes, VF_PRIVATE), vma, torn)
			       : KCO_OK;
	}
	start_brk = linux_layout_get(&areas->mm, mm, MF_START_BRK);
	brk = linux_layout_get(&areas->mm, mm, MF_BRK);
	stack = linux_layout_get(&areas->mm, mm, MF_START_STACK);
	if (vma->start <= brk && vma->end >= start_brk) {
		vma->kind = KCO_VMA_HEAP;
		vma->name = "[heap]";
	} else if (vma->start <= stack && vma->end >= stack) {
		vma->kind = KCO_VMA_STACK;
		vma->name = "[stack]";
	} else if (anon_name) {
		return names_anon(s, areas, anon_name, vma, torn);
	}
	return KCO_OK;
}
