# fails: SILENT ZEROS
recipe compact.kd compact.expect
case lime
  break zeros 1 1
