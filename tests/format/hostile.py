#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A kernel that lies: change the memory of the small real dump, then look at it with kcodbg.

Usage: hostile.py --kcodbg PATH --pokedump PATH --dump PATH --work DIR [--sanitized] FILE.t...

A file has lines of these kinds; a poke behind a run begins the next case:

  poke WORDS...             as pokedump takes them
  run COMMAND...            a command of kcodbg, on the changed dump
    status N...             the exit status is one of these
    out TEXT / err TEXT     standard output (or error) has TEXT; "not TEXT": neither has
    spoils N                at most N lines of the unchanged dump's output are gone
  chaos FIRST LAST COUNT [PLACE PLACE]
                            for each seed (the first, with --sanitized): COUNT wrong u64 in these pages (@: in all but the kernel image), then all
                            commands; only the manners count

What holds for every run: it ends in time, within the memory limit, by exit status 0, 1, 3 or 4; 1, 3 and 4 come with a
reason; nothing that is no text reaches the terminal.
"""
import argparse
import os
import pathlib
import re
import resource
import shutil
import subprocess
import sys

SECONDS, MEMORY = 30, 400
COMMANDS = ['ps', 'bt --all', 'bt --all -f -s', 'log', 'mod', 'sys', 'bt --all --group --json', 'ps --json']
CONTROL = re.compile(r'[\x00-\x08\x0b-\x1f\x7f]')


class Failure(Exception):
    pass


class Runner:
    def __init__(self, args):
        self.args, self.work = args, pathlib.Path(args.work)
        self.plain = {}

    def command(self, words, dump):
        def limits():
            if not self.args.sanitized:
                resource.setrlimit(resource.RLIMIT_AS, (MEMORY << 20, MEMORY << 20))
        env = dict(os.environ, ASAN_OPTIONS=f'exitcode=99:hard_rss_limit_mb={MEMORY * 3}', DEBUGINFOD_URLS='')
        try:
            got = subprocess.run([self.args.kcodbg, *words, dump], capture_output=True, text=True, errors='replace',
                                 timeout=SECONDS, preexec_fn=limits, env=env, stdin=subprocess.DEVNULL)
        except subprocess.TimeoutExpired:
            raise Failure(f'{words}: not done after {SECONDS} s') from None
        if got.returncode == 99 or 'runtime error' in got.stderr or 'Sanitizer' in got.stderr:
            raise Failure(f'{words}: sanitizer: {got.stderr[:3000]}')
        if got.returncode not in (0, 1, 3, 4):
            raise Failure(f'{words}: exit status {got.returncode}: {got.stderr[:500]}')
        if CONTROL.search(got.stdout + got.stderr):
            raise Failure(f'{words}: control characters in the output')
        if got.returncode and not got.stderr.strip() and not re.search(r'^ *<\w|MISSING:|"why"', got.stdout, re.M):
            raise Failure(f'{words}: exit status {got.returncode} without a reason')
        return got

    def poke(self, pokes):
        out = self.work / 'poked'
        done = subprocess.run([self.args.pokedump, self.args.dump, out, *pokes], capture_output=True, text=True)
        if done.returncode:
            raise Failure(f'{pokes}: {done.stderr.strip()}')
        return out

    def unchanged(self, words):
        key = tuple(words)
        if key not in self.plain:
            self.plain[key] = self.command(words, self.args.dump).stdout.splitlines()
        return self.plain[key]

    def chaos(self, words):
        first, last, count = words[:3]
        # Sanitizers make each several times slower: one seed of a line there, all of them without.
        for seed in range(int(first), (int(first) if self.args.sanitized else int(last)) + 1):
            if words[3:] == ['@']:
                pokes = ['chaos-out', str(seed), count, 'sym:_text', 'sym:_end']
            elif words[3:]:
                pokes = ['chaos-in', str(seed), count, *words[3:]]
            else:
                pokes = ['chaos', str(seed), count]
            dump = self.poke(pokes)
            for command in COMMANDS:
                try:
                    self.command(command.split(), dump)
                except Failure as failure:
                    raise Failure(f'{" ".join(pokes)}: {failure}') from None


class Case:
    """Pokes, then runs with what is expected of each."""

    def __init__(self):
        self.pokes, self.runs = [], []

    def check(self, runner):
        dump = runner.poke(self.pokes)
        for line, words, wants in self.runs:
            try:
                self.check_run(runner, dump, words, wants)
            except Failure as failure:
                raise Failure(f'line {line}: poke {" ".join(self.pokes)}: {failure}') from None

    @staticmethod
    def check_run(runner, dump, words, wants):
        got = runner.command(words, dump)
        for kind, rest in wants:
            if kind == 'status' and str(got.returncode) not in rest.split():
                raise Failure(f'{words}: exit status {got.returncode}, expected {rest}: {got.stderr[:500]}')
            if kind == 'out' and rest not in got.stdout:
                raise Failure(f'{words}: the output has no "{rest}": {got.stdout[-1500:]}')
            if kind == 'err' and rest not in got.stderr:
                raise Failure(f'{words}: standard error has no "{rest}": {got.stderr[:1500]}')
            if kind == 'not' and rest in got.stdout + got.stderr:
                raise Failure(f'{words}: "{rest}" is there')
            if kind == 'spoils':
                have = set(got.stdout.splitlines())
                gone = [line for line in runner.unchanged(words) if line not in have]
                if len(gone) > int(rest):
                    raise Failure(f'{words}: {len(gone)} lines are gone, such as {gone[:5]}')


def run_file(runner, path):
    """What failed."""
    case, cases, done = Case(), [], 0
    for number, raw in enumerate(path.read_text().splitlines(), 1):
        text = raw.strip()
        word, _, rest = text.partition(' ')
        if not text or text.startswith('#'):
            continue
        if word == 'poke':
            if case.runs:
                cases.append(case)
                case = Case()
            case.pokes += rest.split()
        elif word == 'run':
            case.runs.append((number, rest.split(), []))
        elif word == 'chaos':
            runner.chaos(rest.split())
            done += 1
        elif word in ('status', 'out', 'err', 'not', 'spoils') and case.runs:
            case.runs[-1][2].append((word, rest))
        else:
            raise Failure(f"line {number}: '{word}' is nothing that I know")
    if case.runs:
        cases.append(case)
    if not cases and not done:
        raise Failure('no case')
    failures = []
    for case in cases:
        try:
            case.check(runner)
        except Failure as failure:
            failures.append(str(failure))
    return failures


def main():
    parser = argparse.ArgumentParser()
    for name in ('--kcodbg', '--pokedump', '--dump', '--work'):
        parser.add_argument(name, required=True)
    parser.add_argument('--sanitized', action='store_true')
    parser.add_argument('--fails', action='store_true', help='the self-test: each file must fail as its first line says')
    parser.add_argument('files', nargs='+')
    args = parser.parse_args()
    shutil.rmtree(args.work, ignore_errors=True)
    os.makedirs(args.work)
    runner, failed = Runner(args), 0
    for name in args.files:
        path = pathlib.Path(name)
        try:
            failures = run_file(runner, path)
        except Failure as failure:
            failures = [str(failure)]
        if args.fails:
            want = path.read_text().splitlines()[0].removeprefix('# fails:').strip()
            failures = [] if any(want in f for f in failures) else [f'expected "{want}", got {failures}']
        for failure in failures:
            print(f'{path.name}: {failure}')
        failed += len(failures)
    shutil.rmtree(args.work, ignore_errors=True)
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
