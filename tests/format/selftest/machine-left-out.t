# fails: - phys 0x1000-0x1fff not saved
# A page more in the bitmap: all behind it are others, and one that was left out is there.
recipe minidump-holes.kd minidump-holes.expect
case minidump version=3 patch=bitmap:xor:1 extend=2174976
  only
