# Split sets that do not fit together.
recipe basic.kd basic.expect
case kdump split=2 patch=2/header.time:le64:1
  open usage different dumps
case kdump split=2 patch=2/header.max_mapnr:le32:4000 patch=2/sub.max_mapnr:le64:4000
  open usage different dumps
case kdump split=2 patch=2/header.machine:fill:30
  open usage different dumps
case kdump split=2
  files 1 1
  open usage both have
case kdump split=2 patch=2/sub.start_pfn:le64:1
  open usage both have
case kdump split=2 patch=1/sub.split:le32:0
  open usage whole dump
case kdump split=2 patch=2/sub.start_pfn:le64:0x5000 patch=2/sub.end_pfn:le64:1
  open corrupt
# the other file is cut off in the middle of its descriptors
case kdump split=2 cut=2/desc[1]
  warn truncated
  any
# a gap between the two
case kdump split=2 patch=2/sub.start_pfn:le64:0x1000
  warn missing
  any
