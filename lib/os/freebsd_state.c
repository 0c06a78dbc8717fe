// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * State letters, as ps(1) gives them.
 *
 * The kernel makes a number of a thread's state (fill_kinfo_thread(),
 * sys/kern/kern_proc.c), of which ps makes a letter (bin/ps/print.c):
 *
 *   on a run queue, can run, runs          SRUN    R
 *   else the process is stopped            SSTOP   T
 *   sleeps: interruptibly                  SSLEEP  S, or I after 20 seconds
 *           not interruptibly                      D
 *   blocked on a lock                      SLOCK   L
 *   none of these: waits for an interrupt  SWAIT   W
 *   the process is a zombie                SZOMB   Z
 *   the process is being made              SIDL    R in ps, but N in ddb (sys/ddb/db_ps.c), and here
 */
#include "freebsd.h"

#define STATE_MAXSLP 20 /* seconds, sys/sys/param.h */

static int64_t state_number(struct kco_session *s, const char *name, int64_t otherwise)
{
	int64_t value;

	return s->types && !kco_types_enumerator(s->types, name, &value, NULL) ? value : otherwise;
}

void freebsd_states_init(struct kco_session *s, struct freebsd_states *states)
{
	uint64_t v;

	*states = (struct freebsd_states){
		.inhibited = state_number(s, "TDS_INHIBITED", 1),
		.can_run = state_number(s, "TDS_CAN_RUN", 2),
		.runq = state_number(s, "TDS_RUNQ", 3),
		.running = state_number(s, "TDS_RUNNING", 4),
		.proc_new = state_number(s, "PRS_NEW", 0),
		.proc_zombie = state_number(s, "PRS_ZOMBIE", 2),
	};
	if (!os_variable(s, "ticks", 4, &v, NULL))
		states->ticks = (int32_t)v;
	if (!os_variable(s, "hz", 4, &v, NULL))
		states->hz = (int32_t)v;
}

/* `ticks` starts near INT_MAX and wraps: only the difference means anything. */
static bool state_is_long(const struct freebsd_states *states, int32_t slptick)
{
	uint32_t slept = (uint32_t)states->ticks - (uint32_t)slptick;

	return states->hz > 0 && (int32_t)slept >= 0 && slept / (uint64_t)states->hz >= STATE_MAXSLP;
}

char freebsd_state_letter(const struct freebsd_states *states, const struct freebsd_run *run)
{
	int64_t state = (int64_t)run->state, proc = (int64_t)run->proc_state;

	if (proc == states->proc_zombie)
		return 'Z';
	if (proc == states->proc_new)
		return 'N';
	if (state == states->runq || state == states->can_run || state == states->running)
		return 'R';
	if (run->proc_flag & FREEBSD_P_STOPPED)
		return 'T';
	if (run->inhibitors & FREEBSD_TDI_SLEEPING) {
		if (!(run->flags & FREEBSD_TDF_SINTR))
			return 'D';
		return state_is_long(states, run->slptick) ? 'I' : 'S';
	}
	if (run->inhibitors & FREEBSD_TDI_LOCK)
		return 'L';
	return 'W';
}
