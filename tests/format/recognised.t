# What is known by its first bytes but not read: the error names it and says what to do.
# Rows: bzip2 xz lz4 compress vmware qemu_savevm libvirt_save avml xc_core xc_save windows hibernation kernel_image textdump fbsd_key fbsd_encrypted
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
| @file
|   "ddb.txt" 00*250 "ustar" 00 "00" 00*4096
case bytes
  open unsupported tar -xf
case bytes,gzip
  name textdump.tar.0.gz
  open unsupported tar -xf
| @file
|   "version.txt" 00*246 "ustar" 00 "00" 00*4096
case bytes
  open unsupported textdump
# another tar file
| @file
|   "ddb.txt.old" 00*246 "ustar" 00 "00" 00*4096
case bytes
  open bad file not recognised
| @file
|   01 5a*32
|   @be32 256
|   a7*256 00*219
case bytes
  open unsupported decryptcore -p PRIVATEKEY -k key.N
| @file
|   02 5a*32
|   @be32 512
|   a7*512 00*475
case bytes
  open unsupported key of an encrypted
# a key of ChaCha20 that is cut, and one with something behind it
| @file
|   02 5a*32
|   @be32 1024
|   a7*475
case bytes
  open bad file
| @file
|   01 5a*32
|   @be32 256
|   a7*256 00*218 01
case bytes
  open bad file
# what is encrypted looks like nothing
| @file
|   @random 7 8192
case bytes
  name vmcore_encrypted.7
  open unsupported decryptcore -p PRIVATEKEY -k key.N -e vmcore_encrypted.N -c vmcore.N
case bytes,gzip
  name vmcore_encrypted.7.gz
  open unsupported decryptcore
case bytes
  name vmcore.7
  open bad file
# ... and a dump is one whatever it is called
recipe basic.kd basic.expect
case elf
  name vmcore_encrypted.7
