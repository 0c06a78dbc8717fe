# 64 KiB blocks: the same memory as from formats that have no blocks.
recipe wide.kd wide.expect
case kdump block=65536
  fact block_size 65536
case kdump block=65536 codec=zlib
case kdump block=65536 codec=lzo
case kdump block=65536 codec=snappy order=reverse
case kdump block=65536 codec=zstd
case kdump block=65536 codec=raw
case kdump block=16384
  fact block_size 16384
case kdump
case elf
case lime
case raw
case kdump,flattened,zstd block=65536 record=1000 records=shuffle
