// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Open files of processes: the way to the personality.
 */
#include <kco/descriptor.h>

#include "process_priv.h"

enum kco_status kco_files_each(struct kco_process *p, bool (*fn)(void *arg, const struct kco_descriptor *fd), void *arg,
			       struct kco_err *err)
{
	if (!PROCESS_OS_SLOT(p->session, files))
		return kco_fail(err, KCO_E_UNSUPPORTED, "open files are not known on %s", p->session->os->title);
	return PROCESS_OS_SLOT(p->session, files)(p, fn, arg, err);
}
