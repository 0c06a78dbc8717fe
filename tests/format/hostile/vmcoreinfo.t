# VMCOREINFO: doubled keys (the last wins), wild numbers, no end of line, bytes that are no text, none at all.
poke info OSRELEASE=nonsense
run sys
  status 0
  not nonsense
poke info+ OSRELEASE=later\n
run ps
  spoils 0
poke info+ SYMBOL(swapper_pg_dir)=ffffffffffffffffffffffffffffffffff\n
run ps
  status 0 4
poke info+ SYMBOL(init_top_pgt)=0\nSYMBOL(swapper_pg_dir)=0\n
run ps
  status 0 4
poke info+ NUMBER(phys_base)=-9223372036854775808\n
run ps
  status 0 4
poke info+ NUMBER(phys_base)=99999999999999999999999\n
run ps
  status 0 4
poke info+ KERNELOFFSET=zzzz
run ps
  spoils 0
poke info+ \xff\xfe\e[31m=\x00\x00\xff\nNUMBER(
run ps
  spoils 0
poke info+ NUMBER(sme_mask)=9223372036854775807\n
run ps
  status 0 4
poke info -
run ps
  status 0 4
