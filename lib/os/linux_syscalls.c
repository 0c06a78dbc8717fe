// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * System calls of Linux on x86: which function a number calls, what it is
 * named, and what its arguments are.
 *
 *   linux_syscalls_x86_64.def, _i386.def    the ABI: names that programs know
 *   sys_call_table[number]                  what the dump's kernel calls: names newer than the ABI list
 *   syscalls_metadata[number]               names and types of the arguments (CONFIG_FTRACE_SYSCALLS)
 *
 * The kernel names its functions a little differently (uname is sys_newuname),
 * so what the ABI list knows goes before. Kernels since Linux 1e3ad78334a6
 * (v6.9) call through a switch, but keep sys_call_table[] for tracing; the
 * 32-bit table is gone with that commit, and so has names from the list only.
 */
#include "linux_process.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define SYSCALLS_MAX 1024	   /* numbers beyond are of no table that exists */
#define SYSCALL_X32_BIT 0x40000000 /* __X32_SYSCALL_BIT, arch/x86/include/uapi/asm/unistd.h */
#define SYSCALL_COMMON_FIRST 424   /* from here on all architectures have the same numbers */
#define SYSCALL_TEXT_MAX 64

struct linux_syscalls {
	const struct kco_syscall *native[SYSCALLS_MAX], *compat[SYSCALLS_MAX];
	uint64_t table;	   /* sys_call_table, 0 none; ... */
	uint64_t nr;	   /* ... and how many it has at most: behind it may be that of x32 */
	uint64_t metadata; /* what syscalls_metadata points to, 0 none */
	bool has_fields;
	struct kco_field f_number, f_name, f_nr_args, f_types, f_args;
};

struct syscall_abi {
	const char *name, *entry;
	uint8_t nr_args;
};

static const struct syscall_abi syscalls_native[] = {
#define X(number, name, nr_args) [number] = { #name, NULL, nr_args },
#include "linux_syscalls_x86_64.def"
#undef X
};

static const struct syscall_abi syscalls_compat[] = {
#define X(number, name, entry, nr_args) [number] = { #name, #entry, nr_args },
#include "linux_syscalls_i386.def"
#undef X
};

static struct linux_syscalls *syscalls_load(struct kco_session *s)
{
	struct linux_os *os = linux_of(s);
	struct linux_syscalls *sc = os->syscalls;
	struct kco_symbol table;

	if (sc)
		return sc;
	sc = kco_arena_alloc(&s->arena, sizeof(*sc));
	if (!sc)
		return NULL;
	os->syscalls = sc;
	if (kco_session_need(s, KCO_NEED_SYMS, NULL))
		return sc;
	if (!kco_symbols_by_name(s->symbols, "sys_call_table", &table, NULL)) {
		sc->table = table.addr;
		sc->nr = table.size ? table.size / 8 : SYSCALLS_MAX;
	}
	if (os_variable(s, "syscalls_metadata", 8, &sc->metadata, NULL))
		sc->metadata = 0;
	sc->has_fields = !kco_session_need(s, KCO_NEED_TYPES, NULL) &&
			 !os_field(s, "syscall_metadata", &sc->f_number, NULL, "syscall_nr", NULL) &&
			 !os_field(s, "syscall_metadata", &sc->f_name, NULL, "name", NULL) &&
			 !os_field(s, "syscall_metadata", &sc->f_nr_args, NULL, "nb_args", NULL) &&
			 !os_field(s, "syscall_metadata", &sc->f_types, NULL, "types", NULL) &&
			 !os_field(s, "syscall_metadata", &sc->f_args, NULL, "args", NULL);
	return sc;
}

/* A short printable string of kernel memory, for good; NULL when it is none. */
static const char *syscalls_string(struct kco_session *s, uint64_t va)
{
	char buf[SYSCALL_TEXT_MAX] = "";

	if (!va || kco_vread_str(s->mem, &s->kernel, va, buf, sizeof(buf), NULL) || !buf[0])
		return NULL;
	for (const char *p = buf; *p; p++)
		if (*p < ' ' || *p > '~')
			return NULL;
	return kco_arena_strndup(&s->arena, buf, sizeof(buf));
}

/* What the struct syscall_metadata at @meta tells; false, and nothing changed: it is none, or is torn. */
static bool syscalls_describe(struct kco_session *s, const struct linux_syscalls *sc, uint64_t meta,
			      struct kco_syscall *call)
{
	struct kco_syscall got = *call;
	uint64_t n, types = 0, args = 0;

	if (!sc->has_fields || kco_kread_field(s, meta, &sc->f_nr_args, &n, NULL) || n > KCO_SYSCALL_ARGS)
		return false;
	if (n && (kco_kread_field(s, meta, &sc->f_types, &types, NULL) ||
		  kco_kread_field(s, meta, &sc->f_args, &args, NULL)))
		return false;
	for (unsigned i = 0; i < n; i++) {
		uint64_t type, arg;

		if (kco_kread_uint(s, types + i * 8ull, 8, &type, NULL) ||
		    kco_kread_uint(s, args + i * 8ull, 8, &arg, NULL))
			return false;
		got.args[i].type = syscalls_string(s, type);
		got.args[i].name = syscalls_string(s, arg);
		if (!got.args[i].type || !got.args[i].name)
			return false;
	}
	got.nr_args = (unsigned)n;
	got.described = true;
	*call = got;
	return true;
}

/* The metadata of native call @number, 0 none. What lies beyond the array is no metadata of this number. */
static uint64_t syscalls_metadata(struct kco_session *s, const struct linux_syscalls *sc, int64_t number)
{
	uint64_t meta, n;

	if (!sc->metadata || !sc->has_fields ||
	    kco_kread_uint(s, sc->metadata + (uint64_t)number * 8, 8, &meta, NULL) || !meta ||
	    kco_kread_field(s, meta, &sc->f_number, &n, NULL) || (int32_t)n != number)
		return 0;
	return meta;
}

/* The name of the function that the table has for @number without what the kernel puts before it; NULL unknown. */
static const char *syscalls_table_name(struct kco_session *s, const struct linux_syscalls *sc, int64_t number)
{
	static const char *const before[] = { "__x64_sys_", "__se_sys_", "__do_sys_", "sys_" };
	struct kco_symbol sym;
	uint64_t fn;

	if (!sc->table || (uint64_t)number >= sc->nr ||
	    kco_kread_uint(s, sc->table + (uint64_t)number * 8, 8, &fn, NULL) ||
	    kco_symbols_by_addr(s->symbols, fn, &sym, NULL) || sym.addr != fn)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(before); i++)
		if (!strncmp(sym.name, before[i], strlen(before[i])))
			return strcmp(sym.name + strlen(before[i]), "ni_syscall") ? sym.name + strlen(before[i]) : NULL;
	return NULL;
}

static void syscalls_native_make(struct kco_session *s, const struct linux_syscalls *sc, int64_t number,
				 struct kco_syscall *call)
{
	uint64_t meta = syscalls_metadata(s, sc, number), name;

	if ((size_t)number < ARRAY_SIZE(syscalls_native) && syscalls_native[number].name) {
		call->name = syscalls_native[number].name;
		call->nr_args = syscalls_native[number].nr_args;
	}
	if (!call->name)
		call->name = syscalls_table_name(s, sc, number);
	if (!call->name && meta && !kco_kread_field(s, meta, &sc->f_name, &name, NULL)) {
		call->name = syscalls_string(s, name);
		if (call->name && !strncmp(call->name, "sys_", 4))
			call->name += 4;
	}
	if (meta)
		(void)syscalls_describe(s, sc, meta, call);
}

/* The function's metadata describes the 32-bit call when both take as many arguments. */
static void syscalls_compat_make(struct kco_session *s, const struct linux_syscalls *sc, int64_t number,
				 struct kco_syscall *call)
{
	struct kco_syscall described = *call;
	const struct syscall_abi *abi;
	char name[SYSCALL_TEXT_MAX + 32];
	uint64_t meta;

	if (number >= SYSCALL_COMMON_FIRST) {
		syscalls_native_make(s, sc, number, call);
		return;
	}
	if ((size_t)number >= ARRAY_SIZE(syscalls_compat) || !syscalls_compat[number].name)
		return;
	abi = &syscalls_compat[number];
	call->name = described.name = abi->name;
	call->nr_args = abi->nr_args;
	snprintf(name, sizeof(name), "__syscall_meta__%s", abi->entry);
	if (!s->symbols || os_symbol(s, &meta, NULL, name, NULL))
		return;
	if (syscalls_describe(s, sc, meta, &described) && described.nr_args == abi->nr_args)
		*call = described;
}

enum kco_status linux_syscall(struct kco_session *s, bool compat, int64_t number, const struct kco_syscall **ret,
			      struct kco_err *err)
{
	struct linux_syscalls *sc = syscalls_load(s);
	const struct kco_syscall **memo;
	struct kco_syscall *call;
	int64_t index = compat ? number : number & ~(int64_t)SYSCALL_X32_BIT;

	if (!sc)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	if (number < 0 || index >= SYSCALLS_MAX)
		return kco_fail(err, KCO_E_NOSYM, "no system call has the number %" PRId64, number);
	memo = compat ? &sc->compat[index] : &sc->native[index];
	if (!*memo) {
		call = kco_arena_alloc(&s->arena, sizeof(*call));
		if (!call)
			return kco_fail(err, KCO_E_NOMEM, "out of memory");
		*call = (struct kco_syscall){ .number = index, .compat = compat, .nr_args = KCO_SYSCALL_ARGS };
		if (compat)
			syscalls_compat_make(s, sc, index, call);
		else
			syscalls_native_make(s, sc, index, call);
		*memo = call;
	}
	if (!(*memo)->name)
		return kco_fail(err, KCO_E_NOSYM, "no system call has the number %" PRId64, number);
	*ret = *memo;
	return KCO_OK;
}
