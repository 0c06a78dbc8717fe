# Split sets: any number of files, in any order; what is missing is told.
recipe basic.kd basic.expect
case kdump split=2
case kdump split=3
  files 3 1 2
case kdump split=5 version=2 codec=lzo
  files 2 4 1 5 3
case kdump split=14
case kdump split=2
  files 1
  warn missing
  because not given
  drop phys 0xb000
  drop phys 0xd000-
  drop phys 0xe000
  drop phys 0xf000-
  drop phys 0x1000000
  drop phys 0x1001000-
  drop phys 0x1002000
  drop phys 0x1003000
  line phys 0xb000-0xbfff not saved
  line phys 0xd000-0x10fff not saved
  line phys 0x1000000-0x1003fff not saved
case kdump split=3
  files 1 3
  warn missing
  any
