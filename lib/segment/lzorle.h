// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * LZO as Linux's lzo-rle makes it: LZO1X with runs of zeros.
 */
#ifndef KCO_LZORLE_H
#define KCO_LZORLE_H

#include <stddef.h>
#include <stdint.h>

/**
 * Decompress @src into at most @dst_len bytes at @dst; *@out is how many came.
 * NULL, or what is wrong with the stream. Streams of version 0 (plain LZO1X)
 * are read as well.
 */
const char *kco_lzorle_decompress(const uint8_t *src, size_t src_len, uint8_t *dst, size_t dst_len, size_t *out);

#endif
