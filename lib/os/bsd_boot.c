// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which system a kernel core is of, and its kernel's address space.
 *
 * The headers of both systems' cores are the same to the byte. What tells is
 * the text `version` in the kernel's image:
 *
 *   "NetBSD 9.3 (GENERIC) #0: Thu Aug  4 15:30:37 UTC 2022\n\t..."
 *   "OpenBSD 7.3 (GENERIC.MP) #1125: Sat Mar 25 10:36:29 MDT 2023\n    ..."
 *
 * (sys/conf/newvers.sh of each). It is looked for through the page tables that
 * the core's header names, from KERNBASE on, where both link their kernels; a
 * kernel that the loader moved (NetBSD's GENERIC_KASLR) is taken for what its
 * files are called. Translation is a walk of four levels, which leaves and
 * recursive slots included; OpenBSD's direct map is part of the tables, too.
 */
#include "bsd.h"

#include <elf.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <kco/mem.h>

#define BOOT_KERNBASE UINT64_C(0xffffffff80000000)
#define BOOT_IMAGE_MAX (UINT64_C(128) << 20)
#define BOOT_PAGE 4096u
#define BOOT_OVERLAP 256u

static const struct kco_paging *boot_form(const struct kco_arch_ops *arch)
{
	for (const struct kco_paging *const *form = arch->paging; *form; form++)
		if ((*form)->levels == 4)
			return *form;
	return NULL;
}

/* "NAME 1.2...(CONFIG) #1..." */
static bool boot_is_banner(const char *p, size_t n, const char *name)
{
	size_t len = strlen(name), i;

	if (n < len + 8 || memcmp(p, name, len) || p[len] != ' ' || p[len + 1] < '0' || p[len + 1] > '9')
		return false;
	for (i = len + 1; i < n && p[i] > ' ' && p[i] < 0x7f; i++)
		;
	if (i + 1 >= n || p[i] != ' ' || p[i + 1] != '(')
		return false;
	for (; i < n && p[i] >= ' ' && p[i] < 0x7f && p[i] != ')'; i++)
		;
	return i + 2 < n && p[i] == ')' && p[i + 1] == ' ' && p[i + 2] == '#';
}

static bool boot_look(struct bsd_banner *banner, const char *buf, size_t n, uint64_t va)
{
	static const char *const names[] = { "OpenBSD", "NetBSD" };

	for (const char *p = buf; (p = memmem(p, n - (size_t)(p - buf), "BSD ", 4)) != NULL; p++) {
		for (size_t i = 0; i < 2; i++) {
			size_t before = strlen(names[i]) - 3, rest;

			if ((size_t)(p - buf) < before)
				continue;
			rest = n - ((size_t)(p - buf) - before);
			if (!boot_is_banner(p - before, rest, names[i]))
				continue;
			banner->sysname = names[i];
			banner->addr = va + ((uint64_t)(p - buf) - before);
			rest = strnlen(p - before, rest < sizeof(banner->text) ? rest : sizeof(banner->text) - 1);
			memcpy(banner->text, p - before, rest);
			return true;
		}
	}
	return false;
}

static void boot_scan(struct kco_session *s, const struct kco_space *space, struct bsd_banner *banner)
{
	char buf[BOOT_OVERLAP + 16 * BOOT_PAGE];
	size_t kept = 0;

	for (uint64_t va = BOOT_KERNBASE, end = va + BOOT_IMAGE_MAX; va < end && !kco_session_cancelled(s);) {
		size_t want = sizeof(buf) - BOOT_OVERLAP, done;

		(void)!kco_vread(s->mem, space, va, buf + kept, want, &done, NULL);
		if (done && boot_look(banner, buf, kept + done, va - kept))
			return;
		if (done == want) {
			memmove(buf, buf + kept + done - BOOT_OVERLAP, BOOT_OVERLAP);
			kept = BOOT_OVERLAP;
			va += done;
		} else {
			kept = 0;
			va = ((va + done) | (BOOT_PAGE - 1)) + 1;
		}
	}
}

/* The last part of @path begins with @name, and a dot or nothing follows. */
static bool boot_is_called(const char *path, const char *name)
{
	const char *base = path ? strrchr(path, '/') : NULL;

	base = base ? base + 1 : path;
	return base && !strncmp(base, name, strlen(name)) && (base[strlen(name)] == '.' || !base[strlen(name)]);
}

static void boot_guess(struct kco_session *s, struct bsd_banner *banner)
{
	const char *paths[2] = { s->opts.vmlinux, s->opts.nr_dumps ? s->opts.dumps[0] : NULL };

	for (size_t i = 0; i < 2 && !*banner->sysname; i++)
		banner->sysname = boot_is_called(paths[i], "netbsd") ? "NetBSD"
				  : boot_is_called(paths[i], "bsd")  ? "OpenBSD"
								     : "";
}

/* Looked for once, by whichever row asks first; NULL: out of memory, or no dump of these. */
static const struct bsd_banner *boot_banner(struct kco_session *s)
{
	const struct kco_facts *facts = &s->image->facts;
	const struct kco_arch_ops *arch = kco_arch_by_machine(facts->elf_machine);
	struct kco_space space = { .arch = arch, .root = KCO_PADDR(facts->root_pa), .id = ++s->next_space_id };
	struct bsd_banner *banner;

	if (s->bsd_banner)
		return s->bsd_banner;
	if (!facts->has_root_pa || facts->elf_machine != EM_X86_64 || !arch)
		return NULL;
	space.form = boot_form(arch);
	space.addr_mask = arch->phys_mask;
	banner = kco_arena_alloc(&s->arena, sizeof(*banner));
	if (!banner || !space.form)
		return NULL;
	banner->sysname = "";
	boot_scan(s, &space, banner);
	boot_guess(s, banner);
	return s->bsd_banner = banner;
}

int bsd_detect(struct kco_session *s, const char *sysname)
{
	const struct kco_facts *facts = &s->image->facts;
	const struct bsd_banner *banner;

	if (facts->sysname[0] || !facts->has_root_pa)
		return strcmp(facts->sysname, sysname) ? 0 : 95;
	banner = boot_banner(s);
	if (!banner)
		return 0;
	// Neither: one of them has to say so.
	if (!*banner->sysname)
		return 30;
	return strcmp(banner->sysname, sysname) ? 0 : banner->addr ? 90 : 60;
}

enum kco_status bsd_init(struct kco_session *s, const struct bsd_flavour *flavour, struct kco_err *err)
{
	const struct kco_facts *facts = &s->image->facts;
	const struct kco_arch_ops *arch = kco_arch_by_machine(facts->elf_machine);
	const struct kco_paging *form = arch && facts->elf_machine == EM_X86_64 ? boot_form(arch) : NULL;
	const struct bsd_banner *banner = boot_banner(s);
	struct bsd_os *os;

	if (!form || !facts->has_root_pa)
		return kco_fail(err, KCO_E_UNSUPPORTED,
				"a kernel of ELF machine %u without the address of its page tables is not supported",
				facts->elf_machine);
	if (banner && !*banner->sysname)
		return kco_fail(err, KCO_E_CORRUPT,
				"neither NetBSD's nor OpenBSD's version is where the page tables at %#" PRIx64
				" map a kernel; name the kernel's file (netbsd, bsd) to go on without",
				facts->root_pa);
	os = s->os_priv = calloc(1, sizeof(*os));
	if (!os)
		return kco_fail(err, KCO_E_NOMEM, "out of memory");
	os->flavour = flavour;
	kco_session_set_kernel(s, arch, form, KCO_PADDR(facts->root_pa), arch->phys_mask);
	return KCO_OK;
}

void bsd_fini(struct kco_session *s)
{
	struct bsd_os *os = bsd_of(s);

	if (!os)
		return;
	bsd_amd64_fini(s);
	free(os->cpus);
	free(os->threads);
	free(os);
	s->os_priv = NULL;
}
