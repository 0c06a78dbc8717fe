# fails: expected: corrupt page fault
recipe compact.kd compact.expect
case elf patch=ehdr.phnum:le16:0
  open corrupt page fault
