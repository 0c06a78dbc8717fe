kcodbg vm -m 144 zoo.kdump
