# Wrappers come off by themselves, in any order and depth, and change nothing.
recipe basic.kd basic.expect
case kdump,flattened
  fact wrappers flattened
case kdump,flattened records=reverse
case kdump,flattened records=shuffle record=700
case kdump,flattened overwrite=1
case kdump,flattened overwrite=1 record=100 records=shuffle
case kdump,flattened zeros=0
case elf,flattened records=shuffle
case elf,flattened zeros=0 record=333
case kdump,gzip
  fact wrappers gzip
case elf,gzip members=5
case kdump,gzip padding=512
case kdump,zstd
  fact wrappers zstd
case elf,zstd frames=4 skippable=1
case kdump,zstd padding=512
case kdump,flattened,gzip
  fact wrappers gzip, flattened
case elf,flattened,zstd
case kdump,flattened,zstd,gzip
  fact wrappers gzip, zstd, flattened
case lime,gzip
case elf,gzip,gzip,gzip,gzip
case elf,gzip,gzip,gzip,gzip,gzip
  open unsupported more than 4 times
