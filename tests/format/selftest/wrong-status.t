# fails: the open ends with "ok"
recipe compact.kd compact.expect
case elf
  open corrupt
