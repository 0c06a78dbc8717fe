# fails: no case
recipe compact.kd compact.expect
