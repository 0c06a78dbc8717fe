# info.N beside vmcore.N, as printheader() of FreeBSD's savecore writes it.
# Rows: fbsd_info
recipe minidump-holes.kd
case minidump
  name vmcore.0
  beside info.0 Dump header from device: /dev/nvd0p3
  beside info.0   Architecture: amd64
  beside info.0   Architecture Version: 2
  beside info.0   Dump Length: 2166784
  beside info.0   Blocksize: 512
  beside info.0   Compression: none
  beside info.0   Dumptime: 2023-05-17 14:07:58 +0100
  beside info.0   Hostname: box.example
  beside info.0   Magic: FreeBSD Kernel Dump
  beside info.0   Version String: FreeBSD 14.0-CURRENT #2 main-n261806-d3a49f62a284: Mon Mar 27 16:15:25 UTC 2023
  beside info.0     root@box.example:/usr/obj
  beside info.0   Panic String: Duplicate free of 0xfffff80339ef3000
  beside info.0   Dump Status: bad (a second line of the panic's text would come before the real one)
  beside info.0   Dump Parity: 3958266970
  beside info.0   Bounds: 0
  beside info.0   Dump Status: good
  any
  args --max-pages 20
  warn Dump Status
  fact fact time 1684328878
  fact fact nodename box.example
  fact fact version FreeBSD 14.0-CURRENT #2 main-n261806-d3a49f62a284: Mon Mar 27 16
  fact fact panic Duplicate free of 0xfffff80339ef3000
# the link to the newest, and the other sign
case minidump
  name vmcore.last
  beside info.last   Magic: FreeBSD Kernel Dump
  beside info.last   Dumptime: 2026-04-20 14:22:34 -0330
  any
  args --max-pages 20
  fact fact time 1776707554
case minidump,gzip
  name vmcore.3.gz
  beside info.3   Architecture: amd64
  beside info.3   Compression: none
  beside info.3   Dump Length: 2166784
  beside info.3   Dumptime: Fri Nov 22 11:11:11 2019
  beside info.3   Hostname: packed by savecore
  beside info.3   Magic: FreeBSD Kernel Dump
  any
  args --max-pages 20
  fact fact nodename packed by savecore
  none fact time
# compressed by the kernel: the length is that of the file
case minidump,gzip
  name vmcore.3.gz
  beside info.3   Compression: gzip
  beside info.3   Dump Length: 1
  beside info.3   Magic: FreeBSD Kernel Dump
  beside info.3   Hostname: packed by the kernel
  any
  args --max-pages 20
  warn says 1 bytes (Dump Length), the dump has 14
  fact fact nodename packed by the kernel
# ... and unpacked since: nothing to compare it with
case minidump
  name vmcore.3
  beside info.3   Compression: zstd
  beside info.3   Dump Length: 1
  beside info.3   Magic: FreeBSD Kernel Dump
  beside info.3   Hostname: h
  any
  args --max-pages 20
  fact fact nodename h
# what contradicts
case minidump
  name vmcore.1
  beside info.1   Architecture: aarch64
  beside info.1   Dump Length: 99999999999999999999999
  beside info.1   Magic: FreeBSD Kernel Dump
  beside info.1   Dump Status: unknown
  any
  args --max-pages 20
  warn of aarch64, the dump of ELF machine 62
  warn 18446744073709551615 bytes (Dump Length), the dump has 2166784
  warn "unknown" (Dump Status)
# a full dump is an ELF file that says nothing of its system
case fulldump
  name vmcore.2
  beside info.2   Magic: FreeBSD Kernel Dump
  beside info.2   Dump Length: 15331328
  beside info.2   Panic String: page fault
  any
  args --max-pages 20
  fact fact sysname FreeBSD
  fact fact panic page fault
# another file of that name
case minidump
  name vmcore.4
  beside info.4   Hostname: no
  any
  none fact panic
  none fact nodename no
  args --max-pages 20
  warn is not the text
# of a textdump, which is beside no vmcore of its own
case minidump
  name vmcore.4
  beside info.4   Magic: FreeBSD Text Dump
  any
  none fact panic
  none fact nodename no
  args --max-pages 20
  warn is not the text
# another name: nobody looks
case minidump
  name core.4
  beside info.4   Hostname: no
  beside info.4   Magic: FreeBSD Kernel Dump
  any
  none fact panic
  none fact nodename no
  args --max-pages 20
case minidump
  name vmcore.5
  beside info.4   Hostname: no
  beside info.4   Magic: FreeBSD Kernel Dump
  any
  none fact panic
  none fact nodename no
  args --max-pages 20
# another system's dump
recipe basic.kd
case elf
  name vmcore.0
  beside info.0   Magic: FreeBSD Kernel Dump
  beside info.0   Panic String: page fault
  any
  none fact panic
  args --max-pages 20
# it is no dump itself
| @file
|   "Dump header from device: /dev/ada0p3\n  Architecture: amd64\n  Hostname: box\n"
case bytes
  open unsupported name the vmcore.N
