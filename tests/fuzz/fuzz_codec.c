// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any bytes as a compressed page, by the codec that the first byte names. Both
 * the input and the page end where the sanitizer sees the next byte.
 */
#include <kco/codec.h>

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct kco_codec *codec;
	uint8_t *src, *dst = malloc(4096);

	if (!codec)
		codec = kco_codec_new();
	if (!dst || !codec || size < 2)
		goto out;
	src = malloc(size - 1);
	if (!src)
		goto out;
	memcpy(src, data + 1, size - 1);
	(void)!kco_codec_decompress(codec, (enum kco_codec_id)(data[0] % (KCO_CODEC_DEFLATE + 1)), src, size - 1, dst,
				    4096, NULL);
	free(src);
out:
	free(dst);
	return 0;
}
