# Hostile kdump headers: contradictions are named.
recipe basic.kd basic.expect
case kdump patch=header.block_size:le32:0
  open corrupt block size 0
case kdump patch=header.block_size:le32:-4096
  open corrupt block size
case kdump patch=header.block_size:le32:12288
  open corrupt block size
case kdump patch=header.block_size:le32:262144
  open corrupt block size
case kdump patch=header.block_size:le32:512
  open corrupt block size
case kdump patch=header.sub_hdr_size:le32:-1
  open corrupt sub header
case kdump patch=header.sub_hdr_size:le32:0
  open corrupt sub header
case kdump patch=header.sub_hdr_size:le32:60000
  open truncated bitmaps
case kdump patch=header.bitmap_blocks:le32:0xffffffff
  open truncated bitmaps
case kdump patch=header.bitmap_blocks:le32:0
  open corrupt bitmaps of 0 blocks
case kdump patch=header.bitmap_blocks:le32:0x7ffffffe
  open truncated
case kdump patch=sub.max_mapnr:le64:0x1000000000000000
  open corrupt
case kdump patch=sub.max_mapnr:le64:-1
  open corrupt
case kdump patch=sub.max_mapnr:le64:0x100000
  open corrupt cannot hold
case kdump version=5 patch=header.max_mapnr:le32:0xffffffff
  open corrupt
case kdump patch=header.version:le32:7
  open unsupported version 7
case kdump patch=header.version:le32:-1
  open unsupported version
case kdump patch=header.version:le32:0x06000000
  open unsupported big-endian
