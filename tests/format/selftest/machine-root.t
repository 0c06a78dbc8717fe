# fails: no line "root kernel 0x1000"
recipe kcore-openbsd.kd kcore-openbsd.expect
case kcore patch=kcore.ptdpaddr:le64:0x2000
