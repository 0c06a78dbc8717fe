# Left-out pages read as zeros only when the user says so; lost and truncated ones never do.
recipe basic.kd basic.expect
case kdump
  args --zero-excluded
  drop phys 0x7000-
  drop phys 0x1001000-
  line phys 0x7000-0x9fff zero
  line phys 0x1001000-0x1001fff zero
case elf
  args --zero-excluded
  drop phys 0x7000-
  drop phys 0x1001000-
  line phys 0x7000-0x9fff zero
  line phys 0x1001000-0x1001fff zero
case elf cut=50000
  args --zero-excluded
  warn truncated
  any
  because truncated
