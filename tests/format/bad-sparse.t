# Apparent size is no size: terabytes of holes cost nothing, and no buffer follows st_size.
recipe basic.kd basic.expect
case elf extend=8T
  memory 100
case kdump extend=8T
  memory 100
  seconds 20
case lime extend=8T
  warn no LiME header
  memory 100
case raw extend=8T
  any
  args --format raw --max-pages 5000
  memory 100
# the file shrinks while it is open
case elf
  args --shrink 20000
  any
  because truncated
case kdump codec=raw
  args --shrink 30000
  any
  because truncated
case lime
  args --shrink 20000
  any
  because truncated
case elf,gzip
  args --shrink 0
case elf,flattened
  args --shrink 20000
  any
  because truncated
