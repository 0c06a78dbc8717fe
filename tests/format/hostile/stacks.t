# Stacks that cannot be: the task says why, all others are as they were. Its row has 13 lines, the system call included.
poke u64 task:99@task_struct.stack 0xffff888000000000
run bt 99
  status 1
  out is not on the task's stack
run bt --all
  status 1
  spoils 13
poke u64 task:99@task_struct.thread.sp 0xdeadbeef00
run bt 99
  status 1
  out <corrupt: thread.sp 0xdeadbeef00 is not on the task's stack
poke u64 task:99@task_struct.thread.sp 0
run bt 99
  status 1
  out thread.sp 0 is not
poke missing task:99@task_struct.thread.sp>
run bt 99
  status 1
  out <out of range: switch frame
run bt --all
  status 1
  spoils 13
# the return address of the switch frame: zero, junk, user space, data
poke u64 task:99@task_struct.thread.sp>+0x30 0
run bt 99
  out #0
poke u64 task:99@task_struct.thread.sp>+0x30 0x4141414141414141
run bt 99
  out #0
poke u64 task:99@task_struct.thread.sp>+0x30 0x401000
run bt 99
  out #0
poke u64 task:99@task_struct.thread.sp>+0x30 sym:init_task
run bt 99
  out #0
# a stack of one value: the same return address for ever
poke fill task:99@task_struct.thread.sp> 41 64
run bt 99
  out #0
poke u64 task:99@task_struct.thread.sp>+0x38 task:99@task_struct.thread.sp>+0x30>
poke u64 task:99@task_struct.thread.sp>+0x40 task:99@task_struct.thread.sp>+0x30>
poke u64 task:99@task_struct.thread.sp>+0x48 task:99@task_struct.thread.sp>+0x30>
poke u64 task:99@task_struct.thread.sp>+0x50 task:99@task_struct.thread.sp>+0x30>
run bt 99
  out #0
# nobody was running: what tasks need of the machine is still learnt before the workers start
poke u64 percpu:runqueues:0@rq.curr 0
poke u64 percpu:runqueues:1@rq.curr 0
run bt --all
  out schedule
