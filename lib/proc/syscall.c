// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * System calls as text: by the names and types that the kernel gives its
 * arguments, file descriptors and counts are decimal, pointers and flags
 * hexadecimal. What is behind a pointer is not looked at.
 */
#include <kco/syscall.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <kco/signal.h>

#include "process_priv.h"
#include "text.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

enum kco_status kco_syscall_get(struct kco_session *s, bool compat, int64_t number, const struct kco_syscall **ret,
				struct kco_err *err)
{
	enum kco_status st = kco_session_need(s, KCO_NEED_OS, err);

	if (st)
		return st;
	if (!PROCESS_OS_SLOT(s, syscall))
		return kco_fail(err, KCO_E_UNSUPPORTED, "system calls are not known on %s", s->os->title);
	return PROCESS_OS_SLOT(s, syscall)(s, compat, number, ret, err);
}

/*
 * futex operations: include/uapi/linux/futex.h, an ABI. The second number is
 * how many arguments the operation looks at.
 */
static const struct {
	const char *name;
	unsigned nr_args;
} syscall_futex_ops[] = {
	{ "FUTEX_WAIT", 4 },	       { "FUTEX_WAKE", 3 },	   { "FUTEX_FD", 3 },
	{ "FUTEX_REQUEUE", 5 },	       { "FUTEX_CMP_REQUEUE", 6 }, { "FUTEX_WAKE_OP", 6 },
	{ "FUTEX_LOCK_PI", 4 },	       { "FUTEX_UNLOCK_PI", 2 },   { "FUTEX_TRYLOCK_PI", 2 },
	{ "FUTEX_WAIT_BITSET", 6 },    { "FUTEX_WAKE_BITSET", 6 }, { "FUTEX_WAIT_REQUEUE_PI", 5 },
	{ "FUTEX_CMP_REQUEUE_PI", 6 }, { "FUTEX_LOCK_PI2", 4 },
};
#define SYSCALL_FUTEX_PRIVATE 128
#define SYSCALL_FUTEX_REALTIME 256

static void syscall_futex_op(struct text *t, uint32_t op)
{
	uint32_t cmd = op & ~(uint32_t)(SYSCALL_FUTEX_PRIVATE | SYSCALL_FUTEX_REALTIME);

	if (cmd >= ARRAY_SIZE(syscall_futex_ops)) {
		text_add(t, "%#" PRIx32, op);
		return;
	}
	text_add(t, "%s%s%s", syscall_futex_ops[cmd].name, op & SYSCALL_FUTEX_PRIVATE ? "_PRIVATE" : "",
		 op & SYSCALL_FUTEX_REALTIME ? "|FUTEX_CLOCK_REALTIME" : "");
}

static bool syscall_is(const char *word, const char *const *words)
{
	while (*words)
		if (!strcmp(word, *words++))
			return true;
	return false;
}

static bool syscall_ends(const char *word, const char *end)
{
	size_t n = strlen(word), m = strlen(end);

	return n >= m && !strcmp(word + n - m, end);
}

static void syscall_arg(struct kco_session *s, struct text *t, const char *type, const char *name, uint64_t v)
{
	static const char *const signed32[] = { "int",	   "pid_t", "key_t",	    "clockid_t", "const clockid_t",
						"timer_t", "rwf_t", "key_serial_t", "mqd_t",	 NULL };
	static const char *const unsigned32[] = { "unsigned int", "unsigned",  "u32",	    "uid_t", "gid_t",
						  "uint32_t",	  "old_uid_t", "old_gid_t", "__u32", NULL };
	static const char *const bits[] = { "flags",  "prot",	"op",	   "cmd",	  "mask",     "flag",
					    "val3",   "events", "options", "clone_flags", "futex_op", "magic1",
					    "magic2", "code",	"request", NULL };

	if (strchr(type, '*') || strstr(type, "handler")) {
		text_add(t, v ? "%#" PRIx64 : "NULL", v);
	} else if (!strcmp(type, "umode_t") || !strcmp(name, "mode")) {
		text_add(t, "%#" PRIo32, (uint32_t)v);
	} else if (!strcmp(name, "sig") || !strcmp(name, "signum")) {
		if (kco_signal_name(s, (int32_t)v))
			text_add(t, "%s", kco_signal_name(s, (int32_t)v));
		else
			text_add(t, "%" PRId32, (int32_t)v);
	} else if ((syscall_ends(name, "fd") || syscall_ends(name, "fildes")) && !syscall_ends(type, "long")) {
		// -100 is AT_FDCWD: include/uapi/linux/fcntl.h.
		if ((int32_t)v == -100)
			text_add(t, "AT_FDCWD");
		else
			text_add(t, "%" PRId32, (int32_t)v);
	} else if (syscall_is(name, bits)) {
		text_add(t, "%#" PRIx64, syscall_is(type, signed32) || syscall_is(type, unsigned32) ? (uint32_t)v : v);
	} else if (syscall_is(type, signed32)) {
		text_add(t, "%" PRId32, (int32_t)v);
	} else if (syscall_is(type, unsigned32)) {
		text_add(t, "%" PRIu32, (uint32_t)v);
	} else if (v < 0x100000 && !strcmp(type, "size_t")) {
		text_add(t, "%" PRIu64, v);
	} else {
		text_add(t, v < 1024 ? "%" PRIu64 : "%#" PRIx64, v);
	}
}

void kco_syscall_text(struct kco_session *s, bool compat, int64_t number, const uint64_t args[KCO_SYSCALL_ARGS],
		      char *buf, size_t size)
{
	const struct kco_syscall *call = NULL;
	struct text t = { buf, size, 0 };
	unsigned n = KCO_SYSCALL_ARGS;
	bool futex;

	if (kco_syscall_get(s, compat, number, &call, NULL))
		call = NULL;
	if (call)
		text_add(&t, "%s(", call->name);
	else
		text_add(&t, "syscall_%" PRId64 "(", number);
	futex = call && (!strcmp(call->name, "futex") || !strcmp(call->name, "futex_time64"));
	if (call)
		n = call->nr_args;
	if (futex && (args[1] & 127) < ARRAY_SIZE(syscall_futex_ops))
		n = syscall_futex_ops[args[1] & 127].nr_args;
	for (unsigned i = 0; i < n; i++) {
		uint64_t v = compat ? (uint32_t)args[i] : args[i];

		text_add(&t, i ? ", " : "");
		if (futex && i == 1)
			syscall_futex_op(&t, (uint32_t)v);
		else if (call && call->described)
			syscall_arg(s, &t, call->args[i].type, call->args[i].name, v);
		else
			text_add(&t, "%#" PRIx64, v);
	}
	text_add(&t, ")");
}
