// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The table row of an architecture: registers, paging forms, frame pointers.
 *
 * An architecture knows no operating system: what is laid out by a kernel
 * (pt_regs, switch frames, exception stacks) is in lib/os.
 *
 * How to add an architecture: write lib/arch/NAME.c with a `const struct
 * kco_arch_ops kco_arch_NAME`, add X(NAME) to lib/arch/arch.def, and the
 * OS-specific layouts in lib/os.
 */
#ifndef KCO_ARCH_H
#define KCO_ARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kco/err.h>
#include <kco/image.h>

#define KCO_REGS_MAX 40
#define KCO_LEVELS_MAX 6

/** A register set; v[i] is meaningful when bit i of known is set. Indices are arch->regs[]. */
struct kco_regs {
	uint64_t v[KCO_REGS_MAX];
	uint64_t known;
};

struct kco_reg_desc {
	const char *name; /* as assemblers spell it: "rax" */
	int dwarf;	  /* DWARF register number, -1 none */
	uint8_t size;	  /* bytes */
};

/** The name that a register has in 32-bit code: "eax" */
struct kco_reg_narrow {
	const char *name;
	uint8_t reg;  /* index into arch->regs[] */
	uint8_t size; /* bytes */
};

#define KCO_XREG_PIECES_MAX 3

/** A register within vector state (struct kco_xstate in thread.h): pieces, the lowest first. */
struct kco_xreg_desc {
	const char *name; /* as debuggers spell it: "ymm0", "st0", "mxcsr" */
	const char *set;  /* the heading that it belongs under; equal ones are neighbours */
	struct {
		uint8_t component;
		uint8_t size;	 /* bytes; 0: no further piece */
		uint16_t offset; /* from where the component begins */
	} pieces[KCO_XREG_PIECES_MAX];
};

/** Where the registers of a note or a saved frame lie: data, one entry a register. */
struct kco_regset_entry {
	uint8_t reg;	 /* index into arch->regs[] */
	uint16_t offset; /* bytes from the start of the desc */
	uint8_t size;
};

struct kco_regset {
	const char *note;   /* note name: "CORE", "QEMU" */
	uint32_t type;	    /* note type */
	uint32_t desc_size; /* exact desc size this row describes */
	const struct kco_regset_entry *entries;
	size_t nr_entries;
};

enum kco_pte_kind {
	KCO_PTE_EMPTY,	     /* zero: nothing was ever there */
	KCO_PTE_TABLE,	     /* points to the next level */
	KCO_PTE_PAGE,	     /* maps a page */
	KCO_PTE_NOT_PRESENT, /* not zero: the OS knows (swapped, migrating, ...) */
	KCO_PTE_BAD,	     /* reserved bits set, or a leaf where none may be */
};

/** A paging form: how many levels, the bits each consumes, and what an entry means. */
struct kco_paging {
	const char *name;			     /* "x86-64 5-level" */
	unsigned levels;			     /* tables walked */
	uint8_t bits[KCO_LEVELS_MAX + 1];	     /* [0] page offset, [1] lowest table, ... [levels] root */
	const char *level_names[KCO_LEVELS_MAX + 1]; /* [1] "PTE" ... [levels] "PGD" */
	uint8_t entry_size;
	bool plain; /* addresses are just numbers, without the processor's rule for the bits above (arch->canonical) */
	/* What @entry of table level @level (1 lowest) means; @pa the table's or page's address. */
	enum kco_pte_kind (*decode)(uint64_t entry, unsigned level, uint64_t addr_mask, struct kco_paddr *pa);
	/* "PRESENT|RW|USER|..." of an entry into @buf. For vtop. */
	void (*flags)(uint64_t entry, unsigned level, char *buf, size_t n);
};

/** A frame made with a frame pointer: what lies where from it. Both words are neighbours. */
struct kco_arch_frame {
	int8_t fp; /* bytes: the caller's frame pointer */
	int8_t ra; /* bytes: the return address */
	int8_t sp; /* bytes: where the caller's stack pointer was; it may have been higher on arm64 */
};

/** How programs of a narrower architecture run on this one: data. */
struct kco_arch_compat {
	uint16_t elf_machine;
	uint8_t ptr_size;
	const uint8_t *dwarf; /* by their DWARF register number: index into regs[] */
	size_t nr_dwarf;
	struct kco_arch_frame frame;
};

struct kco_arch_ops {
	const char *name; /* "x86_64" */
	uint16_t elf_machine;
	uint8_t ptr_size;
	bool big_endian;
	uint32_t page_size;
	const struct kco_reg_desc *regs;
	size_t nr_regs;
	uint8_t pc, sp, fp; /* indices into regs[] */
	bool has_link;	    /* a call leaves its return address in a register; else it pushes it */
	uint8_t link;	    /* that register, an index into regs[] */
	struct kco_arch_frame frame;
	const struct kco_reg_narrow *narrow; /* what 32-bit code sees, in its order; NULL: no such code */
	size_t nr_narrow;
	const struct kco_xreg_desc
		*xregs; /* vector and floating-point registers, the last without a name; may be NULL */
	const struct kco_regset *regsets; /* how notes carry registers */
	size_t nr_regsets;
	const struct kco_paging *const *paging; /* NULL-terminated */
	uint64_t phys_mask;			/* widest physical address an entry may hold */
	/* Is @va canonical under a form of @va_bits bits? May be NULL: every address is. */
	bool (*canonical)(uint64_t va, unsigned va_bits);
	/* Length of a call instruction that ends right before a return address, 0 if none does. May be NULL. */
	unsigned (*call_before)(const uint8_t *code, size_t n);
	/* Where the call that ends right before @ret goes, when its code says so (no register, no memory). May be NULL.
	 */
	bool (*call_target)(const uint8_t *code, size_t n, uint64_t ret, uint64_t *target);
	/* Does a function that begins with this code set the frame pointer first of all? May be NULL. */
	bool (*sets_fp)(const uint8_t *code, size_t n);
	const struct kco_arch_compat *compat; /* NULL: it runs none */
};

/** All architectures, NULL-terminated. */
extern const struct kco_arch_ops *const kco_archs[];

/** The architecture for an ELF machine, or NULL. */
const struct kco_arch_ops *kco_arch_by_machine(uint16_t elf_machine);
/** The index of the register with this name, or -1. */
int kco_arch_reg(const struct kco_arch_ops *arch, const char *name);
/** Set a register and mark it known. */
void kco_regs_set(struct kco_regs *regs, unsigned reg, uint64_t value);
/** Fetch a register; false when it is not known. */
bool kco_regs_get(const struct kco_regs *regs, unsigned reg, uint64_t *ret);
/** Decode @desc (@n bytes) by @set's entries into @regs, adding to what it holds. Entries beyond @n are skipped. */
void kco_regset_decode(const struct kco_regset *set, const void *desc, size_t n, struct kco_regs *regs);
/** The reverse: put those of @regs that are known into @desc (@n bytes), and leave the rest of it as it is. */
void kco_regset_encode(const struct kco_regset *set, const struct kco_regs *regs, void *desc, size_t n);
/** The row of @arch for notes of @name and @type, of the first size there is; NULL: it has none. */
const struct kco_regset *kco_arch_regset(const struct kco_arch_ops *arch, const char *name, uint32_t type);

#endif
