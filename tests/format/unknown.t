# What is no dump at all, and what only looks like one.
| @file
case bytes
  open bad file empty
| @file
|   00
case bytes
  open bad file not recognised
| @file
|   "just some text, no dump\n"*100
case bytes
  open bad file not recognised
case bytes,gzip
  open bad file not recognised
case bytes
  args --format lzma
  open usage no format is called
| @file
|   7f "ELF"
case bytes
  open truncated
| @file
|   "KDUMP   "
case bytes
  open truncated
| @file
|   "KDUMP   " 00*500
case bytes
  open corrupt
| @file
|   "KDUMP   " ff*50000
case bytes
  open unsupported version
| @file
|   "makedumpfile" 00*4
case bytes
  open truncated
| @file
|   1f 8b 08 00*16
case bytes
  open corrupt
| @file
|   28 b5 2f fd 00*16
case bytes
  open truncated
# A core of a process: what it has is no kernel's memory.
| machine = x86_64
| @note "CORE" 1
|   @at 336
| @note "CORE" 6
|   00*16
| @note "CORE" 0x46494c45
|   00*16
| @phys 0x1000
|   01
case elf
  open bad file process
# With a kernel's VMCOREINFO in it, it is a kernel's all the same.
| machine = x86_64
| @note "CORE" 6
|   00*16
| @vmcoreinfo
|   "OSRELEASE=6.1\n"
| @phys 0x1000
|   01
case elf
  any
# No memory.
| machine = x86_64
| @note "CORE" 1
|   @at 336
case elf
  open corrupt without memory
