# LiME and raw images have memory and nothing else.
recipe basic.kd basic.expect
case lime
case raw
recipe wide.kd wide.expect
case raw raw_base=0x3fff0000
case raw
  args --format raw --raw-base 0x40000
  any
recipe basic.kd basic.expect
case raw
  args --format raw --raw-base 17
  open usage multiple of 4096
# Not asked for: a raw image looks like nothing.
case raw
  args --format elf
  open bad file no ELF
