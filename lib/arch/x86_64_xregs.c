// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The floating-point and vector registers of x86_64 as data over XSAVE's
 * components (x86_64_xstate.h): names as debuggers have them.
 *
 * x87 and SSE: the FXSAVE area in its 64-bit form, Intel SDM volume 1, table
 * 10-2. A ymm register is its xmm and 16 bytes of component 2, a zmm 32 more
 * of component 6; zmm16 to zmm31 lie whole in component 7.
 */
#include "x86_64.h"

#include <kco/arch.h>

#include "x86_64_xstate.h"

#define XMM(n)                                    \
	{                                         \
		X86_64_XF_SSE, 16, 160 + 16 * (n) \
	}
#define YMM_HIGH(n)                         \
	{                                   \
		X86_64_XF_AVX, 16, 16 * (n) \
	}
#define ZMM_HIGH(n)                               \
	{                                         \
		X86_64_XF_ZMM_HI256, 32, 32 * (n) \
	}

#define REG_X87(name, size, offset)                         \
	{                                                   \
		name, "Floating Point Registers",           \
		{                                           \
			{                                   \
				X86_64_XF_X87, size, offset \
			}                                   \
		}                                           \
	}
#define REG_ST(n) REG_X87("st" #n, 10, 32 + 16 * (n))
#define REG_XMM(n)                         \
	{                                  \
		"xmm" #n, "SSE Registers", \
		{                          \
			XMM(n)             \
		}                          \
	}
#define REG_YMM(n)                                      \
	{                                               \
		"ymm" #n, "Advanced Vector Extensions", \
		{                                       \
			XMM(n), YMM_HIGH(n)             \
		}                                       \
	}
#define REG_K(n)                                             \
	{                                                    \
		"k" #n, "AVX-512 Registers",                 \
		{                                            \
			{                                    \
				X86_64_XF_OPMASK, 8, 8 * (n) \
			}                                    \
		}                                            \
	}
#define REG_ZMM(n)                                       \
	{                                                \
		"zmm" #n, "AVX-512 Registers",           \
		{                                        \
			XMM(n), YMM_HIGH(n), ZMM_HIGH(n) \
		}                                        \
	}
#define REG_ZMM_16(n)                                                 \
	{                                                             \
		"zmm" #n, "AVX-512 Registers",                        \
		{                                                     \
			{                                             \
				X86_64_XF_HI16_ZMM, 64, 64 * ((n)-16) \
			}                                             \
		}                                                     \
	}

#define EIGHT(reg) reg(0), reg(1), reg(2), reg(3), reg(4), reg(5), reg(6), reg(7)
#define SIXTEEN(reg) EIGHT(reg), reg(8), reg(9), reg(10), reg(11), reg(12), reg(13), reg(14), reg(15)

const struct kco_xreg_desc x86_64_xregs[] = {
	REG_X87("fctrl", 2, 0),
	REG_X87("fstat", 2, 2),
	REG_X87("ftag", 1, 4),
	REG_X87("fop", 2, 6),
	REG_X87("fip", 8, 8),
	REG_X87("fdp", 8, 16),
	REG_X87("mxcsr", 4, 24),
	REG_X87("mxcsrmask", 4, 28),
	EIGHT(REG_ST),
	SIXTEEN(REG_XMM),
	SIXTEEN(REG_YMM),
	EIGHT(REG_K),
	SIXTEEN(REG_ZMM),
	REG_ZMM_16(16),
	REG_ZMM_16(17),
	REG_ZMM_16(18),
	REG_ZMM_16(19),
	REG_ZMM_16(20),
	REG_ZMM_16(21),
	REG_ZMM_16(22),
	REG_ZMM_16(23),
	REG_ZMM_16(24),
	REG_ZMM_16(25),
	REG_ZMM_16(26),
	REG_ZMM_16(27),
	REG_ZMM_16(28),
	REG_ZMM_16(29),
	REG_ZMM_16(30),
	REG_ZMM_16(31),
	{ "pkru", "Protection Keys", { { X86_64_XF_PKRU, 4, 0 } } },
	{ 0 },
};
