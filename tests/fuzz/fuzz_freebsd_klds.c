// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * FreeBSD's kernel modules. Any bytes as the memory of a kernel whose list of
 * modules, their sections and symbol tables are in there; or, when the lowest
 * bit of the first byte is set, the bytes behind it as the file of a module.
 *
 * Symbols lie at fixed places of the first page, 32 bytes apart.
 *
 * What must hold: no crash, no hang; what is found by an address covers it and
 * lies in its module.
 */
#include <stdlib.h>
#include <string.h>

#include "elf_modfile.h"
#include "freebsd.h"
#include "freebsd_klds.h"
#include "freebsd_process.h"
#include "session.h"
#include "vmem.h"

#define FUZZ_VA UINT64_C(0xffffffff81000000)
#define FUZZ_MIN 0x400

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

extern const struct kco_os_ops kco_os_freebsd;

static const char *const fuzz_symbols[] = { "reserved",		"linker_files",	    "kld_off_next",
					    "kld_off_filename", "kld_off_pathname", "kld_off_address" };
#define FUZZ_SYMBOLS (sizeof(fuzz_symbols) / sizeof(fuzz_symbols[0]))

static enum kco_status fuzz_by_name(struct kco_symbol_source *src, const char *name, struct kco_symbol *ret,
				    struct kco_err *err)
{
	(void)src;
	for (size_t i = 0; i < FUZZ_SYMBOLS; i++) {
		if (strcmp(fuzz_symbols[i], name) != 0)
			continue;
		*ret = (struct kco_symbol){ .addr = FUZZ_VA + 32 * i, .size = 8, .name = fuzz_symbols[i], .type = 'B' };
		return KCO_OK;
	}
	return kco_fail(err, KCO_E_NOSYM, "no symbol '%s'", name);
}

static enum kco_status fuzz_by_addr(struct kco_symbol_source *src, uint64_t addr, struct kco_symbol *ret,
				    struct kco_err *err)
{
	(void)src;
	(void)ret;
	return kco_fail(err, KCO_E_NOSYM, "no symbol at %#llx", (unsigned long long)addr);
}

static void fuzz_free(struct kco_symbol_source *src)
{
	(void)src;
}

static const struct kco_symbol_source_ops fuzz_source_ops = {
	.name = "fuzz", .by_name = fuzz_by_name, .by_addr = fuzz_by_addr, .free = fuzz_free
};

static struct kco_lazy fuzz_there(enum kco_status status)
{
	struct kco_lazy lazy = { .tried = true, .err = KCO_ERR_INIT };

	if (status)
		kco_fail(&lazy.err, status, "none");
	return lazy;
}

static void fuzz_check(struct kco_session *s, const struct kco_module *mod)
{
	struct kco_symbol sym;

	if (mod->status)
		return;
	if (mod->text_size > mod->size)
		abort();
	for (unsigned i = 0; i < 64; i++) {
		uint64_t addr = mod->base + mod->size / 64 * i;

		if (kco_symbols_by_addr(s->symbols, addr, &sym, NULL))
			continue;
		if (sym.addr > addr || !sym.module || !sym.name)
			abort();
	}
	(void)!kco_symbols_by_name(s->symbols, "module_start", &sym, NULL);
}

static bool fuzz_each(void *arg, const struct kco_symbol *sym)
{
	*(size_t *)arg += strlen(sym->name);
	return true;
}

static void fuzz_modules(struct kco_session *s)
{
	struct kco_symbol_source *src;
	const struct kco_module *mods;
	size_t n, bytes = 0;

	if (freebsd_kld_symbols(s, &src, NULL))
		return;
	kco_symbols_add_take(s->symbols, src);
	if (kco_modules_get(s, &mods, &n, NULL))
		return;
	(void)!src->ops->each(src, fuzz_each, &bytes, NULL);
	for (size_t i = 0; i < n; i++)
		fuzz_check(s, &mods[i]);
}

static void fuzz_memory(const uint8_t *data, size_t size)
{
	struct freebsd_os os = { .machine = &freebsd_amd64 };
	struct kco_session s = { .os = &kco_os_freebsd, .os_priv = &os };
	struct kco_symbol_source source = { .ops = &fuzz_source_ops, .last = FUZZ_VA + 0xfff };
	struct vmem v = { 0 };

	vmem_add(&v, FUZZ_VA, data, size);
	if (vmem_open(&v)) {
		kco_arena_init(&s.arena);
		s.image = v.image;
		s.mem = v.mem;
		s.arch = v.space.arch;
		s.kernel = v.space;
		s.opts.debug_dir = "/nowhere";
		s.lazy_os = s.lazy_symbols = fuzz_there(KCO_OK);
		s.lazy_types = fuzz_there(KCO_E_NOTYPE);
		s.lazy_debuginfo = fuzz_there(KCO_E_UNSUPPORTED);
		s.symbols = kco_symbols_new();
		kco_symbols_add_take(s.symbols, &source);
		fuzz_modules(&s);
		freebsd_kldsyms_fini(&s);
		kco_symbols_free(s.symbols);
		free(s.modules);
		kco_arena_fini(&s.arena);
		while (s.warnings) {
			// A list whose first word is the next one; see session.c.
			void *next = *(void **)s.warnings;

			free(s.warnings);
			s.warnings = next;
		}
	}
	vmem_close(&v);
}

static void fuzz_file(const uint8_t *data, size_t size)
{
	struct kco_modfile_request req = {
		.path = "fuzz.ko", .size = size, .machine = 62, .mod_base = FUZZ_VA, .mod_size = 0x188
	};
	struct kco_symbol_source *src;
	struct kco_modfile *file;
	uint64_t last;
	size_t n = 0;

	/* Of just that size, so that a read beyond is noticed. */
	req.bytes = malloc(size ? size : 1);
	if (!req.bytes)
		return;
	memcpy(req.bytes, data, size);
	if (!kco_modfile_open_new(&req, &file, NULL)) {
		(void)kco_modfile_has_dwarf(file);
		if (!kco_modfile_symbols_new(file, "fuzz.ko", &src, &last, NULL)) {
			(void)!src->ops->each(src, fuzz_each, &n, NULL);
			src->ops->free(src);
		}
		kco_modfile_free(file);
	}
	free(req.bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < FUZZ_MIN)
		return 0;
	if (data[0] & 1)
		fuzz_file(data + 1, size - 1);
	else
		fuzz_memory(data, size);
	return 0;
}
