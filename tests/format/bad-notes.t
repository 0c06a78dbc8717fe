# Notes that run over their end, and areas that lie about their size.
recipe basic.kd basic.expect
case elf patch=notes:le32:0xffffffff
  warn runs over their end
  drop note
  drop vmcoreinfo
  drop eraseinfo
  drop fact nr_cpus
case elf patch=notes+4:le32:0xffffffff
  warn runs over their end
  drop note
  drop vmcoreinfo
  drop eraseinfo
  drop fact nr_cpus
# a note without a name
case elf patch=notes:le32:0
  any
case elf patch=phdr[0].filesz:le64:0x4000000000000
  warn notes are truncated
  warn only the first
  warn runs over their end
  any
case elf patch=phdr[0].offset:le64:-16
  warn notes
  drop note
  drop vmcoreinfo
  drop eraseinfo
  drop fact nr_cpus
# read with the wrong padding they fall apart, but stay within their area
case elf align=8 patch=phdr[0]+48:le64:4
  warn runs over their end
  any
case kdump patch=sub.size_note:le64:0x4000000000000
  warn only the first
  warn notes are truncated
  warn runs over their end
  any
case kdump patch=sub.offset_note:le64:-8
  warn notes
  drop note
case kdump version=4 vmcoreinfo=text patch=sub.offset_vmcoreinfo:le64:-8
  warn vmcoreinfo
  drop vmcoreinfo
case kdump version=4 vmcoreinfo=text patch=sub.size_vmcoreinfo:le64:0x7fffffffffffffff
  warn vmcoreinfo
  drop vmcoreinfo
case kdump patch=sub.size_eraseinfo:le64:0x7fffffff
  warn eraseinfo
  drop eraseinfo
