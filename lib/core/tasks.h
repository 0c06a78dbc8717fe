// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The session's table of tasks: filled by the personality, indexed here.
 */
#ifndef KCO_CORE_TASKS_H
#define KCO_CORE_TASKS_H

#include "session.h"

enum kco_status kco_session_tasks_load(struct kco_session *s, struct kco_err *err) KCO_MUST_USE;
void kco_session_tasks_fini(struct kco_session *s);

#endif
