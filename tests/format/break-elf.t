# Cut off and damaged everywhere: see breakdump.c for what must hold.
recipe compact.kd compact.expect
case elf vaddr=direct
  break cuts 1 300
  break flips 1 500
  break junk 1 500
  seconds 300
case elf xnum=1 split=1 phoff=192
  break cuts 2 100
  break junk 2 300
  seconds 300
recipe overlap.kd overlap.expect
case elf loads=chunks
  break flips 3 300
  seconds 300
recipe i686.kd i686.expect
case elf class=32
  break cuts 4 100
  break flips 4 300
  seconds 300
