# kdump-compressed: versions, codecs, and where a writer may put things.
recipe basic.kd basic.expect
case kdump
  fact codecs zlib,lzo,snappy,zstd
case kdump version=1
case kdump version=2
case kdump version=3
case kdump version=4
case kdump version=5
case kdump codec=raw
  fact codecs 
case kdump codec=zlib
  fact codecs zlib
case kdump codec=lzo
  fact codecs lzo
case kdump codec=snappy
  fact codecs snappy
case kdump codec=zstd
  fact codecs zstd
case kdump order=reverse
case kdump share=0 gap=7
case kdump vmcoreinfo=text
# what a version does not have is not looked at
case kdump version=2 patch=sub+32:le64:0x1020 patch=sub+40:le64:100
case kdump version=3 patch=sub+48:le64:0x1020 patch=sub+56:le64:100
case kdump version=4 patch=sub+64:le64:0x1020 patch=sub+72:le64:10
case kdump version=5 patch=sub+80:le64:1 patch=sub+88:le64:2 patch=sub+96:le64:3
# from version 6 on the 32-bit number of pages does not count
case kdump patch=header.max_mapnr:le32:5
case kdump block=65536 codec=raw
  any
# A TiB: what is far away is found without a look at what lies between.
recipe high.kd high.expect
case kdump
  args --max-pages 70000 --page 0x100000000 --page 0x100001000 --page 0x100300000 --page 0x100301000 --page 0x100302000 --page 0x100303000 --page 0x10ffff000 --page 0x110000000 --page 0x110001000 --page 0xfffffff000
  line capped
  seconds 20
