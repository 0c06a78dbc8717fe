# Cut off and damaged everywhere: see breakdump.c for what must hold.
recipe compact.kd compact.expect
case kdump
  break cuts 1 300
  break flips 1 1500
  break junk 1 500
  seconds 300
case kdump codec=zstd version=3
  break cuts 2 100
  break junk 2 300
  seconds 300
case kdump codec=lzo
  break junk 3 500
  seconds 300
case kdump codec=snappy
  break junk 4 500
  seconds 300
case kdump codec=raw order=reverse
  break cuts 3 300
  seconds 300
recipe lost.kd lost.expect
case kdump
  break cuts 4 100
  break flips 4 300
  seconds 300
