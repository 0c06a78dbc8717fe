// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The XSAVE area of x86: components, their standard places, and bringing the
 * compacted form to the standard one.
 *
 *   0     x87 and SSE registers, as FXSAVE has them (512 bytes)
 *   512   header: XSTATE_BV, XCOMP_BV, 48 bytes of zeros
 *   576   standard form: each component where CPUID says;
 *         compacted: those of XCOMP_BV one behind the other, some aligned to 64
 *
 * Source: Intel SDM volume 1, section 13.4.
 */
#ifndef KCO_ARCH_X86_64_XSTATE_H
#define KCO_ARCH_X86_64_XSTATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <kco/thread.h>

#define X86_64_XSAVE_LEGACY 512
#define X86_64_XSAVE_EXTENDED 576
#define X86_64_XSAVE_XCR0 464 /* in bytes that FXSAVE leaves to software: what Linux and debuggers agree on */

enum {
	X86_64_XF_X87,
	X86_64_XF_SSE,
	X86_64_XF_AVX,
	X86_64_XF_BNDREGS,
	X86_64_XF_BNDCSR,
	X86_64_XF_OPMASK,
	X86_64_XF_ZMM_HI256,
	X86_64_XF_HI16_ZMM,
	X86_64_XF_PT,
	X86_64_XF_PKRU,
	X86_64_XF_XTILECFG = 17,
	X86_64_XF_XTILEDATA = 18,
	X86_64_XF_APX = 19,
};
#define X86_64_XF_BIT(n) (UINT64_C(1) << (n))
/* Those that user mode can save and restore; the others are the kernel's. */
#define X86_64_XF_USER                                                                        \
	(UINT64_C(0xff) | X86_64_XF_BIT(X86_64_XF_PKRU) | X86_64_XF_BIT(X86_64_XF_XTILECFG) | \
	 X86_64_XF_BIT(X86_64_XF_XTILEDATA) | X86_64_XF_BIT(X86_64_XF_APX))

/** Where a processor keeps each component: CPUID leaf 0xd. */
struct x86_64_xlayout {
	uint32_t offset[KCO_XSTATE_COMPONENTS]; /* in the standard form; 0: it has no place there */
	uint32_t size[KCO_XSTATE_COMPONENTS];	/* bytes; 0: unknown to this processor */
	bool align64[KCO_XSTATE_COMPONENTS];	/* in the compacted form */
};

/** That of Intel's processors, for dumps that do not tell their own. */
extern const struct x86_64_xlayout x86_64_xlayout_intel;

/**
 * Bring the XSAVE area @raw of @n bytes, in either form, to the standard form
 * with the components @features (of those that @layout can place). A component
 * that XSTATE_BV lacks gets its initial value. 512 bytes are an FXSAVE area.
 * KCO_E_CORRUPT: the header contradicts itself or @n.
 */
enum kco_status x86_64_xstate_expand(const uint8_t *raw, size_t n, const struct x86_64_xlayout *layout,
				     uint64_t features, struct kco_xstate *ret, struct kco_err *err) KCO_MUST_USE;

#endif
