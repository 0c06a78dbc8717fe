// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Inside of lib/proc: what hangs on a process, and how each part is made once.
 */
#ifndef KCO_PROC_PROCESS_PRIV_H
#define KCO_PROC_PROCESS_PRIV_H

#include <kco/os_process.h>
#include <kco/process.h>

#include "session.h"

/** The parts that are made on first use. Each is one file's own. */
enum process_part {
	PROCESS_VMAS,	/* vma.c */
	PROCESS_MM,	/* vma.c */
	PROCESS_PAGES,	/* read.c */
	PROCESS_IMAGES, /* uimage.c */
	PROCESS_UNWIND, /* uunwind.c */
	PROCESS_OS,	/* the personality's */
	PROCESS_PARTS,
};

/** What @part's file hung on @p, or NULL. */
void *process_part(struct kco_process *p, enum process_part part);
/** Hang @data on @p; @fini (may be NULL) is called with it when the session ends. */
void process_part_set(struct kco_process *p, enum process_part part, void *data, void (*fini)(void *data));

/** For kco_session_free(). */
void kco_session_processes_fini(struct kco_session *s);
void kco_session_uimages_fini(struct kco_session *s);

/** A slot of the personality's struct kco_os_process_ops or of its base's; NULL: neither has it. */
#define PROCESS_OS_SLOT(s, slot)                                                                                  \
	((s)->os->process && (s)->os->process->slot				   ? (s)->os->process->slot       \
	 : (s)->os->base && (s)->os->base->process && (s)->os->base->process->slot ? (s)->os->base->process->slot \
										   : NULL)

#endif
