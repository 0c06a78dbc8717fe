// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Breakpoints of the crashed system: the way to the personality.
 */
#include <kco/breakpoint.h>

#include "process_priv.h"

const char *kco_breakpoint_kind_name(enum kco_breakpoint_kind kind)
{
	static const char *const names[] = { "ptrace", "perf", "uprobe", "kprobe", "int3" };

	return (size_t)kind < sizeof(names) / sizeof(*names) ? names[kind] : "unknown";
}

enum kco_status kco_breakpoints_each(struct kco_session *s, bool (*fn)(void *arg, const struct kco_breakpoint *bp),
				     void *arg, struct kco_err *err)
{
	enum kco_status st = kco_session_need(s, KCO_NEED_TASKS | KCO_NEED_SYMS | KCO_NEED_TYPES, err);

	if (st)
		return st;
	if (!PROCESS_OS_SLOT(s, breakpoints))
		return kco_fail(err, KCO_E_UNSUPPORTED, "breakpoints are not known on %s", s->os->title);
	return PROCESS_OS_SLOT(s, breakpoints)(s, fn, arg, err);
}
