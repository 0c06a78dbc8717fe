# fails: exit status 1, expected 0
poke u64 task:99@task_struct.thread.sp 0
run bt 99
  status 0
