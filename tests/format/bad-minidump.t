# Lying FreeBSD minidumps, made from a machine with holes in its RAM: sizes, versions, dump_avail, cut files.
# Rows: fbsd_minidump
recipe minidump-holes.kd
case minidump version=2 patch=hdr.version:le32:4
  open unsupported version 4
case minidump version=2 patch=hdr.version:le32:-1
  open unsupported version 4294967295
case minidump version=2 patch=hdr.bitmapsize:le32:0xfffffff8
  open truncated page bitmap
# not whole words
case minidump version=2 patch=hdr.bitmapsize:le32:0xffffffff
  open corrupt page bitmap of 4294967295 bytes
case minidump version=2 patch=hdr.pmapsize:le32:0xffffffff
  open truncated kernel map
# dump_avail: its size, its end
case minidump version=3 patch=hdr.dumpavailsize:le32:0
  open corrupt does not end within its 0 bytes
case minidump version=3 patch=hdr.dumpavailsize:le32:0xffffffff
  open corrupt 4294967295 bytes
# one pair short: the end is behind it
case minidump version=3 patch=hdr.dumpavailsize:le32:64
  open corrupt does not end within its 64 bytes
# ranges that are not in order, overlap, are empty, wrap, are more than the bitmap has bits for
case minidump version=3 patch=avail[1].start:le64:0x1000
  open corrupt from 0x1000 to 0x200000 behind 0x9f000
case minidump version=3 patch=avail[1].start:le64:0x9e000
  open corrupt from 0x9e000 to 0x200000 behind 0x9f000
case minidump version=3 patch=avail[1].end:le64:0x100000
  open corrupt from 0x100000 to 0x100000
case minidump version=3 patch=avail[0].start:le64:-1
  open corrupt from 0xffffffffffffffff to 0x9f000
case minidump version=3 patch=avail[3].end:le64:-1
  open corrupt to 0xffffffffffffffff
case minidump version=3 patch=avail[3].end:le64:0x4000000000000
  open corrupt the bitmap 32768 bits
# where the end mark was there is one more range, in front of the others
case minidump version=3 patch=avail.end+8:le64:0x1600000
  open corrupt from 0 to 0x1600000 behind 0x1500000
# files cut within a part
case minidump version=3 cut=avail+16
  open truncated dump_avail
case minidump version=2 cut=bitmap+8
  open truncated
case minidump version=2 cut=pmap+8
  open truncated
# a page of page tables that the dump does not have: only what is mapped through it is lost
| os = FreeBSD
| arch = amd64
| kernbase = 0xfffffe0000000000
| ram = 0x1000 0x9f000
| @phys 0x3000
|   "one page\n"*400
| @map 0xfffffe0000000000 0x3000 0x1000 w
case minidump version=2 patch=pd[0]:le64:0x50003
  any
  because page table at 0x50000 (for 0xfffffe0000000000)
