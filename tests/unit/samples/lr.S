/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Call frame information of a machine with a link register, as compilers for
 * arm64 write it: the stack pointer is register 31, the return address in 30.
 * The text means nothing; the test says that the file is for arm64.
 */
	.text
	.globl lr_start
lr_start:
	.rept 16
	nop
	.endr
lr_end:

	.section .debug_frame, "", @progbits
lr_cie:
	.long lr_cie_end - lr_cie_id
lr_cie_id:
	.long 0xffffffff
	.byte 1			/* version */
	.byte 0			/* no augmentation */
	.uleb128 4		/* code alignment */
	.sleb128 -8		/* data alignment */
	.byte 30		/* return address */
	.byte 0x0c		/* DW_CFA_def_cfa: the stack pointer */
	.uleb128 31, 0
	.balign 8, 0
lr_cie_end:
	.long lr_fde_end - lr_fde_id
lr_fde_id:
	.long 0
	.quad lr_start
	.quad lr_end - lr_start
	.byte 0x41		/* DW_CFA_advance_loc 1 */
	.byte 0x0e		/* DW_CFA_def_cfa_offset */
	.uleb128 32
	.byte 0x80 | 29		/* DW_CFA_offset: saved at the CFA - 32 */
	.uleb128 4
	.byte 0x80 | 30		/* at the CFA - 24 */
	.uleb128 3
	.balign 8, 0
lr_fde_end:
	.section .note.GNU-stack, "", @progbits
