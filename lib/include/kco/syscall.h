// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * System calls by number, as the dump's kernel has them: names, arguments.
 */
#ifndef KCO_SYSCALL_H
#define KCO_SYSCALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kco/session.h>

#define KCO_SYSCALL_ARGS 6

/** Strings live as long as the session. */
struct kco_syscall {
	int64_t number;
	const char *name; /* "futex" */
	bool compat;	  /* of the 32-bit table */
	unsigned nr_args; /* 6 when nobody knows */
	bool described;	  /* args[] holds what the kernel calls its arguments */
	struct {
		const char *name; /* "uaddr" */
		const char *type; /* "u32 *" */
	} args[KCO_SYSCALL_ARGS];
};

/** System call @number of the native, or of the 32-bit (@compat) table. Memoised. KCO_E_NOSYM: there is none. */
enum kco_status kco_syscall_get(struct kco_session *s, bool compat, int64_t number, const struct kco_syscall **ret,
				struct kco_err *err) KCO_MUST_USE;
/**
 * A call as people read it, "futex(0x7f8c2461d990, FUTEX_WAIT, 167, NULL)", into
 * @buf, which is always terminated; what does not fit is cut. An unknown
 * number is "syscall_1234(...)".
 */
void kco_syscall_text(struct kco_session *s, bool compat, int64_t number, const uint64_t args[KCO_SYSCALL_ARGS],
		      char *buf, size_t size);

#endif
