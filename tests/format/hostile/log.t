# The ring buffer of the log: sizes that make no sense, ids out of range, text that is not there.
poke u64 sym:prb 0x1000
run log
  status 4
  err no page is mapped at 0x1000
poke u32 sym:prb>@printk_ringbuffer.desc_ring.count_bits 63
run log
  status 4
  err makes no sense
poke u32 sym:prb>@printk_ringbuffer.text_data_ring.size_bits 63
run log
  status 4
  err makes no sense
poke u32 sym:prb>@printk_ringbuffer.desc_ring.count_bits 0
run log
  status 0 1 4
poke u64 sym:prb>@printk_ringbuffer.desc_ring.tail_id 0xffffffffffffffff
run log
  status 1
  out records of the log cannot be read
poke u64 sym:prb>@printk_ringbuffer.desc_ring.head_id 5
run log
  status 4
  err records of the log cannot be read
poke u64 sym:prb>@printk_ringbuffer.desc_ring.infos 0x4141414141414141
run log
  status 4
  err not a canonical address
poke missing sym:prb>@printk_ringbuffer.text_data_ring.data>
run log
  status 1
  out of the log cannot be read
poke fill sym:prb>@printk_ringbuffer.text_data_ring.data> ff 4096
run log
  status 0 1
