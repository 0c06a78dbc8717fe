// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Signals of threads: the way to the personality, and what is the same on all.
 */
#include <kco/signal.h>

#include <inttypes.h>

#include "process_priv.h"
#include "text.h"

const char *kco_signal_name(struct kco_session *s, int signo)
{
	if (kco_session_need(s, KCO_NEED_OS, NULL) || !PROCESS_OS_SLOT(s, signal_name))
		return NULL;
	return PROCESS_OS_SLOT(s, signal_name)(signo);
}

const char *kco_signal_code_name(struct kco_session *s, int signo, int code)
{
	if (kco_session_need(s, KCO_NEED_OS, NULL) || !PROCESS_OS_SLOT(s, signal_code_name))
		return NULL;
	return PROCESS_OS_SLOT(s, signal_code_name)(signo, code);
}

enum kco_status kco_signals_get(struct kco_process *p, const struct kco_task *task, struct kco_signals *ret,
				struct kco_err *err)
{
	if (!PROCESS_OS_SLOT(p->session, signals))
		return kco_fail(err, KCO_E_UNSUPPORTED, "signals are not known on %s", p->session->os->title);
	return PROCESS_OS_SLOT(p->session, signals)(p, task, ret, err);
}

/* include/uapi/linux/signal.h and asm-generic/signal-defs.h: an ABI. */
void kco_sigaction_flags(uint32_t flags, char *buf, size_t size)
{
	static const struct {
		uint32_t bit;
		const char *name;
	} names[] = {
		{ 0x00000001, "SA_NOCLDSTOP" },	     { 0x00000002, "SA_NOCLDWAIT" }, { 0x00000004, "SA_SIGINFO" },
		{ 0x00000800, "SA_EXPOSE_TAGBITS" }, { 0x04000000, "SA_RESTORER" },  { 0x08000000, "SA_ONSTACK" },
		{ 0x10000000, "SA_RESTART" },	     { 0x40000000, "SA_NODEFER" },   { 0x80000000, "SA_RESETHAND" },
	};
	struct text t = { buf, size, 0 };

	if (size)
		buf[0] = '\0';
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (!(flags & names[i].bit))
			continue;
		text_add(&t, "%s%s", t.used ? "|" : "", names[i].name);
		flags &= ~names[i].bit;
	}
	if (flags)
		text_add(&t, "%s%#" PRIx32, t.used ? "|" : "", flags);
}
