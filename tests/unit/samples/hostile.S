/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * DWARF that no compiler makes: types made of themselves, members beyond all
 * memory, blocks nested without end, a sibling that leads backwards. Each is
 * well-formed enough to get past libdw.
 */
	.text
	.globl hostile_start, hostile_deep
hostile_start:
	.file 1 "hostile.S"
	.loc 1 11
hostile_deep:
	nop
	nop
	.loc 1 12
	nop
hostile_end:

#define TAG(code, tag, children)	.uleb128 code, tag; .byte children
#define AT(name, form)			.uleb128 name, form
#define END				.uleb128 0, 0
#define ADDR 0x01
#define DATA8 0x07
#define STRING 0x08
#define DATA1 0x0b
#define REF4 0x13
#define SEC 0x17
#define DATA4 0x06

	.section .debug_abbrev, "", @progbits
abbrev:
	TAG(1, 0x11, 1); AT(0x03, STRING); AT(0x10, SEC); AT(0x11, ADDR); AT(0x12, DATA4); END /* compile_unit */
	TAG(2, 0x16, 0); AT(0x03, STRING); AT(0x49, REF4); END /* typedef */
	TAG(3, 0x01, 1); AT(0x49, REF4); END /* array_type */
	TAG(4, 0x21, 0); AT(0x37, DATA8); END /* subrange: count */
	TAG(5, 0x13, 1); AT(0x03, STRING); AT(0x0b, DATA1); END /* structure_type */
	TAG(6, 0x0d, 0); AT(0x03, STRING); AT(0x49, REF4); AT(0x38, DATA8); END /* member */
	TAG(7, 0x0d, 0); AT(0x03, STRING); AT(0x49, REF4); AT(0x0d, DATA1); AT(0x0c, DATA1); END /* old bit-field */
	TAG(8, 0x04, 1); AT(0x03, STRING); AT(0x0b, DATA1); END /* enumeration_type */
	TAG(9, 0x28, 0); AT(0x03, STRING); END /* enumerator without a value */
	TAG(10, 0x24, 0); AT(0x03, STRING); AT(0x0b, DATA1); AT(0x3e, DATA1); END /* base_type */
	TAG(11, 0x2e, 1); AT(0x03, STRING); AT(0x11, ADDR); AT(0x12, DATA4); END /* subprogram */
	TAG(12, 0x0b, 1); AT(0x11, ADDR); AT(0x12, DATA4); END /* lexical_block */
	TAG(13, 0x13, 1); AT(0x03, STRING); AT(0x0b, DATA1); AT(0x01, REF4); END /* structure_type with sibling */
	.uleb128 0

	.section .debug_line, "", @progbits
line:

	.section .debug_info, "", @progbits
unit1:
	.long unit1_end - unit1 - 4
	.short 5
	.byte 1, 8
	.long abbrev
	.uleb128 1
	.asciz "hostile"
	.long line
	.quad hostile_start
	.long hostile_end - hostile_start
base:
	.uleb128 10
	.asciz "int"
	.byte 4, 5
loop:
	.uleb128 2
	.asciz "loop"
	.long loop - unit1
selfarray:
	.uleb128 3
	.long selfarray - unit1
	.uleb128 4
	.quad 1
	.uleb128 0
	.uleb128 2
	.asciz "selfarray"
	.long selfarray - unit1
hugearray:
	.uleb128 3
	.long base - unit1
	.uleb128 4
	.quad 0x10000000000
	.uleb128 4
	.quad 0x10000000000
	.uleb128 0
	.uleb128 2
	.asciz "hugearray"
	.long hugearray - unit1
	.uleb128 2
	.asciz "nowhere"
	.long 0x7fffffff
	.uleb128 5
	.asciz "odd"
	.byte 8
	.uleb128 6
	.asciz "far"
	.long base - unit1
	.quad 0xfffffffffffffff0
	.uleb128 7
	.asciz "bits"
	.long base - unit1
	.byte 200, 3
	.uleb128 6
	.asciz "nowhere"
	.long 0x7ffffff0
	.quad 0
	.uleb128 0
	.uleb128 8
	.asciz "valueless"
	.byte 4
	.uleb128 9
	.asciz "VALUELESS"
	.uleb128 0
	.uleb128 11
	.asciz "deep"
	.quad hostile_start
	.long hostile_end - hostile_start
	.rept 20000
	.uleb128 12
	.quad hostile_start
	.long hostile_end - hostile_start
	.endr
	.rept 20000
	.uleb128 0
	.endr
	.uleb128 0
	.uleb128 0
unit1_end:

unit2:
	.long unit2_end - unit2 - 4
	.short 5
	.byte 1, 8
	.long abbrev
	.uleb128 1
	.asciz "backwards"
	.long line
	.quad 0
	.long 0
first:
	.uleb128 5
	.asciz "before"
	.byte 1
	.uleb128 0
	.uleb128 13
	.asciz "backwards"
	.byte 1
	.long first - unit2
	.uleb128 0
	.uleb128 5
	.asciz "after"
	.byte 1
	.uleb128 0
	.uleb128 0
unit2_end:
	.section .note.GNU-stack, "", @progbits
