# Hostile page descriptors: the page says why, its neighbours are not harmed.
recipe basic.kd basic.expect
case kdump patch=desc[1].offset:le64:0
  because lost
  drop phys 0x2000
  line phys 0x2000-0x2fff not saved
case kdump patch=desc[1].offset:le64:-1
  drop phys 0x2000
  line phys 0x2000-0x2fff truncated
case kdump patch=desc[1].offset:le64:0x7fffffff0000
  drop phys 0x2000
  line phys 0x2000-0x2fff truncated
# a raw page beyond the end
case kdump patch=desc[4].offset:le64:0x7fffffff0000
  drop phys 0x5000
  line phys 0x5000-0x5fff truncated
case kdump patch=desc[1].size:le32:0
  because claims 0 bytes
  drop phys 0x2000
  line phys 0x2000-0x2fff corrupt
# what overflows the buffer of libkdumpfile 0.5.1
case kdump patch=desc[1].size:le32:250000
  because claims 250000 bytes
  drop phys 0x2000
  line phys 0x2000-0x2fff corrupt
case kdump patch=desc[1].size:le32:0xffffffff
  drop phys 0x2000
  line phys 0x2000-0x2fff corrupt
case kdump patch=desc[1].flags:le32:3
  because two codecs
  drop phys 0x2000
  line phys 0x2000-0x2fff corrupt
# raw, but not of a block
case kdump patch=desc[4].size:le32:4095
  because claims 4095 bytes
  drop phys 0x5000
  line phys 0x5000-0x5fff corrupt
case kdump patch=desc[4].size:le32:4097
  drop phys 0x5000
  line phys 0x5000-0x5fff corrupt
# a codec that nobody knows is not raw by chance
case kdump patch=desc[1].flags:le32:0x40
  drop phys 0x2000
  line phys 0x2000-0x2fff corrupt
