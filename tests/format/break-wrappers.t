# Cut off and damaged everywhere: see breakdump.c for what must hold.
recipe compact.kd compact.expect
case kdump,flattened
  break cuts 1 300
  break flips 1 500
  break junk 1 300
  seconds 300
case elf,flattened records=shuffle record=700
  break cuts 2 300
  break junk 2 300
  seconds 300
case kdump,gzip
  break cuts 3 100
  break junk 3 200
  seconds 300
case elf,zstd frames=2
  break cuts 4 100
  break junk 4 200
  seconds 300
case kdump,flattened,gzip records=reverse
  break cuts 5 50
  seconds 300
