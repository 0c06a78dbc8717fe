// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A decoder of LZO1X with the runs of zeros that Linux added to it.
 *
 * liblzo2 cannot read them. The stream is instructions: a byte says how far
 * back to copy from and how much, up to three literal bytes may follow. What
 * the same byte means depends on how many literals went before it ("state").
 *
 *   17 VV            first of all, in streams of 5 bytes or more: version VV; 1 has runs of zeros
 *   first byte > 17  that many literals, less 17
 *   0000LLLL         state 0:    3 + L literals
 *   0000DDSS H       state 1..3: 2 bytes from H * 4 + D + 1 back
 *   0000DDSS H       state 4:    3 bytes from H * 4 + D + 2049 back
 *   0001HLLL d d     2 + L bytes from 16384 + H * 16384 + d back; exactly 16384: the end
 *                    version 1, H and all bits of d set: X follows, X * 8 + L + 4 zeros
 *   001LLLLL d d     2 + L bytes from d + 1 back
 *   LLLDDDSS H       L + 1 bytes (L from 2) from H * 8 + D + 1 back
 *
 * L = 0 means all its bits set and more in bytes: 255 for each that is 0, and the
 * first other one. Two bytes d hold 14 bits and the two of S.
 *
 * The layout is as Linux documents it in Documentation/staging/lzo.rst and
 * its lib/lzo implements it; the runs came with 5ee4014af99f (v5.1).
 */
#include "lzorle.h"

#include <stdbool.h>
#include <string.h>

struct lzorle {
	const uint8_t *in, *in_end;
	uint8_t *out, *begin, *end;
	unsigned state;
	bool runs;
	const char *wrong;
};

static uint8_t lzorle_byte(struct lzorle *z)
{
	if (z->in < z->in_end)
		return *z->in++;
	z->wrong = "ends early";
	return 0;
}

/* A length of @bits bits in @op, or what follows when they are 0. */
static size_t lzorle_length(struct lzorle *z, unsigned op, unsigned bits)
{
	size_t n = op & ((1u << bits) - 1);
	uint8_t b;

	if (n)
		return n;
	n = (1u << bits) - 1;
	while (!(b = lzorle_byte(z)) && !z->wrong)
		n += 255; // at most the stream's length times that
	return n + b;
}

static void lzorle_literals(struct lzorle *z, size_t n)
{
	if (n > (size_t)(z->in_end - z->in)) {
		z->wrong = "ends early";
		return;
	}
	if (n > (size_t)(z->end - z->out)) {
		z->wrong = "gives more than the page's bytes";
		return;
	}
	memcpy(z->out, z->in, n);
	z->in += n;
	z->out += n;
}

static void lzorle_copy(struct lzorle *z, size_t distance, size_t n)
{
	if (z->wrong)
		return;
	if (distance > (size_t)(z->out - z->begin)) {
		z->wrong = "copies from before its begin";
		return;
	}
	if (n > (size_t)(z->end - z->out)) {
		z->wrong = "gives more than the page's bytes";
		return;
	}
	// Byte by byte: what is copied may be what is being written.
	for (const uint8_t *from = z->out - distance; n; n--)
		*z->out++ = *from++;
}

/* 16..31: far copies, the runs, the end. True: it was the end. */
static bool lzorle_far(struct lzorle *z, unsigned op)
{
	unsigned two;
	size_t n;

	if (z->runs && op >= 0x18 && z->in_end - z->in >= 3 && (z->in[0] & 0xfc) == 0xfc && z->in[1] == 0xff) {
		n = ((size_t)z->in[2] << 3 | (op & 7)) + 4;
		z->state = z->in[0] & 3;
		z->in += 3;
		if (n > (size_t)(z->end - z->out)) {
			z->wrong = "gives more than the page's bytes";
			return false;
		}
		memset(z->out, 0, n);
		z->out += n;
		lzorle_literals(z, z->state);
		return false;
	}
	n = lzorle_length(z, op, 3) + 2;
	two = lzorle_byte(z);
	two |= (unsigned)lzorle_byte(z) << 8;
	if (z->wrong)
		return false;
	if (!(op & 8) && two < 4) {
		if (n != 3 || two)
			z->wrong = "damaged";
		return true;
	}
	z->state = two & 3;
	lzorle_copy(z, (size_t)16384 + ((op & 8) << 11) + (two >> 2), n);
	if (!z->wrong)
		lzorle_literals(z, z->state);
	return false;
}

/* Below 16, after literals or without any. */
static void lzorle_near(struct lzorle *z, unsigned op)
{
	size_t distance;
	unsigned before = z->state;

	if (!before) {
		size_t n = lzorle_length(z, op, 4) + 3;

		z->state = 4;
		if (!z->wrong)
			lzorle_literals(z, n);
		return;
	}
	distance = (size_t)lzorle_byte(z) * 4 + (op >> 2) + 1;
	z->state = op & 3;
	lzorle_copy(z, before == 4 ? distance + 2048 : distance, before == 4 ? 3 : 2);
	if (!z->wrong)
		lzorle_literals(z, z->state);
}

static void lzorle_block(struct lzorle *z, unsigned op)
{
	size_t distance, n;

	if (op >= 64) {
		n = (op >> 5) + 1;
		distance = (size_t)lzorle_byte(z) * 8 + (op >> 2 & 7) + 1;
		z->state = op & 3;
	} else {
		unsigned two;

		n = lzorle_length(z, op, 5) + 2;
		two = lzorle_byte(z);
		two |= (unsigned)lzorle_byte(z) << 8;
		distance = (two >> 2) + 1;
		z->state = two & 3;
	}
	lzorle_copy(z, distance, n);
	if (!z->wrong)
		lzorle_literals(z, z->state);
}

const char *kco_lzorle_decompress(const uint8_t *src, size_t src_len, uint8_t *dst, size_t dst_len, size_t *out)
{
	struct lzorle z = { .in = src, .in_end = src + src_len, .out = dst, .begin = dst, .end = dst + dst_len };
	bool end = false;

	if (src_len >= 5 && src[0] == 17) {
		z.runs = src[1] != 0;
		z.in += 2;
	}
	if (z.in<z.in_end && * z.in> 17) {
		unsigned n = *z.in++ - 17u;

		z.state = n < 4 ? n : 4;
		lzorle_literals(&z, n);
	}
	while (!end && !z.wrong) {
		unsigned op = lzorle_byte(&z);

		if (z.wrong)
			break;
		if (op < 16)
			lzorle_near(&z, op);
		else if (op < 32)
			end = lzorle_far(&z, op);
		else
			lzorle_block(&z, op);
	}
	*out = (size_t)(z.out - dst);
	if (!z.wrong && z.in != z.in_end)
		z.wrong = "ends before its last byte";
	return z.wrong;
}
