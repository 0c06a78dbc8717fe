// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Between linux_vmas.c and linux_areanames.c: members of an area and of its
 * address space, and what is remembered of names.
 */
#ifndef KCO_OS_LINUX_VMAS_H
#define KCO_OS_LINUX_VMAS_H

#include "linux_process.h"

/* struct vm_area_struct */
enum {
	VF_START,
	VF_END,
	VF_FLAGS,
	VF_PGOFF,
	VF_FILE,
	VF_OPS,
	VF_PRIVATE,
	VF_ANON_NAME,
	VF_NEXT,
	VF_RB_LEFT,
	VF_RB_RIGHT,
	VF_COUNT,
};

/* struct mm_struct */
enum {
	MF_TREE,
	MF_LIST,
	MF_RB,
	MF_MAP_COUNT,
	MF_START_BRK,
	MF_BRK,
	MF_START_STACK,
	MF_CONTEXT_FLAGS,
	MF_CONTEXT_COMPAT,
	MF_COUNT,
};

/* VM_* of include/linux/mm.h; these values have not changed since Linux v2.6, but for what is said. */
#define LINUX_VM_READ UINT64_C(0x1)
#define LINUX_VM_WRITE UINT64_C(0x2)
#define LINUX_VM_EXEC UINT64_C(0x4)
#define LINUX_VM_MAYSHARE UINT64_C(0x80)
#define LINUX_VM_GROWSDOWN UINT64_C(0x100)
#define LINUX_VM_PFNMAP UINT64_C(0x400)
#define LINUX_VM_LOCKED UINT64_C(0x2000)
#define LINUX_VM_IO UINT64_C(0x4000)
#define LINUX_VM_HUGETLB UINT64_C(0x400000)
#define LINUX_VM_DONTDUMP UINT64_C(0x4000000) /* since 0103bd16fb90 (v3.7) */

struct linux_areas {
	struct kco_lazy lazy;
	struct linux_layout vma, mm;
	bool anon_name_shared;		 /* anon_name lies over what a file's area has there */
	uint64_t rb;			 /* offset of vm_rb in an area */
	struct kco_field ops_name;	 /* vm_operations_struct.name, size 0: none */
	struct kco_field special_name;	 /* vm_special_mapping.name, size 0: none */
	struct kco_field anon_name_text; /* anon_vma_name.name, size 0: none */
	struct kco_addrmap namers;	 /* vm_operations_struct -> how its areas are named */
	struct kco_addrmap special;	 /* vm_special_mapping -> name */
	struct kco_addrmap anon;	 /* anon_vma_name -> name, in brackets */
	struct kco_addrmap anon_shmem;
};

/** The name and the kind of @vma, whose file is known, from its members in @bytes and those of its address space. */
enum kco_status linux_area_name(struct kco_session *s, struct linux_areas *areas, const uint8_t *bytes,
				const uint8_t *mm, struct kco_vma *vma, struct kco_err *torn) KCO_MUST_USE;

#endif
