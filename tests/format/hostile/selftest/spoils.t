# fails: lines are gone
poke text task:99@task_struct.comm XX
run ps
  spoils 0
