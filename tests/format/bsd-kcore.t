# NetBSD and OpenBSD kernel cores by hand, byte by byte after sys/sys/kcore.h and lib/libkvm/kvm.c: what the
# generator has no option for.
# Rows: bsd_kcore
# as savecore writes it
| @file
|   @be32 0x9d8fca
|   10 00 08 00
|   @le32 2
|   00*4
|   @be32 0x4008fac
|   @le32 48
|   @le64 0x2000 2
|   @le64 0x1000 0x1000
|   @le64 0x3000 0x2000
|   @be32 0x8008fac
|   @le32 12288
|   "one "*1024
|   "three "*500 00*1096
|   "four"*1024
case bytes
  line fact elf_machine 62
  line fact memory_end 0x5000
  line phys 0x1000 crc eddcd598
  line phys 0x3000 crc 9e448ff7
  line phys 0x4000 crc 053d1172
  fact format bsd-kcore
# a 32-bit ALIGN: header of 12 bytes
| @file
|   @be32 0x9d8fca
|   0c 00 08 00
|   @le32 2
|   @be32 0x4008fac
|   @le32 48
|   @le64 0x2000 2
|   @le64 0x1000 0x1000
|   @le64 0x3000 0x2000
|   @be32 0x8008fac
|   @le32 12288
|   "one "*1024
|   "three "*500 00*1096
|   "four"*1024
case bytes
  line fact elf_machine 62
  line fact memory_end 0x5000
  line phys 0x1000 crc eddcd598
  line phys 0x3000 crc 9e448ff7
  line phys 0x4000 crc 053d1172
# a 16-byte ALIGN: segment headers of 16
| @file
|   @be32 0x9d8fca
|   10 00 10 00
|   @le32 2
|   00*4
|   @be32 0x4008fac
|   @le32 48
|   00*8
|   @le64 0x2000 2
|   @le64 0x1000 0x1000
|   @le64 0x3000 0x2000
|   @be32 0x8008fac
|   @le32 12288
|   00*8
|   "one "*1024
|   "three "*500 00*1096
|   "four"*1024
case bytes
  line fact elf_machine 62
  line fact memory_end 0x5000
  line phys 0x1000 crc eddcd598
  line phys 0x3000 crc 9e448ff7
  line phys 0x4000 crc 053d1172
# padding behind the table, as a device has it to a multiple of 512
| @file
|   @be32 0x9d8fca
|   10 00 08 00
|   @le32 2
|   00*4
|   @be32 0x4008fac
|   @le32 504
|   @le64 0x2000 2
|   @le64 0x1000 0x1000
|   @le64 0x3000 0x2000
|   @be32 0x8008fac
|   @le32 12288
|   "one "*1024
|   "three "*500 00*1096
|   "four"*1024
case bytes
  open corrupt header of the data segment
# ALIGN mismatch: the segment is not where its header says
| @file
|   @be32 0x9d8fca
|   10 00 10 00
|   @le32 2
|   00*4
|   @be32 0x4008fac
|   @le32 48
|   @le64 0x2000 2
|   @le64 0x1000 0x1000
|   @le64 0x3000 0x2000
|   @be32 0x8008fac
|   @le32 12288
|   "one "*1024
|   "three "*500 00*1096
|   "four"*1024
case bytes
  open corrupt header of the data segment
# and the header is not either
| @file
|   @be32 0x9d8fca
|   18 00 08 00
|   @le32 2
|   00*4
|   @be32 0x4008fac
|   @le32 48
|   @le64 0x2000 2
|   @le64 0x1000 0x1000
|   @le64 0x3000 0x2000
|   @be32 0x8008fac
|   @le32 12288
|   "one "*1024
|   "three "*500 00*1096
|   "four"*1024
case bytes
  open corrupt header of the CPU segment
# headers of sizes that cannot be
| @file
|   @be32 0x9d8fca
|   04 00 08 00
|   @le32 2
|   00*4
|   @be32 0x4008fac
|   @le32 48
|   @le64 0x2000 2
|   @le64 0x1000 0x1000
|   @le64 0x3000 0x2000
|   @be32 0x8008fac
|   @le32 12288
|   "one "*1024
|   "three "*500 00*1096
|   "four"*1024
case bytes
  open bad file bsd-kcore
| @file
|   @be32 0x9d8fca
|   04 00 08 00
|   @le32 2
|   00*4
|   @be32 0x4008fac
|   @le32 48
|   @le64 0x2000 2
|   @le64 0x1000 0x1000
|   @le64 0x3000 0x2000
|   @be32 0x8008fac
|   @le32 12288
|   "one "*1024
|   "three "*500 00*1096
|   "four"*1024
case bytes
  args --format bsd-kcore
  open corrupt headers of 4 and 8 bytes
# not by address: a firmware may list its memory in any order
| @file
|   @be32 0x9d8fca
|   10 00 08 00
|   @le32 2
|   00*4
|   @be32 0x4008fac
|   @le32 48
|   @le64 0x2000 2
|   @le64 0x3000 0x2000
|   @le64 0x1000 0x1000
|   @be32 0x8008fac
|   @le32 12288
|   "three "*500 00*1096
|   "four"*1024
|   "one "*1024
case bytes
  line fact elf_machine 62
  line fact memory_end 0x5000
  line phys 0x1000 crc eddcd598
  line phys 0x3000 crc 9e448ff7
  line phys 0x4000 crc 053d1172
# the data segment has 32 bits for its size: of more than 4 GiB they say nothing
| @file
|   @be32 0x9d8fca
|   10 00 08 00
|   @le32 2
|   00*4
|   @be32 0x4008fac
|   @le32 48
|   @le64 0x2000 2
|   @le64 0x1000 0x1000
|   @le64 0x3000 0x2000
|   @be32 0x8008fac
|   @le32 12288
|   "one "*1024
|   "three "*500 00*1096
|   "four"*1024
case bytes
  line fact elf_machine 62
  line fact memory_end 0x5000
  line phys 0x1000 crc eddcd598
  line phys 0x3000 crc 9e448ff7
  line phys 0x4000 crc 053d1172
| @file
|   @be32 0x9d8fca
|   10 00 08 00
|   @le32 2
|   00*4
|   @be32 0x4008fac
|   @le32 48
|   @le64 0x2000 2
|   @le64 0x1000 0x1000
|   @le64 0x3000 0x2000
|   @be32 0x8008fac
|   @le32 4096
|   "one "*1024
|   "three "*500 00*1096
|   "four"*1024
case bytes
  warn data segment's size, 0x1000
  line fact elf_machine 62
  line fact memory_end 0x5000
  line phys 0x1000 crc eddcd598
  line phys 0x3000 crc 9e448ff7
  line phys 0x4000 crc 053d1172
# overlapping: the lower one is taken
| @file
|   @be32 0x9d8fca
|   10 00 08 00
|   @le32 2
|   00*4
|   @be32 0x4008fac
|   @le32 48
|   @le64 0x2000 2
|   @le64 0x1000 0x1000
|   @le64 0x1000 0x2000
|   @be32 0x8008fac
|   @le32 12288
|   "one "*1024
|   "three "*500 00*1096
|   "four"*1024
case bytes
  warn 1 of the dump
  line fact elf_machine 62
  line fact memory_end 0x3000
  line phys 0x1000 crc eddcd598
  line phys 0x2000 crc 053d1172
# more rows than there is room for
| @file
|   @be32 0x9d8fca
|   10 00 08 00
|   @le32 2
|   00*4
|   @be32 0x4008fac
|   @le32 48
|   @le64 0x2000 0x1000000000000000
|   @le64 0x1000 0x1000
|   @le64 0x3000 0x2000
|   @be32 0x8008fac
|   @le32 12288
|   "one "*1024
|   "three "*500 00*1096
|   "four"*1024
case bytes
  open corrupt 1152921504606846976 ranges of memory do not fit
| @file
|   @be32 0x9d8fca
|   10 00 08 00
|   @le32 2
|   00*4
|   @be32 0x4008fac
|   @le32 48
|   @le64 0x2000 -1
|   @le64 0x1000 0x1000
|   @le64 0x3000 0x2000
|   @be32 0x8008fac
|   @le32 12288
|   "one "*1024
|   "three "*500 00*1096
|   "four"*1024
case bytes
  open corrupt do not fit
# no room for anything
| @file
|   @be32 0x9d8fca
|   10 00 08 00
|   @le32 2
|   00*4
|   @be32 0x4008fac
|   @le32 8
|   @le64 0x2000 0
|   @le64 0x1000 0x1000
|   @le64 0x3000 0x2000
|   @be32 0x8008fac
|   @le32 12288
|   "one "*1024
|   "three "*500 00*1096
|   "four"*1024
case bytes
  open corrupt header of the data segment
# a range beyond what addresses can be
| @file
|   @be32 0x9d8fca
|   10 00 08 00
|   @le32 2
|   00*4
|   @be32 0x4008fac
|   @le32 32
|   @le64 0x2000 1
|   @le64 0xfffffffffffff000 0x1000
|   @be32 0x8008fac
|   @le32 4096
|   "one "*1024
|   "three "*500 00*1096
|   "four"*1024
case bytes
  open corrupt range 0
| @file
|   @be32 0x9d8fca
|   10 00 08 00
|   @le32 2
|   00*4
|   @be32 0x4008fac
|   @le32 48
|   @le64 0x2000 2
|   @le64 0x1000 0x1000
|   @le64 0x1000 0xffffffffffffffff
|   @be32 0x8008fac
|   @le32 4095
|   "one "*1024
|   "three "*500 00*1096
|   "four"*1024
case bytes
  open corrupt range 1
# more memory than the file has
| @file
|   @be32 0x9d8fca
|   10 00 08 00
|   @le32 2
|   00*4
|   @be32 0x4008fac
|   @le32 48
|   @le64 0x2000 2
|   @le64 0x1000 0x1000
|   @le64 0x3000 0x3000
|   @be32 0x8008fac
|   @le32 16384
|   "one "*1024
|   "three "*500 00*1096
|   "four"*1024
case bytes
  warn truncated
  because truncated
  line fact elf_machine 62
  line fact memory_end 0x6000
  line phys 0x1000 crc eddcd598
  line phys 0x3000 crc 9e448ff7
  line phys 0x4000 crc 053d1172
  line phys 0x5000-0x5fff truncated
# sizes whose sum no file can have
| @file
|   @be32 0x9d8fca
|   10 00 08 00
|   @le32 2
|   00*4
|   @be32 0x4008fac
|   @le32 80
|   @le64 0x2000 4
|   @le64 0x0 0x8000000000000
|   @le64 0x0 0xfffffffffffff
|   @le64 0x0 0xfffffffffffff
|   @le64 0x0 0xfffffffffffff
|   @be32 0x8008fac
|   @le32 4294967293
|   "one "*1024
|   "three "*500 00*1096
|   "four"*1024
case bytes
  warn truncated
  warn overlap
  any
  args --max-pages 10
# no memory
| @file
|   @be32 0x9d8fca
|   10 00 08 00
|   @le32 2
|   00*4
|   @be32 0x4008fac
|   @le32 48
|   @le64 0x2000 2
|   @le64 0x1000 0x0
|   @le64 0x0 0x0
|   @be32 0x8008fac
|   @le32 0
|   "one "*1024
|   "three "*500 00*1096
|   "four"*1024
case bytes
  open corrupt no memory
# segments
| @file
|   @be32 0x9d8fca
|   10 00 08 00
|   @le32 3
|   00*4
|   @be32 0x4008fac
|   @le32 48
|   @le64 0x2000 2
|   @le64 0x1000 0x1000
|   @le64 0x3000 0x2000
|   @be32 0x8008fac
|   @le32 12288
|   "one "*1024
|   "three "*500 00*1096
|   "four"*1024
case bytes
  open corrupt 3 segments
| @file
|   @be32 0x9d8fca
|   10 00 08 00
|   @le32 0
|   00*4
|   @be32 0x4008fac
|   @le32 48
|   @le64 0x2000 2
|   @le64 0x1000 0x1000
|   @le64 0x3000 0x2000
|   @be32 0x8008fac
|   @le32 12288
|   "one "*1024
|   "three "*500 00*1096
|   "four"*1024
case bytes
  open corrupt 0 segments
# not a CPU segment first
| @file
|   @be32 0x9d8fca
|   10 00 08 00
|   @le32 2
|   00*4
|   @be32 0x8008fac
|   @le32 48
|   @le64 0x2000 2
|   @le64 0x1000 0x1000
|   @le64 0x3000 0x2000
|   @be32 0x8008fac
|   @le32 12288
|   "one "*1024
|   "three "*500 00*1096
|   "four"*1024
case bytes
  open corrupt header of the CPU segment
# nor a data segment last
| @file
|   @be32 0x9d8fca
|   10 00 08 00
|   @le32 2
|   00*4
|   @be32 0x4008fac
|   @le32 48
|   @le64 0x2000 2
|   @le64 0x1000 0x1000
|   @le64 0x3000 0x2000
|   @be32 0x4008fac
|   @le32 12288
|   "one "*1024
|   "three "*500 00*1096
|   "four"*1024
case bytes
  open corrupt header of the data segment
# other machines are named
| @file
|   @be32 0x868fca
|   10 00 08 00
|   @le32 2
|   00*4
|   @be32 0x4008fac
|   @le32 48
|   @le64 0x2000 2
|   @le64 0x1000 0x1000
|   @le64 0x3000 0x2000
|   @be32 0x8008fac
|   @le32 12288
|   "one "*1024
|   "three "*500 00*1096
|   "four"*1024
case bytes
  open unsupported i386 (machine id 134)
# other machines are named
| @file
|   @be32 0xb78fca
|   10 00 08 00
|   @le32 2
|   00*4
|   @be32 0x4008fac
|   @le32 48
|   @le64 0x2000 2
|   @le64 0x1000 0x1000
|   @le64 0x3000 0x2000
|   @be32 0x8008fac
|   @le32 12288
|   "one "*1024
|   "three "*500 00*1096
|   "four"*1024
case bytes
  open unsupported aarch64 (machine id 183)
# other machines are named
| @file
|   @be32 0x9f8fca
|   10 00 08 00
|   @le32 2
|   00*4
|   @be32 0x4008fac
|   @le32 48
|   @le64 0x2000 2
|   @le64 0x1000 0x1000
|   @le64 0x3000 0x2000
|   @be32 0x8008fac
|   @le32 12288
|   "one "*1024
|   "three "*500 00*1096
|   "four"*1024
case bytes
  open unsupported arm64 (machine id 159)
| @file
|   @be32 0x3098fca
|   10 00 08 00
|   @le32 2
|   00*4
|   @be32 0x4008fac
|   @le32 48
|   @le64 0x2000 2
|   @le64 0x1000 0x1000
|   @le64 0x3000 0x2000
|   @be32 0x8008fac
|   @le32 12288
|   "one "*1024
|   "three "*500 00*1096
|   "four"*1024
case bytes
  open unsupported machine id 777
# a big-endian one's
| @file
|   @be32 0x978fca
|   00 10 00 08
|   @le32 33554432
|   00*4
|   @be32 0x4008fac
|   @le32 48
|   @le64 0x2000 2
|   @le64 0x1000 0x1000
|   @le64 0x3000 0x2000
|   @be32 0x8008fac
|   @le32 12288
|   "one "*1024
|   "three "*500 00*1096
|   "four"*1024
case bytes
  open unsupported sparc64
# gzip as savecore -z leaves it
| @file
|   @be32 0x9d8fca
|   10 00 08 00
|   @le32 2
|   00*4
|   @be32 0x4008fac
|   @le32 48
|   @le64 0x2000 2
|   @le64 0x1000 0x1000
|   @le64 0x3000 0x2000
|   @be32 0x8008fac
|   @le32 12288
|   "one "*1024
|   "three "*500 00*1096
|   "four"*1024
case bytes,gzip
  line fact elf_machine 62
  line fact memory_end 0x5000
  line phys 0x1000 crc eddcd598
  line phys 0x3000 crc 9e448ff7
  line phys 0x4000 crc 053d1172
  fact wrappers gzip
# compress, as savecore of OpenBSD leaves it: named
| @file
|   1f 9d 90 00*4096
case bytes
  open unsupported gzip -dc FILE.Z
