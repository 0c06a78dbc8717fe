# Page tables that lead nowhere, back to themselves, or to large pages where none can be.
poke u64 pte:4:init_task 0
run ps
  status 4
  err the PGD entry
poke u64 pte:4:init_task table:4:init_task+0x67
run ps
  status 4
poke u64 pte:3:init_task 0
run ps
  status 4
  err the PUD entry
# a table that is its own child
poke u64 pte:3:init_task table:3:init_task+0x67
run ps
  status 4
# PS in the top level, and an address beyond what a machine can have
poke u64 pte:4:init_task 0xe7
run vtop init_task
  status 1 4
poke u64 pte:3:init_task 0xffffffffff067
run ps
  status 4
# the entry of one page only: what lies there says so
poke missing pte:2:init_task
run ps
  status 4
