# An incomplete dump: lost pages say so, and differ from those that were left out.
recipe lost.kd lost.expect
case kdump
  warn incomplete
  because lost
  because filter
case kdump,flattened
  warn incomplete
case elf
  warn incomplete
