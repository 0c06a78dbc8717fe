# FreeBSD's full dumps, after sys/kern/kern_dump.c: p_vaddr is p_paddr, no notes; PT_DUMP_DELTA says where the kernel lies.
# 64 bits
| @file
|   7f "ELF" 02 01 01 ff 00*8
|   @le16 4 62
|   @le32 1
|   @le64 0 64 0
|   @le32 0
|   @le16 64 56 2 0 0 0
|   @le32 1 4
|   @le64 4096 0x200000 0x200000 4096 4096 4096
|   @le32 0x6fb5d000 4
|   @le64 0 0xffffffff80200000 0x1234000 0 0 4096
|   @at 4096
|   "one "*1024
case bytes
  line fact elf_machine 62
  line fact memory_end 0x201000
  line fact kernel 0xffffffff80200000 at 0x1234000
  line phys 0x200000 crc eddcd598
# 32 bits
| @file
|   7f "ELF" 01 01 01 ff 00*8
|   @le16 4 40
|   @le32 1 0 52 0 0
|   @le16 52 32 2 0 0 0
|   @le32 1 4096 0x200000 0x200000 4096 4096 4 4096
|   @le32 0x6fb5d000 0 0xc0000000 0x1234000 0 0 4 4096
|   @at 4096
|   "one "*1024
case bytes
  line fact elf_machine 40
  line fact memory_end 0x201000
  line fact kernel 0xc0000000 at 0x1234000
  line phys 0x200000 crc eddcd598
# nowhere
| @file
|   7f "ELF" 01 01 01 ff 00*8
|   @le16 4 40
|   @le32 1 0 52 0 0
|   @le16 52 32 2 0 0 0
|   @le32 1 4096 0x200000 0x200000 4096 4096 4 4096
|   @le32 0x6fb5d000 0 0xc0000000 0xffffffff 0 0 4 4096
|   @at 4096
|   "one "*1024
case bytes
  line fact elf_machine 40
  line fact memory_end 0x201000
  line phys 0x200000 crc eddcd598
