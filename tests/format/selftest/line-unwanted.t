# fails: a line begins with "fact memory_end"
| @phys 0x1000
|   "x"
case elf
  none fact memory_end
  any
