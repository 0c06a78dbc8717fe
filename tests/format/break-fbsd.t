# Cut off and damaged everywhere: see breakdump.c for what must hold.
# a minidump with its directory of tables, and one whose ranges meet within a page
| @file
|   "minidump FreeBSD/amd64" 00 00
|   @le32 3 0 8 32
|   @le64 0xfffffe0000000000 0xfffff80000000000 0xfffff80000100000
|   @le32 48
|   @at 4096
|   @le64 0x3000 0x5000
|   @le64 0xf000 0x11000
|   @le64 0 0
|   @at 8192
|   05 00 00 00 00 00 00 00
|   @at 12288
|   @le64 0x4003 0x100003 0x83 0x3003
|   @at 16384
|   @le64 0xf003 0x5003 0x10003 0 0x20000003
|   00*4056
|   @at 20480
|   62*4096
case bytes
  break cuts 1 200
  break flips 1 300
  break junk 1 300
  seconds 300
| @file
|   "minidump FreeBSD/amd64" 00 00
|   @le32 3 0 8 8
|   @le64 0xfffffe0000000000 0xfffff80000000000 0xfffff80000100000
|   @le32 96
|   @at 4096
|   @le64 0x3000 0x4800
|   @le64 0x4800 0x6000
|   @le64 0x6100 0x6200
|   @le64 0x6200 0x6300
|   @le64 0x9000 0xa000
|   @le64 0 0
|   @at 8192
|   4a 00 00 00 00 00 00 00
|   @at 12288
|   @le64 0
|   @at 16384
|   62*4096
|   "one "*1024
|   61*4096
case bytes
  break cuts 2 200
  break flips 2 300
  break junk 2 300
  seconds 300
# a dump device with a compressed dump
| @file
|   ff*65536
|   46 72 65 65 42 53 44 20 4b 65 72 6e 65 6c 20 44 75 6d 70 00 61 6d 64 36 34 00*10 04 00 00 00 02 00
|   00 00 00 00 00 00 40 00 00 00 00 65 53 f1 00 00 00 00 00 00 00 02 00 68*64 46 72 65 65 42 53 44 20
|   31 32 2e 31 2d 52 45 4c 45 41 53 45 20 72 33 35 34 32 33 33 20 47 45 4e 45 52 49 43 20 0a 00*154 70
|   61 67 65 20 66 61 75 6c 74 0a 63 70 75 69 64 20 3d 20 30 00*155 01 00 00 00 00 00 00 02 00 00 00 00
|   00 0f 1f c6 4f
|   1f 8b 08 00 00 00 00 00 02 03 ed c3 31 0d c0 20 10 00 c0 af 03 1c 50 33 6c 20 83 81 85 fa 9f 5a
|   c2 56 0b e4 2e b9 d2 46 bd 62 49 b1 bd 39 7e 9e d9 6f 55 55 55 f5 ec 1f ce 81 39 e5 20 10 00*450
|   46 72 65 65 42 53 44 20 4b 65 72 6e 65 6c 20 44 75 6d 70 00 61 6d 64 36 34 00*10 04 00 00 00 02 00
|   00 00 00 00 00 00 40 00 00 00 00 65 53 f1 00 00 00 00 00 00 00 02 00 68*64 46 72 65 65 42 53 44 20
|   31 32 2e 31 2d 52 45 4c 45 41 53 45 20 72 33 35 34 32 33 33 20 47 45 4e 45 52 49 43 20 0a 00*154 70
|   61 67 65 20 66 61 75 6c 74 0a 63 70 75 69 64 20 3d 20 30 00*155 01 00 00 00 00 00 00 02 00 00 00 00
|   00 0f 1f c6 4f
case bytes
  break cuts 3 200
  break flips 3 300
  break junk 3 300
  seconds 300
# a full dump
| @file
|   7f "ELF" 02 01 01 ff 00*8
|   @le16 4 62
|   @le32 1
|   @le64 0 64 0
|   @le32 0
|   @le16 64 56 2 0 0 0
|   @le32 1 4
|   @le64 4096 0x200000 0x200000 4096 4096 4096
|   @le32 0x6fb5d000 4
|   @le64 0 0xffffffff80200000 0x1234000 0 0 4096
|   @at 4096
|   "one "*1024
case bytes
  break cuts 4 200
  break flips 4 300
  break junk 4 300
  seconds 300
