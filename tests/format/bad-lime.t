# LiME ranges that lie.
recipe basic.kd basic.expect
case lime patch=range[0]:le32:0
  open bad file
case lime patch=range[0]+4:le32:2
  open unsupported LiME version 2
case lime patch=range[0]+8:le64:-1
  open corrupt
case lime patch=range[0]+16:le64:-1
  open corrupt
case lime patch=range[0]+8:le64:0 patch=range[0]+16:le64:0x7ffffffffffffffe
  warn truncated
  any
  args --max-pages 5000
# a range that swallows all others, and one whose successor is nowhere
case lime patch=range[0]+16:le64:0x0fffffffffff
  warn truncated
  any
  args --max-pages 5000
case lime patch=range[0]+16:le64:0x2fff
  warn no LiME header
  any
