# ELF in the dialects of its writers: kexec, QEMU 7.2, makedumpfile -E, very many headers.
recipe basic.kd basic.expect
case elf
case elf vaddr=direct
case elf vaddr=phys
case elf vaddr=direct order=reverse split=1
case elf split=3 skew=123
case elf align=8
case elf phoff=192 ehsize=8
case elf xnum=1
case elf xnum=1 phoff=192 ehsize=8
case elf phdrs=65534
case elf phdrs=65535
case elf phdrs=200000
case elf holes=none
  drop phys 0x7000-
  drop phys 0x1001000-
recipe high.kd high.expect
case elf
case elf vaddr=direct
