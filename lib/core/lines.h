// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The session's separate debug information: which vmlinux, which modules.
 */
#ifndef KCO_CORE_LINES_H
#define KCO_CORE_LINES_H

#include "session.h"

/** Find the vmlinux of the session's kernel, check its build-id, set its bias. */
enum kco_status kco_session_open_debuginfo(struct kco_session *s, struct kco_err *err) KCO_MUST_USE;
/** Tell the debug information where the modules' sections lie; their files are looked for when asked. */
enum kco_status kco_session_add_module_lines(struct kco_session *s, struct kco_err *err) KCO_MUST_USE;

#endif
