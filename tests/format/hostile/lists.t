# Cycles and wild pointers in the task list, thread lists, the pid tree and the module list: every
# walk ends, says where it was torn, and what the other account knows is shown.

# an entry that points to itself: the rest comes from the other end
poke u64 task:69@task_struct.tasks.next task:69@task_struct.tasks
run ps
  err task list is torn
  err circle
  spoils 0
# back to an earlier one
poke u64 task:69@task_struct.tasks.next task:10@task_struct.tasks
run ps
  err circle
  spoils 0
run bt --all
  spoils 0
# nowhere: a row that says so
poke u64 task:69@task_struct.tasks.next 0x4141414141414141
run ps
  status 1
  err not a canonical address
  out 0x41414141414138b1
  spoils 0
run ps --json
  status 1
  out "error":"unmapped"
# cut in both directions: the pid tree has the four in between
poke u64 task:69@task_struct.tasks.next 0x4141414141414141
poke u64 task:103@task_struct.tasks.prev 0x4141414141414141
run ps
  status 1
  err in the pid tree that are not on the task list
  spoils 0
# cut in both directions and no pid tree either: some tasks are lost, and it is said so
poke u64 task:69@task_struct.tasks.next task:69@task_struct.tasks
poke u64 task:103@task_struct.tasks.prev task:103@task_struct.tasks
poke u64 sym:init_pid_ns@pid_namespace.idr.idr_rt.xa_head sym:init_task+2
run ps
  status 1
  err tasks may be missing
  err pid tree cannot be read
  spoils 4
# no list at all: all from the tree
poke u64 sym:init_task@task_struct.tasks.next 0
poke u64 sym:init_task@task_struct.tasks.prev 0
run ps
  err in the pid tree that are not on the task list
  spoils 0
# the pid tree: not a node, a node that holds itself, one that is not in the dump
poke u64 sym:init_pid_ns@pid_namespace.idr.idr_rt.xa_head sym:init_task+2
run ps
  err the pid tree cannot be read
  spoils 0
poke u64 sym:init_pid_ns@pid_namespace.idr.idr_rt.xa_head>+0x26 sym:init_pid_ns@pid_namespace.idr.idr_rt.xa_head>
run ps
  err pid tree
  spoils 0
poke missing sym:init_pid_ns@pid_namespace.idr.idr_rt.xa_head>
run ps
  err the pid tree cannot be read
# threads: a circle without the head, and a way to nowhere
poke u64 task:120@task_struct.thread_node.next task:119@task_struct.thread_node
run ps
  err circle
  spoils 0
poke u64 task:120@task_struct.thread_node.next 0xffff800000000000
run ps
  status 1
  err threads may be missing
  spoils 0
# parents that are each other's
poke u64 task:97@task_struct.real_parent task:99
run ps
  status 0
  spoils 1
# a task that is not in the dump
poke missing task:97
run ps
  status 1
  out <out of range: task structure
  spoils 30
# modules
poke u64 sym:modules> sym:modules>
run mod
  status 1
  err modules may be missing
  err circle
poke u64 sym:modules 0x4141
run mod
  status 1
  err modules may be missing
