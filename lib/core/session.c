// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The session: opens the image, and makes each further part on first use.
 *
 * The order in which parts need each other:
 *
 *   image -> os (address space) -> symbols -> types -> tasks, modules, unwind tables
 *
 * A vmlinux (debuginfo) comes in where the dump lacks one of them.
 */
#include "session.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctf.h"
#include "debuginfo.h"
#include "kernelfile.h"
#include "lines.h"
#include "orc.h"
#include "process_priv.h"
#include "sysroot.h"
#include "tasks.h"

struct kco_session_warning {
	struct kco_session_warning *next;
	char text[];
};

enum kco_status kco_session_open_new(const struct kco_session_options *opts, struct kco_session **ret,
				     struct kco_err *err)
{
	struct kco_session *s = calloc(1, sizeof(*s));
	enum kco_status st;

	if (!s)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	s->opts = *opts;
	kco_arena_init(&s->arena);
	st = kco_image_open_new(opts->dumps, opts->nr_dumps, opts->formats, &opts->image, &s->image, err);
	if (!st) {
		s->image->touched = opts->touched;
		s->image->touched_arg = opts->touched_arg;
		st = kco_mem_new(s->image, &s->mem, err);
	}
	if (st) {
		kco_session_free(s);
		return st;
	}
	*ret = s;
	return KCO_OK;
}

void kco_session_free(struct kco_session *s)
{
	if (!s)
		return;
	kco_session_processes_fini(s);
	kco_session_sysroot_fini(s);
	kco_session_uimages_fini(s);
	if (s->os && KCO_OS_SLOT(s->os, fini))
		KCO_OS_SLOT(s->os, fini)(s);
	kco_symbols_free(s->symbols);
	/* Modules' types stand on the kernel's. */
	for (size_t i = 0; s->module_types && i < s->nr_modules; i++)
		kco_types_free(s->module_types[i]);
	free(s->module_types);
	kco_types_free(s->types);
	if (s->kernel_symbols)
		s->kernel_symbols->ops->free(s->kernel_symbols);
	kco_debuginfo_free(s->debuginfo);
	kco_session_tasks_fini(s);
	free(s->modules);
	free(s->vmcoreinfo);
	kco_mem_free(s->mem);
	kco_image_free(s->image);
	while (s->warnings) {
		struct kco_session_warning *w = s->warnings;

		s->warnings = w->next;
		free(w);
	}
	kco_arena_fini(&s->arena);
	free(s);
}

struct kco_image *kco_session_image(struct kco_session *s)
{
	return s->image;
}

const struct kco_arch_ops *kco_session_arch(struct kco_session *s)
{
	return s->arch;
}

const struct kco_os_ops *kco_session_os(struct kco_session *s)
{
	return s->os;
}

struct kco_mem *kco_session_mem(struct kco_session *s)
{
	return s->mem;
}

const struct kco_space *kco_session_kernel_space(struct kco_session *s)
{
	return s->kernel.arch ? &s->kernel : NULL;
}

struct kco_symbols *kco_session_symbols(struct kco_session *s)
{
	return s->symbols;
}

struct kco_types *kco_session_types(struct kco_session *s)
{
	return s->types;
}

void kco_session_set_kernel(struct kco_session *s, const struct kco_arch_ops *arch, const struct kco_paging *form,
			    struct kco_paddr root, uint64_t addr_mask)
{
	s->arch = arch;
	s->kernel = (struct kco_space){
		.arch = arch,
		.form = form,
		.root = root,
		.addr_mask = addr_mask,
		.id = ++s->next_space_id,
	};
}

const char *kco_session_text(struct kco_session *s, const char *fmt, ...)
{
	char buf[512];
	va_list ap;
	char *copy;

	va_start(ap, fmt);
	vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	copy = kco_arena_strndup(&s->arena, buf, sizeof(buf));
	return copy ? copy : "";
}

void kco_session_warn(struct kco_session *s, const char *fmt, ...)
{
	struct kco_session_warning *w;
	char buf[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	for (w = s->warnings; w; w = w->next)
		if (!strcmp(w->text, buf))
			return;
	w = malloc(sizeof(*w) + strlen(buf) + 1);
	if (w) {
		strcpy(w->text, buf);
		w->next = s->warnings;
		s->warnings = w;
	}
	if (s->opts.image.warn)
		s->opts.image.warn(s->opts.image.warn_arg, buf);
}

void kco_session_cancel(struct kco_session *s)
{
	atomic_store_explicit(&s->cancelled, true, memory_order_relaxed);
}

void kco_session_cancel_clear(struct kco_session *s)
{
	atomic_store_explicit(&s->cancelled, false, memory_order_relaxed);
}

bool kco_session_cancelled(const struct kco_session *s)
{
	return atomic_load_explicit(&s->cancelled, memory_order_relaxed);
}

static enum kco_status session_need_debuginfo(struct kco_session *s, struct kco_err *err)
{
	KCO_LAZY(s->lazy_debuginfo, kco_session_open_debuginfo(s, &s->lazy_debuginfo.err), err);
}

/*
 * A personality may have taken symbols from a kernel file to find its way.
 * Whether that is the dump's can be told only now; if not, another may be.
 */
static enum kco_status session_init_os(struct kco_session *s, struct kco_err *err)
{
	struct kco_err first = KCO_ERR_INIT;
	enum kco_status st;

	for (;;) {
		st = KCO_OS_SLOT(s->os, init)(s, err);
		if (!s->kernel_early)
			break;
		if (!st) {
			s->lazy_debuginfo.tried = false;
			st = session_need_debuginfo(s, err);
		}
		if (!st || !kco_kernel_try_next(s))
			break;
		if (!first.code && err)
			first = *err;
		if (KCO_OS_SLOT(s->os, fini))
			KCO_OS_SLOT(s->os, fini)(s);
	}
	if (st && first.code && err)
		*err = first;
	return st;
}

static enum kco_status session_make_os(struct kco_session *s, struct kco_err *err)
{
	int best = 0;

	for (const struct kco_os_ops *const *os = kco_oses; *os; os++) {
		int score = (*os)->detect ? (*os)->detect(s) : 0;

		if (score > best) {
			best = score;
			s->os = *os;
		}
	}
	if (!s->os)
		return kco_fail(err, KCO_E_UNSUPPORTED,
				"no operating system that kcodbg knows was recognised in this dump");
	return session_init_os(s, err);
}

static enum kco_status session_need_os(struct kco_session *s, struct kco_err *err)
{
	KCO_LAZY(s->lazy_os, session_make_os(s, &s->lazy_os.err), err);
}

static enum kco_status session_need_module_lines(struct kco_session *s, struct kco_err *err)
{
	KCO_LAZY(s->lazy_module_lines, kco_session_add_module_lines(s, &s->lazy_module_lines.err), err);
}

enum kco_status kco_debuginfo_get(struct kco_session *s, struct kco_debuginfo **ret, struct kco_err *err)
{
	enum kco_status st = kco_session_need(s, KCO_NEED_OS, err);

	if (!st)
		st = session_need_debuginfo(s, err);
	if (st)
		return st;
	/* Modules without lines are no reason to give none for the kernel. */
	(void)!session_need_module_lines(s, NULL);
	*ret = s->debuginfo;
	return KCO_OK;
}

const char *kco_session_vmlinux(const struct kco_session *s)
{
	return s->debuginfo ? kco_debuginfo_path(s->debuginfo) : s->opts.vmlinux;
}

/*
 * "no symbols: @own; @other", the dump's own reason first. What does not fit
 * is cut between words, and the second reason goes before the first does.
 */
static enum kco_status session_lacks(struct kco_err *err, enum kco_status code, const char *what,
				     const struct kco_err *own, const struct kco_err *other)
{
	char text[sizeof(own->msg) + sizeof(other->msg) + 32];
	const size_t room = sizeof(own->msg) - 1;
	size_t n;

	snprintf(text, sizeof(text), "no %s: %s%s%s", what, own->msg, *own->msg && *other->msg ? "; " : "", other->msg);
	n = strlen(text);
	if (n > room) {
		for (n = room - 4; n && text[n] != ' '; n--)
			;
		strcpy(text + n, " ...");
	}
	return kco_fail(err, code, "%s", text);
}

static bool session_file_symbols(struct kco_session *s, struct kco_err *err)
{
	struct kco_symbol_source *src;

	if (session_need_debuginfo(s, err) || kco_debuginfo_symbols_new(s->debuginfo, &src, err))
		return false;
	kco_symbols_add_take(s->symbols, src);
	return true;
}

/*
 * The dump's own, else those of the kernel's file. Where the file is the usual
 * way (the row knows its places), it comes first: what a loader left in memory
 * has to be searched for, and says less.
 */
static enum kco_status session_kernel_symbols(struct kco_session *s, struct kco_err *err)
{
	bool file_first = KCO_OS_SLOT(s->os, kernel_places);
	struct kco_err own = KCO_ERR_INIT, file = KCO_ERR_INIT;
	enum kco_status st;

	s->symbols = kco_symbols_new();
	if (!s->symbols)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	if (file_first && session_file_symbols(s, &file))
		return KCO_OK;
	st = KCO_OS_SLOT(s->os, symbols) ? KCO_OS_SLOT(s->os, symbols)(s, s->symbols, &own)
					 : kco_fail(&own, KCO_E_UNSUPPORTED, "no symbol table in this kind of dump");
	if (!st)
		return KCO_OK;
	if (!file_first && session_file_symbols(s, &file)) {
		if (KCO_OS_SLOT(s->os, symbols))
			kco_session_warn(s, "the dump's own symbols cannot be used (%s): taking those of %s", own.msg,
					 kco_debuginfo_path(s->debuginfo));
		return KCO_OK;
	}
	return session_lacks(err, KCO_E_NOSYM, "kernel symbols", &own, &file);
}

static enum kco_status session_make_symbols(struct kco_session *s, struct kco_err *err)
{
	struct kco_symbol_source *modules;
	enum kco_status st = session_kernel_symbols(s, err);

	if (!st && KCO_OS_SLOT(s->os, module_symbols) && !KCO_OS_SLOT(s->os, module_symbols)(s, &modules, NULL))
		kco_symbols_add_take(s->symbols, modules);
	return st;
}

static enum kco_status session_need_symbols(struct kco_session *s, struct kco_err *err)
{
	KCO_LAZY(s->lazy_symbols, session_make_symbols(s, &s->lazy_symbols.err), err);
}

/* From the kernel's file: DWARF, else CTF; or the one that is wanted. @err: why DWARF, or what is wanted, is not there.
 */
static enum kco_status session_file_types(struct kco_session *s, const char *want, struct kco_err *err)
{
	struct kco_err ctf = KCO_ERR_INIT;
	enum kco_status st = session_need_debuginfo(s, err);

	if (st)
		return st;
	st = KCO_E_NOTYPE;
	if (!want || !strcmp(want, "dwarf"))
		st = kco_debuginfo_types_new(s->debuginfo, &s->types, err);
	if (st != KCO_E_NOTYPE || (want && strcmp(want, "ctf") != 0))
		return st;
	st = kco_debuginfo_ctf_new(s->debuginfo, &s->types, &ctf);
	if (!st && kco_ctf_torn(s->types))
		kco_session_warn(s, "the types (CTF) of %s are torn, what comes from the lost ones is missing: %s",
				 kco_debuginfo_path(s->debuginfo), kco_ctf_torn(s->types));
	// That there is no CTF is news only to who asked for it.
	if (st && err && (want || st != KCO_E_NOTYPE))
		*err = ctf;
	return st;
}

static enum kco_status session_make_types(struct kco_session *s, struct kco_err *err)
{
	const char *want = s->opts.types;
	struct kco_err own = KCO_ERR_INIT, file = KCO_ERR_INIT;

	if (want && strcmp(want, "btf") && strcmp(want, "dwarf") && strcmp(want, "ctf"))
		return kco_fail(err, KCO_E_USAGE, "no type source '%s': btf, dwarf or ctf", want);
	if (!want || !strcmp(want, "btf")) {
		enum kco_status st = KCO_OS_SLOT(s->os, types) ? KCO_OS_SLOT(s->os, types)(s, &s->types, &own)
							       : kco_fail(&own, KCO_E_UNSUPPORTED,
									  "no types are known in this kind of dump");

		if (!st)
			return KCO_OK;
		if (want)
			return kco_fail(err, KCO_E_NOTYPE, "no BTF: %s", own.msg);
	}
	if (!session_file_types(s, want, &file))
		return KCO_OK;
	if (want)
		return kco_fail(err, file.code, "no %s: %s", strcmp(want, "ctf") ? "DWARF" : "CTF", file.msg);
	return session_lacks(err, KCO_E_NOTYPE, "types", &own, &file);
}

static enum kco_status session_need_types(struct kco_session *s, struct kco_err *err)
{
	KCO_LAZY(s->lazy_types, session_make_types(s, &s->lazy_types.err), err);
}

static enum kco_status session_need_tasks(struct kco_session *s, struct kco_err *err)
{
	KCO_LAZY(s->lazy_tasks, kco_session_tasks_load(s, &s->lazy_tasks.err), err);
}

enum kco_status kco_session_need(struct kco_session *s, unsigned needs, struct kco_err *err)
{
	enum kco_status st = KCO_OK;

	if (needs & KCO_NEED_TASKS)
		needs |= KCO_NEED_SYMS;
	if (needs & (KCO_NEED_SYMS | KCO_NEED_TYPES))
		needs |= KCO_NEED_OS;
	if (needs & KCO_NEED_OS)
		st = session_need_os(s, err);
	/* A vmlinux that was named must be the dump's, whether this command needs it or not. */
	if (!st && needs & KCO_NEED_OS && s->opts.vmlinux)
		st = session_need_debuginfo(s, err);
	if (!st && needs & KCO_NEED_SYMS)
		st = session_need_symbols(s, err);
	if (!st && needs & KCO_NEED_TYPES)
		st = session_need_types(s, err);
	/* For a list of tasks, a personality may make do without. */
	if (!st && needs & KCO_NEED_TASKS && session_need_types(s, NULL) && !s->os->without_types)
		st = session_need_types(s, err);
	if (!st && needs & KCO_NEED_TASKS)
		st = session_need_tasks(s, err);
	return st;
}

static enum kco_status session_make_unwind(struct kco_session *s, struct kco_err *err)
{
	if (!KCO_OS_SLOT(s->os, unwind_tables))
		return kco_fail(err, KCO_E_UNSUPPORTED, "this kind of dump carries no unwind tables");
	return KCO_OS_SLOT(s->os, unwind_tables)(s, &s->unwind_tables, err);
}

static enum kco_status session_need_unwind(struct kco_session *s, struct kco_err *err)
{
	KCO_LAZY(s->lazy_unwind, session_make_unwind(s, &s->lazy_unwind.err), err);
}

enum kco_status kco_session_unwind_tables(struct kco_session *s, struct kco_unwind_tables **ret, struct kco_err *err)
{
	enum kco_status st = kco_session_need(s, KCO_NEED_SYMS | KCO_NEED_TYPES, err);

	if (!st)
		st = session_need_unwind(s, err);
	if (!st)
		*ret = s->unwind_tables;
	return st;
}

bool kco_session_progress(void *session, const char *what, uint64_t done, uint64_t total)
{
	struct kco_session *s = session;

	if (s->opts.progress)
		s->opts.progress(s->opts.progress_arg, &(struct kco_progress){ what, done, total, false });
	return !kco_session_cancelled(s);
}
