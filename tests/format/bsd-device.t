# Dump devices of NetBSD and OpenBSD after cpu_dump() and cpu_dumpconf() of their machdep.c.
# Rows: bsd_device
# a full dump ends with the device: one block before pages
| @file
|   ff*1M
|   00*7680
|   @be32 0x49d8fca
|   @le32 504
|   @le64 0x2000 2
|   @le64 0x1000 0x1000
|   @le64 0x3000 0x2000
|   00*456
|   "one "*1024
|   "three "*500 00*1096
|   "four"*1024
case bytes
  args --format bsd-device
  line fact elf_machine 62
  line fact memory_end 0x5000
  line phys 0x1000 crc eddcd598
  line phys 0x3000 crc 9e448ff7
  line phys 0x4000 crc 053d1172
# nothing says so in front
| @file
|   ff*1M
|   00*7680
|   @be32 0x49d8fca
|   @le32 504
|   @le64 0x2000 2
|   @le64 0x1000 0x1000
|   @le64 0x3000 0x2000
|   00*456
|   "one "*1024
|   "three "*500 00*1096
|   "four"*1024
case bytes
  open bad file
# a sparse dump lies where a full one would begin
| @file
|   ff*1M
|   00*7680
|   @be32 0x49d8fca
|   @le32 504
|   @le64 0x2000 2
|   @le64 0x1000 0x1000
|   @le64 0x3000 0x2000
|   00*456
|   "one "*1024
|   "three "*500 00*1096
|   "four"*1024
|   5a*32768
case bytes
  args --format bsd-device
  line fact elf_machine 62
  line fact memory_end 0x5000
  line phys 0x1000 crc eddcd598
  line phys 0x3000 crc 9e448ff7
  line phys 0x4000 crc 053d1172
# or at block 8, and is found there
| @file
|   ff*4096
|   @be32 0x49d8fca
|   @le32 504
|   @le64 0x2000 2
|   @le64 0x1000 0x1000
|   @le64 0x3000 0x2000
|   00*456
|   "one "*1024
|   "three "*500 00*1096
|   "four"*1024
|   5a*1000000
case bytes
  fact format bsd-device
  line fact elf_machine 62
  line fact memory_end 0x5000
  line phys 0x1000 crc eddcd598
  line phys 0x3000 crc 9e448ff7
  line phys 0x4000 crc 053d1172
# pointers aligned to 16 bytes
| @file
|   ff*1M
|   00*7680
|   @be32 0x49d8fca
|   @le32 496
|   00*8
|   @le64 0x2000 2
|   @le64 0x1000 0x1000
|   @le64 0x3000 0x2000
|   00*448
|   "one "*1024
|   "three "*500 00*1096
|   "four"*1024
case bytes
  args --format bsd-device
  line fact elf_machine 62
  line fact memory_end 0x5000
  line phys 0x1000 crc eddcd598
  line phys 0x3000 crc 9e448ff7
  line phys 0x4000 crc 053d1172
# the kernel's buffer in a swapped page looks like a dump, but lies wrong
| @file
|   ff*8192
|   @be32 0x049d8fca
|   @le32 504
|   @le64 0x5000 1 0x1000 0x1000
|   00*472
|   77*3584
|   00*3584
|   @be32 0x49d8fca
|   @le32 504
|   @le64 0x2000 2
|   @le64 0x1000 0x1000
|   @le64 0x3000 0x2000
|   00*456
|   "one "*1024
|   "three "*500 00*1096
|   "four"*1024
case bytes
  args --format bsd-device
  line fact elf_machine 62
  line fact memory_end 0x5000
  line phys 0x1000 crc eddcd598
  line phys 0x3000 crc 9e448ff7
  line phys 0x4000 crc 053d1172
# a piece of a device: the first that looks like one, and it is said
| @file
|   ff*1M
|   @be32 0x49d8fca
|   @le32 504
|   @le64 0x2000 2
|   @le64 0x1000 0x1000
|   @le64 0x3000 0x2000
|   00*456
|   "one "*1024
|   "three "*500 00*1096
|   "four"*1024
|   5a*1024
case bytes
  args --format bsd-device
  warn where the kernel would not put it
  line fact elf_machine 62
  line fact memory_end 0x5000
  line phys 0x1000 crc eddcd598
  line phys 0x3000 crc 9e448ff7
  line phys 0x4000 crc 053d1172
# a device that was cut
| @file
|   ff*1M
|   00*7680
|   @be32 0x49d8fca
|   @le32 504
|   @le64 0x2000 2
|   @le64 0x1000 0x1000
|   @le64 0x3000 0x4000
|   00*456
|   "one "*1024
|   "three "*500 00*1096
|   "four"*1024
case bytes
  args --format bsd-device
  warn truncated
  any
# wrong machine, too many rows, wild ranges: no dump
| @file
|   ff*1M
|   00*7680
|   @be32 0x4868fca
|   @le32 504
|   @le64 0x2000 2
|   @le64 0x1000 0x1000
|   @le64 0x3000 0x2000
|   00*456
|   "one "*1024
|   "three "*500 00*1096
|   "four"*1024
case bytes
  args --format bsd-device
  open bad file no dump
| @file
|   ff*1M
|   00*7680
|   @be32 0x49d8fca
|   @le32 504
|   @le64 0x2000 0x1000000000000000
|   @le64 0x1000 0x1000
|   @le64 0x3000 0x2000
|   00*456
|   "one "*1024
|   "three "*500 00*1096
|   "four"*1024
case bytes
  args --format bsd-device
  open bad file no dump
| @file
|   ff*1M
|   00*7680
|   @be32 0x49d8fca
|   @le32 504
|   @le64 0x2000 2
|   @le64 0x1000 0x1000
|   @le64 0x1000000000000000 0x2000
|   00*456
|   "one "*1024
|   "three "*500 00*1096
|   "four"*1024
case bytes
  args --format bsd-device
  open bad file no dump
| @file
|   ff*1M
|   00*7680
|   @be32 0x49d8fca
|   @le32 500
|   @le64 0x2000 2
|   @le64 0x1000 0x1000
|   @le64 0x3000 0x2000
|   00*456
|   "one "*1024
|   "three "*500 00*1096
|   "four"*1024
case bytes
  args --format bsd-device
  open bad file no dump
| @file
|   00*3000
case bytes
  args --format bsd-device
  open bad file no dump
