# fails: SILENT ZEROS
recipe compact.kd compact.expect
case elf
  break zeros 1 1
