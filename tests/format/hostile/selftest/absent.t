# fails: is there
poke text task:99@task_struct.comm XX
run ps
  not actors
