# fails: is nothing that I know
poke text task:99@task_struct.comm XX
look ps
