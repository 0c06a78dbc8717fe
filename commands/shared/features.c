// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the dump's OS has and a command, or one of its options, needs.
 */
#include <kco/cmd.h>

enum kco_status kco_cmd_check_os(struct kco_session *s, unsigned features, const char *what, struct kco_err *err)
{
	enum kco_status st;

	if (!features)
		return KCO_OK;
	st = kco_session_need(s, KCO_NEED_OS, err);
	if (st || kco_os_can(kco_session_os(s), features))
		return st;
	return kco_fail(err, KCO_E_UNSUPPORTED, "%s%snot on %s", what ? what : "", what ? ": " : "",
			kco_session_os(s)->title);
}
