# What is known by its first bytes but not read: the error names it and says what to do.
# Rows: bzip2 xz lz4 compress vmware qemu_savevm libvirt_save avml xc_core xc_save windows hibernation kernel_image
| @file
|   "BZh91AY&SY" 00*4096
case bytes
  open unsupported bunzip2
| @file
|   fd "7zXZ" 00*4096
case bytes
  open unsupported unxz
| @file
|   04 22 4d 18 00*4096
case bytes
  open unsupported lz4 -d
| @file
|   1f 9d 90 00*4096
case bytes
  open unsupported gzip -dc
| @file
|   @le32 0xbed2bed2
|   00*4096
case bytes
  open unsupported vmss2core
| @file
|   @le32 0xbad1bad1
|   00*4096
case bytes
  open unsupported VMware
| @file
|   "QEVM" 00 00 00 03 00*4096
case bytes
  open unsupported dump-guest-memory
| @file
|   "LibvirtQemudSave" 00*4096
case bytes
  open unsupported virsh dump
| @file
|   "LibvirtQemudPart" 00*4096
case bytes
  open unsupported virsh dump
| @file
|   "AVML" 02 00 00 00 00*4096
case bytes
  open unsupported avml-convert
| @file
|   ed eb 0f f0 00*4096
case bytes
  open unsupported xl dump-core
| @file
|   "LinuxGuestRecord" 00*4096
case bytes
  open unsupported Xen save
| @file
|   "PAGEDU64" 00*4096
case bytes
  open unsupported Windows
| @file
|   "PAGEDUMP" 00*4096
case bytes
  open unsupported Windows
| @file
|   00*4086 "S1SUSPEND" 00*4096
case bytes
  open unsupported hibernation
| @file
|   00*510 55 aa "HdrS" 00*4096
case bytes
  open bad file
| @file
|   00*510 55 aa "xxHdrS" 00*4096
case bytes
  open unsupported name the vmcore
# the same inside of wrappers
case bytes,gzip
  open unsupported name the vmcore
