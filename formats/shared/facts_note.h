// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The note KCODBG of a converted file: what the headers of the dump that it was
 * made of said, and an ELF file has no place for.
 *
 *   name "KCODBG", type 1
 *   u32 version (1) | items: u32 tag | u32 size | size bytes, padded to a multiple of 4
 *
 * Little-endian. Tags are below; those that a reader does not know are skipped,
 * and a change that old readers would misread gets another version.
 */
#ifndef KCO_FACTS_NOTE_H
#define KCO_FACTS_NOTE_H

#include <kco/write.h>

#define KCO_FACTS_NOTE_TYPE 1u
#define KCO_FACTS_NOTE_VERSION 1u

/** Texts have no NUL, numbers are u32 or u64 as said. */
enum kco_facts_tag {
	KCO_FACTS_SYSNAME = 1,
	KCO_FACTS_NODENAME = 2,
	KCO_FACTS_RELEASE = 3,
	KCO_FACTS_VERSION = 4,
	KCO_FACTS_MACHINE = 5,
	KCO_FACTS_DOMAINNAME = 6,
	KCO_FACTS_PANIC = 7,
	KCO_FACTS_NO_USER = 8,	   /* why there is no memory of processes */
	KCO_FACTS_DUMP_TIME = 16,  /* u64 seconds since the epoch */
	KCO_FACTS_NR_CPUS = 17,	   /* u32 */
	KCO_FACTS_ROOT = 18,	   /* u64 physical address of the highest page table, u64 levels (0: not said) */
	KCO_FACTS_KERNEL_PA = 19,  /* u64 virtual, u64 physical address of the kernel */
	KCO_FACTS_PHYS_BASE = 20,  /* u64 */
	KCO_FACTS_BLOCK_SIZE = 21, /* u32 bytes */
	KCO_FACTS_ELF32 = 22,	   /* u32 1: the machine has addresses of 32 bits, if not this file */
	KCO_FACTS_MSGBUF = 32,	   /* the ring as it was */
	/*
	 * u64 first, u64 last, any number of pairs: the file's virtual addresses are
	 * the kernel's maps, p_paddr tells where each lies, and what is in one of
	 * these ranges and in no program header is not mapped.
	 */
	KCO_FACTS_MAPS = 33,
	KCO_FACTS_DIRECT = 34, /* u64 first, u64 last virtual address of the map of all memory */
};

/** What only a reader of program headers needs. */
struct kco_facts_maps {
	bool known;
	size_t nr_spans;
	struct kco_write_run spans[KCO_WRITE_SPANS_MAX];
	struct kco_write_run direct; /* first > last: none */
};

/** Make the note's bytes, which the caller frees. *@size 0 and no bytes: there is nothing to say. */
enum kco_status kco_facts_note_new(const struct kco_write_source *src, uint8_t **ret, size_t *size,
				   struct kco_err *err) KCO_MUST_USE;
/**
 * Take the facts of such a note among @img's. What it holds beyond its end, or
 * makes no sense, is left out with a warning. false: there is no note of a known version.
 */
bool kco_facts_note_read(struct kco_image *img, struct kco_facts_maps *maps);

#endif
