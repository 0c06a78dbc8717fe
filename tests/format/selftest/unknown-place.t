# fails: has no place called
recipe compact.kd compact.expect
case kdump patch=desc[99].size:le32:0
