# fails: exit status 2
recipe compact.kd compact.expect
case kdump
  args --no-such-option
