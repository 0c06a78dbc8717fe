# Names and log text from the dump do not drive the terminal, nor the JSON.
poke text task:99@task_struct.comm \e[2J\e]0;x\x07\xff\xfe\x9b
run ps
  out \x1b[2J\x1b]0;x\x07\xff\xfe\x9b
  spoils 1
run ps --json
  out "\u001B[2J
run bt 99
  out \x1b[2J
poke fill task:99@task_struct.comm 41 16
run ps
  out AAAAAAAAAAAAAAA
poke text sym:prb>@printk_ringbuffer.text_data_ring.data>+8 \e[31mred\e[0m\x08\x08
run log
  not red"
  out \x1b[31mred
