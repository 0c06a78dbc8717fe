# fails: no line "wrappers gzip"
recipe compact.kd compact.expect
case elf,zstd
  fact wrappers gzip
