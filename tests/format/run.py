#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Run format tests: compile recipes with kdmk, read them with dumpfacts, compare.

Usage: run.py --bin DIR --kdmk PATH --work DIR [--sanitized] FILE.t...
       run.py ... --self-test DIR     each .t there must fail as its first line says

A .t file has lines of these kinds; an indented line belongs to the case above:

  recipe NAME.kd [NAME.expect]  from fixtures/; what a reader should see of it
  | TEXT                        a line of a recipe of the .t file's own
  case LAYERS [KEY=VALUE...]    as kdmk takes them: format,wrapper,... and options
    open STATUS [TEXT]          how the open ends (default ok) and a part of its message
    warn TEXT                   a warning with TEXT must come (none may come unasked)
    because TEXT                a page that cannot be read says TEXT
    drop PREFIX / line LINE     change what is expected
    fact TEXT                   an output line that is not in the .expect (codecs lzo ...)
    none TEXT                   no output line begins so
    any                         do not compare the memory
    only                        read what the .expect names, not all that the dump describes
    name NAME                   what the dump's file is called (dump)
    beside NAME LINE            a line of a text file in the same folder
    files N...                  the files of a split set to give, in this order
    args WORD...                options of dumpfacts
    break HOW SEED COUNT        damage the dump with breakdump instead of reading it (with --sanitized: a third)
    memory MIB / seconds N      limits, default 300 and 60
"""
import argparse
import os
import pathlib
import re
import resource
import shlex
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
FIXTURES = HERE.parents[1] / 'fixtures'
DIRECT = 0xffff888000000000
MEMORY_LINE = re.compile(r'^(phys|virt) (0x[0-9a-f]+|0)(-0x[0-9a-f]+)? ')
UTS = ('sysname', 'nodename', 'release', 'version', 'machine', 'domainname')
# What a format can say beyond the memory: facts by name; texts, notes and virtual memory by flag.
CAN = {
    'elf': {'elf_machine', 'memory_end', 'nr_cpus', 'incomplete', 'texts', 'notes', 'virt'},
    'kdump': {'elf_machine', 'memory_end', 'nr_cpus', 'incomplete', 'texts', 'notes', 'phys_base', 'dump_level',
              'time', *UTS},
    'lime': {'memory_end'},
    'raw': {'memory_end'},
    'lkcd': {'elf_machine', 'memory_end', *UTS},
    's390': {'memory_end'},
    'xen': {'elf_machine', 'memory_end'},
    'sadump': {'elf_machine', 'memory_end', 'nr_cpus'},
    'bytes': set(),
    'minidump': {'elf_machine', 'sysname', 'virt', 'msgbuf'},
    'fulldump': {'elf_machine', 'memory_end'},
    'kcore': {'elf_machine', 'memory_end', 'root'},
}
# What the header of a dump device adds.
CAN_BY_DEVICE = {'sysname', 'nodename', 'version', 'panic', 'time'}
# Formats that cannot tell a page that was left out from no memory at all, or from zeros.
NO_EXCLUDED = {'lime', 'lkcd', 'xen', 'minidump', 'fulldump', 'kcore'}
NO_HOLES = {'raw', 's390'}


class Failure(Exception):
    pass


class Case:
    def __init__(self, recipe, expect, words, line):
        self.recipe, self.expect, self.line = recipe, expect, line
        self.layers, self.options = words[0], words[1:]
        self.open, self.warn, self.because, self.drop, self.lines, self.facts = ('ok', ''), [], [], [], [], []
        self.any, self.files, self.args, self.breaks, self.only = False, None, [], [], False
        self.name, self.beside, self.none = 'dump', {}, []
        self.memory, self.seconds = 300, 60

    @property
    def format(self):
        return self.layers.split(',')[0]

    def option(self, key, otherwise):
        for word in reversed(self.options):
            if word.startswith(key + '='):
                return word[len(key) + 1:]
        return otherwise


def parse(path):
    """The cases of a .t file."""
    cases, recipe, expect, inline = [], None, None, []
    for number, raw in enumerate(path.read_text().splitlines(), 1):
        text = raw.strip()
        if not text or text.startswith('#'):
            continue
        word, _, rest = text.partition(' ')
        rest = rest.strip()
        if word == '|':
            inline.append(rest)
            continue
        if inline:
            recipe, expect, inline = '\n'.join(inline) + '\n', None, []
        if word == 'recipe':
            words = rest.split()
            recipe = FIXTURES / words[0]
            expect = HERE / words[1] if len(words) > 1 else None
        elif word == 'case':
            if recipe is None:
                raise Failure(f'line {number}: a case without a recipe')
            cases.append(Case(recipe, expect, rest.split(), number))
        elif not raw[0].isspace() or not cases:
            raise Failure(f"line {number}: '{word}' is nothing that I know")
        else:
            directive(cases[-1], word, rest, number)
    if not cases:
        raise Failure('no case')
    return cases


def directive(case, word, rest, number):
    if word == 'open':
        for status in ('not saved', 'no symbol', 'no type', 'out of memory', 'bad file'):
            if rest.startswith(status):
                break
        else:
            status = rest.split(' ')[0]
        case.open = (status, rest[len(status):].strip())
    elif word in ('warn', 'because', 'drop', 'none'):
        getattr(case, word).append(rest)
    elif word == 'line':
        case.lines.append(rest)
    elif word == 'fact':
        case.facts.append(rest)
    elif word in ('any', 'only'):
        setattr(case, word, True)
    elif word == 'files':
        case.files = rest.split()
    elif word == 'name':
        case.name = rest
    elif word == 'beside':
        name, _, line = rest.partition(' ')
        case.beside[name] = case.beside.get(name, '') + line + '\n'
    elif word == 'args':
        case.args = shlex.split(rest)
    elif word == 'break':
        case.breaks.append(rest.split())
    elif word in ('memory', 'seconds'):
        setattr(case, word, int(rest))
    else:
        raise Failure(f"line {number}: '{word}' is nothing that I know")


def address(line):
    return int(MEMORY_LINE.match(line).group(2), 0)


def of_machine(case, golden):
    """
    The golden lines of a machine that is laid out (kdmk's expect.c) as this format has them: a dump of all RAM, or one
    of the kernel's memory. To be read one by one ("only"), what is left out is told as well.
    """
    everything = case.format == 'fulldump' or case.format == 'kcore' and case.option('sparse', '0') == '0'
    lines = []
    for line in golden:
        kind, _, rest = line.partition(' ')
        left_out = case.only and case.format == 'minidump'
        if kind == 'full' and (everything or left_out):
            lines.append('phys ' + (rest if everything else not_saved(rest)))
        elif kind == 'virtfull' and left_out:
            lines.append('virt ' + not_saved(rest))
        elif kind == 'direct' and case.format == 'minidump':
            lines.append('virt ' + rest)
        elif kind not in ('full', 'virtfull', 'direct', 'user') and (case.only or not line.endswith(' no memory')):
            lines.append(line)
    return lines if case.only else joined(lines)


def not_saved(rest):
    where = rest.split(' ')[0]
    return f'{where if "-" in where else f"{where}-{int(where, 0) + 4095:#x}"} not saved'


def joined(lines):
    """Runs of zeros that touch become one, as a reader of all memory tells them."""
    out = []
    for line in lines:
        match = re.match(r'(phys|virt) (0x[0-9a-f]+)-(0x[0-9a-f]+) zero$', line)
        last = re.match(r'(phys|virt) (0x[0-9a-f]+)-(0x[0-9a-f]+) zero$', out[-1]) if out else None
        if match and last and match[1] == last[1] and int(last[3], 0) + 1 == int(match[2], 0):
            out[-1] = f'{match[1]} {last[2]}-{match[3]} zero'
        else:
            out.append(line)
    return out


def expected(case, golden):
    """The golden lines that this format can tell, with the case's own changes."""
    can, want = set(CAN[case.format]), []
    if 'bsddevice' in case.layers.split(','):
        can |= CAN_BY_DEVICE
    golden = of_machine(case, golden)
    version = int(case.option('version', '6')) if case.format == 'kdump' else 6
    for line in golden:
        kind, name = (line.split(' ') + [''])[:2]
        excluded = line.endswith(' not saved')
        if (kind == 'fact' and name not in can
                or kind == 'note' and ('notes' not in can or version < 4)
                or kind == 'vmcoreinfo' and ('texts' not in can or version < 3)
                or kind == 'eraseinfo' and ('texts' not in can or version < 5)
                or kind == 'virt' and 'virt' not in can
                or kind in ('root', 'msgbuf')
                or kind == 'phys' and excluded and case.format in NO_EXCLUDED | NO_HOLES and not case.only
                or kind == 'phys' and line.endswith(' zero') and case.format in NO_HOLES
                or any(re.match(re.escape(prefix) + r'($|[ -]|(?<=-))', line) for prefix in case.drop)):
            continue
        want.append(line)
    if case.option('vaddr', '') == 'direct':
        for line in [w for w in want if w.startswith('phys ')]:
            want.append('virt ' + re.sub(r'0x[0-9a-f]+(?= |-)|(?<=-)0x[0-9a-f]+',
                                         lambda m: hex(int(m.group(0), 16) + DIRECT), line[5:]))
    return in_order(want + case.lines)


def in_order(lines):
    """Memory by kind and address, the rest in front, as it came."""
    rest = [line for line in lines if not MEMORY_LINE.match(line)]
    memory = [line for line in lines if MEMORY_LINE.match(line)]
    return rest + sorted(memory, key=lambda line: (line[:4], address(line)))


def observed(case, lines):
    if case.format in NO_HOLES:
        lines = [line for line in lines if not line.endswith((' zero', ' not saved'))]
    elif case.format in NO_EXCLUDED - {'lime'} and not case.only:
        lines = [line for line in lines if not line.endswith((' not saved', ' unmapped'))]
    if case.format == 'minidump':
        lines = [line for line in lines if not line.startswith('fact memory_end')]
    if case.format == 's390':
        lines = [line for line in lines if not line.startswith('fact elf_machine')]
    return in_order(lines)


class Runner:
    def __init__(self, args):
        self.bin, self.kdmk, self.work = pathlib.Path(args.bin), args.kdmk, pathlib.Path(args.work)
        self.sanitized = args.sanitized

    def run(self, argv, case):
        """Its exit status and output; a crash, a hang or a sanitizer's report is a failure."""
        def limits():
            if not self.sanitized:
                resource.setrlimit(resource.RLIMIT_AS, (case.memory << 20, case.memory << 20))
        env = dict(os.environ, TMPDIR=str(self.work.resolve()),
                   ASAN_OPTIONS=f'hard_rss_limit_mb={case.memory * 3}:exitcode=99')
        try:
            got = subprocess.run(argv, capture_output=True, text=True, errors='replace', timeout=case.seconds,
                                 preexec_fn=limits, env=env)
        except subprocess.TimeoutExpired:
            raise Failure(f'not done after {case.seconds} s') from None
        if got.returncode < 0:
            raise Failure(f'killed by signal {-got.returncode}')
        if got.returncode == 99 or 'runtime error' in got.stderr or 'Sanitizer' in got.stderr:
            raise Failure('sanitizer: ' + got.stderr[:2000])
        return got.returncode, got.stdout + got.stderr

    def make(self, case):
        """Compile the recipe; the paths of the dump's files."""
        recipe, out = case.recipe, self.work / case.name
        for old in self.work.iterdir():
            old.unlink()
        for name, text in case.beside.items():
            (self.work / name).write_text(text)
        if isinstance(recipe, str):
            (self.work / 'inline.kd').write_text(recipe)
            recipe = self.work / 'inline.kd'
        done = subprocess.run([self.kdmk, recipe, case.layers, out, *case.options], capture_output=True, text=True)
        if done.returncode:
            raise Failure('kdmk: ' + done.stderr.strip())
        if case.option('split', None) and case.format == 'kdump':
            numbers = case.files or [str(i + 1) for i in range(int(case.option('split', '1')))]
            return [f'{out}.{n}' for n in numbers]
        return [str(out)]

    def golden(self, case):
        if case.expect is None:
            return []
        text = case.expect.read_text()
        (self.work / 'dump.expect').unlink(missing_ok=True)
        done = subprocess.run([self.kdmk, case.recipe, 'expect', self.work / 'dump.expect'],
                              capture_output=True, text=True)
        if done.returncode:
            raise Failure('kdmk: ' + done.stderr.strip())
        if (self.work / 'dump.expect').read_text() != text:
            raise Failure(f'{case.expect.name} is not what kdmk makes of {case.recipe.name} (kdmk RECIPE expect OUT)')
        return text.splitlines()

    def check(self, case):
        files = self.make(case)
        golden = self.golden(case)
        for how in case.breaks:
            kind, seed, count = how
            # Sanitizers make each several times slower: a third of them there, all without.
            if self.sanitized:
                count = str(max(int(count) // 3, 10))
            status, text = self.run([self.bin / 'breakdump', kind, *files[:1], seed, count], case)
            if status:
                raise Failure(f'breakdump: {text[:3000]}')
            print('  ' + text.strip().splitlines()[-1])
        if case.breaks:
            return
        args = list(case.args)
        if case.only:
            (self.work / 'only').write_text('\n'.join(w for w in expected(case, golden) if MEMORY_LINE.match(w)) + '\n')
            args += ['--only', str(self.work / 'only')]
        if case.format == 'raw' and '--format' not in args:
            args += ['--format', 'raw', '--raw-base', case.option('raw_base', hex(address(
                next(line for line in golden if line.startswith('phys ')))))]
        status, text = self.run([self.bin / 'dumpfacts', *args, *files], case)
        lines = text.splitlines()
        if status or any(line.startswith('MISMATCH') for line in lines):
            raise Failure(f'dumpfacts: exit status {status}: {text[-2000:]}')
        self.compare(case, golden, lines)

    def compare(self, case, golden, lines):
        found = next((line[7:] for line in lines if line.startswith('status ')), 'no status')
        message = ''.join(line for line in lines if line.startswith('error '))
        if found != case.open[0] or case.open[1] not in message:
            raise Failure(f'the open ends with "{found}" {message}, expected: {" ".join(case.open)}')
        warnings = [line[5:] for line in lines if line.startswith('warn ')]
        for text in case.warn:
            if not any(text in w for w in warnings):
                raise Failure(f'no warning says "{text}": {warnings}')
        for w in warnings:
            if not any(text in w for text in case.warn):
                raise Failure(f'an unexpected warning: {w}')
        reasons = [line for line in lines if line.startswith('# ')]
        for text in case.because:
            if not any(text in r for r in reasons):
                raise Failure(f'no page says "{text}": {reasons[:5]}')
        for text in case.facts:
            if text not in [line.strip() for line in lines]:
                raise Failure(f'no line "{text}" among {lines[:12]}')
        for text in case.none:
            if any(line.startswith(text) for line in lines):
                raise Failure(f'a line begins with "{text}"')
        if case.open[0] != 'ok' or case.any:
            return
        quiet = ('status', 'warn', 'format', 'wrappers', 'codecs', 'block_size', 'class', '#', 'root', 'msgbuf')
        got = observed(case, [line for line in lines if line.split(' ')[0] not in quiet])
        want = expected(case, golden)
        for line in golden:
            if line.startswith(('root kernel ', 'msgbuf ')) and line.split(' ')[0] in CAN[case.format] \
                    and line not in lines:
                raise Failure(f'no line "{line}" among {lines[:16]}')
        if case.only:
            nowhere = {line.split(' ')[1] for line in want if line.endswith(' no memory')}
            want = [line for line in want if not line.endswith(' no memory')]
            got = [line for line in got
                   if not (line.endswith((' not saved', ' unmapped')) and line.split(' ')[1] in nowhere)]
        if got != want:
            missing = [f'  - {line}' for line in want if line not in got]
            extra = [f'  + {line}' for line in got if line not in want]
            raise Failure('differs from what is expected:\n' + '\n'.join(missing[:20] + extra[:20] or ['  the order']))


def run_file(runner, path):
    """Number of failures."""
    failed = 0
    for case in parse(path):
        try:
            runner.check(case)
        except Failure as failure:
            failed += 1
            print(f'{path.name}:{case.line}: case {case.layers} {" ".join(case.options)}: {failure}')
    return failed


def self_test(runner, folder):
    """Every .t there must fail, with the words of its first line behind '# fails:'."""
    wrong, files = 0, sorted(pathlib.Path(folder).glob('*.t'))
    for path in files:
        want = path.read_text().splitlines()[0].removeprefix('# fails:').strip()
        try:
            cases = parse(path)
            for case in cases:
                runner.check(case)
            got = 'nothing failed'
        except Failure as failure:
            got = str(failure)
        if want not in got:
            wrong += 1
            print(f'self-test: {path.name}: expected "{want}", got: {got}')
    if not files:
        print('self-test: no file')
    return wrong + (not files)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--bin', required=True)
    parser.add_argument('--kdmk', required=True)
    parser.add_argument('--work', required=True)
    parser.add_argument('--sanitized', action='store_true')
    parser.add_argument('--self-test')
    parser.add_argument('files', nargs='*')
    args = parser.parse_args()
    shutil.rmtree(args.work, ignore_errors=True)
    os.makedirs(args.work)
    runner = Runner(args)
    if args.self_test:
        failed = self_test(runner, args.self_test)
    else:
        failed = 0
        for name in args.files:
            try:
                failed += run_file(runner, pathlib.Path(name))
            except Failure as failure:
                failed += 1
                print(f'{name}: {failure}')
    if not failed:
        shutil.rmtree(args.work, ignore_errors=True)
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
