# Flattened streams with wild records or without an end.
recipe basic.kd basic.expect
case kdump,flattened patch.flattened=record[3].offset:be64:-2
  open corrupt record
case kdump,flattened patch.flattened=record[3].size:be64:-1
  open corrupt record
case kdump,flattened patch.flattened=record[3].offset:be64:0x7fffffffffffffff
  open corrupt record
case kdump,flattened patch.flattened=record[3].size:be64:0x7fffffffffffffff
  open corrupt record
case kdump,flattened patch.flattened=header.type:be64:2
  open unsupported type 2
case kdump,flattened cut.flattened=4096
  open truncated without a record
case kdump,flattened cut.flattened=4100
  open truncated
case kdump,flattened end=0
  warn without its end mark
case elf,flattened cut.flattened=endmark+15
  warn without its end mark
# one record goes far beyond the stream: what follows is its data
case elf,flattened patch.flattened=record[9].size:be64:0x10000000
  warn truncated
  any
# 2^62 bytes of inner file, by one record
case elf,flattened record=4096 patch.flattened=record[12].offset:be64:0x4000000000000000
  any
# a third of a million records of a byte each
case kdump,flattened record=1 records=shuffle
  memory 200
# each byte of a record overwritten many times
case elf,flattened record=16 overwrite=1 records=shuffle
