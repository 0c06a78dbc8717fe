# fails: gone without a word
recipe compact.kd compact.expect
case lime
  break gone 1 1
