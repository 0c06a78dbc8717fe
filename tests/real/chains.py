#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""User stacks of a zoo dump beside the chains of functions that its programs say they wait in.

  chains.py KCODBG DUMP ZOO.JSONL

In a chain `?` is any frame and `...` any number of them. A stripped program's functions have no
names: there only the number of frames and what is named is compared.
"""
import json
import re
import subprocess
import sys


def pattern(chain):
    """A regular expression over "name,name,"."""
    parts = {'...': '(?:[^,]*,)*', '?': '[^,]*,'}
    return ''.join(parts.get(w) or f'(?:{re.escape(w)}|\\?),' for w in chain.split(','))


def main():
    kcodbg, dump, truth = sys.argv[1:]
    out = subprocess.run([kcodbg, 'bt', '--all', '-u', '--json', dump], capture_output=True, check=False).stdout
    rows = {row['tid']: row for row in map(json.loads, out.splitlines())}
    same = different = 0
    with open(truth, encoding='utf-8') as f:
        for chain in map(json.loads, f):
            if chain['is'] != 'chain':
                continue
            frames = rows.get(chain['tid'], {}).get('user_frames', [])
            names = ''.join((f['function'] or '?').split('@')[0] + ',' for f in frames)
            if re.match(pattern(chain['frames']), names):
                same += 1
                continue
            different += 1
            print(f"thread {chain['tid']}: not {chain['frames']}\n  but {names}")
    print(f'{same} chains as they should be, {different} not')
    return 1 if different or not same else 0


if __name__ == '__main__':
    sys.exit(main())
