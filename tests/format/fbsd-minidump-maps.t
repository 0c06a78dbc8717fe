# What the page tables of a FreeBSD minidump can do wrong, and ranges of RAM that meet within a page.
# a table that was left out, one outside of the machine, a large page over a hole, pages in a hole and far away
| @file
|   "minidump FreeBSD/amd64" 00 00
|   @le32 3 0 8 32
|   @le64 0xfffffe0000000000 0xfffff80000000000 0xfffff80000100000
|   @le32 48
|   @at 4096
|   @le64 0x3000 0x5000
|   @le64 0xf000 0x11000
|   @le64 0 0
|   @at 8192
|   05 00 00 00 00 00 00 00
|   @at 12288
|   @le64 0x4003 0x100003 0x83 0x3003
|   @at 16384
|   @le64 0xf003 0x5003 0x10003 0 0x20000003
|   00*4056
|   @at 20480
|   62*4096
case bytes
  line fact elf_machine 62
  line fact memory_end 0x11000
  line fact sysname FreeBSD
  line phys 0x3000 crc 11f8e23c
  line phys 0x4000-0x4fff not saved
  line phys 0xf000 crc 41a6f66b
  line phys 0x10000-0x10fff not saved
  line virt 0xfffff80000003000 crc 11f8e23c
  line virt 0xfffff80000004000-0xfffff80000004fff not saved
  line virt 0xfffff8000000f000 crc 41a6f66b
  line virt 0xfffff80000010000-0xfffff80000010fff not saved
  line virt 0xfffffe0000000000-0xfffffe00001fffff not saved
  line virt 0xfffffe0000200000-0xfffffe00003fffff corrupt
  line virt 0xfffffe0000403000 crc 11f8e23c
  line virt 0xfffffe0000404000-0xfffffe0000404fff not saved
  line virt 0xfffffe000040f000 crc 41a6f66b
  line virt 0xfffffe0000410000-0xfffffe0000410fff not saved
  line virt 0xfffffe0000600000 crc 41a6f66b
  line virt 0xfffffe0000602000-0xfffffe0000602fff not saved
  line virt 0xfffffe0000603000-0xfffffe0000603fff unmapped
  line virt 0xfffffe0000605000-0xfffffe00007fffff unmapped
  because page table at 0x4000 (for 0xfffffe0000000000): the page at 0x4000 is not in the minidump
  because page table at 0x100000 (for 0xfffffe0000200000): no memory is there
# the directory ends within an entry: that one is none
| @file
|   "minidump FreeBSD/amd64" 00 00
|   @le32 3 0 8 12
|   @le64 0xfffffe0000000000 0xfffff80000000000 0xfffff80000100000
|   @le32 48
|   @at 4096
|   @le64 0x3000 0x5000
|   @le64 0xf000 0x11000
|   @le64 0 0
|   @at 8192
|   05 00 00 00 00 00 00 00
|   @at 12288
|   @le64 0x3003 0x3003
|   @at 16384
|   @le64 0xf003 0x5003 0x10003 0 0x20000003
|   00*4056
|   @at 20480
|   62*4096
case bytes
  line fact elf_machine 62
  line fact memory_end 0x11000
  line fact sysname FreeBSD
  line phys 0x3000 crc 11f8e23c
  line phys 0x4000-0x4fff not saved
  line phys 0xf000 crc 41a6f66b
  line phys 0x10000-0x10fff not saved
  line virt 0xfffff80000003000 crc 11f8e23c
  line virt 0xfffff80000004000-0xfffff80000004fff not saved
  line virt 0xfffff8000000f000 crc 41a6f66b
  line virt 0xfffff80000010000-0xfffff80000010fff not saved
  line virt 0xfffffe0000000000 crc 41a6f66b
  line virt 0xfffffe0000002000-0xfffffe0000002fff not saved
  line virt 0xfffffe0000003000-0xfffffe0000003fff unmapped
  line virt 0xfffffe0000005000-0xfffffe00001fffff unmapped
# Ranges that meet within a page: [0x3000, 0x4800) has bits 0 and 1, [0x4800, 0x6000) bits 2 and 3, the first for no page;
# [0x6100, 0x6200) bit 4 and [0x6200, 0x6300) bit 5, which is for the same page; [0x9000, 0xa000) bit 6
| @file
|   "minidump FreeBSD/amd64" 00 00
|   @le32 3 0 8 8
|   @le64 0xfffffe0000000000 0xfffff80000000000 0xfffff80000100000
|   @le32 96
|   @at 4096
|   @le64 0x3000 0x4800
|   @le64 0x4800 0x6000
|   @le64 0x6100 0x6200
|   @le64 0x6200 0x6300
|   @le64 0x9000 0xa000
|   @le64 0 0
|   @at 8192
|   4a 00 00 00 00 00 00 00
|   @at 12288
|   @le64 0
|   @at 16384
|   62*4096
|   "one "*1024
|   61*4096
case bytes
  line fact elf_machine 62
  line fact memory_end 0xa000
  line fact sysname FreeBSD
  line phys 0x3000-0x3fff not saved
  line phys 0x4000 crc 41a6f66b
  line phys 0x5000 crc eddcd598
  line phys 0x6000-0x6fff not saved
  line phys 0x9000 crc 9c99dc73
  line virt 0xfffff80000003000-0xfffff80000003fff not saved
  line virt 0xfffff80000004000 crc 41a6f66b
  line virt 0xfffff80000005000 crc eddcd598
  line virt 0xfffff80000006000-0xfffff80000006fff not saved
  line virt 0xfffff80000009000 crc 9c99dc73
  line virt 0xfffffe0000000000-0xfffffe00001fffff unmapped
case bytes,gzip
  any
  fact wrappers gzip
  fact phys 0x9000 crc 9c99dc73
case bytes,zstd
  any
  fact wrappers zstd
  fact phys 0x9000 crc 9c99dc73
