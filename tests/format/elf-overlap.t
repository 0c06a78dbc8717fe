# Overlapping PT_LOADs: the later header wins, down to the byte, as later statements do.
recipe overlap.kd overlap.expect
case elf loads=chunks
  warn overlap
case elf loads=chunks skew=1
  warn overlap
case elf
case kdump codec=zstd
case kdump,flattened codec=raw records=shuffle
case lime
case raw
