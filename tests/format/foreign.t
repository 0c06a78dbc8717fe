# libkdumpfile reads LKCD, s390 dumps and Xen cores; sadump is read by own code.
recipe basic.kd basic.expect
case lkcd
  fact format libkdumpfile
case lkcd codec=raw
case lkcd version=8
case xen
  fact format libkdumpfile
case s390
  fact format libkdumpfile
case sadump
  fact format sadump
case lkcd,gzip
case sadump,zstd
