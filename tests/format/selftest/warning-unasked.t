# fails: an unexpected warning
recipe compact.kd compact.expect
case elf cut=20000
  any
