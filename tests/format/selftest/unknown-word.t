# fails: is nothing that I know
recipe compact.kd compact.expect
case kdump
  expects nothing
