# fails: virt 0xfffffe0000400000 crc
recipe minidump-holes.kd minidump-holes.expect
case minidump patch=pd[2]:le64:0
  only
