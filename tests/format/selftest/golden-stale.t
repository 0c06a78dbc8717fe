# fails: is not what kdmk makes of
recipe compact.kd basic.expect
case elf
