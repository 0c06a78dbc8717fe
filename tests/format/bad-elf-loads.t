# Hostile PT_LOADs (phdr[0] is the notes' header).
recipe basic.kd basic.expect
# p_filesz > p_memsz: the latter counts
case elf holes=none patch=phdr[1].memsz:le64:0x2000
  warn p_filesz
  drop phys 0x3000
  drop phys 0x4000
  drop phys 0x5000
  drop phys 0x6000
  drop phys 0x7000-
  drop phys 0x1001000-
# QEMU's filter: p_offset -1 is a range that is not there
case elf holes=none patch=phdr[2].offset:le64:-1
  drop phys 0xa000
  drop phys 0xb000
  drop phys 0x7000-
  drop phys 0x1001000-
# bytes that the file does not have
case elf patch=phdr[2].offset:le64:0x7ffffffff000
  warn truncated
  drop phys 0xa000
  drop phys 0xb000
  line phys 0xa000-0xbfff truncated
case elf patch=phdr[2].offset:le64:-4097
  warn truncated
  drop phys 0xa000
  drop phys 0xb000
  line phys 0xa000-0xafff truncated
  line phys 0xb000-0xbfff not saved
# a range that wraps, in either address space
case elf vaddr=direct patch=phdr[2].vaddr:le64:-4096
  warn clipped
  any
case elf patch=phdr[2].paddr:le64:-4096
  warn clipped
  any
case elf patch=phdr[2].memsz:le64:-1
  warn clipped
  warn overlap
  any
  args --max-pages 5000
# terabytes of bytes that are announced: a wide hole is not walked
case elf patch=phdr[5].filesz:le64:0x10000000000 patch=phdr[5].memsz:le64:0x10000000000
  warn truncated
  args --max-pages 5000
  any
# no physical addresses at all: 0 and -1 mean none
case elf split=100 vaddr=direct patch=phdr[1].paddr:le64:-1 patch=phdr[2].paddr:le64:-1 patch=phdr[3].paddr:le64:-1 patch=phdr[4].paddr:le64:-1 patch=phdr[5].paddr:le64:-1 patch=phdr[6].paddr:le64:-1
  drop phys
  any
# ... and then the memory is virtual only, at its place
| machine = x86_64
| @phys 0x1000 page
|   "no physical view\n"*240
| @phys 0x3000 page
|   55*4096
case elf vaddr=direct patch=phdr[0].paddr:le64:0 patch=phdr[1].paddr:le64:-1
  line fact elf_machine 62
  line fact memory_end 0
  line virt 0xffff888000001000 crc d4401c7d
  line virt 0xffff888000003000 crc 63f4df27
case elf vaddr=direct
  line fact elf_machine 62
  line fact memory_end 0x4000
  line phys 0x1000 crc d4401c7d
  line phys 0x3000 crc 63f4df27
  line virt 0xffff888000001000 crc d4401c7d
  line virt 0xffff888000003000 crc 63f4df27
# memory without bytes in the file never hides memory with bytes, whichever header comes last
| machine = x86_64
| @phys 0x1000 page
|   "no physical view\n"*240
| @phys 0x2000 page
|   55*4096
case elf split=1 order=reverse patch=phdr[1].memsz:le64:0x3000
  warn overlap
  line fact elf_machine 62
  line fact memory_end 0x4000
  line phys 0x1000 crc d4401c7d
  line phys 0x2000 crc 63f4df27
  line phys 0x3000-0x3fff not saved
