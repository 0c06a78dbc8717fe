// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The bookkeeping of zram and zswap with any bytes changed: the kernel of the
 * unit tests, and an input that says which byte becomes what. Every page is
 * asked for; what must hold is that nothing is read or written beyond its room.
 */
#include "linux_zram.h"

#include "zrammake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_read(struct zrammake *m, enum kco_status st, const struct linux_zpage *zp)
{
	uint8_t buf[4096];

	if (st)
		return;
	if (!zp->codec || !zp->device)
		abort();
	(void)!linux_zpage_read(&m->s, zp, buf, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct zrammake sound;
	struct zrammake *m = malloc(sizeof(*m));
	struct linux_zram_info info;
	struct linux_zpage zp;

	if (!m)
		abort();
	if (!sound.packed)
		zrammake_init(&sound);
	memcpy(m, &sound, sizeof(*m));
	// Three bytes of where, one of what.
	for (; size >= 4; data += 4, size -= 4)
		m->memory[(data[0] | (size_t)data[1] << 8 | (size_t)data[2] << 16) % ZM_MEMORY] = data[3];
	if (!zrammake_open(m))
		abort();
	for (uint64_t i = 0; i <= ZM_NR_PAGES; i++)
		fuzz_read(m, linux_zram_find(&m->s, ZM_VIRT + ZM_BDEV, i, &zp, NULL), &zp);
	for (uint64_t i = 9; i < 14; i++)
		fuzz_read(m, linux_zswap_find(&m->s, 0, i, &zp, NULL), &zp);
	(void)!linux_zram_info(&m->s, ZM_VIRT + ZM_BDEV, &info, NULL);
	zrammake_close(m);
	free(m);
	return 0;
}
