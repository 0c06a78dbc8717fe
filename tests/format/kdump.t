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
case kdump block=65536 codec=raw
  any
# A TiB: what is far away is found without a look at what lies between.
recipe high.kd high.expect
case kdump
  args --max-pages 70000 --page 0x100000000 --page 0xfffffff000
  line capped
  seconds 20
