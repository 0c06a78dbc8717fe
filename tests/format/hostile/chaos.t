# Wrong words anywhere: everywhere, in tasks and stacks, in BTF, kallsyms, ORC, data.
chaos 1 3 20
chaos 1 3 300
chaos 4 7 100 @
chaos 8 11 1000 @
chaos 1 2 10 sym:__start_BTF sym:__stop_BTF
chaos 3 4 300 sym:__start_BTF sym:__stop_BTF
chaos 1 2 30 sym:__start_rodata sym:__end_rodata
chaos 3 4 300 sym:__start_rodata sym:__end_rodata
chaos 1 3 500 sym:__start_orc_unwind_ip sym:__stop_orc_unwind
chaos 1 3 300 sym:_sdata sym:_edata
