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
