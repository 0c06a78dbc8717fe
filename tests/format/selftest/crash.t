# fails: killed by signal 9
recipe compact.kd compact.expect
case kdump
  args --self-test crash
