// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reading unwind tables: bytes through a window, LEB128, and the pointers of
 * .eh_frame, each within the entry that it belongs to.
 */
#include "cfi_priv.h"

#include <inttypes.h>
#include <string.h>

#include <kco/endian.h>

#define CFI_LEB_BYTES 16 /* more than any number needs; padding is allowed */

void cfi_seek(struct cfi_cursor *c, const struct kco_cfi *cfi, uint64_t at, uint64_t end)
{
	c->cfi = cfi;
	c->at = at;
	c->end = end;
	c->status = KCO_OK;
	c->failed_at = 0;
	c->window_n = 0;
}

void cfi_bad(struct cfi_cursor *c, enum kco_status status)
{
	if (c->status)
		return;
	c->status = status;
	c->failed_at = c->at;
}

void cfi_bytes(struct cfi_cursor *c, void *buf, size_t n)
{
	uint8_t *out = buf;

	memset(buf, 0, n);
	if (c->at > c->end || n > c->end - c->at)
		cfi_bad(c, KCO_E_CORRUPT);
	while (n && !c->status) {
		size_t off = (size_t)(c->at - c->window_at), part;

		if (c->at < c->window_at || c->at - c->window_at >= c->window_n) {
			// Behind the entry lies most likely the next one: read it with this one.
			c->window_at = c->at;
			c->window_n = c->cfi->read(c->cfi->arg, c->at, c->window, CFI_WINDOW);
			if (!c->window_n) {
				cfi_bad(c, KCO_E_UNMAPPED);
				return;
			}
			off = 0;
		}
		part = c->window_n - off < n ? c->window_n - off : n;
		memcpy(out, c->window + off, part);
		out += part;
		n -= part;
		c->at += part;
	}
}

void cfi_skip(struct cfi_cursor *c, uint64_t n)
{
	if (c->at > c->end || n > c->end - c->at)
		cfi_bad(c, KCO_E_CORRUPT);
	else
		c->at += n;
}

uint64_t cfi_uint(struct cfi_cursor *c, size_t size)
{
	uint64_t off = c->at - c->window_at;
	uint8_t raw[8];

	if (size > sizeof(raw)) {
		cfi_bad(c, KCO_E_UNSUPPORTED);
		return 0;
	}
	// Most numbers lie whole in what was read already.
	if (!c->status && c->at <= c->end && size <= c->end - c->at && off <= c->window_n &&
	    size <= c->window_n - off) {
		c->at += size;
		return kco_le_uint(c->window + off, size);
	}
	cfi_bytes(c, raw, size);
	return c->status ? 0 : kco_le_uint(raw, size);
}

/* The bits of a LEB128 number; *@shift is how many were given. */
static uint64_t cfi_leb(struct cfi_cursor *c, unsigned *shift, uint8_t *last)
{
	uint64_t value = 0;

	*shift = 0;
	for (unsigned i = 0; i < CFI_LEB_BYTES; i++) {
		uint8_t byte;

		cfi_bytes(c, &byte, 1);
		if (c->status)
			return 0;
		if (*shift < 64)
			value |= (uint64_t)(byte & 0x7f) << *shift;
		*shift += 7;
		*last = byte;
		if (!(byte & 0x80))
			return value;
	}
	cfi_bad(c, KCO_E_CORRUPT);
	return 0;
}

uint64_t cfi_uleb(struct cfi_cursor *c)
{
	unsigned shift;
	uint8_t last;

	return cfi_leb(c, &shift, &last);
}

int64_t cfi_sleb(struct cfi_cursor *c)
{
	unsigned shift;
	uint8_t last = 0;
	uint64_t value = cfi_leb(c, &shift, &last);

	if (shift < 64 && last & 0x40)
		value |= UINT64_MAX << shift;
	return (int64_t)value;
}

size_t cfi_pointer_size(const struct kco_cfi *cfi, uint8_t encoding)
{
	switch (encoding & 0x0f) {
	case CFI_PE_ABSPTR:
	case CFI_PE_SIGNED:
		return cfi->ptr_size;
	case CFI_PE_UDATA2:
	case CFI_PE_SDATA2:
		return 2;
	case CFI_PE_UDATA4:
	case CFI_PE_SDATA4:
		return 4;
	case CFI_PE_UDATA8:
	case CFI_PE_SDATA8:
		return 8;
	}
	return 0;
}

uint64_t cfi_raw_pointer(struct cfi_cursor *c, uint8_t encoding)
{
	size_t size = cfi_pointer_size(c->cfi, encoding);
	uint64_t value;

	if (size) {
		value = cfi_uint(c, size);
		if (encoding & CFI_PE_SIGNED && size < 8 && value >> (8 * size - 1))
			value |= UINT64_MAX << 8 * size;
		return value;
	}
	if ((encoding & 0x0f) == CFI_PE_ULEB128)
		return cfi_uleb(c);
	if ((encoding & 0x0f) == CFI_PE_SLEB128)
		return (uint64_t)cfi_sleb(c);
	cfi_bad(c, KCO_E_UNSUPPORTED);
	return 0;
}

static uint64_t cfi_narrow(const struct kco_cfi *cfi, uint64_t value)
{
	return cfi->ptr_size == 4 ? (uint32_t)value : value;
}

uint64_t cfi_pointer(struct cfi_cursor *c, uint8_t encoding, uint64_t data)
{
	const struct kco_cfi *cfi = c->cfi;
	uint64_t at = c->at, value = cfi_raw_pointer(c, encoding);
	uint8_t raw[8];

	switch (encoding & 0x70) {
	case CFI_PE_ABSPTR:
		// What a file holds was not relocated.
		value += cfi->debug_frame ? cfi->bias : 0;
		break;
	case CFI_PE_PCREL:
		value += at;
		break;
	case CFI_PE_DATAREL:
		if (!data)
			cfi_bad(c, KCO_E_UNSUPPORTED);
		value += data;
		break;
	default: // relative to text or to a function, aligned: nobody's linker makes them here
		cfi_bad(c, KCO_E_UNSUPPORTED);
	}
	value = cfi_narrow(cfi, value);
	if (!(encoding & CFI_PE_INDIRECT) || c->status)
		return c->status ? 0 : value;
	if (cfi->debug_frame || cfi->read(cfi->arg, value, raw, cfi->ptr_size) != cfi->ptr_size) {
		cfi_bad(c, KCO_E_UNMAPPED);
		return 0;
	}
	return kco_le_uint(raw, cfi->ptr_size);
}

enum kco_status cfi_fail(const struct cfi_cursor *c, struct kco_err *err, const char *what, uint64_t at)
{
	enum kco_status st = c->status ? c->status : KCO_E_CORRUPT;

	kco_fail(err, st, "%s at %#" PRIx64 " %s %#" PRIx64, what, at,
		 st == KCO_E_UNMAPPED	   ? "cannot be read at"
		 : st == KCO_E_UNSUPPORTED ? "has something unknown at"
					   : "contradicts itself at",
		 c->failed_at);
	if (err)
		err->addr = c->failed_at;
	return st;
}
