# ELF of 32-bit machines, and their kdump headers in both alignments.
recipe i686.kd i686.expect
case elf class=32
  fact class 32
case kdump abi=32
  fact class 32
case kdump abi=32 version=1
case kdump abi=32 version=2
case kdump abi=32 version=3
case kdump abi=32 version=4
case kdump abi=32 version=5
recipe armv7l.kd armv7l.expect
case elf class=32
case kdump abi=32
  fact class 32
case kdump abi=32 version=5
case kdump abi=32 version=3
