# fails: + phys 0x1000 crc
recipe compact.kd compact.expect
case kdump
  drop phys 0x1000
