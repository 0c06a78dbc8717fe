kcodbg --debug-dir=/nonexistent vm -m 144 zoo.kdump
