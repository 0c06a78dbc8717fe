# Cut off and damaged everywhere: see breakdump.c for what must hold.
| @file
|   @be32 0x9d8fca
|   10 00 08 00
|   @le32 2
|   00*4
|   @be32 0x4008fac
|   @le32 48
|   @le64 0x2000 2
|   @le64 0x1000 0x1000
|   @le64 0x3000 0x2000
|   @be32 0x8008fac
|   @le32 12288
|   "one "*1024
|   "three "*500 00*1096
|   "four"*1024
case bytes
  break cuts 1 200
  break flips 1 300
  break junk 1 300
  seconds 300
| @file
|   ff*4096
|   @be32 0x49d8fca
|   @le32 504
|   @le64 0x2000 2
|   @le64 0x1000 0x1000
|   @le64 0x3000 0x2000
|   00*456
|   "one "*1024
|   "three "*500 00*1096
|   "four"*1024
|   5a*100000
case bytes
  break cuts 2 200
  break flips 2 300
  break junk 2 300
  seconds 300
