// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The XSAVE area of x86: from either form to the standard one.
 */
#include "x86_64_xstate.h"

#include <inttypes.h>
#include <string.h>

#include <kco/endian.h>

#define XCOMP_COMPACTED (UINT64_C(1) << 63)
#define XSAVE_BV 512
#define XSAVE_COMP_BV 520
#define FX_MXCSR 24
#define FX_ST 32
#define FX_XMM 160
#define FX_XMM_END 416

const struct x86_64_xlayout x86_64_xlayout_intel = {
	.offset = { [X86_64_XF_AVX] = 576,
		    [X86_64_XF_BNDREGS] = 960,
		    [X86_64_XF_BNDCSR] = 1024,
		    [X86_64_XF_OPMASK] = 1088,
		    [X86_64_XF_ZMM_HI256] = 1152,
		    [X86_64_XF_HI16_ZMM] = 1664,
		    [X86_64_XF_PKRU] = 2688,
		    [X86_64_XF_XTILECFG] = 2752,
		    [X86_64_XF_XTILEDATA] = 2816,
		    [X86_64_XF_APX] = 960 },
	.size = { [X86_64_XF_AVX] = 256,
		  [X86_64_XF_BNDREGS] = 64,
		  [X86_64_XF_BNDCSR] = 64,
		  [X86_64_XF_OPMASK] = 64,
		  [X86_64_XF_ZMM_HI256] = 512,
		  [X86_64_XF_HI16_ZMM] = 1024,
		  [X86_64_XF_PT] = 128,
		  [X86_64_XF_PKRU] = 8,
		  [10] = 8,  /* PASID */
		  [11] = 16, /* CET, user */
		  [12] = 24, /* CET, supervisor */
		  [13] = 8,  /* HDC */
		  [14] = 48, /* user interrupts */
		  [X86_64_XF_XTILECFG] = 64,
		  [X86_64_XF_XTILEDATA] = 8192,
		  [X86_64_XF_APX] = 128 },
	.align64 = { [14] = true, [X86_64_XF_XTILECFG] = true, [X86_64_XF_XTILEDATA] = true },
};

/* x87 and SSE: present as @bv says, else as FNINIT and a write of 1f80 to MXCSR leave them. */
static void xstate_legacy(const uint8_t *raw, uint64_t bv, uint8_t *area)
{
	kco_put_le16(area, 0x37f);
	kco_put_le32(area + FX_MXCSR, 0x1f80);
	// MXCSR_MASK: what the processor has, not a state.
	memcpy(area + FX_MXCSR + 4, raw + FX_MXCSR + 4, 4);
	if (bv & X86_64_XF_BIT(X86_64_XF_X87)) {
		memcpy(area, raw, FX_MXCSR);
		memcpy(area + FX_ST, raw + FX_ST, FX_XMM - FX_ST);
	}
	if (bv & (X86_64_XF_BIT(X86_64_XF_SSE) | X86_64_XF_BIT(X86_64_XF_AVX)))
		memcpy(area + FX_MXCSR, raw + FX_MXCSR, 4);
	if (bv & X86_64_XF_BIT(X86_64_XF_SSE))
		memcpy(area + FX_XMM, raw + FX_XMM, FX_XMM_END - FX_XMM);
}

/* Where each component of @comp begins in the compacted form. */
static enum kco_status xstate_compacted(const struct x86_64_xlayout *layout, uint64_t comp, size_t n,
					uint32_t offset[KCO_XSTATE_COMPONENTS], struct kco_err *err)
{
	size_t at = X86_64_XSAVE_EXTENDED;

	for (unsigned i = 2; i < 63; i++) {
		if (!(comp & X86_64_XF_BIT(i)))
			continue;
		if (i >= KCO_XSTATE_COMPONENTS || !layout->size[i])
			return kco_fail(err, KCO_E_CORRUPT,
					"XCOMP_BV %#" PRIx64 " holds component %u, which the processor does not have",
					comp, i);
		if (layout->align64[i])
			at = (at + 63) & ~(size_t)63;
		offset[i] = (uint32_t)at;
		at += layout->size[i];
		if (at > n)
			return kco_fail(err, KCO_E_CORRUPT, "XCOMP_BV %#" PRIx64 " needs more than the %zu bytes there",
					comp, n);
	}
	return KCO_OK;
}

/* The components of @features that have a place in the standard form, and how much room they take. */
static void xstate_room(const struct x86_64_xlayout *layout, uint64_t features, struct kco_xstate *ret)
{
	ret->features = features & 3;
	ret->size = X86_64_XSAVE_EXTENDED;
	for (unsigned i = 2; i < KCO_XSTATE_COMPONENTS; i++) {
		size_t offset = layout->offset[i], size = layout->size[i];

		if (!(features & X86_64_XF_BIT(i)) || offset < X86_64_XSAVE_EXTENDED || !size ||
		    offset > KCO_XSTATE_MAX || size > KCO_XSTATE_MAX - offset)
			continue;
		ret->features |= X86_64_XF_BIT(i);
		ret->offset[i] = layout->offset[i];
		if (offset + size > ret->size)
			ret->size = offset + size;
	}
}

enum kco_status x86_64_xstate_expand(const uint8_t *raw, size_t n, const struct x86_64_xlayout *layout,
				     uint64_t features, struct kco_xstate *ret, struct kco_err *err)
{
	uint32_t offset[KCO_XSTATE_COMPONENTS];
	uint64_t bv, comp;
	enum kco_status st;

	memset(ret, 0, sizeof(*ret));
	if (n < X86_64_XSAVE_LEGACY)
		return kco_fail(err, KCO_E_CORRUPT, "%zu bytes of floating-point state, fewer than 512", n);
	if (n < X86_64_XSAVE_EXTENDED) {
		ret->features = ret->in_use = 3;
		ret->size = X86_64_XSAVE_LEGACY;
		xstate_legacy(raw, 3, ret->area);
		return KCO_OK;
	}
	bv = kco_le64(raw + XSAVE_BV);
	comp = kco_le64(raw + XSAVE_COMP_BV);
	memcpy(offset, layout->offset, sizeof(offset));
	if (comp & XCOMP_COMPACTED) {
		// XRSTOR would refuse it.
		if (bv & ~comp)
			return kco_fail(err, KCO_E_CORRUPT, "XSTATE_BV %#" PRIx64 " holds more than XCOMP_BV %#" PRIx64,
					bv, comp);
		st = xstate_compacted(layout, comp, n, offset, err);
		if (st)
			return st;
	} else if (comp) {
		return kco_fail(err, KCO_E_CORRUPT, "XCOMP_BV %#" PRIx64 " is of no form", comp);
	}
	xstate_room(layout, features | 3, ret);
	ret->in_use = bv & ret->features;
	xstate_legacy(raw, bv, ret->area);
	for (unsigned i = 2; i < KCO_XSTATE_COMPONENTS; i++) {
		if (!(ret->in_use & X86_64_XF_BIT(i)))
			continue;
		if (offset[i] > n || layout->size[i] > n - offset[i])
			return kco_fail(err, KCO_E_CORRUPT, "component %u lies beyond the %zu bytes there", i, n);
		memcpy(ret->area + ret->offset[i], raw + offset[i], layout->size[i]);
	}
	kco_put_le64(ret->area + X86_64_XSAVE_XCR0, ret->features);
	kco_put_le64(ret->area + XSAVE_BV, ret->in_use);
	return KCO_OK;
}
