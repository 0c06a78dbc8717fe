# fails: the output has no "no such words"
poke text task:99@task_struct.comm XX
run ps
  out no such words
