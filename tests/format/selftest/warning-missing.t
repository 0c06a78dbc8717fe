# fails: no warning says "truncated"
recipe compact.kd compact.expect
case elf
  warn truncated
