# Kernel cores of NetBSD and OpenBSD from the generator, which knows nothing of the reader: whole and
# sparse, other alignments, packed, as they lie on a device; a long list of ranges. And ones that lie.
recipe kcore-netbsd.kd kcore-netbsd.expect
case kcore
case kcore sparse=1
case kcore align=4
case kcore align=16
case kcore,gzip sparse=1
  fact wrappers gzip
case kcore,bsdkcoredevice
  args --format bsd-device
case kcore,bsdkcoredevice sparse=1
  args --format bsd-device
case kcore,bsdkcoredevice,gzip sparse=1 align=16
  args --format bsd-device
case kcore ranges=50000
  only
  drop fact memory_end
  line fact memory_end 0x15869f000
# So many ranges has only a sparse dump: what lies between them was left out
case kcore ranges=40
  only
  drop fact memory_end
  line fact memory_end 0x14004f000
  because a sparse dump leaves out free pages
recipe kcore-openbsd.kd kcore-openbsd.expect
case kcore
case kcore,zstd
case kcore,bsdkcoredevice
  args --format bsd-device
# The table
recipe kcore-netbsd.kd kcore-netbsd.expect
case kcore patch=kcore.nmemsegs:le64:0x1000000000000000
  open corrupt 1152921504606846976 ranges of memory do not fit into a CPU segment
case kcore patch=kcore.nmemsegs:le64:0
  open corrupt no memory
case kcore patch=kcore.mem[0].start:le64:0xfffffffffffff000
  open corrupt range 0
case kcore patch=kcore.mem[1].start:le64:0x1000
  warn ranges of memory overlap
  any
case kcore patch=kcore.mem[2].size:le64:0x40000000000
  warn truncated
  warn data segment's size
  any
  args --max-pages 2000
# Headers
case kcore patch=kcore.c_nseg:le32:3
  open corrupt 3 segments
case kcore patch=kcore.c_hdrsize:le16:20
  open corrupt header of the CPU segment
case kcore patch=kcore.c_seghdrsize:le16:16
  open corrupt header of the data segment
case kcore patch=kcore.c_size:le32:100
  open corrupt header of the data segment
case kcore patch=kcore.c_size:le32:0xffffffff
  open truncated
case kcore patch=kcore.c_midmag:be32:0x00868fca
  open unsupported i386
# Cut in the middle: what is there is read, what is not is told
case kcore cut=0x300000
  warn truncated
  because truncated
  any
