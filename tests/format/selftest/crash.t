# fails: killed by signal 11
recipe compact.kd compact.expect
case kdump
  args --self-test crash
