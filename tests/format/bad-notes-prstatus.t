# A vCPU outside of long mode leaves 144 bytes of PRSTATUS in a 64-bit file (QEMU), others leave odd sizes.
| machine = x86_64
| @note "CORE" 1
|   @at 144
| @note "CORE" 1
|   @at 336
| @note "CORE" 1
|   01
| @note "CORE" 1
| @phys 0x1000
|   01
case elf
  fact note CORE 1 144 bytes crc 700a059c
  fact note CORE 1 336 bytes crc 2d28a891
  fact note CORE 1 1 bytes crc a505df1b
  fact note CORE 1 0 bytes crc 00000000
  any
