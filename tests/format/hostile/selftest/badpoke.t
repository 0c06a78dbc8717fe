# fails: no task 9999
poke u64 task:9999 0
run ps
