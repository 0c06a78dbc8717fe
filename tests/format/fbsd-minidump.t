# FreeBSD minidumps laid out after sys/ARCH/include/minidump.h: what the bitmap has, dump_avail with a hole.
# Rows: fbsd_minidump
# arm64 2
| @file
|   6d 69 6e 69 64 75 6d 70 20 46 72 65 65 42 53 44 2f 61 72 6d 36 34 00 00 02 00 00 00 10 00 00 00
|   08 00 00 00 08 00 00 00 00 00 00 00 c0 ff ff ff
|   00*13
|   f8 ff ff 00 00 10 00 00 f8 ff ff 30
|   00*4023
|   6d*16
|   00*4081
|   30 00 00 00 00 00 00 00 50 00 00 00 00 00 00 00 f0 00 00 00 00 00 00 00 10 01
|   00*4069
|   05
|   00*4095
|   03 30
|   00*4094
|   61*4096
|   62*4096
case bytes
  fact format fbsd-minidump
  line fact elf_machine 183
  line fact memory_end 0x11000
  line fact sysname FreeBSD
  line phys 0x3000 crc 9c99dc73
  line phys 0x4000-0x4fff not saved
  line phys 0xf000 crc 41a6f66b
  line phys 0x10000-0x10fff not saved
  line virt 0xfffff80000003000 crc 9c99dc73
  line virt 0xfffff80000004000-0xfffff80000004fff not saved
  line virt 0xfffff8000000f000 crc 41a6f66b
  line virt 0xfffff80000010000-0xfffff80000010fff not saved
  line virt 0xffffffc000000000 crc 9c99dc73
# arm64 3
| @file
|   6d 69 6e 69 64 75 6d 70 20 46 72 65 65 42 53 44 2f 61 72 6d 36 34 00 00 03 00 00 00 10 00 00 00
|   08 00 00 00 08 00 00 00 00 00 00 00 c0 ff ff ff
|   00*13
|   f8 ff ff 00 00 10 00 00 f8 ff ff 30
|   00*4023
|   6d*16
|   00*4081
|   30 00 00 00 00 00 00 00 50 00 00 00 00 00 00 00 f0 00 00 00 00 00 00 00 10 01
|   00*4069
|   05
|   00*4095
|   03 30
|   00*4094
|   61*4096
|   62*4096
case bytes
  fact format fbsd-minidump
  line fact elf_machine 183
  line fact memory_end 0x11000
  line fact sysname FreeBSD
  line phys 0x3000 crc 9c99dc73
  line phys 0x4000-0x4fff not saved
  line phys 0xf000 crc 41a6f66b
  line phys 0x10000-0x10fff not saved
  line virt 0xfffff80000003000 crc 9c99dc73
  line virt 0xfffff80000004000-0xfffff80000004fff not saved
  line virt 0xfffff8000000f000 crc 41a6f66b
  line virt 0xfffff80000010000-0xfffff80000010fff not saved
  line virt 0xffffffc000000000 crc 9c99dc73
# riscv 2
| @file
|   6d 69 6e 69 64 75 6d 70 20 46 72 65 65 42 53 44 2f 72 69 73 63 76 00 00 02 00 00 00 10 00 00 00
|   08 00 00 00 08 00 00 00 00 00 00 00 c0 ff ff ff
|   00*13
|   f8 ff ff 00 00 10 00 00 f8 ff ff 30
|   00*4023
|   6d*16
|   00*4081
|   30 00 00 00 00 00 00 00 50 00 00 00 00 00 00 00 f0 00 00 00 00 00 00 00 10 01
|   00*4069
|   05
|   00*4095
|   07 0c
|   00*4094
|   61*4096
|   62*4096
case bytes
  fact format fbsd-minidump
  line fact elf_machine 243
  line fact memory_end 0x11000
  line fact sysname FreeBSD
  line phys 0x3000 crc 9c99dc73
  line phys 0x4000-0x4fff not saved
  line phys 0xf000 crc 41a6f66b
  line phys 0x10000-0x10fff not saved
  line virt 0xfffff80000003000 crc 9c99dc73
  line virt 0xfffff80000004000-0xfffff80000004fff not saved
  line virt 0xfffff8000000f000 crc 41a6f66b
  line virt 0xfffff80000010000-0xfffff80000010fff not saved
  line virt 0xffffffc000000000 crc 9c99dc73
# arm64 3, pages of 16 KiB
| @file
|   6d 69 6e 69 64 75 6d 70 20 46 72 65 65 42 53 44 2f 61 72 6d 36 34 00 00 03 00 00 00 10 00 00 00
|   08 00 00 00 08
|   00*9
|   ff ff
|   00*13
|   f8 ff ff 00 00 10 00 00 f8 ff ff 30 00 00 00 01
|   00*16307
|   6d*16
|   00*16369
|   80 00 00 00 00 00 00 00 00 01 00 00 00 00 00 00 00 04 00 00 00 00 00 00 80 04
|   00*16357
|   05
|   00*16383
|   03 80
|   00*16382
|   61*16384
|   62*16384
case bytes
  fact format fbsd-minidump
  line fact elf_machine 183
  line fact memory_end 0x48000
  line fact sysname FreeBSD
  line phys 0x8000 crc 9c99dc73
  line phys 0x9000 crc 9c99dc73
  line phys 0xa000 crc 9c99dc73
  line phys 0xb000 crc 9c99dc73
  line phys 0xc000-0xffff not saved
  line phys 0x40000 crc 41a6f66b
  line phys 0x41000 crc 41a6f66b
  line phys 0x42000 crc 41a6f66b
  line phys 0x43000 crc 41a6f66b
  line phys 0x44000-0x47fff not saved
  line virt 0xfffff80000008000 crc 9c99dc73
  line virt 0xfffff80000009000 crc 9c99dc73
  line virt 0xfffff8000000a000 crc 9c99dc73
  line virt 0xfffff8000000b000 crc 9c99dc73
  line virt 0xfffff8000000c000-0xfffff8000000ffff not saved
  line virt 0xfffff80000040000 crc 41a6f66b
  line virt 0xfffff80000041000 crc 41a6f66b
  line virt 0xfffff80000042000 crc 41a6f66b
  line virt 0xfffff80000043000 crc 41a6f66b
  line virt 0xfffff80000044000-0xfffff80000047fff not saved
  line virt 0xffff000000000000 crc 9c99dc73
  line virt 0xffff000000001000 crc 9c99dc73
  line virt 0xffff000000002000 crc 9c99dc73
  line virt 0xffff000000003000 crc 9c99dc73
# i386 1
| @file
|   6d 69 6e 69 64 75 6d 70 20 46 72 65 65 42 53 44 2f 69 33 38 36 00 00 00 01 00 00 00 10 00 00 00
|   08 00 00 00 04 00 00 00 00 00 00 c0
|   00*4052
|   6d*16
|   00*4080
|   08 80
|   00*4094
|   03 30
|   00*4094
|   61*4096
|   62*4096
case bytes
  fact format fbsd-minidump
  line fact elf_machine 3
  line fact memory_end 0x40000
  line fact sysname FreeBSD
  line phys 0-0x2fff not saved
  line phys 0x3000 crc 9c99dc73
  line phys 0x4000-0xefff not saved
  line phys 0xf000 crc 41a6f66b
  line phys 0x10000-0x3ffff not saved
  line virt 0xc0000000 crc 9c99dc73
# i386 2, PAE
| @file
|   6d 69 6e 69 64 75 6d 70 20 46 72 65 65 42 53 44 2f 69 33 38 36 00 00 00 02 00 00 00 10 00 00 00
|   08 00 00 00 08 00 00 00 00 00 00 c0 01 00 00 00 30
|   00*4047
|   6d*16
|   00*4081
|   30 00 00 00 00 00 00 00 50 00 00 00 00 00 00 00 f0 00 00 00 00 00 00 00 10 01
|   00*4069
|   05
|   00*4095
|   03 30
|   00*4094
|   61*4096
|   62*4096
case bytes
  fact format fbsd-minidump
  line fact elf_machine 3
  line fact memory_end 0x11000
  line fact sysname FreeBSD
  line phys 0x3000 crc 9c99dc73
  line phys 0x4000-0x4fff not saved
  line phys 0xf000 crc 41a6f66b
  line phys 0x10000-0x10fff not saved
  line virt 0xc0000000 crc 9c99dc73
# amd64 1
| @file
|   6d 69 6e 69 64 75 6d 70 20 46 72 65 65 42 53 44 2f 61 6d 64 36 34 00 00 01 00 00 00 10 00 00 00
|   08 00 00 00 08 00 00 00 00 00 00 00 00 fe ff ff 00 00 00 00 00 f8 ff ff 00 00 10 00 00 f8 ff ff
|   00*4032
|   6d*16
|   00*4080
|   08 80
|   00*4094
|   03 30
|   00*4094
|   61*4096
|   62*4096
case bytes
  fact format fbsd-minidump
  line fact elf_machine 62
  line fact memory_end 0x40000
  line fact sysname FreeBSD
  line phys 0-0x2fff not saved
  line phys 0x3000 crc 9c99dc73
  line phys 0x4000-0xefff not saved
  line phys 0xf000 crc 41a6f66b
  line phys 0x10000-0x3ffff not saved
  line virt 0xfffff80000000000-0xfffff80000002fff not saved
  line virt 0xfffff80000003000 crc 9c99dc73
  line virt 0xfffff80000004000-0xfffff8000000efff not saved
  line virt 0xfffff8000000f000 crc 41a6f66b
  line virt 0xfffff80000010000-0xfffff8000003ffff not saved
  line virt 0xfffffe0000000000 crc 9c99dc73
# amd64 2: the table is among the pages
| @file
|   6d 69 6e 69 64 75 6d 70 20 46 72 65 65 42 53 44 2f 61 6d 64 36 34 00 00 02 00 00 00 10 00 00 00
|   08 00 00 00 08 00 00 00 00 00 00 00 00 fe ff ff 00 00 00 00 00 f8 ff ff 00 00 10 00 00 f8 ff ff
|   00*4032
|   6d*16
|   00*4080
|   08 80
|   00*4094
|   03 30
|   00*4094
|   03 f0
|   00*4094
|   62*4096
case bytes
  fact format fbsd-minidump
  line fact elf_machine 62
  line fact memory_end 0x40000
  line fact sysname FreeBSD
  line phys 0-0x2fff not saved
  line phys 0x3000 crc 68b42966
  line phys 0x4000-0xefff not saved
  line phys 0xf000 crc 41a6f66b
  line phys 0x10000-0x3ffff not saved
  line virt 0xfffff80000000000-0xfffff80000002fff not saved
  line virt 0xfffff80000003000 crc 68b42966
  line virt 0xfffff80000004000-0xfffff8000000efff not saved
  line virt 0xfffff8000000f000 crc 41a6f66b
  line virt 0xfffff80000010000-0xfffff8000003ffff not saved
  line virt 0xfffffe0000000000 crc 41a6f66b
  line virt 0xfffffe0000001000-0xfffffe00001fffff unmapped
# amd64 3
| @file
|   6d 69 6e 69 64 75 6d 70 20 46 72 65 65 42 53 44 2f 61 6d 64 36 34 00 00 03 00 00 00 10 00 00 00
|   08 00 00 00 08 00 00 00 00 00 00 00 00 fe ff ff 00 00 00 00 00 f8 ff ff 00 00 10 00 00 f8 ff ff
|   30
|   00*4031
|   6d*16
|   00*4081
|   30 00 00 00 00 00 00 00 50 00 00 00 00 00 00 00 f0 00 00 00 00 00 00 00 10 01
|   00*4069
|   05
|   00*4095
|   03 30
|   00*4094
|   03 f0
|   00*4094
|   62*4096
case bytes
  fact format fbsd-minidump
  line fact elf_machine 62
  line fact memory_end 0x11000
  line fact sysname FreeBSD
  line phys 0x3000 crc 68b42966
  line phys 0x4000-0x4fff not saved
  line phys 0xf000 crc 41a6f66b
  line phys 0x10000-0x10fff not saved
  line virt 0xfffff80000003000 crc 68b42966
  line virt 0xfffff80000004000-0xfffff80000004fff not saved
  line virt 0xfffff8000000f000 crc 41a6f66b
  line virt 0xfffff80000010000-0xfffff80000010fff not saved
  line virt 0xfffffe0000000000 crc 41a6f66b
  line virt 0xfffffe0000001000-0xfffffe00001fffff unmapped
# too new
| @file
|   6d 69 6e 69 64 75 6d 70 20 46 72 65 65 42 53 44 2f 61 6d 64 36 34 00 00 04 00 00 00 10 00 00 00
|   08 00 00 00 08 00 00 00 00 00 00 00 00 fe ff ff 00 00 00 00 00 f8 ff ff 00 00 10 00 00 f8 ff ff
|   30
|   00*4031
|   6d*16
|   00*4081
|   30 00 00 00 00 00 00 00 50 00 00 00 00 00 00 00 f0 00 00 00 00 00 00 00 10 01
|   00*4069
|   05
|   00*4095
|   03 30
|   00*4094
|   03 f0
|   00*4094
|   62*4096
case bytes
  open unsupported version 4
# a bitmap larger than the file
| @file
|   6d 69 6e 69 64 75 6d 70 20 46 72 65 65 42 53 44 2f 61 6d 64 36 34 00 00 03 00 00 00 10 00 00 00
|   f8 ff ff ff 08 00 00 00 00 00 00 00 00 fe ff ff 00 00 00 00 00 f8 ff ff 00 00 10 00 00 f8 ff ff
|   30
|   00*4031
|   6d*16
|   00*4081
|   30 00 00 00 00 00 00 00 50 00 00 00 00 00 00 00 f0 00 00 00 00 00 00 00 10 01
|   00*4069
|   05
|   00*4095
|   03 30
|   00*4094
|   03 f0
|   00*4094
|   62*4096
case bytes
  open truncated page bitmap
# a map larger than the file
| @file
|   6d 69 6e 69 64 75 6d 70 20 46 72 65 65 42 53 44 2f 61 6d 64 36 34 00 00 03 00 00 00 10 00 00 00
|   08 00 00 00 ff ff ff ff 00 00 00 00 00 fe ff ff 00 00 00 00 00 f8 ff ff 00 00 10 00 00 f8 ff ff
|   30
|   00*4031
|   6d*16
|   00*4081
|   30 00 00 00 00 00 00 00 50 00 00 00 00 00 00 00 f0 00 00 00 00 00 00 00 10 01
|   00*4069
|   05
|   00*4095
|   03 30
|   00*4094
|   03 f0
|   00*4094
|   62*4096
case bytes
  open truncated kernel map
# dump_avail without end
| @file
|   6d 69 6e 69 64 75 6d 70 20 46 72 65 65 42 53 44 2f 61 6d 64 36 34 00 00 03 00 00 00 10 00 00 00
|   08 00 00 00 08 00 00 00 00 00 00 00 00 fe ff ff 00 00 00 00 00 f8 ff ff 00 00 10 00 00 f8 ff ff
|   20
|   00*4031
|   6d*16
|   00*4081
|   30 00 00 00 00 00 00 00 50 00 00 00 00 00 00 00 f0 00 00 00 00 00 00 00 10 01
|   00*4069
|   05
|   00*4095
|   03 30
|   00*4094
|   03 f0
|   00*4094
|   62*4096
case bytes
  open corrupt does not end
# unsorted
| @file
|   6d 69 6e 69 64 75 6d 70 20 46 72 65 65 42 53 44 2f 61 6d 64 36 34 00 00 03 00 00 00 10 00 00 00
|   08 00 00 00 08 00 00 00 00 00 00 00 00 fe ff ff 00 00 00 00 00 f8 ff ff 00 00 10 00 00 f8 ff ff
|   30
|   00*4031
|   6d*16
|   00*4081
|   f0 00 00 00 00 00 00 00 10 01 00 00 00 00 00 00 30 00 00 00 00 00 00 00 50
|   00*4070
|   05
|   00*4095
|   03 30
|   00*4094
|   03 f0
|   00*4094
|   62*4096
case bytes
  open corrupt dump_avail
# overlapping
| @file
|   6d 69 6e 69 64 75 6d 70 20 46 72 65 65 42 53 44 2f 61 6d 64 36 34 00 00 03 00 00 00 10 00 00 00
|   08 00 00 00 08 00 00 00 00 00 00 00 00 fe ff ff 00 00 00 00 00 f8 ff ff 00 00 10 00 00 f8 ff ff
|   30
|   00*4031
|   6d*16
|   00*4081
|   30 00 00 00 00 00 00 00 50 00 00 00 00 00 00 00 40 00 00 00 00 00 00 00 60
|   00*4070
|   05
|   00*4095
|   03 30
|   00*4094
|   03 f0
|   00*4094
|   62*4096
case bytes
  open corrupt dump_avail
# more pages than bits
| @file
|   6d 69 6e 69 64 75 6d 70 20 46 72 65 65 42 53 44 2f 61 6d 64 36 34 00 00 03 00 00 00 10 00 00 00
|   08 00 00 00 08 00 00 00 00 00 00 00 00 fe ff ff 00 00 00 00 00 f8 ff ff 00 00 10 00 00 f8 ff ff
|   20
|   00*4031
|   6d*16
|   00*4093
|   01
|   00*4082
|   05
|   00*4095
|   03 30
|   00*4094
|   03 f0
|   00*4094
|   62*4096
case bytes
  open corrupt dump_avail
# pages missing at the end
| @file
|   6d 69 6e 69 64 75 6d 70 20 46 72 65 65 42 53 44 2f 61 6d 64 36 34 00 00 03 00 00 00 10 00 00 00
|   08 00 00 00 08 00 00 00 00 00 00 00 00 fe ff ff 00 00 00 00 00 f8 ff ff 00 00 10 00 00 f8 ff ff
|   30
|   00*4031
|   6d*16
|   00*4081
|   30 00 00 00 00 00 00 00 50 00 00 00 00 00 00 00 f0 00 00 00 00 00 00 00 10 01
|   00*4069
|   05
|   00*4095
|   03 30
|   00*4094
|   03 f0
|   00*4094
case bytes
  warn truncated
  any
