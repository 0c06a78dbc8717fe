# fails: + phys 0x2000 crc
recipe compact.kd compact.expect
case kdump codec=raw patch=data[1]:xor:01
