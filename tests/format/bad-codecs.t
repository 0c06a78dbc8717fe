# Hostile page data: more or less than a page, damage, and what claims to be huge.
recipe basic.kd basic.expect
case kdump codec=zlib stretch=long
  because zlib
  drop phys
  any
case kdump codec=lzo stretch=long
  because lzo
  any
case kdump codec=snappy stretch=long
  because snappy
  any
case kdump codec=zstd stretch=long
  because zstd
  any
case kdump codec=zlib stretch=short
  because instead of 4096
  any
case kdump codec=lzo stretch=short
  because instead of 4096
  any
case kdump codec=snappy stretch=short
  because snappy
  any
case kdump codec=zstd stretch=short
  because zstd
  any
# snappy: a declared length of 4 GiB - 1
case kdump patch=data[2]:fill:ff*4 patch=data[2]+4:fill:0f
  because snappy
  drop phys 0x3000
  line phys 0x3000-0x3fff corrupt
# zstd: a frame with a content size of 2^62 and one with a window of 2 GiB
case kdump patch=data[3]+4:fill:e0 patch=data[3]+5:le64:0x4000000000000000
  because zstd
  drop phys 0x4000
  line phys 0x4000-0x4fff corrupt
case kdump patch=data[3]+4:fill:00 patch=data[3]+5:fill:a8
  because zstd
  drop phys 0x4000
  line phys 0x4000-0x4fff corrupt
# the wrong codec for good data
case kdump patch=desc[0].flags:le32:2
  because lzo
  drop phys 0x1000
  line phys 0x1000-0x1fff corrupt
case kdump patch=desc[2].flags:le32:0x20
  because zstd
  drop phys 0x3000
  line phys 0x3000-0x3fff corrupt
case kdump patch=data[0]:fill:ff*16
  because zlib
  drop phys 0x1000
  line phys 0x1000-0x1fff corrupt
case kdump patch=data[1]:fill:00*16
  because lzo
  drop phys 0x2000
  line phys 0x2000-0x2fff corrupt
