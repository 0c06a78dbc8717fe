// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The SIGINT handler sets flags only. It is installed without SA_RESTART: a
 * write that waits for a pager, or a read at the prompt, comes back at once.
 */
#include "interrupt.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>

#include <kco/session.h>

static struct kco_session *volatile interrupt_session;
static volatile sig_atomic_t interrupt_count, interrupt_survive;

static void interrupt_handler(int sig)
{
	struct kco_session *s = interrupt_session;
	int saved = errno;

	if (interrupt_count && !interrupt_survive) {
		signal(sig, SIG_DFL);
		raise(sig);
	}
	interrupt_count = 1;
	if (s)
		kco_session_cancel(s);
	errno = saved;
}

void kco_interrupt_install(struct kco_session *session, bool survive)
{
	struct sigaction act = { .sa_handler = interrupt_handler };
	struct sigaction old;

	interrupt_session = session;
	interrupt_survive = survive;
	// Started with SIGINT ignored (nohup, a script's background job): leave it so.
	if (!survive && sigaction(SIGINT, NULL, &old) == 0 && old.sa_handler == SIG_IGN)
		return;
	sigemptyset(&act.sa_mask);
	sigaction(SIGINT, &act, NULL);
}

void kco_interrupt_remove(void)
{
	struct sigaction old;

	if (sigaction(SIGINT, NULL, &old) == 0 && old.sa_handler == interrupt_handler)
		signal(SIGINT, SIG_DFL);
	interrupt_session = NULL;
}

bool kco_interrupt_pending(void)
{
	return interrupt_count != 0;
}

void kco_interrupt_clear(void)
{
	struct kco_session *s = interrupt_session;

	interrupt_count = 0;
	if (s)
		kco_session_cancel_clear(s);
}

void kco_interrupt_die(void)
{
	signal(SIGINT, SIG_DFL);
	raise(SIGINT);
}
