# Hostile ELF headers: refused, clipped or left out with a word, never believed.
recipe basic.kd basic.expect
case elf patch=ehdr.phnum:le16:0
  open corrupt without program headers
case elf patch=ehdr.phentsize:le16:55
  open corrupt program headers of 55 bytes
case elf patch=ehdr.phentsize:le16:0
  open corrupt
case elf patch=ehdr.phoff:le64:0x7fffffffffffffff
  open truncated
case elf patch=ehdr.phoff:le64:-1
  open truncated
case elf patch=ehdr.phoff:le64:65500
  open truncated
# 2^32 - 1 headers by way of section header 0
case elf xnum=1 patch=shdr.info:le32:0xffffffff
  open out of memory
case elf xnum=1 patch=shdr.info:le32:100000
  open truncated
case elf xnum=1 patch=shdr.info:le32:0
  open corrupt
case elf xnum=1 patch=ehdr.shoff:le64:0
  open corrupt no section header
case elf xnum=1 patch=ehdr.shoff:le64:-1
  open corrupt
case elf xnum=1 patch=ehdr.shoff:le64:0x7fffffffffff
  open truncated
case elf patch=ehdr.class:le8:3
  open corrupt class
case elf patch=ehdr.data:le8:2
  open unsupported big-endian
case elf patch=ehdr.type:le16:2
  open bad file executable
case elf patch=ehdr.type:le16:1
  open bad file object file
