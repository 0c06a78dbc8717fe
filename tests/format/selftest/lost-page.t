# fails: - phys 0x2000 crc
recipe compact.kd compact.expect
case kdump patch=desc[1].offset:le64:0
