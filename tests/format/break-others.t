# Cut off and damaged everywhere: see breakdump.c for what must hold. What libkdumpfile reads is only
# cut off: of bit flips in its formats it may die (formats/libkdumpfile.c).
recipe compact.kd compact.expect
case lime
  break cuts 1 200
  break flips 1 300
  break junk 1 300
  seconds 300
case sadump
  break cuts 2 100
  break flips 2 300
  break junk 2 300
  seconds 300
case lkcd
  break cuts 3 100
  seconds 300
case xen
  break cuts 4 50
  seconds 300
