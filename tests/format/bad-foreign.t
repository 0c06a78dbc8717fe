# What libkdumpfile 0.5.1 would read as zeros, die of, or overflow a buffer with.
recipe basic.kd basic.expect
case lkcd patch=page[1].size:le32:250000
  open corrupt claims 250000 bytes
case lkcd patch=header.page_size:le32:0
  open corrupt page size
case lkcd cut=page[5].size
  open truncated
case lkcd cut=endmark
  open truncated
case s390 cut=endmark
  open truncated
case s390 patch=header.mem_size:be64:-1
  open truncated
case s390 patch=header.num_pages:be32:-1
  open corrupt
case xen patch=shdr[3].size:le64:0x7fffffffffffffff
  open truncated
case xen patch=shdr[2].size:le64:0x10000
  open truncated
case xen cut=40000
  open truncated
case sadump cut=50000
  because truncated
  any
case sadump patch=part.used_device:le64:0x7fffffffffffffff
case sadump patch=header.max_mapnr:le64:-1
  open corrupt
