# fails: MISMATCH
recipe compact.kd compact.expect
case kdump
  args --self-test mismatch
