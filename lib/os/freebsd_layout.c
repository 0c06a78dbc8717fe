// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where the members of struct proc and struct thread lie.
 *
 * By the kernel's types. A kernel file without them still has the constants
 * that sys/kern/kern_proc.c defines for debuggers (proc_off_p_pid and others,
 * since FreeBSD 10.3 and 11): enough for a list of threads and their stacks,
 * not for how they do.
 */
#include "freebsd.h"

#include <inttypes.h>
#include <string.h>

#define LAYOUT_OBJECT_MAX 16384 /* no struct proc or thread is nearly as large */
#define LAYOUT_COMM 20		/* MAXCOMLEN + 1 */

#define PROC "proc"
#define THREAD "thread"

struct layout_row {
	const char *type;
	const char *paths[3];
	const char *symbol; /* without types: the constant with its offset ... */
	uint8_t pointers;   /* ... and this many pointers further */
	uint8_t size;	    /* without types; 0: a pointer */
	bool required;
};

static const struct layout_row layout_rows[FB_MEMBERS] = {
	[FB_P_LIST_NEXT] = { PROC, { "p_list.le_next" }, "proc_off_p_list", 0, 0, true },
	[FB_P_LIST_PREV] = { PROC, { "p_list.le_prev" }, "proc_off_p_list", 1, 0, false },
	/* Kernels without a list zombproc (FreeBSD 13 and later) have zombies here only; the constant is younger. */
	[FB_P_HASH_NEXT] = { PROC, { "p_hash.le_next" }, "proc_off_p_hash", 0, 0, false },
	[FB_P_HASH_PREV] = { PROC, { "p_hash.le_prev" }, "proc_off_p_hash", 1, 0, false },
	[FB_P_THREADS] = { PROC, { "p_threads.tqh_first" }, "proc_off_p_threads", 0, 0, true },
	[FB_P_PID] = { PROC, { "p_pid" }, "proc_off_p_pid", 0, 4, true },
	[FB_P_COMM] = { PROC, { "p_comm" }, "proc_off_p_comm", 0, LAYOUT_COMM, false },
	[FB_P_FLAG] = { PROC, { "p_flag" }, NULL, 0, 0, false },
	[FB_P_STATE] = { PROC, { "p_state" }, NULL, 0, 0, false },
	[FB_P_PPTR] = { PROC, { "p_pptr" }, NULL, 0, 0, false },
	[FB_P_VMSPACE] = { PROC, { "p_vmspace" }, NULL, 0, 0, false },
	[FB_P_STATS] = { PROC, { "p_stats" }, NULL, 0, 0, false },
	[FB_TD_PROC] = { THREAD, { "td_proc" }, NULL, 0, 0, false },
	[FB_TD_PLIST_NEXT] = { THREAD, { "td_plist.tqe_next" }, "thread_off_td_plist", 0, 0, true },
	[FB_TD_PLIST_PREV] = { THREAD, { "td_plist.tqe_prev" }, "thread_off_td_plist", 1, 0, false },
	[FB_TD_TID] = { THREAD, { "td_tid" }, "thread_off_td_tid", 0, 4, true },
	[FB_TD_NAME] = { THREAD, { "td_name" }, "thread_off_td_name", 0, LAYOUT_COMM, false },
	[FB_TD_ONCPU] = { THREAD, { "td_oncpu" }, "thread_off_td_oncpu", 0, 4, false },
	[FB_TD_LASTCPU] = { THREAD, { "td_lastcpu" }, NULL, 0, 0, false },
	[FB_TD_STATE] = { THREAD, { "td_state" }, NULL, 0, 0, false },
	[FB_TD_INHIBITORS] = { THREAD, { "td_inhibitors" }, NULL, 0, 0, false },
	[FB_TD_FLAGS] = { THREAD, { "td_flags" }, NULL, 0, 0, false },
	[FB_TD_WCHAN] = { THREAD, { "td_wchan" }, NULL, 0, 0, false },
	[FB_TD_WMESG] = { THREAD, { "td_wmesg" }, NULL, 0, 0, false },
	[FB_TD_LOCKNAME] = { THREAD, { "td_lockname" }, NULL, 0, 0, false },
	[FB_TD_SLPTICK] = { THREAD, { "td_slptick" }, NULL, 0, 0, false },
	[FB_TD_KSTACK] = { THREAD, { "td_kstack" }, NULL, 0, 0, false },
	[FB_TD_KSTACK_PAGES] = { THREAD, { "td_kstack_pages" }, NULL, 0, 0, false },
	[FB_TD_PCB] = { THREAD, { "td_pcb" }, "thread_off_td_pcb", 0, 0, false },
	[FB_TD_FRAME] = { THREAD, { "td_frame" }, NULL, 0, 0, false },
	[FB_TD_RUNTIME] = { THREAD, { "td_runtime" }, NULL, 0, 0, false },
	[FB_TD_UTICKS] = { THREAD, { "td_uticks" }, NULL, 0, 0, false },
	[FB_TD_STICKS] = { THREAD, { "td_sticks" }, NULL, 0, 0, false },
	[FB_TD_ITICKS] = { THREAD, { "td_iticks" }, NULL, 0, 0, false },
	[FB_TD_RUX_UTICKS] = { THREAD, { "td_rux.rux_uticks" }, NULL, 0, 0, false },
	[FB_TD_RUX_STICKS] = { THREAD, { "td_rux.rux_sticks" }, NULL, 0, 0, false },
	[FB_TD_RUX_ITICKS] = { THREAD, { "td_rux.rux_iticks" }, NULL, 0, 0, false },
};

/* A constant that the kernel keeps for debuggers, an int32_t. */
static enum kco_status layout_constant(struct kco_session *s, const struct layout_row *row, struct kco_field *field,
				       struct kco_err *err)
{
	unsigned ptr = s->arch->ptr_size;
	uint64_t offset;
	enum kco_status st = os_variable(s, row->symbol, 4, &offset, err);

	if (st)
		return st;
	offset = (uint32_t)offset;
	if (offset > LAYOUT_OBJECT_MAX - LAYOUT_COMM)
		return kco_fail(err, KCO_E_CORRUPT, "%s of %" PRIu64 " makes no sense", row->symbol, offset);
	*field = (struct kco_field){ .offset = offset + (uint64_t)row->pointers * ptr,
				     .size = row->size ? row->size : ptr,
				     .is_signed = row->size == 4 };
	return KCO_OK;
}

static enum kco_status layout_member(struct kco_session *s, const struct freebsd_layout *layout,
				     const struct layout_row *row, struct kco_field *field, struct kco_err *err)
{
	const char *const *p = row->paths;

	if (layout->typed)
		return os_field(s, row->type, field, err, p[0], p[1], p[1] ? p[2] : NULL, NULL);
	if (row->symbol)
		return layout_constant(s, row, field, err);
	return kco_fail(err, KCO_E_NOTYPE, "%s.%s is not known without types", row->type, p[0]);
}

enum kco_status freebsd_layout_load(struct kco_session *s, struct freebsd_layout *layout, struct kco_err *err)
{
	struct kco_field field;

	memset(layout, 0, sizeof(*layout));
	layout->typed = !os_field(s, THREAD, &field, NULL, "td_tid", NULL);
	for (size_t i = 0; i < FB_MEMBERS; i++) {
		const struct layout_row *row = &layout_rows[i];
		uint64_t *size = row->type[0] == 'p' ? &layout->proc_size : &layout->thread_size;
		enum kco_status st = layout_member(s, layout, row, &layout->f[i], err);

		if (st && row->required)
			return kco_context(err, st, "the list of threads");
		layout->has[i] = !st;
		if (!st && layout->f[i].offset + layout->f[i].size > *size)
			*size = layout->f[i].offset + layout->f[i].size;
	}
	if (layout->proc_size > LAYOUT_OBJECT_MAX || layout->thread_size > LAYOUT_OBJECT_MAX)
		return kco_fail(err, KCO_E_CORRUPT,
				"struct proc of %" PRIu64 " and struct thread of %" PRIu64 " bytes make no sense",
				layout->proc_size, layout->thread_size);
	if (!layout->typed)
		kco_session_warn(s,
				 "the kernel file has no types: of threads only names, ids, CPUs and saved registers "
				 "are known, not their states, parents, memory, times and what they wait for");
	return KCO_OK;
}
