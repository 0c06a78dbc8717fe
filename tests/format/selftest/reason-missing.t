# fails: no page says "lost"
recipe compact.kd compact.expect
case kdump
  because lost
