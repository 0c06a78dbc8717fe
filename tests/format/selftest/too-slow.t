# fails: not done after 0 s
recipe compact.kd compact.expect
case kdump
  break junk 1 1000000
  seconds 0
