# Decompression bombs: refused by ratio, with little memory and no full disk.
recipe basic.kd basic.expect
# deflate cannot do more than about 1000 times: those zeros are holes
case elf,gzip bomb=2G
  warn ends early
  open bad file
  memory 60
case elf,zstd bomb=64G
  open out of memory bomb
  memory 60
# a window of 2 GiB, which zstd itself would ask --long=31 for
case elf,zstd patch.zstd=4:fill:00 patch.zstd=5:fill:a8
  open corrupt
  memory 60
# wrapped twice it is still measured by the outer file
case elf,zstd,gzip bomb=64G
  open out of memory more than 4096 MiB
  memory 60
# empty blocks for ever: zeros behind a zstd frame's header, in the holes of a stream or of a file
| @file
|   28 b5 2f fd 00 00 00*10000
case bytes,flattened patch.flattened=record[2].offset:be64:0x4000000000000000
  open corrupt give 0 MiB only
  seconds 20
case bytes extend=8T
  open corrupt give 0 MiB only
  seconds 20
