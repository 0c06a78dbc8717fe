kcodbg help set
