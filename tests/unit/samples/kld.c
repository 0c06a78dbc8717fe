// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A kernel module of FreeBSD/amd64 as it is installed: an object with linker
 * sets, per-CPU variables, sections that ask for alignment. It is built twice:
 * as an object, and linked at the module's place, where the linker's own
 * arithmetic says what address each symbol has.
 */
#define SET(set, sym) static void const *const set##_##sym __attribute__((section("set_" #set), used)) = &sym

extern int printf(const char *fmt, ...);

static int kld_hits;
int kld_limit = 3;
char kld_buffer[100];
const char kld_version[] = "sample 1";
int kld_often __attribute__((section(".data.read_frequently"), aligned(64))) = 7;
int pcpu_entry_kld_count __attribute__((section("set_pcpu"), aligned(16))) = 1;

static int __attribute__((noinline)) kld_step(int by)
{
	kld_hits += by;
	return kld_hits;
}

int kld_modevent(int what)
{
	if (what > kld_limit)
		printf("%s: %d\n", kld_version, kld_step(what));
	return kld_buffer[what & 63] + kld_often + pcpu_entry_kld_count;
}

int __attribute__((weak)) kld_hook(void)
{
	return kld_step(1);
}

SET(sysinit_set, kld_modevent);
SET(modmetadata_set, kld_version);

__asm__(".globl kld_magic\n"
	"kld_magic = 0x1234\n");
