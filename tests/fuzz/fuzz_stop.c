// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any bytes as the kernel memory that tells why threads stand still: tasks,
 * signals and their queues, kernel stacks, perf events, uprobes, kprobes, the
 * table of system calls.
 *
 * The first byte chooses the state that the three threads are in, the rest is
 * memory at SM_VIRT (tests/unit/stopmake.h). What must hold: rows are bounded,
 * what is not whole says so, texts end.
 */
#include <kco/breakpoint.h>
#include <kco/syscall.h>

#include "stopmake.h"

#define ROWS_MAX 200000 /* twice the memory's capacity, and one a list that broke off */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool fuzz_breakpoint(void *arg, const struct kco_breakpoint *bp)
{
	size_t *n = arg;

	if (++*n > ROWS_MAX || (bp->status && !bp->why) || bp->access > 7)
		abort();
	return true;
}

static void fuzz_queue(const struct kco_sigpending *pending)
{
	if (pending->nr_queue > KCO_SIGQUEUE_MAX || (pending->status && !pending->why))
		abort();
}

static void fuzz_task(struct stopmake *k, const struct kco_task *task)
{
	struct kco_signals signals;
	struct kco_stop stop;

	if (kco_stop_get(k->p, task, &stop, NULL))
		abort();
	if (!memchr(stop.text, 0, sizeof(stop.text)) || !stop.text[0] || stop.nr_args > KCO_SYSCALL_ARGS ||
	    !strcmp(kco_stop_kind_name(stop.kind), "unknown"))
		abort();
	(void)kco_stop_wchan(k->p, task, NULL);
	if (kco_signals_get(k->p, task, &signals, NULL))
		return;
	fuzz_queue(&signals.private_pending);
	fuzz_queue(&signals.shared_pending);
	if (signals.actions_status && !signals.actions_why)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char states[] = "SDTtRZXI";
	static struct kco_types *types;
	static struct stopmake k;
	const struct kco_syscall *call;
	size_t rows = 0;

	if (size < 2 || size - 1 > VMA_MEMORY)
		return 0;
	if (!types)
		types = stopmake_types();
	stopmake_init(&k);
	memset(k.m.memory, 0, sizeof(k.m.memory));
	memcpy(k.m.memory, data + 1, size - 1);
	k.m.s.types = types;
	for (unsigned i = 0; i < 3; i++) {
		k.tasks[i].state = states[(data[0] + i) & 7];
		k.tasks[i].flags = data[0] >> (3 + i) & 1 ? KCO_TASK_ACTIVE : 0;
	}
	if (!stopmake_open(&k, size - 1))
		abort();
	for (unsigned i = 0; i < 3; i++)
		fuzz_task(&k, &k.tasks[i]);
	if (kco_breakpoints_each(&k.m.s, fuzz_breakpoint, &rows, NULL))
		abort();
	for (int i = 0; i < 1026; i++)
		(void)!kco_syscall_get(&k.m.s, i & 1, i, &call, NULL);
	k.m.s.types = NULL;
	stopmake_close(&k);
	return 0;
}
