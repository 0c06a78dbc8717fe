# Overlapping PT_LOADs: the later header wins, down to the byte, as later statements do.
recipe overlap.kd overlap.expect
case elf loads=chunks
  warn overlap
case elf loads=chunks skew=1
  warn overlap
case elf
case kdump codec=zstd
case kdump,flattened codec=raw records=shuffle
case lime
case raw

# A kexec'd kernel's image stands in the file twice, first on its own: the same bytes, so no warning.
| machine = x86_64
| @phys 0x11000 0x2000
|   77*0x2000
| @phys 0x10000 0x1000
|   11*0x1000
| @phys 0x10000 0x4000
|   11*0x1000 77*0x2000 22*0x1000
case elf loads=chunks
  line phys 0x10000 crc e67e931f
  line phys 0x11000 crc 2131f93b
  line phys 0x12000 crc 2131f93b
  line phys 0x13000 crc 85d9260d
  line fact elf_machine 62
  line fact memory_end 0x14000
